"""How the gallery's figures are saved: as SVG, so that lines stay sharp and words stay text.

A reader can select and search the words, and `figure_words` translates them.
Photographs inside are packed as lossless WebP: the file is smaller than a PNG of the whole.
Beside a figure that shows numbers lies a file of the same name with its tables, ``.json``.
"""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

from PIL import Image
from sphinx_gallery.scrapers import matplotlib_scraper

from gallery.figure_data import write_data

__all__ = ["quiet_reset", "scrape"]

EMBEDDED = re.compile(r'data:image/png;base64,([^"]+)')


def scrape(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save every open figure; sphinx-gallery calls this."""
    import matplotlib.pyplot as plt

    figures = [plt.figure(number) for number in plt.get_fignums()]
    # A fixed date keeps the file the same from one build to the next.
    rst = str(
        matplotlib_scraper(block, block_vars, gallery_conf, format="svg", metadata={"Date": None})
    )
    for name, figure in zip(re.findall(r"image-sg:: /(\S+)", rst), figures, strict=True):
        path = Path(gallery_conf["src_dir"], name)
        drawing = path.read_text(encoding="utf-8")
        path.write_text(EMBEDDED.sub(repack, drawing), encoding="utf-8")
        write_data(figure, path)
    return rst


def repack(match: re.Match[str]) -> str:
    """Turn one embedded PNG into a lossless WebP of the same pixels."""
    image = Image.open(io.BytesIO(base64.b64decode(match[1])))
    packed = io.BytesIO()
    image.save(packed, "WEBP", lossless=True, exact=True)
    return f"data:image/webp;base64,{base64.b64encode(packed.getvalue()).decode()}"


def quiet_reset(gallery_conf: dict[str, Any], fname: str) -> None:
    """Give every script the same start: seed 0, and gradients are recorded."""
    import torch

    torch.manual_seed(0)
    torch.set_grad_enabled(True)
