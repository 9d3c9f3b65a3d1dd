"""A figure leads to its file; a small script shows it enlarged on the page instead."""

from __future__ import annotations

import html
import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.typing import ExtensionMetadata

from translation.catalogs import add_messages

IMAGE = re.compile(r'<img\b[^>]*\bsrc="([^"]*_images/sphx_glr_(?:plot|draw)_\w+_\d{3}\.svg)"[^>]*>')
CLOSE = "Close"
_ = get_translation("sphinx")


def link_figures(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Put every figure of a page into a link to its file."""
    link = rf'<a class="enlarge" href="\1" data-close="{html.escape(_(CLOSE))}">\g<0></a>'
    if "body" in context:
        context["body"] = IMAGE.sub(link, context["body"])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for every page."""
    add_messages(app, [CLOSE])
    app.connect("html-page-context", link_figures)
    app.add_js_file("enlarge.js", defer="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
