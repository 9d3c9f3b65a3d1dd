"""The directive ``{experiment}``: a still figure that a small program brings to life.

``:::{experiment} convolution`` holds what readers without JavaScript see, and the page loads the ES
module ``_static/experiments/convolution.js``.
What the module says stands in it as ``say("...")``; these are messages of the page's own catalog,
and the page hands the module their translations.
"""

from __future__ import annotations

import html
import json
import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from docutils import nodes
from PIL import Image
from skimage.data import camera
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata
from translatable import Carrier

import cnnguide
from cnnguide import data

__all__ = ["messages_of_module", "write_photographs"]

MODULES = Path(__file__).parents[1] / "_static" / "experiments"
SAY = re.compile(r'\bsay\(\s*"((?:[^"\\]|\\.)*)"')


@cache
def messages_of_module(name: str) -> list[str]:
    """List what a module says, in the order in which it stands there."""
    text = (MODULES / f"{name}.js").read_text(encoding="utf-8")
    return [*dict.fromkeys(json.loads(f'"{said}"') for said in SAY.findall(text))]


class experiment(nodes.General, nodes.Element, Carrier):
    """A still figure, and the words of the module that takes its place."""

    def found(self) -> list[str]:
        """List the messages."""
        return messages_of_module(self["name"])

    def translate(self, words: dict[str, str]) -> None:
        """Keep the translations for the module."""
        self["words"] = {message: words.get(message, message) for message in self.found()}


class ExperimentDirective(SphinxDirective):
    """``{experiment} NAME``, with the still figure as its content."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Keep the name and read the still figure."""
        name = self.arguments[0]
        module = MODULES / f"{name}.js"
        if not module.exists():
            known = ", ".join(sorted(p.stem for p in MODULES.glob("*.js")))
            raise self.error(f"an experiment is one of {known}, got {name!r}")
        self.assert_has_content()
        self.env.note_dependency(str(module))
        node = experiment("", name=name, words={})
        self.set_source_info(node)
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


def visit_experiment(translator: Any, node: experiment) -> None:
    """Write the place in which the module builds."""
    words = html.escape(json.dumps(node["words"], ensure_ascii=False))
    static = "../" * translator.builder.current_docname.count("/") + "_static/"
    translator.body.append(
        f'<div class="experiment" id="experiment-{node["name"]}" data-experiment="{node["name"]}" '
        f'data-static="{static}" data-words="{words}"><div class="experiment-still">\n'
    )


def depart_experiment(translator: Any, node: experiment) -> None:
    """End the place."""
    translator.body.append("</div></div>\n")


def load_modules(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Have a page load the modules of its experiments, and no others."""
    for node in doctree.findall(experiment) if doctree else ():
        app.add_js_file(f"experiments/{node['name']}.js", type="module")


def write_photographs(folder: Path) -> None:
    """Write the photographs that the experiments start with.

    ``camera.png`` is 64×64, grey; ``cifar.png`` has a column of four test images for each class of
    CIFAR-10, 32×32 each.
    """
    grey = camera().reshape(64, 8, 64, 8).mean((1, 3)).round().astype(np.uint8)
    Image.fromarray(grey).save(folder / "camera.png")
    sample = data.load("sample")
    columns = [sample.test_images[sample.test_labels == k][:4] for k in range(10)]
    rows = [np.concatenate([*column.permute(0, 2, 3, 1).numpy()], 0) for column in columns]
    Image.fromarray(np.concatenate(rows, 1)).save(folder / "cifar.png")


def write_files(app: Sphinx, error: Exception | None) -> None:
    """Put the photographs and the trained network beside the modules."""
    if error is None and app.builder.format == "html":
        folder = Path(app.outdir, "_static", "experiments")
        write_photographs(folder)
        network = Path(cnnguide.__file__).parent / "trained" / "resnet10.onnx"
        shutil.copyfile(network, folder / network.name)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_node(experiment, html=(visit_experiment, depart_experiment))
    app.add_directive("experiment", ExperimentDirective)
    app.connect("html-page-context", load_modules)
    app.connect("build-finished", write_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
