"""Formulas, typeset while the site is built: no page needs a script for them."""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

MODULES = ("pages",)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Set up the extensions of this package."""
    for name in MODULES:
        app.setup_extension(f"formulas.{name}")
    app.add_css_file("formulas.css", priority=800)  # after Furo's
    app.add_js_file("formulas.js", defer="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
