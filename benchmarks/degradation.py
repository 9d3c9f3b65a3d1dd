"""What does depth do to the training loss, with shortcuts and without?

``python -m benchmarks.degradation`` trains narrow networks of 8, 20, 32 and 56 layers on 600
pictures of the sample, and writes each run into ``cnnguide/results/resnet.json`` as soon as it has
ended. The same command goes on where it was cut, and does nothing if all is there.

Everything is the same for all networks: He's initialisation, batches of 40, SGD with momentum, one
rise and one fall of the learning rate, no augmentation, float32. Beside the 40 epochs at the usual
rate, the plain networks have runs at a quarter and at four times that rate, and the deep ones
longer runs, since a network that is merely slow is not one that cannot learn.

At last it measures the gradient of each layer in the networks of 56 layers: at the random start,
and after the first epoch of such a run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.recorded import measure, read_options
from cnnguide import data
from cnnguide.models.resnet import BasicBlock, CifarResNet, PlainBlock
from cnnguide.recipe import Recipe, learning_rate_at
from cnnguide.run import augmented_batches, plain_batches
from cnnguide.train import evaluate, make_optimizer, seed_everything, train_epoch

LAYERS = (8, 20, 32, 56)  # 6n + 2, as in the paper's networks for CIFAR-10
BLOCKS = {"plain": PlainBlock, "residual": BasicBlock}
RATE, EPOCHS = 0.05, 40
DEEPEST = 56
UNITS = {
    "train_loss": "cross-entropy per picture, in training mode; one number per epoch",
    "train_accuracy": "share of the training pictures, in the last epoch",
    "test_accuracy": "share of the sample's 1,000 test pictures, after the last epoch",
    "seconds": "training alone",
    "gradients": "norm, by the weights of each 3×3 convolution from the first to the last",
}


def plan(seeds: int, epochs: int) -> Iterator[dict[str, Any]]:
    """List the runs, the first seed of everything before the second."""
    for seed in range(seeds):
        for layers in LAYERS:
            for network in BLOCKS:
                yield choices(network, layers, RATE, epochs, seed)
        if seed < 3:  # what might help the plain networks
            for layers in LAYERS:
                for rate in (RATE / 4, RATE * 4):
                    yield choices("plain", layers, rate, epochs, seed)
            for layers in LAYERS[2:]:
                yield choices("plain", layers, RATE, 4 * epochs, seed)


def choices(
    network: str, layers: int, learning_rate: float, epochs: int, seed: int
) -> dict[str, Any]:
    """Write down what tells a run from the others."""
    return {
        **{"network": network, "layers": layers, "learning_rate": learning_rate},
        **{"epochs": epochs, "seed": seed},
    }


def make(network: str, layers: int) -> CifarResNet:
    """Make a network of 8 to 32 channels; its first convolution leaves 16 of the 32 pixels."""
    depth = (layers - 2) // 6
    model = CifarResNet(BLOCKS[network], (depth, depth, depth), width=8, num_classes=10)
    model.conv1.stride = (2, 2)  # a quarter of the work
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def pictures() -> tuple[Tensor, Tensor]:
    """Take every eighth of the first 4,800 training pictures of the sample: 600."""
    sample = data.load("sample")
    chosen = torch.arange(0, 4800, 8)
    return sample.train_images[chosen], sample.train_labels[chosen]


def recipe_of(run: dict[str, Any]) -> Recipe:
    """Write down how a network is trained."""
    return Recipe(
        epochs=run["epochs"],
        batch_size=40,
        learning_rate=run["learning_rate"],
        schedule="triangle",
        padding=0,
        flip=0.0,
    )


def epochs_of(run: dict[str, Any]) -> Iterator[tuple[nn.Module, float, float]]:
    """Train one network, and give it with loss and accuracy: at the start, and after each epoch."""
    images, labels = pictures()
    recipe, order = recipe_of(run), seed_everything(run["seed"])
    model = make(run["network"], run["layers"])
    yield model, float("nan"), float("nan")
    optimizer = make_optimizer(model, recipe)
    steps = len(labels) // recipe.batch_size
    for epoch in range(recipe.epochs):
        rates = [
            learning_rate_at(recipe, epoch * steps + k, steps_per_epoch=steps) for k in range(steps)
        ]
        batches = augmented_batches(images, labels, recipe, generator=order)
        score = train_epoch(model, batches, optimizer, learning_rates=iter(rates))
        yield model, score.loss, score.accuracy


def train(run: dict[str, Any]) -> dict[str, Any]:
    """Train one network, and say how it went."""
    start = time.perf_counter()
    _, *epochs = epochs_of(run)
    seconds, sample = time.perf_counter() - start, data.load("sample")
    model, _, accuracy = epochs[-1]
    tested = plain_batches(sample.test_images, sample.test_labels, recipe_of(run))
    return {
        "train_loss": [round(loss, 5) for _, loss, _ in epochs],
        "train_accuracy": accuracy,
        "test_accuracy": evaluate(model, tested).accuracy,
        "seconds": round(seconds, 1),
    }


def gradients(run: dict[str, Any]) -> dict[str, Any]:
    """Measure the gradient of each layer at the start, and after the first epoch."""
    epochs = epochs_of(run)
    return {
        moment: gradient_norms(next(epochs)[0]) for moment in ("at_the_start", "after_one_epoch")
    }


def gradient_norms(model: nn.Module) -> list[float]:
    """Measure the gradient of each 3×3 convolution, on 30 of the training pictures."""
    images, labels = (part[::20] for part in pictures())
    F.cross_entropy(model.train()(data.normalise(images)), labels).backward()
    found = [
        float(f"{module.weight.grad.norm().item():.3g}")
        for module in model.modules()
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3)
    ]
    model.zero_grad()
    return found


def main(arguments: list[str] | None = None) -> int:
    """Make the runs that are not yet recorded."""
    options = read_options("benchmarks.degradation", __doc__, arguments, seeds=3, epochs=EPOCHS)
    record = partial(
        measure, "resnet", folder=options.record_folder, units=UNITS, score=score, threads=None
    )
    for run in plan(options.seeds, options.epochs):
        record(run, train)
    for seed in range(min(options.seeds, 3)):
        for network in BLOCKS:
            record(choices(network, DEEPEST, RATE, EPOCHS, seed), gradients, kind="gradients")
    return 0


def score(found: dict[str, Any]) -> str:
    """Sum a run up in a few words."""
    return f": loss {found['train_loss'][-1]:.3f}" if "train_loss" in found else ""


if __name__ == "__main__":
    sys.exit(main())
