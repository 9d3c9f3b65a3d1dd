"""Under every entry of the API reference, show the gallery scripts that use it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata


def add_minigallery(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Append the thumbnails of the scripts that sphinx-gallery found using the object."""
    examples = Path(app.srcdir, "gen_backrefs", f"{name}.examples")
    if what != "module" and examples.exists() and examples.stat().st_size:
        lines += ["", ".. rubric:: Examples using it", "", f".. minigallery:: {name}", ""]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen to autodoc, after napoleon has read the docstring."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", add_minigallery, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
