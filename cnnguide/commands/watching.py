"""What a training does, as far as it can be seen from outside: the traces of the usual mistakes.

Page: *capstone*. `cnnguide check` looks on while a reader's ``train`` runs, and names the likely
cause when the network has learned too little.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook

from cnnguide.data import Cifar10

__all__ = ["Observation"]

LARGE = 20.0  # normalised pixels stay far below it
ALIKE = 0.999  # correlation of an image with itself, however its channels are normalised
LEAKED = 25  # test images; a few of CIFAR-10's are nearly training images
MATCHED = 8  # batches that are compared with all training images


class Observation:
    """Look on while a network is trained.

    Parameters
    ----------
    images : Cifar10
    """

    def __init__(self, images: Cifar10) -> None:
        self.images = images
        self.batches = self.steps = self.kept = 0
        self.has_stepped = False
        self.targets = self.alone = self.matched = self.agreeing = 0
        self.largest = 0.0
        self.leaked: set[int] = set()
        self.inputs: Tensor | None = None
        self.test = signatures(images.test_images)
        self.train: Tensor | None = None

    @contextmanager
    def looking(self, model: nn.Module) -> Iterator[None]:
        """Note what goes into the network and the loss, and what the optimiser does."""
        usual = F.cross_entropy

        def cross_entropy(*args: Any, **kwargs: Any) -> Tensor:
            self.see_target(kwargs.get("target", args[1] if len(args) > 1 else None))
            return usual(*args, **kwargs)

        hooks: list[Any] = [
            model.register_forward_pre_hook(self.see_input),
            register_optimizer_step_pre_hook(self.see_step),
        ]
        weight = next((p for p in model.parameters() if p.requires_grad), None)
        if weight is not None:
            hooks.append(weight.register_hook(lambda added: self.see_gradient(weight.grad)))
        F.cross_entropy = cross_entropy
        try:
            yield
        finally:
            F.cross_entropy = usual
            for hook in hooks:
                hook.remove()

    def see_input(self, model: nn.Module, inputs: tuple) -> None:
        """Look at the pictures of a batch that is trained on."""
        self.inputs = None
        x = inputs[0].detach() if inputs and isinstance(inputs[0], Tensor) else None
        if x is None or not model.training or x.ndim != 4 or x.shape[1] != 3 or len(x) == 0:
            return
        self.batches += 1
        self.largest = max(self.largest, float(x.abs().max()))
        if x.shape[2:] == (32, 32):
            self.inputs = signatures(x)
            best, which = (self.inputs @ self.test.T).max(1)
            self.leaked.update(which[best > ALIKE].remainder(len(self.images.test_labels)).tolist())

    def see_target(self, target: Any) -> None:
        """Look at the labels of a batch that is trained on, and compare them with its pictures'."""
        if not isinstance(target, Tensor) or target.ndim != 1 or target.is_floating_point():
            return
        target = target.detach().cpu()
        if len(target) >= 8:
            self.targets += 1
            self.alone += len(target.unique()) == 1
        if self.inputs is None or len(self.inputs) != len(target) or self.targets > MATCHED:
            return
        if self.train is None:
            self.train = signatures(self.images.train_images)
        best, which = (self.inputs @ self.train.T).max(1)
        sure = best > ALIKE
        own = self.images.train_labels[which.remainder(len(self.images.train_labels))]
        self.matched += int(sure.sum())
        self.agreeing += int((own[sure] == target[sure]).sum())

    def see_step(self, optimizer: Optimizer, args: tuple, kwargs: dict) -> None:
        """Count the steps."""
        self.steps += 1
        self.has_stepped = True

    def see_gradient(self, before: Tensor | None) -> None:
        """Look whether the first gradient after a step is added to that of the step before."""
        if self.has_stepped and before is not None:
            self.kept += bool(before.any())
        self.has_stepped = False

    def test_images(self) -> int:
        """Count the test images that were trained on."""
        return len(self.leaked) if len(self.leaked) >= LEAKED else 0

    def cause(self, scores: Tensor) -> str:
        """Name the likely cause of a network that learned too little, if it left a trace."""
        if self.batches and self.steps == 0:
            return "no optimizer.step() was called, so no weight changed"
        if self.kept:
            return (
                "the gradients were never cleared, so each step adds all those before; call "
                "optimizer.zero_grad() before loss.backward()"
            )
        if self.largest > LARGE:
            return (
                f"the network was trained on pixels up to {self.largest:g}; divide by 255, or take "
                "data.normalise"
            )
        if self.matched >= 16 and self.agreeing < self.matched / 2:
            return (
                f"of {self.matched} pictures whose label could be looked up, {self.agreeing} were "
                "trained with their own; pick images and labels by the same index"
            )
        if self.targets >= 4 and self.alone > 0.8 * self.targets:
            return (
                f"{self.alone} of {self.targets} batches held one class alone, as the images are "
                "sorted by class; shuffle them anew for each epoch"
            )
        if sums_to_one(scores):
            return (
                "each image's scores sum to 1, so they have been through a softmax, which "
                "F.cross_entropy does itself; give the scores as they are"
            )
        return ""


def signatures(images: Tensor) -> Tensor:
    """Give images, and mirrored bytes, as numbers that no normalisation changes."""
    small = F.avg_pool2d(images.detach().cpu().float(), 4)  # N 3 8 8
    rows = torch.cat([small, small.flip(3)]) if images.dtype == torch.uint8 else small
    rows = rows.flatten(2) - rows.mean((2, 3)).unsqueeze(2)  # each channel on its own
    rows = rows / rows.norm(dim=2, keepdim=True).clamp_min(1e-6)
    return rows.flatten(1) / 3**0.5


def sums_to_one(scores: Tensor) -> bool:
    """Tell whether the scores are probabilities already."""
    return bool((scores >= 0).all()) and bool(((scores.sum(1) - 1).abs() < 1e-3).all())
