"""What are borrowed weights worth, by the number of pictures?

``python -m benchmarks.transferred`` measures four things, and writes each run into
``cnnguide/results/transfer.json`` as soon as it has ended:

- *few*: EfficientNet-lite0 with ImageNet's weights on a few pictures of each of CIFAR-10's classes,
  as features at 128 and at 32 pixels and fine-tuned, and a small network from scratch;
- *unseen*: a small backbone that has seen six of the classes, on the other four, beside the same
  network with random weights and one that is trained from scratch;
- *rates*: the same backbone fine-tuned on the four at several learning rates, in training mode as a
  whole, and what is then left of the six, for which a new head is fitted;
- *depths*: a linear head on what each stage of EfficientNet-lite0 gives.

The same command goes on where it was cut, and does nothing if all is there. Fine-tuning tries two
learning rates on the first draw, and goes on with the second, which is no worse there on pictures
for choosing; training from scratch tries two lengths with the fewest and with the most pictures.
The widths and depths of the networks are not tuned.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.recorded import accuracy, measure, read_options
from cnnguide import data, transfer
from cnnguide.data import only
from cnnguide.models import QuickNet
from cnnguide.recipe import Recipe
from cnnguide.run import fit
from cnnguide.train import has_fast_bfloat16, seed_everything, train_epoch
from cnnguide.trained import SEEN, UNSEEN, load_backbone, make_backbone

COUNTS, SEEDS, SIZES = (5, 20, 80, 320), 3, (128, 32)
STEPS, BATCH, TUNED_RATES = 40, 25, (0.003, 0.01)  # of fine-tuning; the rates are the head's
SCRATCH = {5: (150, 600), 20: (600,), 80: (600,), 320: (300, 1200)}  # steps
SCRATCH_RATE = 0.05
TUNED_COUNTS = COUNTS[:2]
RATES = (0.003, 0.01, 0.03, 0.1)
KINDS = ("few", "unseen", "rates", "depths")
UNITS = {
    "count": "training pictures per class",
    "way": "how the pictures are used",
    "size": "side of the pictures, in pixels",
    "steps": "of training, with batches of 25 pictures in fine-tuning, of 20 for the rates, and of "
    "32 from scratch",
    "learning_rate": "the highest; in fine-tuning the head's, and 0.3 times that below it",
    "start": "of the head: drawn at random, or fitted on the features first",
    "stage": "of EfficientNet-lite0, from 0, the stem, to 8, the features before its own head",
    "channels": "numbers per picture, after a mean over all places",
    "validation_accuracy": "share of 100 other pictures per class, for choosing",
    "test_accuracy": "share of the sample's test pictures, 100 per class",
    "old_accuracy": "share of the test pictures of the six seen classes, by a head that was fitted "
    "anew on 80 pictures of each",
    "seconds": "by the clock on the wall; the machine was shared",
}


# Pictures


@cache
def pictures(classes: tuple[str, ...]) -> dict[str, tuple[Tensor, Tensor]]:
    """Give 400 pictures per class to draw from, 100 to choose by, and 100 to test on."""
    sample = data.load("sample")
    images, labels = only(sample.train_images, sample.train_labels, classes)
    members = [(labels == c).nonzero().flatten() for c in range(len(classes))]
    first = torch.cat([places[:400] for places in members])
    rest = torch.cat([places[400:] for places in members])
    return {
        "pool": (images[first], labels[first]),
        "validation": (images[rest], labels[rest]),
        "test": only(sample.test_images, sample.test_labels, classes),
    }


def draw(run: dict[str, Any], classes: tuple[str, ...]) -> Tensor:
    """Draw so many pictures of each class from the pool, the same for every way."""
    generator = torch.Generator().manual_seed(run["seed"])
    return torch.cat(
        [
            400 * c + torch.randperm(400, generator=generator)[: run["count"]]
            for c in range(len(classes))
        ]
    )


# ImageNet's network


def pretrained() -> tuple[Any, nn.Sequential, nn.Sequential]:
    """Cut ImageNet's network in two: what stays frozen throughout, and the last stages."""
    network: Any = transfer.load_pretrained("package")
    first = nn.Sequential(nn.Sequential(network.conv_stem, network.bn1), *network.blocks[:5])
    last = nn.Sequential(
        *network.blocks[5:], nn.Sequential(network.conv_head, network.bn2), network.global_pool
    )
    return network, first, last


@cache
@torch.no_grad()
def maps(size: int) -> dict[str, tuple[Tensor, list[Tensor]]]:
    """Give what the frozen stages make of all pictures, and the means of each stage's maps."""
    network, first, last = pretrained()
    prepare = replace(transfer.Preprocessing.of(network), size=size)
    first.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    found = {}
    for name, (images, _) in pictures(data.CLASSES).items():
        kept, means = [], []
        for part in images.split(100):
            x, seen = prepare(part).contiguous(memory_format=torch.channels_last), []
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast()):
                for stage in first:
                    x = stage(x)
                    seen.append(x.float().mean((2, 3)))
            x = x.float().contiguous()
            kept.append(x)
            for stage in last[:-1]:
                x = stage(x)
                seen.append(x.mean((2, 3)))
            means.append(seen)
        found[name] = torch.cat(kept), [torch.cat(parts) for parts in zip(*means, strict=True)]
    return found


@cache
def fast() -> bool:
    """Tell whether this machine computes faster in bfloat16."""
    return has_fast_bfloat16(torch.device("cpu"))


def scores(model: nn.Module, inputs: dict[str, Tensor], classes: tuple[str, ...]) -> dict[str, Any]:
    """Measure a network on the pictures for choosing and on those of the test."""
    return {
        f"{name}_accuracy": accuracy(model, inputs[name], pictures(classes)[name][1])
        for name in ("validation", "test")
    }


def use_few(run: dict[str, Any]) -> dict[str, Any]:
    """Make one run on all ten classes."""
    start = time.perf_counter()
    if run["way"] == "scratch":
        found = from_scratch(run, data.CLASSES)
    else:
        picked = draw(run, data.CLASSES)
        labels = pictures(data.CLASSES)["pool"][1][picked]
        features = {name: means[-1] for name, (_, means) in maps(run["size"]).items()}
        head = transfer.fit_head(features["pool"][picked], labels, num_classes=10)
        if run["way"] == "features":
            found = scores(head, features, data.CLASSES)
        else:
            found = fine_tuned(run, head, picked, labels)
    return {**found, "seconds": round(time.perf_counter() - start, 2)}


def fine_tuned(
    run: dict[str, Any], head: nn.Linear, picked: Tensor, labels: Tensor
) -> dict[str, Any]:
    """Start from a fitted head, and train the last stages with it, at a smaller rate."""
    order = seed_everything(run["seed"])
    inputs = {name: kept for name, (kept, _) in maps(run["size"]).items()}
    parts = [pretrained()[2], head]
    model = transfer.PartlyFrozen(
        nn.Sequential(*parts), learning=2, keep_statistics=run["way"] == "fine-tuned"
    )
    groups = transfer.parameter_groups(parts, learning_rate=run["learning_rate"], decay=0.3)
    optimizer = torch.optim.SGD(groups, momentum=0.9, weight_decay=5e-4)
    shuffled: list[Tensor] = []
    while len(shuffled) < run["steps"]:
        shuffled += torch.randperm(len(picked), generator=order).split(BATCH)
    batches = ((inputs["pool"][picked[k]], labels[k]) for k in shuffled[: run["steps"]])
    rates = iter([run["learning_rate"]] * run["steps"])
    train_epoch(model, batches, optimizer, learning_rates=rates)
    return scores(model, inputs, data.CLASSES)


def from_scratch(run: dict[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
    """Train a small network on the same pictures, cropped and flipped."""
    picked, sets = draw(run, classes), pictures(classes)
    images, labels = (part[picked] for part in sets["pool"])
    seed_everything(run["seed"])
    model = QuickNet(num_classes=len(classes), widths=(32, 64, 128))
    model.whiten(data.normalise(images))
    recipe = Recipe(
        epochs=round(run["steps"] / -(-len(labels) // 32)),
        batch_size=32,
        learning_rate=run["learning_rate"],
        nesterov=True,
        schedule="triangle",
        padding=2,
    )
    *_, trained = fit(model, (images, labels), (images[:20], labels[:20]), recipe, seed=run["seed"])
    return {
        f"{name}_accuracy": trained.test(*sets[name])["last"] for name in ("validation", "test")
    }


# Classes that a small network never saw


def without_head(network: nn.Module) -> nn.Module:
    """Let the network give its features."""
    network.fc = nn.Identity()
    return network


@cache
def features_of(way: str, seed: int) -> dict[str, Tensor]:
    """Give a backbone's features of the unseen classes."""
    seed_everything(seed)
    backbone = load_backbone() if way == "learned features" else make_backbone()
    if way != "learned features":
        backbone.whiten(data.normalise(data.load("sample").train_images[::10]))
    network = without_head(backbone)
    return {
        name: transfer.cached_features(network, map(data.normalise, images.split(400)))
        for name, (images, _) in pictures(UNSEEN).items()
    }


def use_unseen(run: dict[str, Any]) -> dict[str, Any]:
    """Make one run on the four classes that the backbone never saw."""
    start = time.perf_counter()
    if run["way"] == "scratch":
        found = from_scratch(run, UNSEEN)
    else:
        features = features_of(run["way"], 0 if run["way"] == "learned features" else run["seed"])
        picked = draw(run, UNSEEN)
        labels = pictures(UNSEEN)["pool"][1][picked]
        head = transfer.fit_head(features["pool"][picked], labels, num_classes=4)
        found = scores(head, features, UNSEEN)
    return {**found, "seconds": round(time.perf_counter() - start, 2)}


def try_rate(run: dict[str, Any]) -> dict[str, Any]:
    """Fine-tune the small backbone on the unseen classes; fit a new head for the seen ones."""
    start, order = time.perf_counter(), seed_everything(run["seed"])
    network, head = without_head(load_backbone()), nn.Linear(192, len(UNSEEN))
    picked = draw(run, UNSEEN)
    images, labels = (part[picked] for part in pictures(UNSEEN)["pool"])
    x = data.normalise(images)
    if run["start"] == "fitted":
        features = transfer.cached_features(network, [x])
        head = transfer.fit_head(features, labels, num_classes=len(UNSEEN))
    model = nn.Sequential(network, head)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, momentum=0.9)
    shuffled: list[Tensor] = []
    while len(shuffled) < run["steps"]:
        shuffled += torch.randperm(len(labels), generator=order).split(20)
    batches = [(x[k], labels[k]) for k in shuffled[: run["steps"]]]
    found: dict[str, Any] = {"diverged": False}
    if run["learning_rate"]:
        rates = iter([run["learning_rate"]] * run["steps"])
        try:
            train_epoch(model, batches, optimizer, learning_rates=rates)
        except FloatingPointError:
            found["diverged"] = True
    if found["diverged"]:
        return {**found, "seconds": round(time.perf_counter() - start, 2)}
    prepared = {name: data.normalise(pixels) for name, (pixels, _) in pictures(UNSEEN).items()}
    old = pictures(SEEN)
    of_old = {
        name: transfer.cached_features(network, map(data.normalise, pixels.split(400)))
        for name, pixels in (("pool", old["pool"][0][::5]), ("test", old["test"][0]))
    }
    again = transfer.fit_head(of_old["pool"], old["pool"][1][::5], num_classes=len(SEEN))
    return {
        **found,
        **scores(model, prepared, UNSEEN),
        "old_accuracy": accuracy(again, of_old["test"], old["test"][1]),
        "seconds": round(time.perf_counter() - start, 2),
    }


def probe(run: dict[str, Any]) -> dict[str, Any]:
    """Fit a linear head on the means of one stage's maps."""
    start = time.perf_counter()
    means = {name: stages[run["stage"]] for name, (_, stages) in maps(run["size"]).items()}
    picked = draw(run, data.CLASSES)
    labels = pictures(data.CLASSES)["pool"][1][picked]
    head = transfer.fit_head(means["pool"][picked], labels, num_classes=10)
    return {
        **scores(head, means, data.CLASSES),
        "channels": means["pool"].shape[1],
        "seconds": round(time.perf_counter() - start, 2),
    }


# The record


def plan(seeds: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """List the runs: what takes seconds first, then what trains."""
    draws = [{"count": count, "seed": seed} for seed in range(seeds) for count in COUNTS]
    for chosen in draws:
        for size in SIZES:
            yield "few", {"way": "features", "size": size, **chosen}
        for way in ("learned features", "random features"):
            yield "unseen", {"way": way, **chosen}
    for seed in range(seeds):
        for stage in range(9):
            yield "depths", {"stage": stage, "size": SIZES[0], "count": 20, "seed": seed}
    for seed in range(seeds):
        for start in ("fitted", "random"):
            for rate in RATES if start == "random" else (0.0, *RATES):
                tried = {"start": start, "learning_rate": rate, "steps": 40, "count": 20}
                yield "rates", {**tried, "seed": seed}
    for chosen in (chosen for chosen in draws if chosen["count"] in TUNED_COUNTS):
        for way in ("fine-tuned", "drifting"):
            for rate in TUNED_RATES if chosen["seed"] == 0 else TUNED_RATES[-1:]:
                tried = {"way": way, "size": SIZES[0], "steps": STEPS, "learning_rate": rate}
                yield "few", {**tried, **chosen}
    for chosen in draws:
        for steps in SCRATCH[chosen["count"]]:
            for kind in ("few", "unseen"):
                tried = {"way": "scratch", "steps": steps, "learning_rate": SCRATCH_RATE}
                yield kind, {**tried, **chosen}


def main(arguments: list[str] | None = None) -> int:
    """Make the runs that are not yet recorded."""
    options = read_options("benchmarks.transferred", __doc__, arguments, seeds=SEEDS)
    make = dict(zip(KINDS, (use_few, use_unseen, try_rate, probe), strict=True))
    for kind, run in plan(options.seeds):
        folder: Path = options.record_folder
        measure("transfer", run, make[kind], folder=folder, units=UNITS, score=score, kind=kind)
    return 0


def score(found: dict[str, Any]) -> str:
    """Sum a run up in a few words."""
    if found.get("diverged"):
        return ": diverged"
    left = f", of the old ones {found['old_accuracy']:.1%}" if "old_accuracy" in found else ""
    return f": {found['test_accuracy']:.1%}{left}, {found['seconds']:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
