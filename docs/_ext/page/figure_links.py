"""Let readers download every figure as SVG, in the language of the page, below its caption."""

from __future__ import annotations

import html
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.typing import ExtensionMetadata

from translation.catalogs import add_messages

__all__ = ["linked"]

_ = get_translation("sphinx")

NAME = "Download this figure as SVG"
FIGURE = re.compile(r"<figure\b.*?</figure>", re.DOTALL)
SOURCE = re.compile(r'<img\b[^>]*\bsrc="([^"]+\.svg)"')


def linked(figure: str, name: str) -> str:
    """Add a link to the file of a figure beside its caption, if the file is an SVG."""
    source = SOURCE.search(figure)
    if source is None or "<figcaption>" not in figure:
        return figure
    link = (
        f'<a class="figure-link" href="{source[1]}" download '
        f'aria-label="{html.escape(name)}: SVG">SVG</a>'
    )
    return figure.replace("<figcaption>", f"<figcaption>{link}")  # it floats beside the text


def add_links(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Go through the figures of a page."""
    if "body" in context and app.builder.name == "html":  # a book has nothing to download
        context["body"] = FIGURE.sub(lambda match: linked(match[0], _(NAME)), context["body"])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for every page."""
    add_messages(app, (NAME,))
    app.connect("html-page-context", add_links)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
