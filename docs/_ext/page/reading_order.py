"""The reading order of the chapters, read from the one place where it stands: ``index.md``."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["stems"]

INDEX = Path(__file__).parents[2] / "index.md"


def stems() -> list[str]:
    """List the chapters' stems in the order in which they are read."""
    text = INDEX.read_text(encoding="utf-8")
    block = re.search(r":name: reading-order\n\n(.*?)\n:::", text, re.DOTALL)
    if block is None:
        raise ValueError(f"{INDEX} has no toctree with the option ':name: reading-order'")
    return block[1].split()
