"""Make translatable what Sphinx would leave in English, and say what has no translation.

Sphinx translates prose.
A page also has comments in its code, figures with words, thumbnails with tooltips, and sentences
that sphinx-gallery writes.
Here they become messages of the page's own catalog, and the build of every other edition warns of
each message that its catalog lacks.
"""

from __future__ import annotations

import gettext
import html
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import exercises
import furo
import page_facts
from catalog_check import CODE, MATH, ROLE
from docutils import nodes
from figure_words import messages_of, with_numbers, without_numbers
from jinja2 import Environment
from jinja2.ext import extract_from_ast
from myst_nb.sphinx_ import HideCodeCellNode, depart_HideCellInput, visit_HideCellInput
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.gettext import MessageCatalogBuilder, MsgOrigin
from sphinx.locale import get_translation
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.nodes import extract_messages
from sphinx.util.typing import ExtensionMetadata
from sphinx_gallery.directives import imgsgnode

__all__ = ["catalog", "comments", "translate_comments"]

logger = logging.getLogger(__name__)
_ = get_translation("sphinx")

# What stands on pages but in no source of theirs, as messages of sphinx.po; {0} is what varies.
WORDS = (
    "Go to the end",
    "to download the full example code.",
    "Download Jupyter notebook: {0}",
    "Download Python source code: {0}",
    "Download zipped: {0}",
    "Download all examples in Python source code: {0}",
    "Download all examples in Jupyter notebooks: {0}",
    "Total running time of the script:",
    "({0} minutes {1} seconds)",
    "'s",
    "Show code cell source",
    "Hide code cell source",
    "Toggle hidden content",
    *exercises.WORDS,
    *page_facts.WORDS,
)
FURNITURE = re.compile(r":download:|:ref:`Go to the end|\*\*Total running time")
VARYING = re.compile(r"[\w-]+\.(?:ipynb|py|zip)\b|\d+(?:\.\d+)?")
LEXERS = {"python": "python", "default": "python", "ipython3": "python", "ipython": "python"}
LEXERS |= {"bash": "bash", "sh": "bash", "none": "", "text": "", "myst-ansi": ""}
DIRECTIVE = re.compile(r"%%|fmt:|noqa|type:|doctest:|!")


@cache
def catalog(locale: Path, language: str, domain: str) -> dict[str, str]:
    """Read the messages of a page in a language, as Sphinx compiled them."""
    found = gettext.translation(domain, locale, languages=[language], fallback=True)
    return dict(getattr(found, "_catalog", {}))


def say(app: Sphinx, domain: str, message: str) -> str:
    """Translate a message of a page's catalog; warn if the catalog lacks it."""
    if app.config.language == "en":
        return message
    words = catalog(Path(app.srcdir, "locale"), app.config.language, domain)
    if message not in words:
        logger.warning("no translation in %s.po: %s", domain, message)
    return words.get(message, message)


# Comments in code


def comments(code: str, language: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and words of every comment that says something.

    Whole lines of comment that follow one another are one comment.
    """
    lexer = LEXERS.get(language.lower(), language.lower())
    if not lexer:
        return
    run: tuple[int, int, str] | None = None
    for start, kind, text in get_lexer_by_name(lexer, stripnl=False).get_tokens_unprocessed(code):
        if kind not in Comment or not text.startswith("#"):
            continue
        text, words = text.rstrip(), text.lstrip("#").strip()
        if DIRECTIVE.match(words) or not re.search(r"[a-z]{3}", words):
            continue
        alone = not code[:start].rpartition("\n")[2].strip()
        between = code[run[1] : start] if run else ""
        if run and alone and not between.strip() and between.count("\n") == 1:
            run = (run[0], start + len(text), f"{run[2]} {words}")
            continue
        if run:
            yield run
        run = (start, start + len(text), words)
        if not alone:
            yield run
            run = None
    if run:
        yield run


def translate_comments(code: str, language: str, words: dict[str, str]) -> str:
    """Put each comment's translation where the comment stands; the code stays as it is."""
    for start, end, message in reversed([*comments(code, language)]):
        if message in words:
            code = f"{code[:start]}# {words[message]}{code[end:]}"
    return code


class Carrier(addnodes.translatable):
    """A node of several messages, which are translated together.

    Sphinx leaves out a node as soon as one of its messages is the same in both languages.
    """

    def preserve_original_messages(self) -> None:
        """Keep the messages that stand in the node."""
        self["messages"] = [*dict.fromkeys(self.found())]

    def extract_original_messages(self) -> list[str]:
        """Give the messages for the catalog."""
        return list(self["messages"])

    def apply_translated_message(self, original_message: str, translated_message: str) -> None:
        """Do nothing: ``TranslateCarriers`` has put all of them in."""


class CommentedCode(Carrier):
    """A block of code with comments."""

    def found(self) -> list[str]:
        return [words for *_, words in comments(self.astext(), self["language"])]

    def translate(self, words: dict[str, str]) -> None:
        self.rawsource = translate_comments(self.astext(), self["language"], words)
        self[:] = [nodes.Text(self.rawsource)]


class commented_block(nodes.literal_block, CommentedCode):
    """Code with comments."""


class commented_doctest(nodes.doctest_block, CommentedCode):
    """An example of a docstring with comments."""


class figure_with_words(imgsgnode, Carrier):
    """A figure of the gallery: its alternative text, and the words in the drawing."""

    def found(self) -> list[str]:
        return [without_numbers(self["alt"])[0], *messages_of(Path(self["file"]))]

    def translate(self, words: dict[str, str]) -> None:
        message, numbers = without_numbers(self["alt"])
        self["alt"] = with_numbers(words.get(message, message), numbers)


def become(node: nodes.Element, kind: type[nodes.Element], **attributes: Any) -> None:
    """Put a node of another class, with the same content, into a node's place."""
    new = object.__new__(kind)
    new.__dict__.update(node.__dict__)
    new.attributes = {**node.attributes, **attributes}
    for child in node.children:
        child.parent = new
    node.replace_self(new)


class Prepare(SphinxTransform):
    """Turn what should be translated into nodes that Sphinx translates, before it looks."""

    default_priority = 5

    def apply(self, **kwargs: Any) -> None:
        """Go through the page."""
        for node in [*self.document.findall(nodes.math_block)]:
            # a formula is the same in every language, unless it has words
            node["translatable"] = bool(re.search(r"\\text\{[^}]*[a-z]{2}", node.astext()))
        if self.document.children and isinstance(self.document[0], nodes.field_list):
            for node in self.document[0].findall(nodes.TextElement):
                node["translatable"] = False  # settings of the notebook, which no reader sees
        for node in [*self.document.findall(nodes.TextElement)]:
            if isinstance(node, nodes.paragraph | nodes.title) and self.no_prose(node):
                node["translatable"] = False
        for node in [*self.document.findall(nodes.literal_block)]:
            language = node.get("language", "default")
            if any(comments(node.astext(), language)):
                become(node, commented_block, language=language)
        for node in [*self.document.findall(nodes.doctest_block)]:
            if any(comments(node.astext(), "pycon")):
                become(node, commented_doctest, language="pycon")
        for node in [*self.document.findall(imgsgnode)]:
            file = str(Path(self.env.srcdir, node["uri"].lstrip("/")))
            become(node, figure_with_words, file=file)

    def no_prose(self, node: nodes.TextElement) -> bool:
        """Tell whether a paragraph is code, a bare reference, or a sentence of sphinx-gallery's."""
        text = node.rawsource
        if FURNITURE.match(text.strip()):
            for leaf in [*node.findall(nodes.Text)]:
                message, found = without_numbers(" ".join(leaf.split()), VARYING)
                said = nodes.Text(leaf.replace(leaf.strip(), with_numbers(_(message), found)))
                leaf.parent.replace(leaf, said)
            return True
        bare = CODE.sub("", MATH.sub("", re.sub(r":doc:`[^`]*`", "", text)))
        # ResNet-18, 11.7 M and NVIDIA H100 are the same in every language
        return bool(text) and not re.search(r"\b[A-Z]?[a-z]{2,}\b", ROLE.sub("role", bare))


class TranslateCarriers(SphinxTransform):
    """Translate the nodes above, and warn of every message that the edition's catalog lacks."""

    default_priority = 15  # after Sphinx has kept the messages (10), before it translates (20)

    def apply(self, **kwargs: Any) -> None:
        """Go through the page."""
        if self.config.language == "en" or self.app.builder.name == "gettext":
            return
        domain = self.env.current_document.docname
        words = catalog(Path(self.env.srcdir, "locale"), self.config.language, domain)
        for node, message in extract_messages(self.document):
            # Napoleon has put the names of fields into the language already
            if re.search(r"[A-Za-z]{2}", message) and message not in words:
                logger.warning("no translation in %s.po: %s", domain, message, location=node)
        for carrier in [*self.document.findall(Carrier)]:
            carrier.translate(words)


class Thumbnails(SphinxTransform):
    """Translate titles and tooltips of thumbnails, which sphinx-gallery writes as raw HTML."""

    default_priority = 30

    def apply(self, **kwargs: Any) -> None:
        """Go through the page."""
        if self.config.language == "en":
            return
        blocks = [n for n in self.document.findall(nodes.raw) if "sphx-glr-thumb" in n.astext()]
        for node in blocks:
            text = re.sub(
                r'(tooltip="|thumbnail-title">)([^"<]+)',
                lambda m: m[1] + html.escape(self.thumbnail(html.unescape(m[2]))),
                node.astext(),
            )
            node[:] = [nodes.Text(text)]

    def thumbnail(self, message: str) -> str:
        """Look a title or an introduction up in the scripts' catalogs."""
        locale = Path(self.env.srcdir, "locale")
        for path in sorted(Path(self.env.srcdir, "auto_examples").glob("plot_*.rst")):
            words = catalog(locale, self.config.language, f"auto_examples/{path.stem}")
            for known, said in words.items():
                if known.replace("*", "") == message:
                    return re.sub(r" ?\*([^*]+)\* ?", r"\1", said)  # no emphasis in a tooltip
        logger.warning("no translation of a thumbnail's words: %s", message)
        return message


def visit_hidden_cell(translator: Any, node: HideCodeCellNode) -> None:
    """Write the switch of a hidden cell."""
    start = len(translator.body)
    for prompt in ("prompt_show", "prompt_hide"):
        node[prompt] = _(node[prompt])
    visit_HideCellInput(translator, node)
    label = "Toggle hidden content"
    translator.body[start:] = [part.replace(label, _(label)) for part in translator.body[start:]]


def add_words(app: Sphinx) -> None:
    """Hand sphinx-gallery's sentences and those of Furo's page to the extractor of messages."""
    if isinstance(app.builder, MessageCatalogBuilder):
        page = Path(furo.__file__).parent / "theme" / "furo" / "page.html"
        furo_page = Environment(extensions=["jinja2.ext.i18n"]).parse(page.read_text("utf-8"))
        furo_words = [str(message) for *_, message in extract_from_ast(furo_page)]
        for words in (*WORDS, app.config.copyright, *furo_words):
            app.builder.catalogs["sphinx"].add(words, MsgOrigin(__file__, 0))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the transforms."""
    app.connect("builder-inited", add_words)
    app.add_node(HideCodeCellNode, override=True, html=(visit_hidden_cell, depart_HideCellInput))
    for transform in (Prepare, TranslateCarriers, Thumbnails):
        app.add_transform(transform)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
