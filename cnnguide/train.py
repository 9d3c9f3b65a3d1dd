"""Training: the optimiser, one epoch, and one evaluation.

Page: *train*. The loop is the plain one; what feeds it may be a `DataLoader` or tensors.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from cnnguide.checks import (
    check_flag,
    check_floats,
    check_images,
    check_labels,
    check_module,
    check_number,
    check_range,
    check_tensor,
    check_type,
    check_whole,
)
from cnnguide.mix import Mixed, mixed_loss
from cnnguide.modes import evaluating
from cnnguide.recipe import Recipe

__all__ = [
    "Score",
    "autocast",
    "evaluate",
    "fast_layout",
    "has_fast_bfloat16",
    "make_optimizer",
    "moving_average",
    "seed_everything",
    "train_epoch",
]

Batches = Iterable[tuple[Tensor, Tensor]]
Tensors = tuple[Tensor, ...] | list[Tensor]


@dataclass(frozen=True)
class Score:
    """Mean loss, and share of right answers, over images."""

    loss: float
    accuracy: float


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
    check_whole(seed, "seed", 0)
    if seed >= 2**32:
        raise ValueError(f"seed must be below 2 ** 32, as NumPy has it, got {seed}")
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
    check_module(model)
    check_type(recipe, Recipe, "recipe", "a Recipe")
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


def moving_average(model: nn.Module, *, keep: float) -> AveragedModel:
    r"""Make an exponential moving average (EMA) of a model's weights, steadier than they are.

    Parameters
    ----------
    model : nn.Module
        Its weights are copied; the average begins there.
    keep : float
        Share of itself that the average keeps at every step, from 0 to below 1.

    Returns
    -------
    torch.optim.swa_utils.AveragedModel
        Call ``update_parameters(model)`` after every step; ``module`` is the averaged model.
        BatchNorm's running statistics are averaged too; whole numbers, such as its count of
        batches, are the latest.

    Notes
    -----
    An average that began at random weights would be slow to forget them, so the first steps keep
    less: after :math:`t` steps it keeps :math:`\min(k, t / (t + 9))`.

    Examples
    --------
    >>> model = nn.Linear(1, 1, bias=False)
    >>> model.weight.data.fill_(0.0)
    tensor([[0.]])
    >>> average = moving_average(model, keep=0.5)
    >>> for value in (1.0, 2.0):
    ...     model.weight.data.fill_(value)
    ...     average.update_parameters(model)
    tensor([[1.]])
    tensor([[2.]])
    >>> round(average.module.weight.item(), 2)  # 0 is forgotten at once; then 0.1 * 1 + 0.9 * 2
    1.9
    """
    check_module(model)
    check_number(keep, "keep")
    if not 0 <= keep < 1:
        raise ValueError(f"keep must lie from 0 to below 1, got {keep}")

    def move(means: Tensors, latest: Tensors, _: Tensor | int) -> None:
        if means[0].is_floating_point():
            steps = int(average.n_averaged)  # kept on the CPU: to read it makes no device wait
            torch._foreach_lerp_(means, latest, 1 - min(keep, steps / (steps + 9)))
        else:
            torch._foreach_copy_(means, latest)

    average = AveragedModel(model, multi_avg_fn=move, use_buffers=True)
    return average


def has_fast_bfloat16(device: torch.device) -> bool:
    """Tell whether bfloat16 saves time on the device.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    bool
        Whether the hardware multiplies in bfloat16; elsewhere it would be slower than float32.

    Examples
    --------
    >>> has_fast_bfloat16(torch.device("meta"))
    False
    """
    check_type(device, torch.device, "device", "a torch.device")
    if device.type == "cuda" and torch.cuda.is_available():  # NVIDIA: from Ampere on; AMD: all
        return bool(torch.version.hip) or torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    # With AVX-512 alone oneDNN accepts bfloat16, but computes in float32 inside.
    emulated = torch.cpu._is_avx512_supported() and not torch.cpu._is_avx512_bf16_supported()
    return torch.ops.mkldnn._is_mkldnn_bf16_supported() and not emulated


def autocast(device: torch.device, bfloat16: bool) -> AbstractContextManager:
    """Compute convolutions and products in bfloat16 where that is asked for.

    Parameters
    ----------
    device : torch.device
    bfloat16 : bool

    Returns
    -------
    context manager

    Examples
    --------
    >>> x = torch.ones(2, 2)
    >>> with autocast(x.device, True):
    ...     (x @ x).dtype
    torch.bfloat16
    """
    check_type(device, torch.device, "device", "a torch.device")
    check_flag(bfloat16, "bfloat16")
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16)


def train_epoch(
    model: nn.Module,
    batches: Batches,
    optimizer: torch.optim.Optimizer,
    *,
    learning_rates: Iterator[float],
    label_smoothing: float = 0.0,
    mixing: Callable[[Tensor], Mixed] | None = None,
    bfloat16: bool = False,
    average: AveragedModel | None = None,
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
        One per step.
    label_smoothing : float
        Probability shared among all classes.
    mixing : callable, optional
        Mixes the images of a batch, as `cnnguide.mix.random_mix` does. The right answer is then the
        label of the picture with the larger share.
    bfloat16 : bool
        Whether convolutions and products compute in bfloat16.
    average : AveragedModel, optional
        Moved after every step; see `moving_average`.

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
    check_module(model)
    check_type(optimizer, torch.optim.Optimizer, "optimizer", "a torch.optim.Optimizer")
    check_type(learning_rates, Iterator, "learning_rates", "an iterator, such as iter(rates)")
    check_range(label_smoothing, "label_smoothing", 0, 1)
    check_flag(bfloat16, "bfloat16")
    if average is not None:
        check_type(average, AveragedModel, "average", "what moving_average makes")
    model.train()
    loss_sum, right, count = 0.0, 0, 0
    for step, (images, labels) in enumerate(pairs_of(batches)):
        rate = next(learning_rates, None)
        if rate is None:
            raise ValueError(f"learning_rates must hold one per batch, got {step} for more batches")
        check_range(rate, "a learning rate", 0)
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("lr_scale", 1.0)  # see cnnguide.transfer
        mixed = mixing(images) if mixing else None
        with autocast(images.device, bfloat16):
            logits = model(mixed.images if mixed else images)
        check_scores(logits, labels)
        if mixed:
            _, lam, partners = mixed
            loss = mixed_loss(
                logits.float(), labels, lam=lam, permutation=partners,
                label_smoothing=label_smoothing,
            )  # fmt: skip
            labels = labels if lam >= 0.5 else labels[partners]
        else:
            loss = F.cross_entropy(logits.float(), labels, label_smoothing=label_smoothing)
        if not math.isfinite(loss.item()):
            raise FloatingPointError(
                f"training diverged: the loss is {loss.item()} at step {step + 1} of the epoch, "
                f"with learning rate {rate:g}; take a smaller one"
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if average is not None:
            average.update_parameters(model)
        loss_sum += loss.item() * len(labels)
        right += int((logits.argmax(1) == labels).sum())
        count += len(labels)
    if count == 0:
        raise ValueError("an epoch must have at least one batch, got none")
    return Score(loss_sum / count, right / count)


def pairs_of(batches: Batches) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield each batch; refuse what is not a pair of images and labels."""
    check_type(batches, Iterable, "batches", "an iterable of (images, labels)")
    for batch in batches:
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise TypeError(f"a batch must be a pair (images, labels), got {type(batch).__name__}")
        check_tensor(batch[0], "images")
        yield batch[0], batch[1]


def check_scores(logits: Tensor, labels: Tensor) -> None:
    """Refuse what is not a row of scores per image, and labels that name no score."""
    check_floats(logits, "scores")
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise ValueError(f"a model must give scores (N, classes), got {tuple(logits.shape)}")
    check_labels(labels, *logits.shape)


@torch.no_grad()
def evaluate(model: nn.Module, batches: Batches, *, bfloat16: bool = False) -> Score:
    """Measure loss and accuracy in evaluation mode; the model's mode is put back.

    Parameters
    ----------
    model : nn.Module
        Gives scores ``N classes``.
    batches : iterable of (images, labels)
        Float images ``N C H W`` and int64 labels ``N`` on the model's device.
    bfloat16 : bool
        Whether convolutions and products compute in bfloat16.

    Returns
    -------
    Score
        Means over the images, so that a short last batch counts for what it is.

    Raises
    ------
    ValueError
        Without a batch, or for labels that name no score.
    TypeError
        For a batch that is not a pair of tensors.

    Examples
    --------
    >>> images, labels = torch.eye(2).view(2, 2, 1, 1), torch.tensor([0, 1])
    >>> evaluate(nn.Flatten(), [(images, labels)]).accuracy
    1.0
    """
    check_module(model)
    check_flag(bfloat16, "bfloat16")
    loss_sums, rights, count = [], [], 0
    with evaluating(model):
        for images, labels in pairs_of(batches):
            with autocast(images.device, bfloat16):
                logits = model(images)
            check_scores(logits, labels)
            loss_sums.append(F.cross_entropy(logits.float(), labels, reduction="sum"))
            rights.append((logits.argmax(1) == labels).sum())
            count += len(labels)
    if count == 0:
        raise ValueError("an evaluation must have at least one batch, got none")
    # Read once at the end: every reading makes a graphics card wait.
    return Score(float(sum(loss_sums)) / count, int(sum(rights)) / count)


def fast_layout(x: Tensor) -> Tensor:
    """Keep a pixel's channels side by side in memory, as the fastest convolutions want them.

    Parameters
    ----------
    x : Tensor
        ``N C H W``.

    Returns
    -------
    Tensor
        The same numbers and shape; only the order in memory differs.

    Examples
    --------
    >>> fast_layout(torch.zeros(1, 3, 4, 5)).stride()  # the next channel is the next number
    (60, 1, 15, 3)
    """
    check_images(x)
    return x.contiguous(memory_format=torch.channels_last)
