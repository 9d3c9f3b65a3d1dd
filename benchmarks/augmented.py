"""What does a small network learn from changed pictures that it does not learn from the same ones?

``python -m benchmarks.augmented`` trains a small network on pictures of the sample, each time with
other changes in training, and writes each run into ``cnnguide/results/augment.json`` as soon as it
has ended. The same command goes on where it was cut, and does nothing if all is there.

Everything else is the same for all changes: He's initialisation, the pictures, the number of
steps, SGD with momentum, one rise and one fall of the learning rate, no change in testing,
float32. The main comparison has 1,000 training pictures. Beside it there are runs on 4,500
pictures, which show what is learnt by heart, shorter and longer runs, a narrower network, and
crops with other paddings.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.transforms import AutoAugmentPolicy, v2

from benchmarks.recorded import measure, read_options
from cnnguide import augment, data
from cnnguide.modes import evaluating
from cnnguide.recipe import Recipe, learning_rate_at
from cnnguide.train import seed_everything

WIDTHS = (16, 32, 64, 128)  # every convolution halves the side
BATCH, RATE, EPOCHS, PICTURES, PADDING, SEEDS = 50, 0.05, 30, 1000, 4, 3
ALONE = ("none", "flip", "crop", "crop, flip", "upside down", "one for the batch", "cutout")
ON_TOP = ("colour", "cutout", "erasing", "AutoAugment", "RandAugment", "TrivialAugment")
KINDS = (*ALONE, *(f"crop, flip, {name}" for name in ON_TOP))
LONGER, SHORTER = 90, 10
#: Of torchvision, for one uint8 picture after another; each draws anew for every picture.
POLICIES: dict[str, Callable[[Tensor], Tensor]] = {
    "colour": v2.ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4),
    "AutoAugment": v2.AutoAugment(AutoAugmentPolicy.CIFAR10),
    "RandAugment": v2.RandAugment(),
    "TrivialAugment": v2.TrivialAugmentWide(),
}
UNITS = {
    "kind": "the changes in training, each picture with a draw of its own",
    "pictures": "how many the network learns from",
    "width": "channels of the first convolution",
    "padding": "of the crop, in pixels",
    "train_accuracy": "share of the changed pictures, in training mode; one number per epoch",
    "validation_accuracies": "share of 500 other pictures of the sample; one number per epoch",
    "unchanged_accuracy": "share of the training pictures, unchanged, after the last epoch",
    "test_accuracy": "share of the sample's 1,000 test pictures, after the last epoch",
    "test_mirrored": "the same, by the mean probabilities of each picture and its mirror image",
    "test_ten": "the same, by those of five places of the crop and their mirror images",
    "others_accuracy": "share of the other pictures of the sample, after the last epoch",
    "seconds": "by the clock on the wall; the machine was shared",
}


def plan(seeds: int, epochs: int) -> Iterator[dict[str, Any]]:
    """List the runs: first the comparison and what is learnt by heart, then the rest."""
    for seed in range(seeds):
        for kind in ("none", "crop, flip"):
            yield choices(kind, 25 * epochs // 30, seed, pictures=4500)
        for kind in KINDS:
            yield choices(kind, epochs, seed)
    for seed in range(seeds):
        for kind in ("none", "crop, flip", "crop, flip, TrivialAugment"):
            yield choices(kind, SHORTER, seed)
            yield choices(kind, epochs, seed, width=WIDTHS[0] // 2)
        for padding in (1, 8, 12):
            yield choices("crop, flip", epochs, seed, padding=padding)
        for kind in ("none", "crop, flip", "crop, flip, TrivialAugment"):
            yield choices(kind, LONGER, seed)


def choices(
    kind: str,
    epochs: int,
    seed: int,
    *,
    pictures: int = PICTURES,
    width: int = WIDTHS[0],
    padding: int = PADDING,
) -> dict[str, Any]:
    """Write down what tells a run from the others."""
    return {
        **{"kind": kind, "pictures": pictures, "width": width, "padding": padding},
        **{"epochs": epochs, "seed": seed},
    }


def make(width: int) -> nn.Sequential:
    """Make the network, with He's initialisation."""
    layers: list[nn.Module] = []
    channels = 3
    for factor in (w // WIDTHS[0] for w in WIDTHS):
        convolution = nn.Conv2d(channels, width * factor, 3, stride=2, padding=1, bias=False)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        channels = width * factor
        layers += [convolution, nn.BatchNorm2d(channels), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def pictures(count: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Take pictures to learn from, all others of the sample, 500 of these, and those to test."""
    sample = data.load("sample")
    order = torch.arange(5000).view(10, 500).t().flatten()  # the sample is sorted by class
    images, labels = sample.train_images[order], sample.train_labels[order]
    return {
        "train": (images[:count], labels[:count]),
        "others": (images[count:], labels[count:]),
        "validation": (images[-500:], labels[-500:]),
        "test": (sample.test_images, sample.test_labels),
    }


def changed(images: Tensor, kind: str, padding: int, generator: torch.Generator) -> Tensor:
    """Change a batch of uint8 pictures at random, and normalise it."""
    names = kind.split(", ")
    if "one for the batch" in names:  # the trap: one draw for all
        row, column = torch.randint(2 * padding + 1, (2, 1), generator=generator)
        everyone = torch.ones(len(images), dtype=torch.int64)
        images = augment.crop_at(images, row * everyone, column * everyone, padding=padding)
        images = images.flip(-1) if torch.rand(1, generator=generator) < 0.5 else images
    if "crop" in names:
        images = augment.random_crop(images, padding=padding, generator=generator)
    if "flip" in names:
        images = augment.random_flip(images, generator=generator)
    if "upside down" in names:
        lying = augment.random_flip(images.transpose(2, 3), generator=generator)
        images = lying.transpose(2, 3)
    for name in POLICIES.keys() & set(names):
        images = torch.stack([POLICIES[name](image) for image in images])
    x = data.normalise(images)
    if "cutout" in names:
        x = augment.random_cutout(x, side=16, generator=generator)
    if "erasing" in names:
        erase = v2.RandomErasing(p=0.5)
        x = torch.stack([erase(image) for image in x])
    return x


def train(run: dict[str, Any]) -> dict[str, Any]:
    """Train one network, and say how it went."""
    order = seed_everything(run["seed"])
    model, sets = make(run["width"]), pictures(run["pictures"])
    torch.manual_seed(1000 + run["seed"])  # torchvision's transforms draw from here
    images, labels = sets["train"]
    steps = len(labels) // BATCH
    recipe = Recipe(epochs=run["epochs"], learning_rate=RATE, schedule="triangle")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, momentum=0.9, weight_decay=5e-4)
    start, training, validation = time.perf_counter(), [], []
    for epoch in range(recipe.epochs):
        right = 0
        for k, chosen in enumerate(torch.randperm(len(labels), generator=order).split(BATCH)):
            rate = learning_rate_at(recipe, epoch * steps + k, steps_per_epoch=steps)
            optimizer.param_groups[0]["lr"] = rate
            x = changed(images[chosen], run["kind"], run["padding"], order)
            logits = model(x)
            loss = F.cross_entropy(logits, labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            right += int((logits.argmax(1) == labels[chosen]).sum())
        training.append(right / len(labels))
        validation.append(accuracy(model, *sets["validation"]))
    seconds = round(time.perf_counter() - start, 2)
    test_images, test_labels = sets["test"]
    return {
        "train_accuracy": training,
        "validation_accuracies": validation,
        "unchanged_accuracy": accuracy(model, images, labels),
        "others_accuracy": accuracy(model, *sets["others"]),
        "test_accuracy": accuracy(model, test_images, test_labels),
        "test_mirrored": accuracy(model, test_images, test_labels, views=mirrored),
        "test_ten": accuracy(model, test_images, test_labels, views=ten),
        "seconds": seconds,
    }


def itself(images: Tensor) -> list[Tensor]:
    """Take the picture as it is."""
    return [images]


def mirrored(images: Tensor) -> list[Tensor]:
    """Take the picture and its mirror image."""
    return [images, images.flip(-1)]


def ten(images: Tensor) -> list[Tensor]:
    """Take the picture in five places, two pixels apart, and the mirror image of each."""
    everyone = torch.ones(len(images), dtype=torch.int64)
    places = ((2, 2), (0, 2), (4, 2), (2, 0), (2, 4))
    moved = [augment.crop_at(images, r * everyone, c * everyone, padding=2) for r, c in places]
    return [view for image in moved for view in mirrored(image)]


@torch.no_grad()
def accuracy(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    views: Callable[[Tensor], list[Tensor]] = itself,
) -> float:
    """Give the share of right predictions by the mean probabilities of some views."""
    with evaluating(model):
        right = 0
        for part, wanted in data.batches(images, labels, batch_size=500):
            seen = [model(data.normalise(view)).softmax(1) for view in views(part)]
            right += int((torch.stack(seen).mean(0).argmax(1) == wanted).sum())
    return right / len(labels)


def main(arguments: list[str] | None = None) -> int:
    """Make the runs that are not yet recorded."""
    options = read_options("benchmarks.augmented", __doc__, arguments, seeds=SEEDS, epochs=EPOCHS)
    for run in plan(options.seeds, options.epochs):
        measure("augment", run, train, folder=options.record_folder, units=UNITS, score=score)
    return 0


def score(found: dict[str, Any]) -> str:
    """Sum a run up in a few words."""
    return f": learnt {found['unchanged_accuracy']:.1%}, others {found['others_accuracy']:.1%}"


if __name__ == "__main__":
    sys.exit(main())
