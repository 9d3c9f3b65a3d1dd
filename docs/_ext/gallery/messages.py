"""What sphinx-gallery writes by itself, as messages: its sentences, figures and thumbnails."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.transforms import SphinxTransform
from sphinx.util.typing import ExtensionMetadata
from sphinx_gallery.directives import imgsgnode

from cnnguide.show import with_numbers, without_numbers
from gallery.alternatives import alternative, described
from gallery.figure_words import messages_of
from translation.catalogs import add_messages, catalog, warn_missing
from translation.translatable import Carrier, become

_ = get_translation("sphinx")

# Its sentences, as messages of sphinx.po; {0} is what varies.
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
)
OUT = "Out:"  # before what a script prints; its style sheet writes it
FURNITURE = re.compile(r":download:|:ref:`Go to the end|\*\*Total running time")
VARYING = re.compile(r"[\w-]+\.(?:ipynb|py|zip)\b|\d+(?:\.\d+)?")


class figure_with_words(imgsgnode, Carrier):
    """A figure of the gallery: its alternative text, and the words in the drawing."""

    def messages(self) -> list[str]:
        """List the messages."""
        titles = [] if self["described"] else [without_numbers(self["alt"])[0]]
        return [*titles, *messages_of(Path(self["file"]))]

    def translate(self, words: dict[str, str]) -> None:
        """Translate the titles, if nothing else says what there is to see.

        A chapter's words are translated there; the drawing is written anew after the build.
        """
        if not self["described"]:
            message, numbers = without_numbers(self["alt"])
            self["alt"] = with_numbers(words.get(message, message), numbers)


class PrepareGallery(SphinxTransform):
    """Translate the sentences, and turn figures into nodes that Sphinx translates."""

    default_priority = 4  # before the paragraphs are looked at (5)

    def apply(self, **kwargs: Any) -> None:
        """Go through the page."""
        for node in [*self.document.findall(nodes.paragraph)]:
            if FURNITURE.match(node.rawsource.strip()):
                node["translatable"] = False
                self.translate_sentence(node)
        for figure in [*self.document.findall(imgsgnode)]:
            file = Path(self.env.srcdir, figure["uri"].lstrip("/"))
            page, words = described(Path(self.env.srcdir)).get(file.name, ("", ""))
            if words:
                figure["alt"] = alternative(self.app, file.name)
                self.env.note_dependency(f"{page}.md")
                if (language := self.config.language) != "en":  # a page without it is always stale
                    self.env.note_dependency(f"locale/{language}/LC_MESSAGES/{page}.mo")
            become(figure, figure_with_words, file=str(file), described=bool(words))

    def translate_sentence(self, node: nodes.paragraph) -> None:
        """Put a sentence into the page's language."""
        for leaf in [*node.findall(nodes.Text)]:
            message, numbers = without_numbers(" ".join(leaf.split()), VARYING)
            translation = with_numbers(_(message), numbers)
            leaf.parent.replace(leaf, nodes.Text(leaf.replace(leaf.strip(), translation)))


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
        """Look a title or an introduction up in the scripts' catalogs; the page depends on it."""
        locale, language = Path(self.env.srcdir, "locale"), self.config.language
        scripts = Path(self.env.srcdir, "auto_examples")
        for path in sorted([*scripts.glob("plot_*.rst"), *scripts.glob("draw_*.rst")]):
            domain = f"auto_examples/{path.stem}"
            words = catalog(locale, language, domain)
            for known, translation in words.items():
                if known.replace("*", "") == message:
                    written = locale / language / "LC_MESSAGES" / f"{domain}.po"
                    self.env.note_dependency(str(written))
                    # a tooltip has no emphasis
                    return re.sub(r" ?\*([^*]+)\* ?", r"\1", translation)
        warn_missing(self.app, "no translation of a thumbnail's words", message)
        return message


def label_outputs(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Say in the page's language that this is what a script has printed."""
    if "body" in context:
        label = f'<div data-label="{html.escape(_(OUT))}" class="sphx-glr-script-out '
        context["body"] = context["body"].replace('<div class="sphx-glr-script-out ', label)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the messages and the transforms."""
    add_messages(app, [*WORDS, OUT])
    app.connect("html-page-context", label_outputs)
    app.add_transform(PrepareGallery)
    app.add_transform(Thumbnails)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
