"""Training: one epoch, one evaluation, and a run that chooses its best epoch on validation.

Page: *train*. The loop is the plain one; what feeds it may be a `DataLoader` or tensors.
"""

from __future__ import annotations

import copy
import math
import random
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnguide import data
from cnnguide.augment import random_crop, random_flip
from cnnguide.checkpoint import load_checkpoint, load_weights, save_checkpoint
from cnnguide.recipe import Recipe, learning_rate_at

__all__ = [
    "Epoch",
    "Score",
    "Training",
    "augmented_batches",
    "evaluate",
    "fit",
    "make_optimizer",
    "seed_everything",
    "train_epoch",
]

Batches = Iterable[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Score:
    """Mean loss, and share of right answers, over images."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Epoch:
    """What one epoch did. Training numbers are taken while the weights move, on changed images."""

    number: int  # from 1 on
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float  # of the epoch's first step
    seconds: float  # training and validation


def seed_everything(seed: int) -> torch.Generator:
    """Seed Python, NumPy and PyTorch, and make a generator for what is drawn on purpose.

    Parameters
    ----------
    seed : int
        From 0 on.

    Returns
    -------
    torch.Generator

    Examples
    --------
    >>> first = torch.rand(1, generator=seed_everything(3))
    >>> first == torch.rand(1, generator=seed_everything(3))
    tensor([True])
    """
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - readers' own transforms may draw from it
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """Make the recipe's SGD, with or without weight decay on biases and BatchNorm.

    Parameters
    ----------
    model : nn.Module
    recipe : Recipe

    Returns
    -------
    torch.optim.SGD

    Examples
    --------
    >>> optimizer = make_optimizer(nn.Linear(2, 2), Recipe(decay_all=False))
    >>> [(len(g["params"]), g["weight_decay"]) for g in optimizer.param_groups]
    [(1, 0.0005), (1, 0.0)]
    """
    learned = [p for p in model.parameters() if p.requires_grad]
    weights = [p for p in learned if p.ndim > 1 or recipe.decay_all]
    others = [p for p in learned if p.ndim <= 1 and not recipe.decay_all]
    groups: list[dict[str, Any]] = [
        {"params": weights},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.SGD(
        [group for group in groups if group["params"]],
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
    )


def has_fast_bfloat16(device: torch.device) -> bool:
    """Tell whether bfloat16 saves time on the device."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def autocast(device: torch.device, bfloat16: bool) -> AbstractContextManager:
    """Compute convolutions and products in bfloat16 where that is asked for."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16)


def train_epoch(
    model: nn.Module,
    batches: Batches,
    optimizer: torch.optim.Optimizer,
    *,
    learning_rates: Iterator[float],
    label_smoothing: float = 0.0,
    bfloat16: bool = False,
) -> Score:
    """Go once through the batches, with one step of the optimiser for each.

    Parameters
    ----------
    model : nn.Module
        Trained in place, in training mode.
    batches : iterable of (images, labels)
        Float images ``N C H W`` and int64 labels ``N`` on the model's device.
    optimizer : torch.optim.Optimizer
    learning_rates : iterator of float
        One a step.
    label_smoothing : float
        Probability shared among all classes.
    bfloat16 : bool
        Whether convolutions and products compute in bfloat16.

    Returns
    -------
    Score
        Means over the images, so that a short last batch counts for what it is.

    Raises
    ------
    ValueError
        Without a batch.
    FloatingPointError
        If the loss is no longer a finite number, with the step and the value.

    Examples
    --------
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    >>> images, labels = torch.eye(4).view(4, 1, 2, 2), torch.tensor([0, 0, 1, 1])
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    >>> for _ in range(20):
    ...     score = train_epoch(model, [(images, labels)], optimizer, learning_rates=iter([1.0]))
    >>> score.accuracy
    1.0
    """
    model.train()
    loss_sum, right, count = 0.0, 0, 0
    for step, (images, labels) in enumerate(batches):
        rate = next(learning_rates)
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("lr_scale", 1.0)  # see cnnguide.transfer
        with autocast(images.device, bfloat16):
            logits = model(images)
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=label_smoothing)
        if not math.isfinite(loss.item()):
            raise FloatingPointError(
                f"training diverged: the loss is {loss.item()} at step {step + 1} of the epoch, "
                f"with learning rate {rate:g}; take a smaller one"
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(labels)
        right += int((logits.argmax(1) == labels).sum())
        count += len(labels)
    if count == 0:
        raise ValueError("an epoch needs at least one batch, got none")
    return Score(loss_sum / count, right / count)


@torch.no_grad()
def evaluate(model: nn.Module, batches: Batches, *, bfloat16: bool = False) -> Score:
    """Measure loss and accuracy in evaluation mode; the model's mode is put back.

    Parameters
    ----------
    model : nn.Module
    batches : iterable of (images, labels)
        As for `train_epoch`.
    bfloat16 : bool
        Whether convolutions and products compute in bfloat16.

    Returns
    -------
    Score

    Raises
    ------
    ValueError
        Without a batch.

    Examples
    --------
    >>> images, labels = torch.eye(2).view(2, 2, 1, 1), torch.tensor([0, 1])
    >>> evaluate(nn.Flatten(), [(images, labels)]).accuracy
    1.0
    """
    was_training = model.training
    model.eval()
    loss_sum, right, count = 0.0, 0, 0
    try:
        for images, labels in batches:
            with autocast(images.device, bfloat16):
                logits = model(images)
            loss_sum += F.cross_entropy(logits.float(), labels, reduction="sum").item()
            right += int((logits.argmax(1) == labels).sum())
            count += len(labels)
    finally:
        model.train(was_training)
    if count == 0:
        raise ValueError("an evaluation needs at least one batch, got none")
    return Score(loss_sum / count, right / count)


def augmented_batches(
    images: Tensor, labels: Tensor, recipe: Recipe, *, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffle, crop, flip and normalise uint8 images, batch by batch.

    Parameters
    ----------
    images : Tensor
        ``N 3 H W``, uint8.
    labels : Tensor
        ``N``, int64, on the same device.
    recipe : Recipe
        Gives batch size, padding, flip and constants.
    generator : torch.Generator
        Source of every choice.

    Yields
    ------
    images, labels : Tensor
        Normalised float32, channels-last in memory.

    Examples
    --------
    >>> sample = data.load("sample")
    >>> batches = augmented_batches(
    ...     sample.test_images, sample.test_labels, Recipe(), generator=torch.Generator()
    ... )
    >>> [len(labels) for _, labels in batches]
    [128, 128, 128, 128, 128, 128, 128, 104]
    """
    for x, y in data.batches(images, labels, batch_size=recipe.batch_size, generator=generator):
        x = random_crop(x, padding=recipe.padding, generator=generator)
        x = random_flip(x, p=recipe.flip, generator=generator)
        yield fast_layout(data.normalise(x, mean=recipe.mean, std=recipe.std)), y


def fast_layout(x: Tensor) -> Tensor:
    """Keep a pixel's channels side by side, as the fastest convolutions want them."""
    return x.contiguous(memory_format=torch.channels_last)


def plain_batches(
    images: Tensor, labels: Tensor, recipe: Recipe
) -> Iterator[tuple[Tensor, Tensor]]:
    """Normalise images for evaluation, in batches that are large since no gradient is kept."""
    for x, y in data.batches(images, labels, batch_size=1000):
        yield fast_layout(data.normalise(x, mean=recipe.mean, std=recipe.std)), y


class Training:
    """A run that can be stopped after any epoch and go on as if it had not been.

    Parameters
    ----------
    model : nn.Module
        Trained in place.
    recipe : Recipe
    seed : int
        Of the order and the augmentation; seed the model's weights before you make it.
    device : torch.device or str

    Attributes
    ----------
    history : list of Epoch
    best : dict of str to Tensor
        The weights of the epoch with the highest validation accuracy, the first of equals.
    """

    def __init__(
        self, model: nn.Module, recipe: Recipe, *, seed: int = 0, device: torch.device | str = "cpu"
    ) -> None:
        self.device = torch.device(device)
        self.model = model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.recipe = recipe
        self.optimizer = make_optimizer(model, recipe)
        self.generator = torch.Generator().manual_seed(seed)
        self.bfloat16 = has_fast_bfloat16(self.device)
        self.history: list[Epoch] = []
        self.best: dict[str, Tensor] = {}

    def run_epoch(self, train: tuple[Tensor, Tensor], validation: tuple[Tensor, Tensor]) -> Epoch:
        """Train for one epoch, validate, and keep the weights if they are the best so far."""
        start, recipe, done = time.perf_counter(), self.recipe, len(self.history)
        train = (train[0].to(self.device), train[1].to(self.device))
        validation = (validation[0].to(self.device), validation[1].to(self.device))
        steps = -(-len(train[1]) // recipe.batch_size)
        rates = [
            learning_rate_at(recipe, done * steps + k, steps_per_epoch=steps) for k in range(steps)
        ]
        trained = train_epoch(
            self.model,
            augmented_batches(*train, recipe, generator=self.generator),
            self.optimizer,
            learning_rates=iter(rates),
            label_smoothing=recipe.label_smoothing,
            bfloat16=self.bfloat16,
        )
        checked = evaluate(self.model, plain_batches(*validation, recipe), bfloat16=self.bfloat16)
        if checked.accuracy > max((e.validation_accuracy for e in self.history), default=-1.0):
            self.best = copy.deepcopy(self.model.state_dict())
        epoch = Epoch(
            done + 1,
            trained.loss,
            trained.accuracy,
            checked.loss,
            checked.accuracy,
            rates[0],
            time.perf_counter() - start,
        )
        self.history.append(epoch)
        return epoch

    def test(self, images: Tensor, labels: Tensor) -> dict[str, float]:
        """Report test accuracy once: at the last epoch, and at the one chosen on validation."""
        images, labels = images.to(self.device), labels.to(self.device)
        chosen = copy.deepcopy(self.model)
        load_weights(chosen, self.best)
        return {
            name: evaluate(
                model, plain_batches(images, labels, self.recipe), bfloat16=self.bfloat16
            ).accuracy
            for name, model in (("last", self.model), ("chosen", chosen))
        }

    def state_dict(self) -> dict[str, Any]:
        """Gather everything that the next epoch depends on."""
        return {
            "model": self.model.state_dict(),
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "torch": torch.get_rng_state(),
            "history": [asdict(epoch) for epoch in self.history],
            "recipe": asdict(self.recipe),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state; it must be this recipe's and this model's."""
        ours, theirs = asdict(self.recipe), state["recipe"]
        # A file may hold lists where the recipe has tuples.
        different = [name for name in ours if _plain(ours[name]) != _plain(theirs.get(name))]
        if different:
            raise ValueError(
                "the checkpoint was made by another recipe: "
                + "; ".join(f"{n} was {theirs.get(n)}, is {ours[n]}" for n in different)
            )
        load_weights(self.model, state["model"])
        self.best = state["best"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch"])
        self.history = [Epoch(**epoch) for epoch in state["history"]]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def fit(
    model: nn.Module,
    train: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    recipe: Recipe,
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
    checkpoint: Path | None = None,
) -> Iterator[Training]:
    """Train epoch by epoch, and hand the run over after each.

    Parameters
    ----------
    model : nn.Module
        Trained in place.
    train, validation : (Tensor, Tensor)
        uint8 images ``N 3 H W`` and int64 labels ``N``. The test set has no place here.
    recipe : Recipe
    seed : int
        Of the order and the augmentation.
    device : torch.device or str
    checkpoint : pathlib.Path, optional
        Written after every epoch; if it exists, the run goes on from it.

    Yields
    ------
    Training
        The same object every time, one epoch further.

    Raises
    ------
    ValueError
        If the checkpoint is another recipe's or another model's, or cannot be read.
    FloatingPointError
        If the loss diverges; the checkpoint of the epoch before stays.

    Examples
    --------
    >>> sample = data.load("sample")
    >>> few = (sample.test_images[::10], sample.test_labels[::10])
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    >>> runs = list(fit(model, few, few, Recipe(epochs=2, learning_rate=0.01)))
    >>> [epoch.number for epoch in runs[-1].history]
    [1, 2]
    """
    run = Training(model, recipe, seed=seed, device=device)
    if checkpoint is not None and checkpoint.exists():
        run.load_state_dict(load_checkpoint(checkpoint))
    while len(run.history) < recipe.epochs:
        run.run_epoch(train, validation)
        if checkpoint is not None:
            save_checkpoint(checkpoint, run.state_dict())
        yield run
