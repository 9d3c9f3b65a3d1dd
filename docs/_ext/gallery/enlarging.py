"""A figure leads to its file; a small script shows it enlarged on the page instead.

A figure whose words would be too small on a phone keeps the width at which they can be read, and is
scrolled in its frame.
"""

from __future__ import annotations

import html
import re
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.typing import ExtensionMetadata

from translation.catalogs import add_messages

__all__ = ["least_width"]

IMAGE = re.compile(
    r'<img\b[^>]*\bsrc="([^"]*_images/(sphx_glr_(?:plot|draw)_\w+_\d{3}\.svg))"[^>]*>'
)
SIZE = re.compile(r"<t(?:ext|span)\b[^>]*font-size: ([\d.]+)px")
READABLE = 9  # pixels; smaller words strain the eyes
PHONE = 346  # pixels that gallery.css gives a figure on a phone
STEP = 50  # pixels between the widths for which gallery.css has a class
CLOSE = "Close"
_ = get_translation("sphinx")


def least_width(drawing: str) -> int:
    """Give the width in pixels at which the smallest word of a drawing can be read.

    Examples
    --------
    >>> least_width('<svg viewBox="0 0 345.6 200"><text style="font-size: 8px">a</text></svg>')
    389
    """
    sizes = [float(size) for size in SIZE.findall(drawing)]
    width = re.search(r'viewBox="\S+ \S+ (\S+)', drawing)
    if not sizes or not width:
        return 0
    return ceil(float(width[1]) * READABLE / min(sizes))


@cache
def classes(figure: Path) -> str:
    """Name the classes of a figure's link."""
    least = least_width(figure.read_text(encoding="utf-8")) if figure.exists() else 0
    return f"enlarge at-least-{ceil(least / STEP) * STEP}" if least > PHONE else "enlarge"


def link_figures(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Put every figure of a page into a link to its file."""
    images = Path(app.srcdir, "auto_examples", "images")

    def linked(match: re.Match[str]) -> str:
        names = classes(images / match[2])
        close = html.escape(_(CLOSE))
        return f'<a class="{names}" href="{match[1]}" data-close="{close}">{match[0]}</a>'

    if "body" in context:
        context["body"] = IMAGE.sub(linked, context["body"])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for every page."""
    add_messages(app, [CLOSE])
    app.connect("html-page-context", link_figures)
    app.add_js_file("enlarge.js", defer="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
