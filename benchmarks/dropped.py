"""What does dropout buy a network that learns its pictures by heart, and what do others buy it?

``python -m benchmarks.dropped`` trains a fully connected network with 790,000 weights on 1,000
pictures of the sample: as it is, with dropout, with weight decay, with pictures mirrored at random,
and with pairs of these. It writes each run into ``cnnguide/results/dropout.json`` as soon as it has
ended. The same command goes on where it was cut, and does nothing if all is there.

Everything else is the same: PyTorch's initialisation by the same seed, the order of the pictures,
the number of steps, SGD with momentum, one rise and one fall of the learning rate, float32. So two
ways can be compared seed by seed. 1,000 further pictures are for choosing a probability or a
strength, and the other 3,000 for comparing what was chosen.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.recorded import accuracy, measure, read_options
from cnnguide import augment, data
from cnnguide.dropout import Dropout
from cnnguide.recipe import Recipe, learning_rate_at
from cnnguide.train import seed_everything

BATCH, RATE, EPOCHS, WIDTH, MASKS = 50, 0.02, 30, 256, 50
PROBABILITIES, DECAYS = (0.2, 0.5, 0.8), (0.01, 0.03, 0.1, 0.3)
UNITS = {
    "p": "the probability to drop each of the hidden activations",
    "weight_decay": "per unit of learning rate",
    "flip": "the probability of a mirrored picture in training",
    "width": "hidden activations",
    "learning_rate": "the highest of the run",
    "train_accuracy": "share of the 1,000 training pictures, in evaluation mode; one per epoch",
    "validation_accuracy": "share of 1,000 other pictures, in evaluation mode; one per epoch",
    "test_accuracy": "share of 3,000 further pictures of the sample, after the last epoch",
    "thinned_accuracy": "the same, by one thinned network per picture, in training mode",
    "averaged_accuracy": f"the same, by the mean probabilities of {MASKS} thinned networks",
    "seconds": "by the clock on the wall; the machine was shared",
}


def plan(seeds: int, epochs: int) -> Iterator[dict[str, Any]]:
    """List the runs: the comparison, seed by seed, then other learning rates."""
    for seed in range(seeds):
        yield choices(epochs, seed)
        for p in PROBABILITIES:
            yield choices(epochs, seed, p=p)
        for decay in DECAYS:
            yield choices(epochs, seed, weight_decay=decay)
        yield choices(epochs, seed, flip=0.5)
        yield choices(epochs, seed, flip=0.5, p=0.5)
        yield choices(epochs, seed, flip=0.5, weight_decay=0.1)
        for p in (0.0, 0.5):
            yield choices(epochs, seed, p=p, width=16)
    for seed in range(seeds):
        for rate in (RATE / 2, RATE / 4, RATE / 8, RATE / 16):
            for p, decay in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.1)):
                yield choices(epochs, seed, p=p, weight_decay=decay, learning_rate=rate)
        for rate in (2 * RATE, RATE / 2, RATE / 4, RATE / 8, RATE / 16):
            for p in (0.0, 0.5):
                yield choices(epochs, seed, p=p, width=16, learning_rate=rate)


def choices(
    epochs: int,
    seed: int,
    *,
    p: float = 0.0,
    weight_decay: float = 0.0,
    flip: float = 0.0,
    width: int = WIDTH,
    learning_rate: float = RATE,
) -> dict[str, Any]:
    """Write down what tells a run from the others."""
    return {
        **{"p": p, "weight_decay": weight_decay, "flip": flip, "width": width},
        **{"learning_rate": learning_rate, "epochs": epochs, "seed": seed},
    }


def make(p: float, width: int) -> nn.Sequential:
    """Make the network: dropout between its two fully connected layers."""
    layers = (nn.Linear(3072, width), nn.ReLU(), Dropout(p), nn.Linear(width, 10))
    return nn.Sequential(nn.Flatten(), *layers)


@cache
def pictures() -> dict[str, tuple[Tensor, Tensor]]:
    """Take every fifth picture to learn from, the next ones to choose by, and all others."""
    sample = data.load("sample")
    images, labels = data.normalise(sample.train_images), sample.train_labels
    place = torch.arange(len(labels)) % 5
    parts = {"train": place == 0, "validation": place == 1, "test": place > 1}
    return {name: (images[part], labels[part]) for name, part in parts.items()}


def train(run: dict[str, Any]) -> dict[str, Any]:
    """Train one network, and report how it went."""
    order = seed_everything(run["seed"])
    model, sets = make(run["p"], run["width"]), pictures()
    images, labels = sets["train"]
    steps = len(labels) // BATCH
    recipe = Recipe(epochs=run["epochs"], learning_rate=run["learning_rate"], schedule="triangle")
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.0, momentum=0.9, weight_decay=run["weight_decay"]
    )
    start = time.perf_counter()
    curves: dict[str, list[float]] = {"train": [], "validation": []}
    for epoch in range(recipe.epochs):
        for k, chosen in enumerate(torch.randperm(len(labels), generator=order).split(BATCH)):
            rate = learning_rate_at(recipe, epoch * steps + k, steps_per_epoch=steps)
            optimizer.param_groups[0]["lr"] = rate
            mirrored = torch.rand(len(chosen), generator=order) < run["flip"]
            x = augment.flip_where(images[chosen], mirrored)
            loss = F.cross_entropy(model(x), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        for name, values in curves.items():
            values.append(accuracy(model, *sets[name]))
    found: dict[str, Any] = {f"{name}_accuracy": values for name, values in curves.items()}
    found["test_accuracy"] = accuracy(model, *sets["test"])
    if run["p"]:
        found["thinned_accuracy"] = thinned(model, *sets["test"], masks=1)
        found["averaged_accuracy"] = thinned(model, *sets["test"], masks=MASKS)
    return {**found, "seconds": round(time.perf_counter() - start, 2)}


@torch.no_grad()
def thinned(model: nn.Sequential, images: Tensor, labels: Tensor, *, masks: int) -> float:
    """Give the share of right predictions by the mean of some thinned networks."""
    *first, drop, last = model  # only what is drawn is computed again
    hidden = nn.Sequential(*first)(images)
    means = torch.stack([last(drop(hidden)).softmax(1) for _ in range(masks)]).mean(0)
    return float((means.argmax(1) == labels).double().mean())


def main(arguments: list[str] | None = None) -> int:
    """Make the runs that are not yet recorded."""
    options = read_options("benchmarks.dropped", __doc__, arguments, seeds=4, epochs=EPOCHS)
    for run in plan(options.seeds, options.epochs):
        measure("dropout", run, train, folder=options.record_folder, units=UNITS, score=score)
    return 0


def score(found: dict[str, Any]) -> str:
    """Sum a run up in a few words."""
    return f": learnt {found['train_accuracy'][-1]:.1%}, others {found['test_accuracy']:.1%}"


if __name__ == "__main__":
    sys.exit(main())
