"""The order of the gallery's scripts: that of their chapters."""

from __future__ import annotations

from pathlib import Path

from sphinx_gallery.sorting import _SortKey

from page.reading_order import stems

__all__ = ["ReadingOrder"]


class ReadingOrder(_SortKey):
    """Sort gallery scripts as their chapters are read; sphinx-gallery calls it."""

    def __call__(self, filename: str) -> int:
        """Give the place of a chapter's scripts, drawings first; all others come last."""
        order, (kind, _, stem) = stems(), Path(filename).stem.partition("_")
        place = order.index(stem) if stem in order else len(order)
        return 2 * place + (kind != "draw")
