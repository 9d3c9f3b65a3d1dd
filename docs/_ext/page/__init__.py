"""What our pages have beside prose: library code, exercises, experiments, definitions."""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

MODULES = (
    *("definitions", "exercises", "experiments", "facts", "faults", "hidden_cells", "notebooks"),
    *("source", "versions"),
)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Set up the extensions of this package."""
    for name in MODULES:
        app.setup_extension(f"page.{name}")
    app.add_css_file("page.css", priority=800)  # after Furo's
    app.add_js_file("scrollable.js", defer="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
