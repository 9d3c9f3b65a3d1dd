"""The small trained networks that the guide ships: their weights, and how they are loaded.

Pages: *train* for the ResNet that runs in the page, *transfer* for the backbone that saw six of
CIFAR-10's classes and never the other four. Each class that it never saw has a relative among those
that it saw: automobile and truck, deer and horse, dog and cat, ship and airplane.
`cnnguide publish` and `cnnguide backbone` write the files anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from cnnguide import data
from cnnguide.checkpoint import check_path, load_checkpoint, load_weights, read_safetensors
from cnnguide.checks import check_type, check_whole
from cnnguide.models import CIFAR_NETWORKS, QuickNet, cifar_resnet10
from cnnguide.models.resnet import ResNet
from cnnguide.recipe import check_triple

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

__all__ = [
    "FOLDER",
    "SEEN",
    "UNSEEN",
    "TrainedNetwork",
    "load_backbone",
    "load_demo",
    "load_run",
    "make_backbone",
    "shipped",
]

#: Where the files are.
FOLDER = Path(__file__).parent
#: The classes that the backbone is trained on.
SEEN = ("airplane", "bird", "cat", "frog", "horse", "truck")
#: The classes that it never sees.
UNSEEN = ("automobile", "deer", "dog", "ship")


class TrainedNetwork(NamedTuple):
    """A network with all that its pictures need."""

    model: nn.Module  # in evaluation mode
    classes: tuple[str, ...]  # the names of its scores, in their order
    mean: tuple[float, ...]  # of each channel of the images that it was trained on, in [0, 1]
    std: tuple[float, ...]
    size: int = 32  # side of those images, in pixels

    @torch.no_grad()
    def probabilities(self, images: UInt8[Tensor, "N 3 H W"]) -> Float[Tensor, "N classes"]:
        """Give the probability of each class for each image, ``N 3 H W`` in bytes."""
        return self.model(data.normalise(images, mean=self.mean, std=self.std)).softmax(1)


def shipped() -> TrainedNetwork:
    """Load the network that the package ships, with its classes and constants.

    Returns
    -------
    TrainedNetwork

    Raises
    ------
    ValueError
        If its file cannot be read.

    Examples
    --------
    >>> network = shipped()
    >>> picture = data.load("sample").test_images[:1]
    >>> network.classes[network.probabilities(picture).argmax()]
    'airplane'
    """
    return TrainedNetwork(load_demo(), data.CLASSES, data.MEAN, data.STD)


def load_run(folder: Path) -> TrainedNetwork:
    """Load the network of a finished run of ``cnnguide train``.

    Parameters
    ----------
    folder : pathlib.Path
        The ``--output`` of the run.

    Returns
    -------
    TrainedNetwork
        With the weights of the epoch that was chosen on validation images.

    Raises
    ------
    ValueError
        If the folder holds no finished run, or its file is cut short, altered or another's.

    Examples
    --------
    >>> load_run(Path("nowhere"))
    Traceback (most recent call last):
    ValueError: nowhere holds no finished run: there is no nowhere/weights.safetensors
    """
    check_path(folder, "folder")
    path = folder / "weights.safetensors"
    if not path.is_file():
        raise ValueError(f"{folder} holds no finished run: there is no {path}")
    weights, told = read_safetensors(path)
    try:
        classes, recipe = told.get("classes", list(data.CLASSES)), told["recipe"]
        check_type(classes, list, "classes", "a list of names")
        for name in classes:
            check_type(name, str, "a class", "a string")
        check_type(told["model"], str, "model", "a name")
        model = make_network(told["model"], len(classes))
        size = told.get("size", 32)
        check_whole(size, "size", 1)
        for name in ("mean", "std"):
            check_triple(recipe[name], name, above=name == "std")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a file of `cnnguide train`: {error}") from error
    load_weights(model, weights)
    constants = tuple(recipe["mean"]), tuple(recipe["std"])
    return TrainedNetwork(model.eval(), tuple(classes), *constants, size)


def make_network(name: str, num_classes: int) -> nn.Module:
    """Make the network that ``cnnguide train`` calls so, untrained."""
    if name == "efficientnet":
        import timm  # the only one that is not ours

        return timm.create_model("tf_efficientnet_lite0", num_classes=num_classes)
    return CIFAR_NETWORKS[name](num_classes=num_classes)  # type: ignore[call-arg]


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
        If the file is not there, cut short or altered.

    Examples
    --------
    >>> images = data.load("sample").test_images[:2]  # two airplanes
    >>> load_demo()(data.normalise(images)).argmax(1).tolist()
    [0, 0]
    """
    check_path(folder, "folder")
    path = folder / "resnet10.safetensors"
    if not path.is_file():
        raise ValueError(f"{path} holds no weights: there is no such file")
    weights, _ = read_safetensors(path)
    model = cifar_resnet10()
    load_weights(model, weights)
    return model.eval()


def make_backbone() -> QuickNet:
    """Make the network, untrained, with a score for each class that it is to see.

    Returns
    -------
    QuickNet

    Examples
    --------
    >>> make_backbone().fc.out_features
    6
    """
    return QuickNet(num_classes=len(SEEN), widths=(48, 96, 192))


def load_backbone(path: Path = FOLDER / "backbone.pt") -> QuickNet:
    """Load the shipped backbone.

    Parameters
    ----------
    path : pathlib.Path
        A file that `cnnguide backbone` wrote.

    Returns
    -------
    QuickNet
        In evaluation mode, float32.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is cut short, altered, or holds another model's weights.

    Examples
    --------
    >>> load_backbone()(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 6])
    """
    stored, model = load_checkpoint(path), make_backbone()
    if not isinstance(stored, dict):
        raise ValueError(f"{path} holds no weights: it holds a {type(stored).__name__}")
    # Stored in half precision: half the size, and no answer that a reader would notice.
    load_weights(model, {name: value.to(torch.float32) if isinstance(value, Tensor)
                         and value.is_floating_point() else value
                         for name, value in stored.items()})  # fmt: skip
    return model.eval()
