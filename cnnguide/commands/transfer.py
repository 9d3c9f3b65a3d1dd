"""The command that measures transfer on a GPU machine: ``cnnguide transfer``.

Page: *transfer*. ImageNet weights on CIFAR-10: a linear head on frozen features at 32 pixels and at
the weights' own size, fine-tuning at that size, and a network from scratch beside them. What is
done is written down after every setting, so that a run that is stopped loses one setting at most,
and the same command goes on with those that are left.
"""

from __future__ import annotations

import argparse
import copy
import functools
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cnnguide import data, results, transfer
from cnnguide.augment import random_flip
from cnnguide.commands import add_run, command_line, load_cifar10
from cnnguide.models import cifar_resnet18
from cnnguide.recipe import Recipe, learning_rate_at
from cnnguide.run import Training, device_of, fit
from cnnguide.train import evaluate, has_fast_bfloat16, seed_everything, train_epoch

__all__ = ["main"]

FROZEN_32, FROZEN, FINE_TUNED, SCRATCH = SETTINGS = (
    "frozen at 32 px",
    "frozen at the weights' size",
    "fine-tuned at the weights' size",
    "from scratch at 32 px",
)
UNITS = {
    "test_accuracy": "share of the test images",
    "seconds": "wall time of the setting; of fine-tuning, from the fitted head on",
}


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(
        prog=command_line("transfer", []),
        description="Measure what ImageNet weights are worth on CIFAR-10. Made for a GPU.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    kinds = ["torchvision", "package"]
    add("--weights", nargs="+", choices=kinds, default=kinds, help="ResNet-18, EfficientNet-lite0")
    add("--data", choices=["full", "sample"], default="full", help="all 60,000 images, or 6,000")
    add("--size", type=int, help="instead of the weights' own, usually 224")
    add("--epochs", type=int, default=5, help="of fine-tuning; from scratch takes six times these")
    add("--batch-size", type=int, default=128, help="images per step")
    add("--seed", type=int, default=0, help="of heads, order and augmentation")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="where to train")
    add("--output", type=Path, default=Path("runs/transfer"), help="folder for the record")
    add("--dry-run", action="store_true", help="print what would be done, and stop")
    add("--record", action="store_true", help="add to the results that the site shows")
    return parser.parse_args(arguments)


def prepared(
    images: Tensor, prepare: transfer.Preprocessing, device: torch.device, batch_size: int
) -> Iterator[Tensor]:
    """Bring images to the device and into shape, batch by batch."""
    for part in images.split(batch_size):
        yield prepare(part.to(device)).contiguous(memory_format=torch.channels_last)


def fit_frozen(
    network: nn.Module, prepare: transfer.Preprocessing, images: data.Cifar10, device: torch.device
) -> tuple[nn.Linear, float]:
    """Fit a head on features computed once; give it and its test accuracy."""
    backbone = copy.deepcopy(network)
    name, _ = transfer.find_head(backbone)
    parent, _, last = name.rpartition(".")
    setattr(backbone.get_submodule(parent), last, nn.Identity())
    backbone = transfer.Frozen(backbone).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=has_fast_bfloat16(device)):
        train, test = (
            transfer.cached_features(backbone, prepared(x, prepare, device, 250)).float().cpu()
            for x in (images.train_images, images.test_images)
        )
    head = transfer.fit_head(train, images.train_labels, num_classes=len(data.CLASSES))
    right = (head(test).argmax(1) == images.test_labels).float().mean().item()
    return head, right


def fine_tune(
    network: nn.Module,
    head: nn.Linear,
    prepare: transfer.Preprocessing,
    images: data.Cifar10,
    options: argparse.Namespace,
) -> float:
    """Train the whole network from a fitted head on, the earlier the part the gentler."""
    device, generator = torch.device(options.device), seed_everything(options.seed)
    transfer.replace_head(network, len(data.CLASSES)).load_state_dict(head.state_dict())
    parts = [child for child in network.children() if [*child.parameters()]]
    model = transfer.PartlyFrozen(network, learning=len(parts), keep_statistics=True)
    model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    recipe = Recipe(epochs=options.epochs, batch_size=options.batch_size, learning_rate=0.01,
                    schedule="triangle")  # fmt: skip
    groups = transfer.parameter_groups(parts, learning_rate=recipe.learning_rate, decay=0.7)
    optimizer = torch.optim.SGD(groups, momentum=0.9, weight_decay=recipe.weight_decay)
    steps = -(-len(images.train_labels) // recipe.batch_size)
    for epoch in range(recipe.epochs):
        chosen = data.batches(images.train_images, images.train_labels,
                              batch_size=recipe.batch_size, generator=generator)  # fmt: skip
        batches = (
            (prepare(random_flip(x.to(device), p=0.5, generator=generator)), y.to(device))
            for x, y in chosen
        )
        rates = (learning_rate_at(recipe, epoch * steps + k, steps_per_epoch=steps)
                 for k in range(steps))  # fmt: skip
        score = train_epoch(model, batches, optimizer, learning_rates=rates,
                            bfloat16=has_fast_bfloat16(device))  # fmt: skip
        print(f"  epoch {epoch + 1}/{recipe.epochs}  loss {score.loss:.4f}  "
              f"train {score.accuracy:.4f}", flush=True)  # fmt: skip
    pairs = (
        (prepare(x.to(device)), y.to(device))
        for x, y in data.batches(images.test_images, images.test_labels, batch_size=250)
    )
    return evaluate(model, pairs, bfloat16=has_fast_bfloat16(device)).accuracy


def from_scratch(images: data.Cifar10, options: argparse.Namespace) -> float:
    """Train the CIFAR ResNet-18 for the same order of time, by the triangle schedule."""
    generator = seed_everything(options.seed)
    parts = data.split(images.train_images, images.train_labels, validation=0.1,
                       generator=generator)  # fmt: skip
    recipe = Recipe(epochs=6 * options.epochs, batch_size=options.batch_size, nesterov=True,
                    schedule="triangle")  # fmt: skip
    run: Training | None = None
    for run in fit(cifar_resnet18(), (parts[0], parts[1]), (parts[2], parts[3]), recipe,
                   seed=options.seed, device=options.device):  # fmt: skip
        epoch = run.history[-1]
        print(f"  epoch {epoch.number}/{recipe.epochs}  loss {epoch.train_loss:.4f}  "
              f"validation {epoch.validation_accuracy:.4f}", flush=True)  # fmt: skip
    assert run is not None
    return run.test(images.test_images, images.test_labels)["last"]


def main(arguments: list[str] | None = None) -> int:
    """Measure every setting, and write each down; the exit code is 1 if one was not measured."""
    options = parse(arguments)
    try:
        return run(options)
    except (OSError, ValueError, FloatingPointError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; what was measured is written down", file=sys.stderr)
        return 130


def run(options: argparse.Namespace) -> int:
    """Measure what the options ask for."""
    device = device_of(options.device)
    if options.dry_run:
        for source in options.weights:
            print(*(f"{source}: {setting}" for setting in SETTINGS[:3]), sep="\n")
        print(SCRATCH)
        return 0
    images, missed = load_cifar10(options.data), 0
    for source in options.weights:
        try:
            network, prepare = pretrained(source)
        except (OSError, ImportError) as error:  # one kind out of reach: the others go on
            print(f"NOT MEASURED: {error}", file=sys.stderr)
            missed = 1
            continue
        prepare = replace(prepare, size=options.size or prepare.size)
        small = replace(prepare, size=32)
        save(options, source, FROZEN_32, 32, lambda: fit_frozen(network, small, images, device)[1])  # noqa: B023
        fitted = functools.cache(lambda: fit_frozen(network, prepare, images, device))  # noqa: B023
        save(options, source, FROZEN, prepare.size, lambda: fitted()[1])  # noqa: B023
        save(options, source, FINE_TUNED, prepare.size,
             lambda: fine_tune(network, fitted()[0], prepare, images, options),  # noqa: B023
             first=fitted)  # fmt: skip
    save(options, None, SCRATCH, 32, lambda: from_scratch(images, options))
    return missed


def pretrained(source: str) -> tuple[nn.Module, transfer.Preprocessing]:
    """Load a network, and how its weights want images to be prepared."""
    network = transfer.load_pretrained(source)
    if source == "torchvision":
        from torchvision.models import ResNet18_Weights

        return network, transfer.Preprocessing.of(ResNet18_Weights.DEFAULT)
    return network, transfer.Preprocessing.of(network)


def save(
    options: argparse.Namespace,
    source: str | None,
    setting: str,
    size: int,
    measure: Callable[[], float],
    *,
    first: Callable[[], object] = lambda: None,
) -> None:
    """Measure one setting, print it and write it down, unless that has been done.

    The clock begins after `first`, so that a part which another setting counts is not in it.
    """
    name = f"{source}, {setting}" if source else setting
    print(name, flush=True)
    asked = {
        "weights": source,
        "setting": setting,
        "size": size,
        "data": options.data,
        "seed": options.seed,
        "epochs": options.epochs,
        "batch_size": options.batch_size,
    }
    before = results.load("transfer", folder=options.output) or {"runs": []}
    done = [run for run in before["runs"] if isinstance(run, dict) and asked.items() <= run.items()]
    if done:
        print("  has been measured already", flush=True)
        record(options, done[0])
        return
    first()
    start = time.perf_counter()
    accuracy = measure()
    single: dict[str, Any] = {
        **results.circumstances(torch.device(options.device)),
        **asked,
        "test_accuracy": accuracy,
        "seconds": time.perf_counter() - start,
    }
    add_run("transfer", single, UNITS, folder=options.output)
    record(options, single)
    print(f"  test accuracy {accuracy:.4f}, {single['seconds']:.1f} s", flush=True)


def record(options: argparse.Namespace, single: dict[str, Any]) -> None:
    """Add a setting to the results that the site shows, if that is asked for and not yet done."""
    shown = results.load("transfer", folder=results.FOLDER) or {"runs": []}
    if options.record and single not in shown["runs"]:
        add_run("transfer", single, UNITS, folder=results.FOLDER)
