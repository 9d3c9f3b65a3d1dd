"""All the choices of a training run in one frozen place, and the learning rate at every step.

Page: *train*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cnnguide import data
from cnnguide.checks import check_flag, check_number, check_range, check_type, check_whole

__all__ = ["RECIPES", "Recipe", "Triple", "check_triple", "find_recipe", "learning_rate_at"]

Triple = tuple[float, float, float]


def check_triple(values: Any, name: str, *, above: bool = False) -> None:
    """Refuse other than three numbers.

    Parameters
    ----------
    values : (float, float, float)
        What was got.
    name : str
        Of the argument, for the message.
    above : bool
        Whether all must be above 0.

    Raises
    ------
    TypeError
        For something other than numbers.
    ValueError
        For other than three, or a number out of range.

    Examples
    --------
    >>> check_triple((0.5, 0.5), "mean")
    Traceback (most recent call last):
    ValueError: mean must hold three numbers, got 2
    """
    check_type(values, tuple | list, name, "three numbers")
    if len(values) != 3:
        raise ValueError(f"{name} must hold three numbers, got {len(values)}")
    for value in values:
        check_range(value, name, *([0] if above else []), above=above)


@dataclass(frozen=True)
class Recipe:
    """The choices of a training run; the defaults are the recipe ``article``.

    Raises
    ------
    ValueError
        For a number out of its range, or an unknown schedule.

    Examples
    --------
    >>> Recipe().epochs, Recipe(epochs=3).epochs
    (150, 3)
    """

    epochs: int = 150  # passes over the training images
    batch_size: int = 128  # images per step
    learning_rate: float = 0.1  # the highest of the run
    momentum: float = 0.9  # share of the last step that is kept
    nesterov: bool = False  # look ahead along the momentum; free, and a little better
    weight_decay: float = 5e-4  # pull towards 0, per unit of learning rate
    decay_all: bool = True  # also pull on biases and BatchNorm
    schedule: str = "steps"  # "steps": drop at the milestones; "triangle", "cosine": up, down to 0
    milestones: tuple[int, ...] = (82, 123)  # epochs; He's 32,000 and 48,000 steps
    gamma: float = 0.1  # factor at each milestone
    peak: float = 0.2  # where triangle and cosine are highest, as a share of the run
    label_smoothing: float = 0.0  # probability shared among all classes
    padding: int = 4  # pixels for the random crop; 0 for none
    flip: float = 0.5  # probability of a mirrored image
    cutout: int = 0  # side in pixels of a square that is blanked; 0 for none
    mixup: float = 0.0  # α of MixUp; 0: none
    cutmix: float = 0.0  # α of CutMix; 0: none; with both, a batch gets one or the other
    mix_probability: float = 1.0  # of mixing a batch, if mixup or cutmix is above 0
    average: float = 0.0  # decay of the weights' moving average (EMA) per step; 0: none
    mean: Triple = data.MEAN  # of the training images, in [0, 1]
    std: Triple = data.STD  # over all pixels, in [0, 1]

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        for name, least in (("epochs", 1), ("batch_size", 1), ("padding", 0), ("cutout", 0)):
            check_whole(getattr(self, name), name, least)
        for name in ("nesterov", "decay_all"):
            check_flag(getattr(self, name), name)
        check_range(self.learning_rate, "learning_rate", 0, above=True)
        shares = ("momentum", "weight_decay", "label_smoothing", "flip", "peak", "gamma")
        for name in (*shares, "mix_probability"):
            check_range(getattr(self, name), name, 0, 1)
        for name in ("mixup", "cutmix"):
            check_range(getattr(self, name), name, 0)
        check_number(self.average, "average")
        if not 0 <= self.average < 1:
            raise ValueError(f"average must lie from 0 to below 1, got {self.average}")
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov must have a momentum above 0, got 0")
        check_type(self.milestones, tuple, "milestones", "a tuple of epochs")
        for epoch in self.milestones:
            check_whole(epoch, "a milestone", 0)
        check_triple(self.mean, "mean")
        check_triple(self.std, "std", above=True)
        check_type(self.schedule, str, "schedule", "a string")
        if self.schedule not in ("steps", "triangle", "cosine"):
            raise ValueError(
                f"schedule must be 'steps', 'triangle' or 'cosine', got {self.schedule!r}"
            )


#: The recipes by name.
RECIPES = {
    "article": Recipe(),
    # The same network by what has been learned since: one rise and one fall of the learning rate.
    "modern": Recipe(
        epochs=50,
        batch_size=512,
        learning_rate=0.4,
        nesterov=True,
        decay_all=False,
        schedule="triangle",
        label_smoothing=0.1,
        cutout=12,
        average=0.99,
    ),
    # For QuickNet on two cores; five or so epochs of the full set, more of the sample.
    "quick": Recipe(
        epochs=5,
        batch_size=256,
        learning_rate=0.4,
        nesterov=True,
        decay_all=False,
        schedule="triangle",
        label_smoothing=0.1,
        padding=2,
    ),
}


def find_recipe(name: str) -> Recipe:
    """Look a recipe up.

    Raises
    ------
    ValueError
        For an unknown name.

    Examples
    --------
    >>> find_recipe("article").batch_size
    128
    """
    check_type(name, str, "recipe", "a string")
    if name not in RECIPES:
        raise ValueError(f"recipe must be one of {', '.join(map(repr, RECIPES))}, got {name!r}")
    return RECIPES[name]


def learning_rate_at(recipe: Recipe, step: int, *, steps_per_epoch: int) -> float:
    """Give the learning rate of a step.

    Parameters
    ----------
    recipe : Recipe
    step : int
        From 0 on.
    steps_per_epoch : int
        At least 1; the short last batch counts.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        For a step outside the run.

    Examples
    --------
    >>> recipe = Recipe(epochs=4, milestones=(2,), learning_rate=1.0)
    >>> [learning_rate_at(recipe, step, steps_per_epoch=1) for step in range(4)]
    [1.0, 1.0, 0.1, 0.1]
    >>> recipe = Recipe(epochs=4, schedule="triangle", peak=0.5, learning_rate=1.0)
    >>> [learning_rate_at(recipe, step, steps_per_epoch=1) for step in range(4)]
    [0.25, 0.75, 0.75, 0.25]
    >>> recipe = Recipe(epochs=2, schedule="cosine", peak=0.0, learning_rate=1.0)
    >>> [round(learning_rate_at(recipe, step, steps_per_epoch=1), 2) for step in range(2)]
    [0.85, 0.15]
    """
    check_type(recipe, Recipe, "recipe", "a Recipe")
    check_whole(step, "step")
    check_whole(steps_per_epoch, "steps_per_epoch", 1)
    total = recipe.epochs * steps_per_epoch
    if not 0 <= step < total:
        raise ValueError(f"this run's steps must lie from 0 to {total - 1}, got {step}")
    if recipe.schedule == "steps":
        drops = sum(step // steps_per_epoch >= milestone for milestone in recipe.milestones)
        return recipe.learning_rate * recipe.gamma**drops
    done = (step + 0.5) / total  # the middle of the step, so that neither end is 0
    if done < recipe.peak:
        return recipe.learning_rate * done / recipe.peak
    left = (1 - done) / (1 - recipe.peak)
    if recipe.schedule == "cosine":
        left = (1 + math.cos(math.pi * (1 - left))) / 2
    return recipe.learning_rate * left
