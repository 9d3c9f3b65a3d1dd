"""What experiments load: their scripts and styles, photographs, and a trained network."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.data import camera
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

import cnnguide
from cnnguide import data
from page.experiments.bundle import bundle

__all__ = ["write_photographs"]

HERE = Path(__file__).parent


def folder_of(app: Sphinx) -> Path:
    """Name the folder of the edition in which experiments find their files."""
    return Path(app.outdir, "_static", "experiments")


def write_scripts(app: Sphinx) -> None:
    """Write the scripts and copy the styles, before pages that name them are written."""
    if app.builder.name == "html":
        for style in HERE.rglob("*.css"):
            copy = folder_of(app) / style.relative_to(HERE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(style, copy)
        for first in HERE.glob("*/experiment.js"):
            script = folder_of(app) / f"{first.parent.name}.js"
            script.write_text(bundle(first), encoding="utf-8")


def write_photographs(folder: Path) -> None:
    """Write the photographs that the experiments begin with.

    ``camera.png`` is 64×64, grey; ``cifar.png`` has a column of four test images for each class of
    CIFAR-10, 32×32 each.
    """
    grey = camera().reshape(64, 8, 64, 8).mean((1, 3)).round().astype(np.uint8)
    Image.fromarray(grey).save(folder / "camera.png")
    sample = data.load("sample")
    columns = [sample.test_images[sample.test_labels == k][:4] for k in range(10)]
    rows = [np.concatenate([*column.permute(0, 2, 3, 1).numpy()], 0) for column in columns]
    Image.fromarray(np.concatenate(rows, 1)).save(folder / "cifar.png")
    for path in (folder / "camera.png", folder / "cifar.png"):
        write_as_script(path)


def write_as_script(picture: Path) -> None:
    """Write a picture as a script, too, whose pixels may be read in a page from a folder."""
    address = f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"
    script = f"(globalThis.sitePictures ??= {{}})[{json.dumps(picture.name)}] = "
    Path(f"{picture}.js").write_text(f"{script}{json.dumps(address)};\n", encoding="utf-8")


def write_files(app: Sphinx, error: Exception | None) -> None:
    """Put the photographs and the trained network beside the scripts."""
    if error is None and app.builder.name == "html":
        folder = folder_of(app)
        write_photographs(folder)
        network = Path(cnnguide.__file__).parent / "trained" / "resnet10.onnx"
        shutil.copyfile(network, folder / network.name)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the start and the end of the build."""
    app.connect("builder-inited", write_scripts)
    app.connect("build-finished", write_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
