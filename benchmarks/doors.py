"""What do the checks of the input cost a training step?

``python -m benchmarks.doors`` takes steps with the checks and without them, in turn within one run:
the sample's pictures drawn as a batch, cropped, mirrored, normalised, mixed, and one step of
`train_epoch`. Without them every function of cnnguide whose name begins with check does nothing.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import pkgutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import nn

import cnnguide
from benchmarks.machine import describe
from cnnguide import data
from cnnguide.conv import DepthwiseSeparableConv2d
from cnnguide.dropout import Dropout
from cnnguide.mix import random_mix
from cnnguide.models import QuickNet
from cnnguide.norm import BatchNorm2d
from cnnguide.recipe import Recipe
from cnnguide.run import augmented_batches
from cnnguide.train import make_optimizer, train_epoch

try:
    from tqdm import tqdm
except ImportError:
    tqdm = None

Checks = list[tuple[object, str, Callable]]


def own_layers() -> nn.Module:
    """Make a small network of the guide's own layers, each of which looks at what it gets."""
    return nn.Sequential(
        DepthwiseSeparableConv2d(3, 16, 3, padding=1), BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        DepthwiseSeparableConv2d(16, 32, 3, padding=1), BatchNorm2d(32), nn.ReLU(),
        nn.AdaptiveAvgPool2d(4), nn.Flatten(), Dropout(0.2), nn.Linear(512, 10),
    )  # fmt: skip


NETWORKS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "own layers": (own_layers, 32),
    "own layers, larger batch": (own_layers, 128),
    "QuickNet": (QuickNet, 32),
}


def all_checks() -> Checks:
    """List every place where a function of the package has a check by its name."""
    found: Checks = []
    for module in pkgutil.walk_packages(cnnguide.__path__, "cnnguide."):
        if not module.name.startswith(("cnnguide.commands", "cnnguide.__main__")):
            place = importlib.import_module(module.name)
            found += [
                (place, name, value)
                for name, value in vars(place).items()
                if name.startswith("check_") and inspect.isfunction(value)
            ]
    return found


@contextmanager
def without(checks: Checks) -> Iterator[None]:
    """Let the checks do nothing for a while."""
    for place, name, _ in checks:
        setattr(place, name, lambda *_, **__: None)
    try:
        yield
    finally:
        for place, name, check in checks:
            setattr(place, name, check)


def steps_of(make: Callable[[], nn.Module], batch: int, device: torch.device) -> Callable[[], None]:
    """Give a function that takes one training step."""
    torch.manual_seed(0)
    sample = data.load("sample")
    images, labels = sample.train_images[::4][:batch], sample.train_labels[::4][:batch]
    images, labels = images.to(device), labels.to(device)
    recipe = Recipe(batch_size=batch, learning_rate=0.01)
    model = make().to(device)
    optimizer, generator = make_optimizer(model, recipe), torch.Generator().manual_seed(0)
    mixing = partial(random_mix, mixup=0.2, cutmix=1.0, probability=1.0, generator=generator)

    def step() -> None:
        batches = augmented_batches(images, labels, recipe, generator=generator)
        train_epoch(model, batches, optimizer, learning_rates=iter([0.01]), mixing=mixing)

    return step


def measure(
    step: Callable[[], None], checks: Checks, rounds: int, device: torch.device
) -> dict[bool, list[float]]:
    """Take steps in turn, with the checks and without; give the seconds of each.

    On a CPU it is the processor's time of this process, which neighbours disturb least.
    """
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    times: dict[bool, list[float]] = {True: [], False: []}
    turns = range(-3, rounds)  # the first three warm up
    for k in turns if tqdm is None else tqdm(turns, disable=None, unit=" rounds"):
        for checked in (True, False) if k % 2 else (False, True):
            if checked:
                start = clock()
                step()
                taken = clock() - start
            else:
                with without(checks):
                    start = clock()
                    step()
                    taken = clock() - start
            if k >= 0:
                times[checked].append(taken)
    return times


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=200, help="steps of each kind")
    parser.add_argument("--device", default="cpu", help="where to compute")
    options = parser.parse_args()
    checks, device = all_checks(), torch.device(options.device)
    print(
        "| a step of | batch | with checks, ms | without, ms | ratio |\n|---|---:|---:|---:|---:|"
    )
    for name, (make, batch) in NETWORKS.items():
        times = measure(steps_of(make, batch, device), checks, options.rounds, device)
        with_them, without_them = (statistics.median(times[kind]) for kind in (True, False))
        ratio = with_them / without_them
        print(
            f"| {name} | {batch} | {1e3 * with_them:.2f} | {1e3 * without_them:.2f} "
            f"| {ratio:.3f} |",
            flush=True,
        )
    print(f"\nMedians of {options.rounds} steps of each kind; {describe()}.")


if __name__ == "__main__":
    main()
