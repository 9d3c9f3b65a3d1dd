"""What is BatchNorm worth, and what do small batches cost it?

``python -m benchmarks.normalisation`` trains a small network on 1,200 pictures of the sample, and
writes each run into ``cnnguide/results/norm.json`` as soon as it has ended. The same command goes
on where it was cut, and does nothing if all is there.

The network has six convolutions. It is trained without any normalisation, with BatchNorm before
each ReLU, with BatchNorm after each ReLU, and with GroupNorm before each ReLU. Everything else is
the same: He's initialisation, the pictures and their order, SGD with momentum, one rise and one
fall of the learning rate, six epochs, no augmentation, float32. Each kind has the same learning
rates to choose from. The choice is made on validation pictures, and the test pictures are beside
it in the record. With and without BatchNorm there are also runs of three times as many epochs.

For batches of 2, 4 and 8 pictures, BatchNorm and GroupNorm have the same six epochs, and rates in
proportion to the batch. A run whose loss is no longer finite is recorded as diverged.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.recorded import measure, read_options
from cnnguide import data
from cnnguide.recipe import Recipe, learning_rate_at
from cnnguide.train import seed_everything

KINDS = ("none", "before", "after", "group")
WIDTHS = (8, 8, 16, 16, 32, 32)  # every second convolution halves the side
GROUPS = 4
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)  # for batches of 32
BATCH, SMALL = 32, (2, 4, 8)
EPOCHS = 6
UNITS = {
    "kind": "no normalisation, BatchNorm before or after each ReLU, GroupNorm before each ReLU",
    "train_loss": "cross-entropy per picture, in training mode; one number per epoch",
    "validation_accuracy": "share of 1,200 other pictures of the sample, after the last epoch",
    "test_accuracy": "share of the sample's 1,000 test pictures, after the last epoch",
    "diverged": "whether the loss became infinite or no number; then there is no accuracy",
    "seconds": "training alone, by the clock on the wall; the machine was shared",
}


def plan(seeds: int, epochs: int) -> Iterator[dict[str, Any]]:
    """List the runs: the comparison, then longer runs, then small batches, which take longest."""
    for seed in range(seeds):
        for kind in KINDS[:3]:
            for rate in RATES:
                yield choices(kind, BATCH, rate, epochs, seed)
    for seed in range(min(seeds, 5)):  # is it only faster, or better in the end?
        for kind, rates in (("none", RATES[1:3]), ("before", RATES[2:4])):
            for rate in rates:
                yield choices(kind, BATCH, rate, 3 * epochs, seed)
    for seed in range(min(seeds, 3)):
        for size in (BATCH, *reversed(SMALL)):
            for kind in ("before", "group"):
                for rate in RATES[1:4]:
                    if (kind, size) != ("before", BATCH):  # made above
                        yield choices(kind, size, rate * size / BATCH, epochs, seed)


def choices(kind: str, batch: int, rate: float, epochs: int, seed: int) -> dict[str, Any]:
    """Write down what tells a run from the others."""
    return {
        **{"kind": kind, "batch_size": batch, "learning_rate": round(rate, 6)},
        **{"epochs": epochs, "seed": seed},
    }


def make(kind: str) -> nn.Sequential:
    """Make the network, with He's initialisation in every kind."""
    layers: list[nn.Module] = []
    channels = 3
    for k, width in enumerate(WIDTHS):
        convolution = nn.Conv2d(channels, width, 3, stride=2 - k % 2, padding=1)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
        rest: list[nn.Module] = [nn.ReLU()]
        if kind == "group":
            rest.insert(0, nn.GroupNorm(GROUPS, width))
        elif kind != "none":
            rest.insert(("before", "after").index(kind), nn.BatchNorm2d(width))
        layers += [convolution, *rest]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def pictures() -> dict[str, tuple[Tensor, Tensor]]:
    """Take 1,200 pictures to learn from, 1,200 others to choose by, and the 1,000 to test."""
    sample, every = data.load("sample"), torch.arange(0, 4800, 4)
    images = data.normalise(sample.train_images)
    return {
        "train": (images[every], sample.train_labels[every]),
        "validation": (images[every + 1], sample.train_labels[every + 1]),
        "test": (data.normalise(sample.test_images), sample.test_labels),
    }


def train(run: dict[str, Any]) -> dict[str, Any]:
    """Train one network, and say how it went."""
    order = seed_everything(run["seed"])
    model, sets = make(run["kind"]), pictures()
    images, labels = sets["train"]
    size = run["batch_size"]
    steps = len(labels) // size  # what is left of an epoch after whole batches is not used in it
    recipe = Recipe(epochs=run["epochs"], learning_rate=run["learning_rate"], schedule="triangle")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, momentum=0.9, weight_decay=5e-4)
    start, losses = time.perf_counter(), []
    for epoch in range(recipe.epochs):
        total = 0.0
        for k, chosen in enumerate(
            torch.randperm(len(labels), generator=order).split(size)[:steps]
        ):
            rate = learning_rate_at(recipe, epoch * steps + k, steps_per_epoch=steps)
            optimizer.param_groups[0]["lr"] = rate
            loss = F.cross_entropy(model(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        losses.append(round(total / steps, 5))
        if not torch.tensor(total).isfinite():
            lost = {"validation_accuracy": None, "test_accuracy": None}
            return {"diverged": True, **lost, "seconds": round(time.perf_counter() - start, 2)}
    seconds = round(time.perf_counter() - start, 2)
    scores = {f"{name}_accuracy": accuracy(model, *sets[name]) for name in ("validation", "test")}
    return {"diverged": False, "train_loss": losses, **scores, "seconds": seconds}


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Give the share of right predictions, in evaluation mode."""
    predicted = torch.cat([model.eval()(part).argmax(1) for part in images.split(200)])
    return int((predicted == labels).sum()) / len(labels)


def main(arguments: list[str] | None = None) -> int:
    """Make the runs that are not yet recorded."""
    more = "; longer runs have 5, small batches 3"
    options = read_options(
        "benchmarks.normalisation", __doc__, arguments, seeds=10, epochs=EPOCHS, more=more
    )
    for run in plan(options.seeds, options.epochs):
        measure("norm", run, train, folder=options.record_folder, units=UNITS, score=score)
    return 0


def score(found: dict[str, Any]) -> str:
    """Sum a run up in a few words."""
    if found["diverged"]:
        return ": diverged"
    return f": validation {found['validation_accuracy']:.1%}"


if __name__ == "__main__":
    sys.exit(main())
