"""Experiments: still figures that small programs bring to life."""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

MODULES = ("directive", "files")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Set up the extensions of this package."""
    for name in MODULES:
        app.setup_extension(f"page.experiments.{name}")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
