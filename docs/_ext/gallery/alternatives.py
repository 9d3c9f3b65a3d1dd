"""What a figure shows, in words: a chapter's alternative text serves wherever the figure stands.

sphinx-gallery has nothing but the titles in a figure to say of it.
A chapter that shows the figure says what there is to see, in a message of its own catalog.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from sphinx.application import Sphinx

from translation.catalogs import gettext

__all__ = ["alternative", "described"]

FIGURE = re.compile(
    r"/auto_examples/images/(\S+\.svg)\n(?:[ \t]*:[\w-]+:.*\n)*?[ \t]*:(?:img-)?alt: (.+)"
)


@cache
def described(docs: Path) -> dict[str, tuple[str, str]]:
    """Give, for each figure, the page that says in words what it shows, and these words.

    A chapter that has the figure's stem goes before other pages.
    """
    found: dict[str, tuple[str, str]] = {}
    for page in sorted(docs.glob("*.md")):
        for name, words in FIGURE.findall(page.read_text(encoding="utf-8")):
            if name not in found or f"_{page.stem}_" in name:
                found[name] = page.stem, words.strip()
    return found


def alternative(app: Sphinx, name: str) -> str:
    """Say what a figure shows, in the language of the edition; nothing if no page says it."""
    page, words = described(Path(app.srcdir)).get(name, ("", ""))
    return gettext(app, page, words) if words else ""
