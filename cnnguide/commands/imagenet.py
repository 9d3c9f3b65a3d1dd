"""Training that starts from ImageNet's weights: ``cnnguide train --start imagenet``.

Page: *transfer*. First a head is fitted on features that are computed once; then the whole network
goes on learning from there, the earlier a part the gentler.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from cnnguide import data, transfer
from cnnguide.commands.pictures import progress
from cnnguide.recipe import Recipe
from cnnguide.run import Training
from cnnguide.train import autocast, fast_layout, has_fast_bfloat16

__all__ = ["NAME", "FineTuning", "fit_head", "load", "weights_of"]

NAME = "efficientnet"  # what the record calls the network
DECAY = 0.7  # a part learns at this share of the rate of the part behind it


def load(num_classes: int) -> tuple[transfer.PartlyFrozen, transfer.Preprocessing]:
    """Load ImageNet's network with a fresh head, and how it wants images to be prepared.

    Raises
    ------
    ImportError
        If the package with the weights is not installed.

    Examples
    --------
    >>> model, prepare = load(3)
    >>> transfer.find_head(model.model)[1].out_features, prepare.size
    (3, 224)
    """
    network = transfer.load_pretrained("package")
    prepare = transfer.Preprocessing.of(network)
    transfer.replace_head(network, num_classes)
    parts = [name for name, child in network.named_children() if [*child.parameters()]]
    # The few pictures of a batch are a poor stand-in for ImageNet's statistics.
    model = transfer.PartlyFrozen(network, learning=len(parts), keep_statistics=True)
    return model, prepare


def fit_head(
    model: transfer.PartlyFrozen,
    train: tuple[Tensor, Tensor],
    recipe: Recipe,
    device: torch.device,
    *,
    show: bool,
) -> None:
    """Fit the head on features of the training pictures, each computed once.

    Examples
    --------
    >>> images = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 32, 32)
    >>> labels = torch.tensor([0, 1])
    >>> model, _ = load(2)
    >>> fit_head(model, (images, labels), Recipe(), torch.device("cpu"), show=False)
    >>> with torch.no_grad():
    ...     model.eval()(data.normalise(images)).argmax(1)
    tensor([0, 1])
    """
    name, head = transfer.find_head(model.model)
    backbone = copy.deepcopy(model.model)
    parent, _, last = name.rpartition(".")
    setattr(backbone.get_submodule(parent), last, nn.Identity())
    backbone = transfer.Frozen(backbone).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    images, labels = train
    places = progress(range(len(images)), len(images), "features of", show=show)
    batches = (
        fast_layout(data.normalise(images[k : k + 1].to(device), mean=recipe.mean, std=recipe.std))
        for k in places
    )
    with autocast(device, has_fast_bfloat16(device)):
        features = transfer.cached_features(backbone, batches).float().cpu()
    fitted = transfer.fit_head(features, labels.cpu(), num_classes=head.weight.shape[0])
    head.load_state_dict(fitted.state_dict())


def sparing(groups: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Split each group in two, of which one, the biases and BatchNorm, has no weight decay."""
    for group in groups:
        weights = [p for p in group["params"] if p.ndim > 1]
        others = [p for p in group["params"] if p.ndim <= 1]
        if weights:
            yield {**group, "params": weights}
        if others:
            yield {**group, "params": others, "weight_decay": 0.0}


class FineTuning(Training):
    """Train a network that has learned before: the earlier a part, the smaller its steps."""

    def __init__(
        self, model: transfer.PartlyFrozen, recipe: Recipe, *, seed: int, device: torch.device
    ) -> None:
        super().__init__(model, recipe, seed=seed, device=device)
        parts = [model.model.get_submodule(name) for name in model.parts]
        groups = transfer.parameter_groups(parts, learning_rate=recipe.learning_rate, decay=DECAY)
        if not recipe.decay_all:
            groups = [*sparing(groups)]
        self.optimizer = torch.optim.SGD(
            groups,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
        )


def weights_of(best: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take the weights out of the wrapper, so that the network itself can be filled with them.

    Examples
    --------
    >>> weights_of({"model.fc.bias": torch.zeros(2)})
    {'fc.bias': tensor([0., 0.])}
    """
    return {name.removeprefix("model."): tensor for name, tensor in best.items()}
