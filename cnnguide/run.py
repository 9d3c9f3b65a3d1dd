"""A training run: validated epochs, a file to go on from, and the weights of the best epoch.

Page: *train*.
"""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cnnguide import data
from cnnguide.augment import random_crop, random_cutout, random_flip
from cnnguide.checkpoint import load_checkpoint, load_weights, save_checkpoint
from cnnguide.checks import check_generator, check_module, check_tensor, check_type, check_whole
from cnnguide.mix import random_mix
from cnnguide.recipe import Recipe, learning_rate_at
from cnnguide.train import (
    Score,
    evaluate,
    fast_layout,
    has_fast_bfloat16,
    make_optimizer,
    moving_average,
    train_epoch,
)

__all__ = ["Epoch", "Training", "augmented_batches", "check_pictures", "device_of", "fit"]


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


def check_pictures(pair: Any, name: str) -> None:
    """Refuse what is not a pair of colour images and labels, one per image.

    Parameters
    ----------
    pair : (Tensor, Tensor)
        Images ``N 3 H W``, uint8 or float, and labels ``N``, int64.
    name : str
        Of the pair, for the message.

    Raises
    ------
    TypeError
        For something other than two tensors, or another type of numbers.
    ValueError
        For another shape, or no image.

    Examples
    --------
    >>> check_pictures((torch.zeros(2, 1, 4, 4), torch.tensor([0, 1])), "train")
    Traceback (most recent call last):
    ValueError: images must have shape (N, 3, H, W), got (2, 1, 4, 4)
    """
    check_type(pair, tuple | list, name, "a pair (images, labels)")
    if len(pair) != 2:
        raise TypeError(f"{name} must be a pair (images, labels), got {len(pair)} in place of 2")
    check_tensor(pair[0], "images")
    if pair[0].ndim != 4 or pair[0].shape[1] != 3 or min(pair[0].shape[2:]) < 1:
        shape = tuple(pair[0].shape)
        raise ValueError(f"images must have shape (N, 3, H, W), got {shape}")
    if pair[0].dtype != torch.uint8 and not pair[0].is_floating_point():
        raise TypeError(f"images must be uint8, or floats from 0 to 1, got {pair[0].dtype}")
    data.check_lengths(*pair)


def augmented_batches(
    images: Tensor, labels: Tensor, recipe: Recipe, *, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffle, crop, flip, normalise and blank uint8 images, batch by batch.

    Parameters
    ----------
    images : Tensor
        ``N 3 H W``, uint8.
    labels : Tensor
        ``N``, int64, on the same device.
    recipe : Recipe
        Gives batch size, padding, flip, constants and cutout.
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
    check_type(recipe, Recipe, "recipe", "a Recipe")
    check_generator(generator)
    check_pictures((images, labels), "images")
    for x, y in data.batches(images, labels, batch_size=recipe.batch_size, generator=generator):
        x = random_crop(x, padding=recipe.padding, generator=generator)
        x = random_flip(x, p=recipe.flip, generator=generator)
        x = data.normalise(x, mean=recipe.mean, std=recipe.std)
        if recipe.cutout:
            x = random_cutout(x, side=recipe.cutout, generator=generator)
        yield fast_layout(x), y


def plain_batches(
    images: Tensor, labels: Tensor, recipe: Recipe
) -> Iterator[tuple[Tensor, Tensor]]:
    """Normalise images for evaluation, in large batches: no gradient has to be kept."""
    for x, y in data.batches(images, labels, batch_size=1000):
        yield fast_layout(data.normalise(x, mean=recipe.mean, std=recipe.std)), y


def device_of(device: torch.device | str) -> torch.device:
    """Read where to compute.

    Parameters
    ----------
    device : torch.device or str
        Such as ``"cuda:0"``.

    Returns
    -------
    torch.device

    Raises
    ------
    TypeError
        For something else.
    ValueError
        If PyTorch knows no such device, or does not find it here.

    Examples
    --------
    >>> device_of("cpu")
    device(type='cpu')
    """
    check_type(device, torch.device | str, "device", "a torch.device or its name")
    try:
        found = torch.device(device)
    except RuntimeError:
        raise ValueError(
            f"device must be one of PyTorch's, such as 'cpu', got {device!r}"
        ) from None
    if found.type == "meta":
        raise ValueError("device must be one that computes, got 'meta'")
    try:
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, ImportError):
        raise ValueError(f"device is {found}, which PyTorch does not find here; take cpu") from None
    return found


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
    progress : callable
        Wraps what an epoch iterates over, as a progress bar does.
    """

    def __init__(
        self, model: nn.Module, recipe: Recipe, *, seed: int = 0, device: torch.device | str = "cpu"
    ) -> None:
        check_module(model)
        check_type(recipe, Recipe, "recipe", "a Recipe")
        check_whole(seed, "seed", 0)
        self.device = device_of(device)
        self.model = model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.recipe = recipe
        self.average = moving_average(self.model, keep=recipe.average) if recipe.average else None
        self.optimizer = make_optimizer(model, recipe)
        self.generator = torch.Generator().manual_seed(seed)
        self.bfloat16 = has_fast_bfloat16(self.device)
        self.history: list[Epoch] = []
        self.best: dict[str, Tensor] = {}
        self.progress: Callable[[Iterable], Iterable] = iter
        self.images_digest = ""

    @property
    def evaluated(self) -> nn.Module:
        """The model that is evaluated, which is the moving average where the recipe has one."""
        return self.model if self.average is None else self.average.module

    def fit(
        self,
        train: tuple[Tensor, Tensor],
        validation: tuple[Tensor, Tensor],
        *,
        checkpoint: Path | None = None,
        write: bool = True,
    ) -> Iterator[Training]:
        """Train to the last epoch, and yield after each; never, if the checkpoint is of the last.

        Of several processes that train together, only the one with `write` writes the checkpoint.
        """
        check_pictures(train, "train")
        check_pictures(validation, "validation")
        self.images_digest = digest(*train, *validation)
        if checkpoint is not None and checkpoint.exists():
            self.load_state_dict(load_checkpoint(checkpoint))
        train, validation = (
            (images.to(self.device), labels.to(self.device))
            for images, labels in (train, validation)
        )
        while len(self.history) < self.recipe.epochs:
            self.run_epoch(train, validation)
            if checkpoint is not None and write:
                save_checkpoint(checkpoint, self.state_dict())
            yield self

    def run_epoch(self, train: tuple[Tensor, Tensor], validation: tuple[Tensor, Tensor]) -> Epoch:
        """Train for one epoch, validate, and keep the weights if they are the best so far."""
        start, recipe, done = time.perf_counter(), self.recipe, len(self.history)
        steps = -(-len(train[1]) // recipe.batch_size)
        rates = [
            learning_rate_at(recipe, done * steps + k, steps_per_epoch=steps) for k in range(steps)
        ]
        images, labels = (part.to(self.device) for part in train)
        trained = self.train_once(images, labels, rates)
        checked = self.evaluate(self.evaluated, *(part.to(self.device) for part in validation))
        if checked.accuracy > max((e.validation_accuracy for e in self.history), default=-1.0):
            self.best = copy.deepcopy(self.evaluated.state_dict())
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

    def _check_rates(self, rates: list[float], labels: Tensor) -> None:
        """Refuse other than one learning rate for each step of an epoch."""
        check_type(rates, list | tuple, "rates", "a list of numbers")
        steps = -(-len(labels) // self.recipe.batch_size)
        if len(rates) != steps:
            raise ValueError(
                f"rates must hold {steps} learning rates, one per batch, got {len(rates)}"
            )

    def train_once(self, images: Tensor, labels: Tensor, rates: list[float]) -> Score:
        """Take one epoch's steps."""
        self._check_rates(rates, labels)
        recipe, mixing = self.recipe, None
        if recipe.mixup or recipe.cutmix:
            mixing = partial(
                random_mix, mixup=recipe.mixup, cutmix=recipe.cutmix,
                probability=recipe.mix_probability, generator=self.generator,
            )  # fmt: skip
        return train_epoch(
            self.model,
            self.progress(augmented_batches(images, labels, recipe, generator=self.generator)),
            self.optimizer,
            learning_rates=iter(rates),
            label_smoothing=recipe.label_smoothing,
            mixing=mixing,
            bfloat16=self.bfloat16,
            average=self.average,
        )

    def evaluate(self, model: nn.Module, images: Tensor, labels: Tensor) -> Score:
        """Measure a model on images that are not changed."""
        return evaluate(model, plain_batches(images, labels, self.recipe), bfloat16=self.bfloat16)

    def test(self, images: Tensor, labels: Tensor) -> dict[str, float]:
        """Report test accuracy once: at the last epoch, and at the one chosen on validation."""
        if not self.best:
            raise ValueError("a run to test must have an epoch behind it, got none yet")
        images, labels = images.to(self.device), labels.to(self.device)
        chosen = copy.deepcopy(self.evaluated)
        load_weights(chosen, self.best)
        return {
            name: self.evaluate(model, images, labels).accuracy
            for name, model in (("last", self.evaluated), ("chosen", chosen))
        }

    def state_dict(self) -> dict[str, Any]:
        """Gather everything that the next epoch depends on."""
        return {
            "model": self.model.state_dict(),
            "average": self.average and self.average.state_dict(),
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
            "history": [asdict(epoch) for epoch in self.history],
            "recipe": asdict(self.recipe),
            "images": self.images_digest,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state; it must be this recipe's, this model's and these images'."""
        check_state(state)
        # A file that is older than a field was made with its default.
        ours, theirs = asdict(self.recipe), {**asdict(Recipe()), **state["recipe"]}
        # A file may hold lists where the recipe has tuples.
        different = [name for name in ours if _plain(ours[name]) != _plain(theirs.get(name))]
        if different:
            raise ValueError(
                "the checkpoint was made by another recipe: "
                + "; ".join(f"{n} was {theirs.get(n)}, is {ours[n]}" for n in different)
            )
        if self.images_digest and self.images_digest != state["images"]:
            raise ValueError(
                "the checkpoint was made on other training or validation images, or by an older "
                "cnnguide; take the data, the share of validation images and the seed of the first "
                "part of the run, or begin anew"
            )
        load_weights(self.model, state["model"])
        if self.average is not None:
            load_weights(self.average, state["average"] or {})
        if state["best"]:
            load_weights(copy.deepcopy(self.evaluated), state["best"])
        self.best = state["best"]
        try:
            self.optimizer.load_state_dict(dict(state["optimizer"]))
            self.generator.set_state(state["generator"])
            torch.set_rng_state(state["torch"])
        except (RuntimeError, TypeError, ValueError, KeyError) as error:
            reason = str(error).split("\n")[0]
            raise ValueError(f"the checkpoint is not of a training run: {reason}") from error
        if self.device.type == "cuda" and state["cuda"] is not None:
            torch.cuda.set_rng_state(state["cuda"], self.device)
        self.history = [Epoch(**epoch) for epoch in state["history"]]


# What a state holds, and of which type each part is.
STATE: dict[str, Any] = {
    "model": Mapping,
    "average": Mapping | None,
    "best": Mapping,
    "optimizer": Mapping,
    "generator": Tensor,
    "torch": Tensor,
    "cuda": Tensor | None,
    "history": list | tuple,
    "recipe": Mapping,
    "images": str,
}


def check_state(state: Any) -> None:
    """Refuse what is not a state of a run, naming the first part that is missing or wrong."""
    check_type(state, Mapping, "state", "a mapping, as state_dict gives it")
    for name, kind in STATE.items():
        if name not in state:
            raise ValueError(f"the checkpoint is not of a training run: {name} is missing")
        if not isinstance(state[name], kind):
            what = type(state[name]).__name__
            raise ValueError(f"the checkpoint is not of a training run: {name} is a {what}")
    names = {field.name for field in fields(Epoch)}
    if not all(isinstance(epoch, Mapping) and {*epoch} == names for epoch in state["history"]):
        raise ValueError("the checkpoint is not of a training run: its history holds other things")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def epochs_of(
    run: Training,
    train: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    checkpoint: Path | None,
) -> Iterator[Training]:
    """Yield a run after each epoch; once, if its checkpoint leaves none."""
    done = None
    for done in run.fit(train, validation, checkpoint=checkpoint):
        yield done
    if done is None:
        yield run


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
        The same object every time, one epoch further; once as it is, if the checkpoint is of a run
        that has ended.

    Raises
    ------
    ValueError
        If the checkpoint is of another recipe, model or images, or cannot be read.
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
    check_pictures(train, "train")
    check_pictures(validation, "validation")
    if checkpoint is not None:
        check_type(checkpoint, Path, "checkpoint", "a pathlib.Path")
    run = Training(model, recipe, seed=seed, device=device)
    return epochs_of(run, train, validation, checkpoint)


def digest(*parts: Tensor) -> str:
    """Tell images and labels from others."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part.cpu().contiguous().numpy().data)
    return whole.hexdigest()
