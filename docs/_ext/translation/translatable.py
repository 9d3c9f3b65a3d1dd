"""Make translatable what Sphinx would leave in English, and name what has no translation.

Sphinx translates prose.
A page also has comments in its code: here they become messages of the page's own catalog, and the
build of every other edition warns of each message that its catalog lacks.
What else has words (figures, experiments) derives from `Carrier`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.nodes import extract_messages
from sphinx.util.typing import ExtensionMetadata

from translation.catalogs import catalog, warn_missing
from translation.comments import comments, translate_comments
from translation.markup import CODE, MATH, ROLE

__all__ = ["Carrier", "become"]


class Carrier(addnodes.translatable):
    """A node of several messages, which are translated together.

    Sphinx leaves out a node as soon as one of its messages is the same in both languages.
    """

    def messages(self) -> list[str]:
        """List the messages; each kind of node has its own."""
        raise NotImplementedError

    def translate(self, words: dict[str, str]) -> None:
        """Put the translations into the node."""
        raise NotImplementedError

    def preserve_original_messages(self) -> None:
        """Keep the messages that stand in the node."""
        self["messages"] = [*dict.fromkeys(self.messages())]

    def extract_original_messages(self) -> list[str]:
        """Give the messages for the catalog."""
        return list(self["messages"])

    def apply_translated_message(self, original_message: str, translated_message: str) -> None:
        """Do nothing: ``TranslateCarriers`` has put all of them in."""


class CommentedCode(Carrier):
    """A block of code with comments."""

    def messages(self) -> list[str]:
        """List the comments."""
        return [words for *_, words in comments(self.astext(), self["language"])]

    def translate(self, words: dict[str, str]) -> None:
        """Put the translated comments into the code."""
        self.rawsource = translate_comments(self.astext(), self["language"], words)
        self[:] = [nodes.Text(self.rawsource)]


class commented_block(nodes.literal_block, CommentedCode):
    """Code with comments."""


class commented_doctest(nodes.doctest_block, CommentedCode):
    """An example of a docstring with comments."""


class worded_formula(nodes.math_block, Carrier):
    """A formula with words."""

    def messages(self) -> list[str]:
        """Give the formula, all of it."""
        return [self.astext()]

    def translate(self, words: dict[str, str]) -> None:
        """Put the formula with translated words into its place."""
        self.rawsource = words.get(self.astext(), self.astext())
        self[:] = [nodes.Text(self.rawsource)]


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
            if re.search(r"\\text\{[^}]*[a-z]{2}", node.astext()):
                become(node, worded_formula)
            else:
                node["translatable"] = False
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

    def no_prose(self, node: nodes.TextElement) -> bool:
        """Tell whether a paragraph is code or a bare reference."""
        text = node.rawsource
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
                warn_missing(self.app, f"no translation in {domain}.po", message, location=node)
        for carrier in [*self.document.findall(Carrier)]:
            carrier.translate(words)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the transforms."""
    for transform in (Prepare, TranslateCarriers):
        app.add_transform(transform)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
