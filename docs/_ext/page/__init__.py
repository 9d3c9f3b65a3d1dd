"""What our pages have beside prose: library code, exercises, questions, experiments."""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

MODULES = (
    *("chapter_links", "definitions", "exercises", "experiments", "facts", "faults", "feed"),
    *("figure_links", "hidden_cells", "install_line", "metadata", "notebooks", "policy"),
    *(
        "questions",
        "removed",
        "repository",
        "sheets",
        "signatures",
        "slim_code",
        "source",
        "twins",
        "versions",
    ),
)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Set up the extensions of this package."""
    for name in MODULES:
        app.setup_extension(f"page.{name}")
    for style in ("colours.css", "page.css"):
        app.add_css_file(style, priority=800)  # after Furo's
    for script in ("drawers.js", "scrollable.js", "sidebar.js"):
        app.add_js_file(script, defer="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
