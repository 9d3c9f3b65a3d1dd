"""What are mixed and smoothed labels worth to a small network?

``python -m benchmarks.mixing`` trains the network of `benchmarks.augmented` on the same 1,000
pictures of the sample, with hard labels, label smoothing, MixUp or CutMix, and writes each run into
``cnnguide/results/mix.json`` as soon as it has ended. The same command goes on where it was cut,
and does nothing if all is there.

Everything else is the same for all: He's initialisation, the pictures, the number of steps, SGD
with momentum, one rise and one fall of the learning rate, float32. The pictures are cropped and
flipped before they are mixed. Beside the main comparison there are shorter runs, and some without
crop and flip, and some whose labels are a teacher's: the trained network that the package ships.
It has learnt from nearly all pictures of CIFAR-10, so a student of it is judged by the test
pictures alone; the other pictures of the sample were among those that the teacher learnt from.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks import augmented
from benchmarks.augmented import BATCH, PADDING, PICTURES, RATE, SEEDS, WIDTHS
from benchmarks.recorded import measure, read_options
from cnnguide import data, mix
from cnnguide.modes import evaluating
from cnnguide.recipe import Recipe, learning_rate_at
from cnnguide.train import seed_everything
from cnnguide.trained import shipped

EPOCHS, SHORTER = 60, 15
SMOOTHING = 0.1
KINDS = ("hard", "smoothing", "MixUp 0.2", "MixUp 1", "CutMix 1")  # MixUp and CutMix with their α
BINS = 10
TEMPERATURES = torch.logspace(-1, 1, 201)  # from 0.1 to 10, each 2.3 % above the one before
CHANGES = "crop, flip"
TAUGHT = "teacher 4"  # with its temperature; after `SHORTER` epochs
UNCHANGED = ("hard", "MixUp 1", "CutMix 1")  # also without any change of the pictures
UNITS = {
    "kind": f"of labels: hard, smoothed with {SMOOTHING}, mixed with the given α, or a teacher's "
    "predictions with the given temperature",
    "changes": "of the pictures in training, before they are mixed",
    "train_loss": "cross-entropy with the labels as they are trained on; one number per epoch",
    "train_accuracy": "share of the pictures as shown whose own label is predicted, in training "
    "mode; one number per epoch",
    "validation_accuracies": "share of 500 other pictures of the sample; one number per epoch",
    "unchanged_accuracy": "share of the training pictures, unchanged, after the last epoch",
    "others_accuracy": "share of the 4,000 other pictures of the sample, after the last epoch",
    "others_loss": "cross-entropy of the same with their hard labels",
    "test_accuracy": "share of the sample's 1,000 test pictures, after the last epoch",
    "confidence": "mean highest probability on the other pictures",
    "calibration_error": f"expected calibration error on them, {BINS} bins",
    "bins": "of confidence on them: [mean confidence, accuracy, count]; null if empty",
    "temperature": "by which all scores are divided; the one of TEMPERATURES with the smallest "
    "cross-entropy on the 500 validation pictures",
    "rest_errors": "expected calibration error on the other pictures without these 500, before "
    "the scores are divided by the temperature, and after",
    "seconds": "by the clock on the wall; the machine was shared",
}


def plan(seeds: int, epochs: int) -> Iterator[dict[str, Any]]:
    """List the runs: the comparison, shorter ones, without crop and flip, with a teacher."""
    for seed in range(seeds):
        for kind in KINDS:
            yield choices(kind, epochs, seed)
    for seed in range(seeds):
        for kind in KINDS:
            yield choices(kind, SHORTER, seed)
    for seed in range(seeds):
        for kind in UNCHANGED:
            yield choices(kind, epochs, seed, changes="none")
    for seed in range(seeds):
        yield choices(TAUGHT, SHORTER, seed)


def choices(kind: str, epochs: int, seed: int, *, changes: str = CHANGES) -> dict[str, Any]:
    """Write down what tells a run from the others."""
    return {"kind": kind, "changes": changes, "epochs": epochs, "seed": seed}


def mixed(images: Tensor, kind: str, generator: torch.Generator) -> mix.Mixed:
    """Mix a batch as a kind asks for it."""
    method, _, alpha = kind.partition(" ")
    alphas = {method.lower(): float(alpha)} if method in ("MixUp", "CutMix") else {}
    return mix.random_mix(images, **alphas, generator=generator)


def train(run: dict[str, Any]) -> dict[str, Any]:
    """Train one network, and say how it went."""
    order = seed_everything(run["seed"])
    model, sets = augmented.make(WIDTHS[0]), augmented.pictures(PICTURES)
    teacher = shipped().model.requires_grad_(False)
    images, labels = sets["train"]
    steps = len(labels) // BATCH
    recipe = Recipe(epochs=run["epochs"], learning_rate=RATE, schedule="triangle")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, momentum=0.9, weight_decay=5e-4)
    smoothing = SMOOTHING if run["kind"] == "smoothing" else 0.0
    temperature = float(run["kind"].split()[1]) if run["kind"] == TAUGHT else None
    start = time.perf_counter()
    losses, training, validation = [], [], []
    for epoch in range(recipe.epochs):
        total, right = 0.0, 0
        for k, chosen in enumerate(torch.randperm(len(labels), generator=order).split(BATCH)):
            rate = learning_rate_at(recipe, epoch * steps + k, steps_per_epoch=steps)
            optimizer.param_groups[0]["lr"] = rate
            x = augmented.changed(images[chosen], run["changes"], PADDING, order)
            x, lam, partners = mixed(x, run["kind"], order)
            logits, own = model(x), labels[chosen]
            if temperature:
                loss = taught_loss(logits, teacher(x), temperature=temperature)
            else:
                loss = mix.mixed_loss(
                    logits, own, lam=lam, permutation=partners, label_smoothing=smoothing
                )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chosen)
            right += int((logits.argmax(1) == own).sum())
        losses.append(round(total / len(labels), 5))
        training.append(right / len(labels))
        validation.append(augmented.accuracy(model, *sets["validation"]))
    seconds = round(time.perf_counter() - start, 2)
    return {
        "train_loss": losses,
        "train_accuracy": training,
        "validation_accuracies": validation,
        "unchanged_accuracy": augmented.accuracy(model, images, labels),
        "test_accuracy": augmented.accuracy(model, *sets["test"]),
        **trusted(model, *sets["others"], held=len(sets["validation"][1])),
        "seconds": seconds,
    }


def taught_loss(student: Tensor, teacher: Tensor, *, temperature: float) -> Tensor:
    """Give the loss of a student's scores whose labels are a teacher's predictions."""
    target = (teacher / temperature).softmax(1)
    return F.cross_entropy(student / temperature, target) * temperature**2


@torch.no_grad()
def trusted(model: nn.Module, images: Tensor, labels: Tensor, *, held: int) -> dict[str, Any]:
    """Measure whether the network's confidence can be trusted; the last `held` are to choose by."""
    with evaluating(model):
        logits = torch.cat([model(data.normalise(part)) for part in images.split(500)])
    probabilities = logits.softmax(1)
    found = mix.calibration(probabilities, labels, bins=BINS)
    temperature = best_temperature(logits[-held:], labels[-held:])
    errors = [
        mix.calibration((logits[:-held] / divisor).softmax(1), labels[:-held], bins=BINS).error
        for divisor in (1.0, temperature)
    ]
    return {
        "others_accuracy": int((logits.argmax(1) == labels).sum()) / len(labels),
        "others_loss": round(F.cross_entropy(logits, labels).item(), 5),
        "confidence": round(probabilities.max(1).values.mean().item(), 5),
        "calibration_error": round(found.error, 5),
        "bins": [
            [round(sure, 5), round(right, 5), count] if count else None
            for sure, right, count in zip(
                found.confidence.tolist(),
                found.accuracy.tolist(),
                found.predictions.tolist(),
                strict=True,
            )
        ],
        "temperature": round(temperature, 5),
        "rest_errors": [round(error, 5) for error in errors],
    }


def best_temperature(logits: Tensor, labels: Tensor) -> float:
    """Find the number by which to divide all scores, so that the cross-entropy is smallest."""
    losses = torch.stack([F.cross_entropy(logits / t, labels) for t in TEMPERATURES])
    return TEMPERATURES[losses.argmin()].item()


def main(arguments: list[str] | None = None) -> int:
    """Make the runs that are not yet recorded."""
    options = read_options("benchmarks.mixing", __doc__, arguments, seeds=SEEDS, epochs=EPOCHS)
    for run in plan(options.seeds, options.epochs):
        measure("mix", run, train, folder=options.record_folder, units=UNITS, score=score)
    return 0


def score(found: dict[str, Any]) -> str:
    """Sum a run up in a few words."""
    return (
        f": others {found['others_accuracy']:.1%}, confidence {found['confidence']:.1%}, "
        f"calibration error {found['calibration_error']:.1%}"
    )


if __name__ == "__main__":
    sys.exit(main())
