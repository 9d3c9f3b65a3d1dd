"""Does a convolution help, and which parts of LeNet-5 matter for it?

``python -m benchmarks.lenet`` trains LeNet-5 on 4,000 photographs of the sample, and beside it the
networks of the chapter before, which have no convolution: one linear layer, and two with 64 numbers
between them. It also trains LeNet-5 with tanh, with the sigmoid, and with maxima in place of means,
and its head alone on features that a person designed. Each run is written into
``cnnguide/results/lenet.json`` as soon as it has ended. The same command goes on where it was cut,
and does nothing if all is there.

Everything else is the same for all: first weights by He with the ReLU and by Xavier without it, the
order of the pictures, the number of steps, SGD with momentum, one rise and one fall of the learning
rate, float32. Each network gets three or four learning rates. 1,000 other photographs are there to
choose one of them, and the sample's 1,000 test pictures are counted once, at the end of each run.
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
from cnnguide import data
from cnnguide.models import LeNet5
from cnnguide.recipe import Recipe, learning_rate_at
from cnnguide.train import seed_everything

BATCH, EPOCHS, SEEDS, HIDDEN = 32, 10, 3, 64
MORE = 2  # further seeds for the networks that are compared first
RATES = {  # around the best rate of each network
    "linear": (0.0001, 0.0003, 0.001, 0.003),
    "hidden layer": (0.001, 0.003, 0.01, 0.03),
    "LeNet-5, ReLU": (0.003, 0.01, 0.03),
    "LeNet-5, tanh": (0.003, 0.01, 0.03),
    "LeNet-5, sigmoid": (0.1, 0.3, 1.0),
    "LeNet-5, ReLU, max pooling": (0.003, 0.01, 0.03),
    "hand-made features": (0.01, 0.03, 0.1),
}
COMPARED = ("linear", "hidden layer", "LeNet-5, ReLU")
UNITS = {
    "network": f"the hidden layer has {HIDDEN} numbers; the features go to LeNet-5's last layers",
    "learning_rate": "the highest of the run",
    "parameters": "trained numbers",
    "train_accuracy": "share of the 4,000 training pictures, after the last epoch",
    "validation_accuracy": "share of 1,000 other pictures; one number per epoch",
    "test_accuracy": "share of the sample's 1,000 test pictures, after the last epoch",
    "seconds": "by the clock on the wall; the machine was shared",
}


def plan(seeds: int, epochs: int) -> Iterator[dict[str, Any]]:
    """List the runs, seed by seed: of all networks, then further seeds of the first three."""
    for seed in range(seeds + MORE):
        for network in RATES if seed < seeds else COMPARED:
            for rate in RATES[network]:
                yield {"network": network, "learning_rate": rate, "epochs": epochs, "seed": seed}


def make(network: str) -> nn.Module:
    """Make a network with its first weights."""
    relu = "tanh" not in network and "sigmoid" not in network
    model: nn.Module
    if network == "linear":
        model, relu = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)), False
    elif network == "hidden layer":
        layers = nn.Linear(3072, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10)
        model = nn.Sequential(nn.Flatten(), *layers)
    elif network == "hand-made features":
        layers = nn.Linear(128, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)
        model = nn.Sequential(*layers)
    else:
        sigmoid = "sigmoid" in network
        activation = nn.ReLU() if relu else nn.Sigmoid() if sigmoid else nn.Tanh()
        model = LeNet5(in_channels=3, activation=activation)
        if "max" in network:
            model.pool = nn.MaxPool2d(2)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            if relu:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            else:
                nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    return model


def directions(images: Tensor) -> Tensor:
    """Add up the edges of 4 × 4 regions by 8 directions: features that a person designed."""
    grey = images.mean(1, keepdim=True)
    padded = F.pad(grey, (1, 1, 1, 1), mode="replicate")
    across = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
    down = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
    strength = (across**2 + down**2).sqrt()
    which = ((torch.atan2(down, across) / torch.pi + 1) * 4).long().clamp(max=7)
    one_hot = F.one_hot(which.squeeze(1), 8).permute(0, 3, 1, 2)
    rows = F.avg_pool2d(one_hot * strength, 8).flatten(1)
    return rows / rows.std(1, keepdim=True)


@cache
def pictures(*, features: bool = False) -> dict[str, tuple[Tensor, Tensor]]:
    """Take the photographs of the chapter, or a person's features of them."""
    sample = data.load("sample")
    x, y, unseen_x, unseen_y = data.split(
        data.normalise(sample.train_images),
        sample.train_labels,
        validation=0.2,
        generator=torch.Generator().manual_seed(0),
    )
    test_x = data.normalise(sample.test_images)
    if features:
        x, unseen_x, test_x = map(directions, (x, unseen_x, test_x))
    return {
        **{"train": (x, y), "validation": (unseen_x, unseen_y)},
        "test": (test_x, sample.test_labels),
    }


def train(run: dict[str, Any]) -> dict[str, Any]:
    """Train one network, and report how it went."""
    order = seed_everything(run["seed"])
    model = make(run["network"])
    sets = pictures(features=run["network"] == "hand-made features")
    images, labels = sets["train"]
    steps = -(-len(labels) // BATCH)
    recipe = Recipe(epochs=run["epochs"], learning_rate=run["learning_rate"], schedule="triangle")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, momentum=0.9)
    start = time.perf_counter()
    curve = []
    for epoch in range(recipe.epochs):
        for k, chosen in enumerate(torch.randperm(len(labels), generator=order).split(BATCH)):
            rate = learning_rate_at(recipe, epoch * steps + k, steps_per_epoch=steps)
            optimizer.param_groups[0]["lr"] = rate
            loss = F.cross_entropy(model(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        curve.append(accuracy(model, *sets["validation"]))
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "train_accuracy": accuracy(model, images, labels),
        "validation_accuracy": curve,
        "test_accuracy": accuracy(model, *sets["test"]),
        "seconds": round(time.perf_counter() - start, 2),
    }


def main(arguments: list[str] | None = None) -> int:
    """Make the runs that are not yet recorded."""
    options = read_options("benchmarks.lenet", __doc__, arguments, seeds=SEEDS, epochs=EPOCHS)
    for run in plan(options.seeds, options.epochs):
        measure("lenet", run, train, folder=options.record_folder, units=UNITS, score=score)
    return 0


def score(found: dict[str, Any]) -> str:
    """Sum a run up in a few words."""
    return f": learnt {found['train_accuracy']:.1%}, others {found['validation_accuracy'][-1]:.1%}"


if __name__ == "__main__":
    sys.exit(main())
