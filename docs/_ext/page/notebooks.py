"""Every chapter as a notebook in the reader's language, and links that open notebooks elsewhere.

A chapter's notebook is made from the page as it stands in the edition: prose becomes Markdown cells
and cells become cells again, without their output.
All notebooks of an edition, those of the gallery's scripts too, lie in its folder ``notebooks``.

Colab and ModelScope open a notebook by its place in a public repository on GitHub. The setting
``notebooks_repository`` names one (``owner/name``) whose branch ``notebooks`` holds these folders;
without it no page has such a link.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.typing import ExtensionMetadata

from page.exercises import exercise, fold
from page.install_line import install_line
from page.markdown import Markdown, escaped, exercise_title
from page.reading_order import stems
from translation.catalogs import add_messages
from translation.editions import address, editions, published

__all__ = ["HOSTS", "chapter_notebook", "hosted_links"]

_ = get_translation("sphinx")

# Messages of sphinx.po.
WORDS = ("The chapter as a notebook: {0}", "Run it in {0}")
# Each opens a public notebook by its address, and the reader needs an account there to run it.
HOSTS = {
    "Colab": "https://colab.research.google.com/github/{0}/blob/notebooks/{1}",
    "ModelScope": "https://modelscope.cn/notebook/share/github/{0}/blob/notebooks/{1}",
}
Cell = dict[str, Any]


class Chapter(Markdown):
    """Writes a page as cells; links lead to the site if its address is known."""

    def __init__(self, page_address: str = "") -> None:
        super().__init__(page_address)
        self.cells: list[Cell] = []
        self.prose: list[str] = []

    def end_prose(self) -> None:
        """Make a Markdown cell of what has been written since the last cell."""
        text = "\n\n".join(part for part in self.prose if part.strip())
        if text:
            self.cells.append({"cell_type": "markdown", "metadata": {}, "source": lines(text)})
        self.prose = []

    def write(self, node: nodes.Node, level: int = 1) -> None:
        """Write a block with the cells that it holds."""
        if isinstance(node, nodes.section):
            self.end_prose()
            for child in node.children:
                self.write(child, level + 1)
        elif isinstance(node, nodes.title) and isinstance(node.parent, nodes.section):
            self.prose.append(f"{'#' * (level - 1)} {self.inline(node)}")
        elif isinstance(node, nodes.container) and node.get("nb_element") == "cell_code":
            self.end_prose()
            source = next(
                n
                for n in node.findall(nodes.container)
                if n.get("nb_element") == "cell_code_source"
            )
            self.cells.append(code_cell(next(iter(source.findall(nodes.literal_block))).astext()))
        elif has_cells(node):
            if isinstance(node, exercise):
                self.prose.append(exercise_title(node))
            elif isinstance(node, fold):
                self.prose.append(f"**{_(node['kind'])}**")
            for child in node.children:
                self.write(child, level)
        else:
            self.prose.append(self.block(node))


def has_cells(node: nodes.Node) -> bool:
    """Tell whether a block holds cells of code."""
    return any(n.get("nb_element") == "cell_code" for n in node.findall(nodes.container))


def lines(text: str) -> list[str]:
    """Cut a text as notebooks keep it."""
    return text.splitlines(keepends=True)


def code_cell(code: str) -> Cell:
    """Make a cell of code that has not run."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": lines(code),
    }


def chapter_notebook(
    doctree: nodes.document, *, first_cell: str, last_words: str = "", page_address: str = ""
) -> dict[str, Any]:
    """Make a notebook of a page.

    Parameters
    ----------
    doctree : docutils.nodes.document
        The page, in the language of its edition, with its links resolved.
    first_cell : str
        The code that installs what the page needs.
    last_words : str
        Who holds the rights.
    page_address : str
        Where the page is published; without it the notebook has no links into the site.
    """
    chapter = Chapter(page_address)
    for child in doctree.children:
        chapter.write(child)
    chapter.prose.append(escaped(last_words))
    chapter.end_prose()
    return {
        "cells": [code_cell(first_cell), *chapter.cells],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 4,
    }


def hosted_links(repository: str, path: str) -> dict[str, str]:
    """Give the address of a notebook on each host; none without a repository.

    Parameters
    ----------
    repository : str
        ``owner/name`` on GitHub, or nothing.
    path : str
        The notebook's, in the branch: ``zh/conv.ipynb``.
    """
    if not repository:
        return {}
    return {name: form.format(repository, path) for name, form in HOSTS.items()}


def installing(app: Sphinx, code: str) -> str:
    """Have the first cell install the library by itself where the notebook is opened elsewhere."""
    return re.sub("^# (?=%pip)", "", code) if app.config.notebooks_repository else code


def folder_of(app: Sphinx) -> str:
    """Name the edition's folder."""
    return next(e.folder for e in editions() if e.language == app.config.language)


def add_notebook(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Write a chapter's notebook, and link to it and to its hosts on the page."""
    if app.builder.name != "html":
        return
    items: list[nodes.Node] = []
    name = f"{page.rpartition('/')[2]}.ipynb"
    if page in stems():
        # a chapter may run `cnnguide train`
        first = app.config.sphinx_gallery_conf["first_notebook_cell"]
        line = install_line(first.replace("[gallery]", "[gallery,train]"))
        notebook = chapter_notebook(
            doctree,
            first_cell=installing(app, line),
            last_words=str(_(app.config.copyright)),
            page_address=f"{address()}{folder_of(app)}/{page}.html" if published() else "",
        )
        path = Path(app.outdir, "notebooks", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(notebook, ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")
        before, after = _(WORDS[0]).split("{0}")
        link = addnodes.download_reference(
            "", "", nodes.literal("", name), refuri=f"notebooks/{name}"
        )
        items += [nodes.paragraph("", "", nodes.Text(before), link, nodes.Text(after))]
    elif not re.match(r"auto_examples/(plot|draw)_", page):
        return
    hosts = hosted_links(app.config.notebooks_repository, f"{folder_of(app)}/{name}")
    for host, place in hosts.items():
        words = _(WORDS[1]).format(host)
        items.append(nodes.paragraph("", "", nodes.reference("", words, refuri=place)))
    for facts in doctree.findall(nodes.bullet_list):
        if "page-facts" in facts["classes"]:
            facts += [nodes.list_item("", item) for item in items]
            return
    for footer in doctree.findall(nodes.container):
        if "sphx-glr-footer" in footer["classes"]:
            footer += [nodes.container("", i, classes=["sphx-glr-download"]) for i in items]
            return


def gather(app: Sphinx, error: Exception | None) -> None:
    """Put the notebooks of the gallery's scripts beside those of the chapters."""
    if error or app.builder.name != "html":
        return
    folder = Path(app.outdir, "notebooks")
    folder.mkdir(exist_ok=True)
    for notebook in sorted(Path(app.outdir, "_downloads").glob("*/*.ipynb")):
        copy = folder / notebook.name
        shutil.copyfile(notebook, copy)
        if app.config.notebooks_repository:
            made = json.loads(copy.read_text(encoding="utf-8"))
            first = made["cells"][0]
            first["source"] = lines(installing(app, "".join(first["source"])))
            text = json.dumps(made, ensure_ascii=False, indent=1)
            copy.write_text(text + "\n", encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the setting, and listen for every page and for the end of the build."""
    add_messages(app, WORDS)
    app.add_config_value("notebooks_repository", "", "env", types=frozenset({str}))
    app.connect("doctree-resolved", add_notebook)
    app.connect("build-finished", gather, priority=900)  # the downloads are in the language now
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
