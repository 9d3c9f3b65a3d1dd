"""A page as Markdown: what its notebook holds, and its twin that lies beside it.

Formulas are TeX between dollars, code is fenced, a figure is a link with its alternative text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urljoin

from docutils import nodes
from sphinx import addnodes
from sphinx.locale import get_translation
from sphinx_design.dropdown import dropdown_main, dropdown_title
from sphinx_gallery.directives import imgsgnode

from page.exercises import LEVELS, exercise, fold

__all__ = ["Markdown", "escaped", "exercise_title"]

_ = get_translation("sphinx")

# What says something about the page, or leads to files, and is none of its text.
LEFT_OUT = {"page-facts", "sphx-glr-download-link-note", "sphx-glr-footer", "sphx-glr-timing"}
# How the languages of code are named elsewhere; what a cell prints is in none.
LANGUAGES = {"": "text", "default": "python", "ipython": "python", "ipython3": "python"}
LANGUAGES |= {"myst-ansi": "text", "none": "text"}
# A paragraph that begins so would be taken for a heading, a list or a quotation.
MARK = re.compile(r"^(?:([#>+-])(?=\s)|(\d+)([.)])(?=\s))")


class Markdown:
    """Writes the blocks of a page.

    Parameters
    ----------
    page_address : str
        Where the page is, in full or as a file beside this one; without it no link stays, but those
        to other sites.
    up : str
        The way from the page's folder to the edition's, such as ``../``.
    images : mapping
        The name of each image in the edition's folder of images, where it has another there.
    """

    def __init__(
        self, page_address: str = "", *, up: str = "", images: Mapping[str, str] | None = None
    ) -> None:
        self.page_address = page_address
        self.up = up
        self.images = images or {}

    def block(self, node: nodes.Node) -> str:
        """Write a block."""
        if isinstance(node, nodes.Invisible | nodes.target | nodes.raw) or is_left_out(node):
            return ""
        if isinstance(node, nodes.title) and isinstance(node.parent, nodes.section):
            return f"{'#' * depth(node)} {self.inline(node)}"
        if isinstance(node, nodes.paragraph):
            return MARK.sub(r"\2\\\1\3", self.inline(node))
        if isinstance(node, nodes.rubric | nodes.title | nodes.caption | nodes.term):
            return f"**{self.inline(node)}**"
        if isinstance(node, nodes.math_block):
            return f"$$\n{node.astext().strip()}\n$$"
        if isinstance(node, nodes.literal_block):
            language = node.get("language", "").lower()
            return fenced(node.astext(), LANGUAGES.get(language, language))
        if node.tagname == "code_links_block":  # sphinx-gallery's, with links in the code
            return fenced(node.astext(), "python")
        if isinstance(node, nodes.doctest_block):
            return fenced(node.astext(), "pycon")
        if isinstance(node, nodes.bullet_list | nodes.enumerated_list):
            return "\n".join(self.items(node))
        if isinstance(node, nodes.table):
            return self.table(node)
        if isinstance(node, nodes.image | imgsgnode):
            return self.image(node)
        if isinstance(node, nodes.figure):
            words = [self.inline(caption) for caption in node.findall(nodes.caption)]
            images = [self.image(image) for image in node.findall(nodes.image)]
            return "\n\n".join([*images, *words])
        if isinstance(node, addnodes.desc):
            return self.blocks(node)
        if isinstance(node, nodes.container) and node.get("design_component") == "card-title":
            return f"**{self.blocks(node)}**"
        if isinstance(node, nodes.Admonition | nodes.admonition | nodes.block_quote):
            return "\n".join(f"> {line}".rstrip() for line in self.blocks(node).split("\n"))
        if isinstance(node, exercise):
            return f"{exercise_title(node)}\n\n{self.blocks(node)}"
        if isinstance(node, fold):
            return folded(escaped(str(_(node["kind"]))), self.blocks(node))
        if isinstance(node, dropdown_main):
            title = next(iter(node.findall(dropdown_title)))
            parts = [self.block(child) for child in node.children if child is not title]
            return folded(self.inline(title), "\n\n".join(part for part in parts if part.strip()))
        if isinstance(node, addnodes.desc_signature):
            return f"**{code_span(' '.join(node.astext().split()))}**"
        if isinstance(node, nodes.field):
            name, body = node.children
            return f"**{self.inline(name)}**\n\n{self.blocks(body)}"
        if isinstance(node, nodes.citation):
            label, *parts = node.children
            return f"\\[{self.inline(label)}\\] {' '.join(map(self.block, parts))}"
        return self.blocks(node) if isinstance(node, nodes.Element) else escaped(node.astext())

    def blocks(self, node: nodes.Element) -> str:
        """Write the blocks inside a block."""
        if isinstance(node, nodes.TextElement):
            return self.inline(node)
        return "\n\n".join(part for part in map(self.block, node.children) if part.strip())

    def items(self, node: nodes.Element) -> list[str]:
        """Write the items of a list, each with what it holds below its first line."""
        written = []
        for number, item in enumerate(node.children, start=node.get("start", 1)):
            mark = "-" if isinstance(node, nodes.bullet_list) else f"{number}."
            below = "\n" + " " * (len(mark) + 1)
            if "alpha" in node.get("enumtype", ""):  # Markdown numbers no list by letters
                mark = f"- {chr(ord('A') + number - 1)}."
            written.append(f"{mark} " + re.sub(r"\n(?=[^\n])", below, self.blocks(item)))
        return written

    def table(self, node: nodes.table) -> str:
        """Write a table, whose first row is its head."""
        rows = []
        for row in node.findall(nodes.row):
            cells = [" ".join(self.blocks(entry).split()) for entry in row.findall(nodes.entry)]
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
            if len(rows) == 1:
                rows.append("|" + "---|" * len(cells))
        return "\n".join(rows)

    def image(self, node: nodes.Element) -> str:
        """Show an image from the site, or say in words what it shows; one without words adorns."""
        words = escaped(node.get("alt") or "")
        if not words:
            return ""
        if not self.page_address:
            return f"*{words}*"
        name = Path(self.images.get(node["uri"], node["uri"])).name
        return f"![{words}]({self.resolved(f'{self.up}_images/{name}')})"

    def inline(self, node: nodes.Element) -> str:
        """Write the words of a block, with what marks them."""
        written = []
        for child in node.children:
            if isinstance(child, nodes.Text):
                written.append(escaped(child.astext()))
            elif isinstance(child, nodes.math):
                written.append(f"${child.astext()}$")
            elif isinstance(child, nodes.literal):
                written.append(code_span(child.astext()))
            elif isinstance(child, nodes.strong):
                written.append(f"**{self.inline(child)}**")
            elif isinstance(child, nodes.emphasis):
                written.append(f"*{self.inline(child)}*")
            elif isinstance(child, nodes.reference) and self.place(child):
                written.append(f"[{self.inline(child)}]({self.place(child)})")
            elif isinstance(child, nodes.image):
                written.append(self.image(child))
            elif isinstance(child, nodes.Element) and not isinstance(child, nodes.raw):
                written.append(self.inline(child))
        return "".join(written)

    def place(self, reference: nodes.reference) -> str:
        """Give the address that a link leads to; none if it is known to a page of the site only."""
        target = reference.get("refuri") or f"#{reference.get('refid', '')}"
        if isinstance(reference, addnodes.download_reference) and "filename" in reference:
            target = f"{self.up}_downloads/{reference['filename']}"
        return self.resolved(target)

    def resolved(self, target: str) -> str:
        """Complete an address that is written from the page's place."""
        if re.match(r"https?:|mailto:", target):
            return target
        if "://" in self.page_address:
            return urljoin(self.page_address, target)
        if self.page_address and target.startswith("#"):
            return self.page_address + target
        return target if self.page_address else ""


def is_left_out(node: nodes.Node) -> bool:
    """Tell whether a block is none of the page's text."""
    if isinstance(node, nodes.field_list) and isinstance(node.parent, nodes.document):
        return True  # settings of the page
    return isinstance(node, nodes.Element) and bool(LEFT_OUT & {*node.get("classes", ())})


def depth(node: nodes.Node) -> int:
    """Count the sections that a node stands in."""
    parent = node.parent
    return depth(parent) + isinstance(parent, nodes.section) if parent is not None else 0


def exercise_title(node: exercise) -> str:
    """Write the head of an exercise."""
    return f"**{_('Exercise {0}').format(node['number'])}** ({_(LEVELS[node['level']])})"


def folded(name: str, content: str) -> str:
    """Write what is shown when asked for."""
    return f"<details><summary>{name}</summary>\n\n{content}\n\n</details>"


def fenced(code: str, language: str) -> str:
    r"""Write a block of code, whatever fences it has.

    Examples
    --------
    >>> print(fenced("print(1)\n", "python"))
    ```python
    print(1)
    ```
    """
    fence = max(["``", *re.findall(r"^\s*(`{3,})", code, re.MULTILINE)], key=len) + "`"
    return f"{fence}{language}\n{code.rstrip()}\n{fence}"


def escaped(text: str) -> str:
    """Keep Markdown from reading a text's characters as marks."""
    return re.sub(r"([\\`*_$\[\]<])", r"\\\1", text)


def code_span(text: str) -> str:
    """Write code in a line, whatever backquotes it has.

    Examples
    --------
    >>> print(code_span("a"), code_span("`a` or ``b``"))
    `a` ``` `a` or ``b`` ```
    """
    runs = [len(run) for run in re.findall("`+", text)]
    mark = "`" * (max(runs, default=0) + 1)
    # a space beside the marks is no part of the code if there is one at both ends
    edged = "`" in (text[:1], text[-1:]) or (text[:1] == text[-1:] == " " and text.strip(" "))
    return f"{mark} {text} {mark}" if edged else f"{mark}{text}{mark}"
