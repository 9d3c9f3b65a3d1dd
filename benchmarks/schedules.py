"""Does a better schedule of the learning rate need fewer steps for the same accuracy?

``python -m benchmarks.schedules`` trains a narrow QuickNet on 2,000 pictures of the sample, for 4,
8 and 16 epochs: with a rate that drops twice by a factor of 10, at 55 % and at 82 % of the run, and
with one that rises once and falls once. Both have two highest rates and two seeds, and all else is
the same. Each run is written into ``cnnguide/results/fast.json`` as soon as it has ended. The
same command goes on where it was cut, and does nothing if all is there.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from benchmarks.recorded import measure, read_options
from cnnguide import data
from cnnguide.fast import FastTraining, Techniques
from cnnguide.models import QuickNet
from cnnguide.recipe import Recipe

EPOCHS, RATES, SCHEDULES = (4, 8, 16), (0.05, 0.2), ("steps", "triangle")
WIDTHS, BATCH, PICTURES = (16, 32, 64), 64, 2000
DROPS = (82 / 150, 123 / 150)  # of the run, as in the recipe of 150 epochs
UNITS = {
    "schedule": "of the learning rate, as in cnnguide.recipe",
    "learning_rate": "the highest of the run",
    "epochs": "length of the run",
    "validation_accuracies": "share of 500 other pictures of the sample; one number per epoch",
    "test_accuracy": "share of the sample's 1,000 test pictures, after the last epoch",
    "seconds": "by the clock on the wall; the machine was shared",
}


def plan(seeds: int) -> Iterator[dict[str, Any]]:
    """List the runs, seed by seed."""
    for seed in range(seeds):
        for epochs in EPOCHS:
            for rate in RATES:
                for schedule in SCHEDULES:
                    yield {"schedule": schedule, "learning_rate": rate, "epochs": epochs,
                           "seed": seed}  # fmt: skip


def recipe_of(run: dict[str, Any]) -> Recipe:
    """Give the recipe of a run; only schedule, rate and length differ."""
    return Recipe(
        epochs=run["epochs"],
        batch_size=BATCH,
        learning_rate=run["learning_rate"],
        schedule=run["schedule"],
        milestones=tuple(round(drop * run["epochs"]) for drop in DROPS),
        nesterov=True,
        padding=2,
    )


def pictures() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Take pictures to learn from, to validate with, and to test."""
    sample = data.load("sample")
    order = torch.arange(5000).view(10, 500).t().flatten()  # the sample is sorted by class
    images, labels = sample.train_images[order], sample.train_labels[order]
    return (
        (images[:PICTURES], labels[:PICTURES]),
        (images[-500:], labels[-500:]),
        (sample.test_images, sample.test_labels),
    )


def train(run: dict[str, Any]) -> dict[str, Any]:
    """Train one network, and give its accuracies."""
    learned, validation, test = pictures()
    torch.manual_seed(run["seed"])
    model = QuickNet(widths=WIDTHS)
    model.whiten(data.normalise(learned[0][:1000]))
    exact = Techniques(bfloat16=False, fused=False, recorded=False)
    training = FastTraining(model, recipe_of(run), seed=run["seed"], techniques=exact)
    start = time.perf_counter()
    epochs = [training.run_epoch(learned, validation) for _ in range(run["epochs"])]
    seconds = round(time.perf_counter() - start, 2)
    return {
        "validation_accuracies": [epoch.validation_accuracy for epoch in epochs],
        "test_accuracy": training.evaluate(training.evaluated, *test).accuracy,
        "seconds": seconds,
    }


def main(arguments: list[str] | None = None) -> int:
    """Make the runs that are not yet recorded."""
    options = read_options("benchmarks.schedules", __doc__, arguments, seeds=2)
    for run in plan(options.seeds):
        measure("fast", run, train, folder=options.record_folder, units=UNITS, score=score)
    return 0


def score(found: dict[str, Any]) -> str:
    """Sum a run up in a few words."""
    return f": {found['test_accuracy']:.1%}, {found['seconds']} s"


if __name__ == "__main__":
    sys.exit(main())
