"""Which optimiser, and which schedule, is best on a small network if each has a rate of its own?

``python -m benchmarks.optimisers`` trains a small network on pictures of the sample with every
optimiser and every schedule, at several learning rates, and writes each run into
``cnnguide/results/optimisers.json`` as soon as it has ended. The same command goes on where it was
cut, and does nothing if all is there.

All else is the same: He's initialisation, the pictures, their order, the batches, the number of
steps, no augmentation, float32. The optimisers share the schedule ``cosine``, and the schedules
share SGD with momentum. The rate of each is to be chosen on the validation pictures; the weight
decay is a usual one for each and is not tuned.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Muon, Optimizer

from benchmarks.recorded import accuracy, measure, read_options
from cnnguide import data
from cnnguide.pool import avg_pool2d
from cnnguide.recipe import Recipe, learning_rate_at
from cnnguide.train import moving_average, seed_everything

WIDTHS = (16, 32, 64)  # every convolution halves the side
BATCH, EPOCHS, KEEP = 50, 8, 0.95  # KEEP: of the moving average; it spans about 20 steps
#: The rates of each optimiser, about a factor of 3 apart.
RATES = {
    "SGD": (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
    "momentum": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    "Nesterov": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    "Adam": (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
    "AdamW": (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
    "Muon": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
}
#: Changes of the recipe; without a milestone the rate is constant.
SCHEDULES: dict[str, dict[str, Any]] = {
    "constant": {"schedule": "steps", "milestones": ()},
    "steps": {"schedule": "steps", "milestones": (EPOCHS // 2, 3 * EPOCHS // 4)},
    "cosine": {"schedule": "cosine", "peak": 0.1},
    "triangle": {"schedule": "triangle", "peak": 0.2},
}
UNITS = {
    "optimiser": "Muon moves the kernels alone; AdamW at a rate of 0.003 moves the rest",
    "schedule": "constant; steps: a tenth at 1/2 and at 3/4 of the run; cosine after a rise over a "
    "tenth of the run; triangle: up over a fifth of the run, then down",
    "learning_rate": "the highest of the run",
    "weight_decay": "of AdamW and Muon decoupled, of the others added to the gradient",
    "train_loss": "mean over the last epoch, in training mode; null if it was not a number",
    "validation_accuracy": "share of 1,000 other pictures of the sample, after the last epoch",
    "test_accuracy": "share of the sample's 1,000 test pictures, after the last epoch",
    "averaged_validation_accuracy": "the same with the moving average of the weights",
    "averaged_test_accuracy": "the same with the moving average of the weights",
    "seconds": "by the clock on the wall; the machine was shared",
}


class Convolution(nn.Module):
    """A 3 × 3 convolution of stride 2 whose kernels are the rows of a matrix, as Muon wants it."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, 9 * in_channels))
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Apply every row as a kernel."""
        kernels = self.weight.view(len(self.weight), -1, 3, 3)
        return F.conv2d(x, kernels, stride=2, padding=1)


def make() -> nn.Sequential:
    """Make the network."""
    layers: list[nn.Module] = []
    channels = 3
    for width in WIDTHS:
        layers += [Convolution(channels, width), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def optimizers(name: str, model: nn.Module, rate: float) -> list[Optimizer]:
    """Make the optimiser with its usual weight decay; Muon needs a second one for the rest."""
    everything = list(model.parameters())
    if name == "Adam":
        return [Adam(everything, lr=rate, weight_decay=5e-4)]
    if name == "AdamW":
        return [AdamW(everything, lr=rate, weight_decay=0.05)]
    if name == "Muon":
        kernels = [m.weight for m in model.modules() if isinstance(m, Convolution)]
        rest = [p for p in everything if not any(p is kernel for kernel in kernels)]
        return [Muon(kernels, lr=rate, weight_decay=0.05), AdamW(rest, lr=0.003, weight_decay=0.05)]
    momentum = 0.0 if name == "SGD" else 0.9
    nesterov = name == "Nesterov"
    return [SGD(everything, lr=rate, momentum=momentum, nesterov=nesterov, weight_decay=5e-4)]


def pictures() -> dict[str, tuple[Tensor, Tensor]]:
    """Take 2,000 pictures of 16 × 16 pixels to learn from, 1,000 others, and those to test."""
    sample = data.load("sample")

    def small(images: Tensor) -> Tensor:
        return avg_pool2d(data.normalise(images), 2)

    images, labels, others, other_labels = data.split(
        small(sample.train_images),
        sample.train_labels,
        validation=0.2,
        generator=torch.Generator().manual_seed(0),
    )
    return {
        "train": (images[::2], labels[::2]),
        "validation": (others, other_labels),
        "test": (small(sample.test_images), sample.test_labels),
    }


def plan(seeds: int, epochs: int) -> Iterator[dict[str, Any]]:
    """List the runs."""
    for seed in range(seeds):
        for optimiser, rates in RATES.items():
            for rate in rates:
                yield choices(optimiser, "cosine", rate, epochs, seed)
        for schedule in SCHEDULES:
            for rate in RATES["momentum"]:
                if schedule != "cosine":
                    yield choices("momentum", schedule, rate, epochs, seed)


def choices(optimiser: str, schedule: str, rate: float, epochs: int, seed: int) -> dict[str, Any]:
    """Write down what tells a run from the others."""
    return {
        **{"optimiser": optimiser, "schedule": schedule, "learning_rate": rate},
        **{"epochs": epochs, "seed": seed},
    }


def train(run: dict[str, Any]) -> dict[str, Any]:
    """Train one network, and tell how it went."""
    order = seed_everything(run["seed"])
    model, sets = make(), pictures()
    images, labels = sets["train"]
    steps = len(labels) // BATCH
    change = SCHEDULES[run["schedule"]]
    recipe = Recipe(epochs=run["epochs"], learning_rate=run["learning_rate"], **change)
    used = optimizers(run["optimiser"], model, run["learning_rate"])
    starts = [optimizer.param_groups[0]["lr"] for optimizer in used]
    average = moving_average(model, keep=KEEP)
    start, losses = time.perf_counter(), []
    for step in range(recipe.epochs * steps):
        if step % steps == 0:
            parts, losses = torch.randperm(len(labels), generator=order).split(BATCH), []
        factor = learning_rate_at(recipe, step, steps_per_epoch=steps) / recipe.learning_rate
        chosen = parts[step % steps]
        loss = F.cross_entropy(model(images[chosen]), labels[chosen])
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            break
        for optimizer, first in zip(used, starts, strict=True):
            optimizer.param_groups[0]["lr"] = first * factor
            optimizer.zero_grad()
        loss.backward()
        for optimizer in used:
            optimizer.step()
        average.update_parameters(model)
    seconds = round(time.perf_counter() - start, 2)
    mean = sum(losses) / len(losses)
    return {
        "weight_decay": used[0].param_groups[0]["weight_decay"],
        "train_loss": mean if math.isfinite(mean) else None,
        "validation_accuracy": accuracy(model, *sets["validation"]),
        "test_accuracy": accuracy(model, *sets["test"]),
        "averaged_validation_accuracy": accuracy(average.module, *sets["validation"]),
        "averaged_test_accuracy": accuracy(average.module, *sets["test"]),
        "seconds": seconds,
    }


def main(arguments: list[str] | None = None) -> int:
    """Make the runs that are not yet recorded."""
    options = read_options("benchmarks.optimisers", __doc__, arguments, seeds=3, epochs=EPOCHS)
    for run in plan(options.seeds, options.epochs):
        measure("optimisers", run, train, folder=options.record_folder, units=UNITS, score=score)
    return 0


def score(found: dict[str, Any]) -> str:
    """Sum a run up in a few words."""
    return f": validation {found['validation_accuracy']:.1%}"


if __name__ == "__main__":
    sys.exit(main())
