"""The small trained network that readers run on the page: what it computes, and its files.

Page: *train*. After Zhou et al., Learning deep features for discriminative localization,
arXiv:1512.04150: a network that ends in a mean and a linear layer has a map for every class.

``python -m cnnguide.demo runs/latest`` makes the files anew from a finished run of
``cnnguide.full_run --model resnet10``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from cnnguide import data, results
from cnnguide.atomic import replacing
from cnnguide.models import cifar_resnet10, count_parameters
from cnnguide.models.resnet import ResNet

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["ClassMaps", "Looked", "load_demo", "main"]

FOLDER = Path(__file__).parent / "trained"
NAME = "resnet10"


class Looked(NamedTuple):
    """What a network makes of images of ``H W`` pixels."""

    scores: Tensor  # ``N classes``: the mean of each class's map
    first: Tensor  # ``N K H W``: the feature maps of the first layer
    maps: Tensor  # ``N classes h w``: the evidence for each class, place by place


class ClassMaps(nn.Module):
    r"""Let a `ResNet` show its first feature maps and its class activation maps.

    Parameters
    ----------
    model : ResNet
        Its weights are shared, not copied.
    mean, std : (float, float, float)
        The normalisation constants of its training images.

    Notes
    -----
    The last layer is linear, so its score of the mean of the features is the mean of its scores of
    the features: :math:`w \cdot \frac{1}{hw}\sum_p f_p + b`
    :math:`{} = \frac{1}{hw}\sum_p (w \cdot f_p + b)`.
    What is summed is the map: the class's evidence at place :math:`p`.

    Examples
    --------
    >>> looked = ClassMaps(cifar_resnet10(width=4).eval())(torch.zeros(2, 3, 32, 32))
    >>> tuple(looked.scores.shape), tuple(looked.first.shape), tuple(looked.maps.shape)
    ((2, 10), (2, 4, 32, 32), (2, 10, 8, 8))
    >>> torch.allclose(looked.maps.mean((2, 3)), looked.scores)
    True
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        model: ResNet,
        *,
        mean: tuple[float, float, float] = data.MEAN,
        std: tuple[float, float, float] = data.STD,
    ) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1))

    def forward(self, image: Float[Tensor, "N 3 H W"]) -> Looked:
        """Look at images whose pixels lie from 0 to 1."""
        net = self.model
        first = net.relu(net.bn1(net.conv1((image - self.mean) / self.std)))  # N K H W
        features = net.maxpool(first)
        for stage in net.stages:
            features = getattr(net, stage)(features)  # N C h w
        weight = net.fc.weight[:, :, None, None]  # classes C 1 1
        maps = nn.functional.conv2d(features, weight, net.fc.bias)  # N classes h w
        return Looked(maps.mean((2, 3)), first, maps)


def load_demo(*, folder: Path = FOLDER) -> ResNet:
    """Load the trained network, in evaluation mode.

    Parameters
    ----------
    folder : pathlib.Path
        Of the files; by default the ones that the package ships.

    Returns
    -------
    ResNet
        `cifar_resnet10`; it takes normalised images.

    Raises
    ------
    ValueError
        If the file is not there or cannot be read.

    Examples
    --------
    >>> images = data.load("sample").test_images[:2]  # two airplanes
    >>> load_demo()(data.normalise(images)).argmax(1).tolist()
    [0, 0]
    """
    import safetensors.torch  # the library itself needs PyTorch alone

    path = folder / f"{NAME}.safetensors"
    try:
        weights = safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(f"{path} holds no weights: {error}") from error
    model = cifar_resnet10()
    model.load_state_dict(weights)
    return model.eval()


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


def card(run: Mapping[str, Any], model: nn.Module, sizes: Mapping[str, int]) -> str:
    """Say what the network is, from the record of its run."""
    recipe = "\n".join(f"| `{name}` | {value} |" for name, value in run["recipe"].items())
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    files = "\n".join(f"- `{name}`: {size:,} bytes" for name, size in sizes.items())
    accuracy, n = run["test_accuracy"]["chosen"], 10_000
    error = (accuracy * (1 - accuracy) / n) ** 0.5
    return f"""# A small ResNet for CIFAR-10

Written by `python -m cnnguide.demo` from the record of the run.

- **What it is**: `cnnguide.models.cifar_resnet10`, {count_parameters(model):,} parameters; ten \
classes, images of 32 × 32 pixels.
- **Data**: CIFAR-10 (Krizhevsky 2009), {run["data"]} set; the epoch was chosen on validation \
images that were set aside, and the test set was read once.
- **Accuracy**: {accuracy:.2%} on the {n:,} test images (standard error {error:.2%}, one run, \
seed {run["seed"]}).
- **Made**: {run["date"]} in {run["seconds"] / 60:.0f} minutes on {run["device"]}; {versions}.
- **Command**: `{" ".join(["python -m cnnguide.full_run", *run["command"].split(" ")[1:]])}`
- **Limits**: it knows ten classes and answers with one of them whatever it is shown; photographs \
that are not like CIFAR-10's are outside what it was tested on.

{files}

The ONNX file takes pixels from 0 to 1 and normalises them itself; its outputs are `scores`, \
`first` (feature maps of the first layer) and `maps` (the evidence for each class, place by place).

| recipe | |
|---|---|
{recipe}
"""


def publish(run_folder: Path, *, folder: Path = FOLDER) -> None:
    """Make the three files of the trained network from a finished run."""
    record = results.load("train", folder=run_folder)
    if record is None:
        raise ValueError(f"{run_folder} holds no finished run; name the --output of one")
    run = record["runs"][-1]
    if run["model"] != NAME:
        raise ValueError(f"{run_folder} holds a run of {run['model']}, not of {NAME}")
    weights = (run_folder / "weights.safetensors").read_bytes()
    with replacing(folder / f"{NAME}.safetensors") as file:
        file.write(weights)
    model = load_demo(folder=folder)
    graph = to_onnx(model)
    with replacing(folder / f"{NAME}.onnx") as file:
        file.write(graph)
    sizes = {f"{NAME}.safetensors": len(weights), f"{NAME}.onnx": len(graph)}
    with replacing(folder / "README.md") as file:
        file.write(card(run, model, sizes).encode())


def main(arguments: list[str] | None = None) -> int:
    """Make the files anew."""
    parser = argparse.ArgumentParser(prog="python -m cnnguide.demo", description=__doc__)
    parser.add_argument("run", type=Path, help="the --output folder of a finished run")
    options = parser.parse_args(arguments)
    try:
        publish(options.run)
    except ModuleNotFoundError as error:
        print(
            f"error: {error}; `pip install onnx onnxscript safetensors` brings it", file=sys.stderr
        )
        return 1
    except (OSError, ValueError, KeyError, json.JSONDecodeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"written: {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
