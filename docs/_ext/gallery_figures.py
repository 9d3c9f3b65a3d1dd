"""How the gallery's figures are saved: drawings as SVG, photographs as PNG.

An SVG stays sharp at any size and its words stay text.
A figure that holds images would carry them inside as large PNGs anyway, so it is saved as one.
"""

from __future__ import annotations

from typing import Any

from sphinx_gallery.scrapers import matplotlib_scraper

__all__ = ["quiet_reset", "scrape"]


def scrape(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save every open figure in the format that suits it; sphinx-gallery calls this."""
    import matplotlib.pyplot as plt

    figures = [plt.figure(number) for number in plt.get_fignums()]
    has_images = any(axes.images for figure in figures for axes in figure.axes)
    kind = "png" if has_images else "svg"
    # A fixed date keeps the file the same from one build to the next.
    metadata = {"Date": None} if kind == "svg" else None
    return str(matplotlib_scraper(block, block_vars, gallery_conf, format=kind, metadata=metadata))


def quiet_reset(gallery_conf: dict[str, Any], fname: str) -> None:
    """Give every script the same start: seed 0, all threads, and a warning is an error."""
    import torch

    torch.manual_seed(0)
    torch.set_grad_enabled(True)
