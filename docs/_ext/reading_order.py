"""The reading order of the chapters, read from the one place where it stands: ``index.md``."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx_gallery.sorting import _SortKey

__all__ = ["ReadingOrder", "stems"]

INDEX = Path(__file__).parents[1] / "index.md"


def stems() -> list[str]:
    """List the chapters' stems in the order in which they are read."""
    text = INDEX.read_text(encoding="utf-8")
    block = re.search(r":name: reading-order\n\n(.*?)\n:::", text, re.DOTALL)
    if block is None:
        raise ValueError(f"{INDEX} has no toctree with the option ':name: reading-order'")
    return block[1].split()


class ReadingOrder(_SortKey):
    """Sort gallery scripts as their chapters are read; sphinx-gallery calls it."""

    def __call__(self, filename: str) -> int:
        """Give the place of ``plot_<stem>.py``; a script beside the chapters' own comes last."""
        order, stem = stems(), Path(filename).stem.removeprefix("plot_")
        return order.index(stem) if stem in order else len(order)
