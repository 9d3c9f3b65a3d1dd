"""The command that publishes a trained network for the page: ``cnnguide publish runs/latest``.

Page: *train*. It makes the files in `cnnguide.trained` anew from a finished run of
``cnnguide train --model resnet10``: weights, an ONNX graph that a browser runs, and a card.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cnnguide import results
from cnnguide.cam import ClassMaps, Looked
from cnnguide.checkpoint import load_weights, read_safetensors, replacing
from cnnguide.commands import counted
from cnnguide.models import cifar_resnet10, count_parameters
from cnnguide.models.resnet import ResNet
from cnnguide.trained import FOLDER

__all__ = ["main"]

NAME = "resnet10"
TEST_IMAGES = {"full": 10_000, "sample": 1_000}
# What the card needs of a run's record.
CARD = {"recipe", "versions", "test_accuracy", "seed", "date", "seconds", "device", "command"}
KINDS = {"recipe": dict, "versions": dict, "test_accuracy": dict, "command": str}


def to_onnx(model: ResNet) -> bytes:
    """Write a network, with its maps, as an ONNX graph for any number of images."""
    program = torch.onnx.export(
        ClassMaps(model).eval(),
        (torch.zeros(2, 3, 32, 32),),
        input_names=["image"],
        output_names=list(Looked._fields),
        dynamic_shapes=({0: torch.export.Dim("images")},),
        opset_version=18,
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    written = program.model_proto
    for node in written.graph.node:
        del node.metadata_props[:]  # in which files of this computer it was traced
    return written.SerializeToString()


def card(run: Mapping[str, Any], model: nn.Module, contents: Mapping[str, bytes]) -> str:
    """Describe the network, from the record of its run."""
    recipe = "\n".join(f"| `{name}` | {value} |" for name, value in run["recipe"].items())
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    files = "\n".join(
        f"- `{name}`: {len(content):,} bytes, SHA-256 `{hashlib.sha256(content).hexdigest()}`"
        for name, content in contents.items()
    )
    accuracy, n = run["test_accuracy"]["chosen"], TEST_IMAGES[run["data"]]
    minutes = counted(round(run["seconds"] / 60), "minute")
    error = (accuracy * (1 - accuracy) / n) ** 0.5
    command = re.sub(r"^full_run\.py", "cnnguide train", run["command"])  # its name before
    return f"""# A small ResNet for CIFAR-10

Written by `cnnguide publish` from the record of the run.

- **What it is**: `cnnguide.models.cifar_resnet10`, {count_parameters(model):,} parameters; ten \
classes, images of 32 × 32 pixels.
- **Data**: CIFAR-10 (Krizhevsky 2009), {run["data"]} set; the epoch was chosen on validation \
images that were set aside, and the test set was read once.
- **Accuracy**: {accuracy:.2%} on the {n:,} test images (standard error {error:.2%}, one run, \
seed {run["seed"]}).
- **Made**: {run["date"]} in {minutes} on {run["device"]}; {versions}.
- **Command**: `{command}`
- **Limits**: it knows ten classes and answers with one of them whatever it is shown; photographs \
that are not like CIFAR-10's are outside what it was tested on.

{files}

The ONNX file takes pixels from 0 to 1 and normalises them itself; its outputs are `scores`, \
`first` (feature maps of the first layer) and `maps` (the evidence for each class, place by place).

| recipe | |
|---|---|
{recipe}
"""


def finished_run(folder: Path) -> dict[str, Any]:
    """Give the record of a finished run of this network on CIFAR-10."""
    record = results.load("train", folder=folder)
    if record is None:
        raise ValueError(f"{folder} holds no finished run; name the --output of one")
    path = folder / "train.json"
    run = record["runs"][-1] if record["runs"] else None
    if not isinstance(run, dict):
        raise ValueError(f"{path} holds no run")
    if run.get("model") != NAME:
        raise ValueError(f"{folder} holds a run of {run.get('model')}, not of {NAME}")
    if run.get("data") not in [*TEST_IMAGES]:
        raise ValueError(
            f"{folder} must hold a run on CIFAR-10, whose classes the page names, got one on "
            f"{run.get('data')}"
        )
    missing = sorted(CARD - {*run})
    if missing:
        raise ValueError(f"{path} is not of a finished run: it lacks {missing[0]}")
    for name, kind in KINDS.items():
        if not isinstance(run[name], kind):
            wanted = "a text" if kind is str else "names with values"
            raise ValueError(f"{name} must be {wanted} in {path}, got {run[name]!r}")
    chosen = run["test_accuracy"].get("chosen")
    if not is_number(chosen) or not 0 <= chosen <= 1:
        raise ValueError(f"test_accuracy must have chosen, from 0 to 1, in {path}, got {chosen!r}")
    if not is_number(run["seconds"]):
        raise ValueError(f"seconds must be a number in {path}, got {run['seconds']!r}")
    return run


def is_number(value: object) -> bool:
    """Tell whether a value of a record is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def publish(run_folder: Path, *, folder: Path = FOLDER) -> None:
    """Make the three files of the trained network from a finished run.

    All is made before the first file is replaced, so that what fails leaves the old network whole.
    """
    run = finished_run(run_folder)
    stored, _ = read_safetensors(run_folder / "weights.safetensors")
    model = cifar_resnet10()
    load_weights(model, stored)
    weights = (run_folder / "weights.safetensors").read_bytes()
    contents = {f"{NAME}.safetensors": weights, f"{NAME}.onnx": to_onnx(model.eval())}
    made = {**contents, "README.md": card(run, model, contents).encode()}
    for name, content in made.items():
        with replacing(folder / name) as file:
            file.write(content)


def main(arguments: list[str] | None = None) -> int:
    """Make the files anew."""
    parser = argparse.ArgumentParser(prog="cnnguide publish", description=__doc__)
    parser.add_argument("run", type=Path, help="the --output folder of a finished run")
    options = parser.parse_args(arguments)
    try:
        publish(options.run)
    except ModuleNotFoundError as error:
        print(
            f"error: {error}; `pip install onnx onnxscript safetensors` brings it", file=sys.stderr
        )
        return 1
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"written: {FOLDER}")
    return 0
