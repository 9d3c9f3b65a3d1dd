"""What does each step of the capstone bring?

``python -m benchmarks.ladder`` trains five networks on 4,000 pictures of the sample, each with one
step of the page *capstone* more than the one before, from two seeds, and measures them on the 1,000
pictures that were set aside. BatchNorm comes in at the learning rate of the step before, and the
larger rate comes together with its fall; a sixth network, which is no step, has BatchNorm and the
larger rate without the fall. The last step varies the pictures, and has ten epochs instead of five.
Each run is written into ``cnnguide/results/capstone.json`` as soon as it has ended. The same
command goes on where it was cut, and does nothing if all is there.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.recorded import accuracy, measure, read_options
from cnnguide import data
from cnnguide.augment import random_crop, random_flip
from cnnguide.models.cost import count_parameters

# Each with its rate: the highest that the network without BatchNorm bears is lower.
RATES = {
    "linear": 0.005,
    "convolutions": 0.02,
    "batchnorm, 0.02": 0.02,
    "batchnorm": 0.1,  # no step of the page: the larger rate, which does not fall
    "schedule": 0.1,
    "varied": 0.1,
}
STEPS, BATCH = tuple(step for step in RATES if step != "batchnorm"), 64
EPOCHS = {step: 10 if step == "varied" else 5 for step in RATES}
UNITS = {
    "step": "of the page capstone, with all before it; batchnorm is none: a high, constant rate",
    "epochs": "length of the run",
    "parameters": "trainable numbers of the network",
    "training_accuracy": "share of the 4,000 pictures it learned from, unchanged",
    "validation_accuracy": "share of the 1,000 pictures that were set aside",
    "seconds": "by the clock on the wall; the machine was shared",
}


def make_model(step: str) -> nn.Module:
    """Make the network of a step: that of the page's solution, with or without BatchNorm."""
    if step == "linear":
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))

    def block(before: int, after: int, stride: int = 1) -> list[nn.Module]:
        normalised = step != "convolutions"
        layers = [nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=not normalised)]
        return [*layers, *([nn.BatchNorm2d(after)] if normalised else []), nn.ReLU()]

    return nn.Sequential(
        *block(3, 32, 2),
        *block(32, 64),
        nn.MaxPool2d(2),
        *block(64, 128),
        nn.MaxPool2d(2),
        *block(128, 128),
        *(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(128, 10)),
    )


def train(run: dict[str, Any]) -> dict[str, Any]:
    """Train the network of a step, and give its accuracies."""
    sample = data.load("sample")
    *learned, images, labels = data.split(
        sample.train_images,
        sample.train_labels,
        validation=0.2,
        generator=torch.Generator().manual_seed(0),
    )
    torch.manual_seed(run["seed"])
    model = make_model(run["step"])
    start = time.perf_counter()
    fit(model, *learned, step=run["step"], seed=run["seed"])
    seconds = round(time.perf_counter() - start, 1)
    return {
        "epochs": EPOCHS[run["step"]],
        "parameters": count_parameters(model),
        "training_accuracy": accuracy(model, data.normalise(learned[0]), learned[1]),
        "validation_accuracy": accuracy(model, data.normalise(images), labels),
        "seconds": seconds,
    }


def fit(model: nn.Module, images: Tensor, labels: Tensor, *, step: str, seed: int) -> None:
    """Train as the page's solution does, with what the step has of it."""
    rate, steps = RATES[step], EPOCHS[step] * -(-len(labels) // BATCH)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=rate, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    schedule = (
        torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
        if step in ("schedule", "varied")
        else torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1)
    )
    generator = torch.Generator().manual_seed(seed)
    model.train()
    for _ in range(EPOCHS[step]):
        for x, y in data.batches(images, labels, batch_size=BATCH, generator=generator):
            if step == "varied":
                x = random_flip(random_crop(x, padding=2, generator=generator), generator=generator)
            loss = F.cross_entropy(model(data.normalise(x)), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def main(arguments: list[str] | None = None) -> int:
    """Make the runs that are not yet recorded."""
    options = read_options("benchmarks.ladder", __doc__, arguments, seeds=2)
    for seed in range(options.seeds):
        for step in RATES:
            run = {"step": step, "seed": seed}
            folder = options.record_folder
            measure("capstone", run, train, folder=folder, units=UNITS, score=score)
    return 0


def score(found: dict[str, Any]) -> str:
    """Sum a run up in a few words."""
    return f": {found['validation_accuracy']:.1%}, {found['seconds']} s"


if __name__ == "__main__":
    sys.exit(main())
