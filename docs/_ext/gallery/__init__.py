"""The gallery: how its figures are saved and its pages made, in every language."""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

MODULES = (
    *("data_pages", "downloads", "enlarging", "examples_using", "figure_words", "freshness"),
    *("messages", "progress", "runs"),
)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Set up the extensions of this package."""
    for name in MODULES:
        app.setup_extension(f"gallery.{name}")
    app.add_css_file("gallery.css", priority=800)  # after Furo's
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
