"""The guide without a network: a folder to unpack, a book for e-readers, a book on paper."""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

MODULES = ("epub", "shelf")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Set up the extensions of this package."""
    for name in MODULES:
        app.setup_extension(f"offline.{name}")
    app.add_css_file("print.css", priority=900, media="print")  # after all others
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
