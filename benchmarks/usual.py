"""How much sooner than the usual script does the guide's fast loop reach an accuracy?

``python -m benchmarks.usual`` trains one network on the full CIFAR-10 twice, by one recipe with
batches of 128. The usual script takes each picture as a Pillow image, changes it by torchvision's
transforms in worker processes, and computes in float32. The fast loop is
`cnnguide.fast.FastTraining`. The two take turns, an epoch each, so that a busy moment of the
machine hits both, and each has a clock of its own.

The clock holds training and the check on the 5,000 validation images after each epoch; it leaves
out loading and whitening. Network, recipe and first weights are the same; the random crops and the
order of the images are not.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from benchmarks.machine import describe
from cnnguide import data, results
from cnnguide.commands import add_run
from cnnguide.fast import FastTraining
from cnnguide.models import QuickNet
from cnnguide.recipe import Recipe, find_recipe, learning_rate_at
from cnnguide.train import has_fast_bfloat16, make_optimizer, seed_everything

Pair = tuple[Tensor, Tensor]

UNITS = {
    "history": "after each epoch: seconds of training and validation, share of validation images",
    "seconds": "of all epochs, by the clock on the wall",
    "bfloat16": "whether the processor multiplies in it; only the fast loop uses it",
}
TO_TENSOR = [transforms.ToTensor(), transforms.Normalize(data.MEAN, data.STD)]


class Pictures(Dataset):
    """Labelled pictures as `torchvision.datasets.CIFAR10` hands them out, one after another."""

    def __init__(self, pair: Pair, transform: transforms.Compose) -> None:
        images, self.labels = pair
        self.pixels = images.permute(0, 2, 3, 1).contiguous().numpy()
        self.transform = transform

    def __len__(self) -> int:
        """Count the pictures."""
        return len(self.labels)

    def __getitem__(self, k: int) -> tuple[Tensor, int]:
        """Change one picture."""
        return self.transform(Image.fromarray(self.pixels[k])), int(self.labels[k])


def usual(
    model: nn.Module, train: Pair, held: Pair, recipe: Recipe, *, workers: int
) -> Iterator[float]:
    """Train as most scripts do; give the validation accuracy after each epoch."""
    crop = transforms.RandomCrop(32, padding=recipe.padding)
    flip = transforms.RandomHorizontalFlip(recipe.flip)
    changed = Pictures(train, transforms.Compose([crop, flip, *TO_TENSOR]))
    left = Pictures(held, transforms.Compose(TO_TENSOR))
    settings = {"batch_size": recipe.batch_size, "num_workers": workers}
    batches = DataLoader(changed, shuffle=True, persistent_workers=workers > 0, **settings)  # type: ignore[arg-type]
    tests = DataLoader(left, persistent_workers=workers > 0, **settings)  # type: ignore[arg-type]
    optimizer = make_optimizer(model, recipe)
    step = 0
    for _ in range(recipe.epochs):
        model.train()
        for images, labels in batches:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(recipe, step, steps_per_epoch=len(batches))
            loss = F.cross_entropy(model(images), labels, label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
        model.eval()
        with torch.no_grad():
            right = sum(int((model(x).argmax(1) == y).sum()) for x, y in tests)
        yield right / len(left)


def fast(
    model: nn.Module, train: Pair, held: Pair, recipe: Recipe, *, seed: int = 0
) -> Iterator[float]:
    """Train by the guide's fast loop; give the validation accuracy after each epoch."""
    for run in FastTraining(model, recipe, seed=seed).fit(train, held):
        yield run.history[-1].validation_accuracy


def main(arguments: list[str] | None = None) -> int:
    """Train both, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--epochs", type=int, default=16, help="of both (default 16)")
    add("--target", type=float, default=90.0, help="percent of the validation images (default 90)")
    add("--workers", type=int, default=2, help="processes of the usual script (default 2)")
    add("--seed", type=int, default=0)
    add("--data", choices=["full", "sample"], default="full")
    add("--record-folder", type=Path, metavar="FOLDER", help="add both runs to usual.json there")
    options = parser.parse_args(arguments)
    if options.epochs < 1:
        print(f"error: --epochs must be at least 1, got {options.epochs}", file=sys.stderr)
        return 1
    images, generator = data.load(options.data), seed_everything(options.seed)
    x, y, held_x, held_y = data.split(
        images.train_images, images.train_labels, validation=0.1, generator=generator
    )
    recipe = replace(find_recipe("quick"), epochs=options.epochs, batch_size=128, learning_rate=0.2)
    first, second = QuickNet(), QuickNet()
    first.whiten(data.normalise(x[:2000]))
    second.load_state_dict(first.state_dict())
    runs = {
        "the usual script": usual(first, (x, y), (held_x, held_y), recipe, workers=options.workers),
        "the fast loop": fast(second, (x, y), (held_x, held_y), recipe, seed=options.seed),
    }
    seconds = dict.fromkeys(runs, 0.0)
    history: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for number in range(1, recipe.epochs + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            accuracy = next(run)
            seconds[name] += time.perf_counter() - start
            history[name].append((round(seconds[name], 2), accuracy))
            print(f"epoch {number}: {name}, {accuracy:.2%} after {seconds[name]:.0f} s", flush=True)
    print(
        f"\n| way | seconds to {options.target:g} % | all epochs, s | last accuracy, % | faster |"
    )
    print("|---|---:|---:|---:|---:|")
    slow = seconds["the usual script"]
    for name, found in history.items():
        passed = [time for time, accuracy in found if 100 * accuracy >= options.target]
        soon = f"{passed[0]:.0f}" if passed else "not reached"
        whole, last = seconds[name], 100 * found[-1][1]
        print(f"| {name} | {soon} | {whole:.0f} | {last:.2f} | {slow / whole:.2f} |")
    cpu = torch.device("cpu")
    half = has_fast_bfloat16(cpu)
    print(f"\nseed {options.seed}, {options.workers} workers, bfloat16: {half}; {describe()}")
    if options.record_folder:
        common = {
            "data": options.data, "seed": options.seed, "recipe": asdict(recipe),
            "workers": options.workers, "threads": torch.get_num_threads(), "bfloat16": half,
        }  # fmt: skip
        for name, found in history.items():
            run = {**results.circumstances(cpu), "way": name, **common, "history": found}
            run["seconds"] = round(seconds[name], 2)
            add_run("usual", run, UNITS, folder=options.record_folder)
        print("written:", options.record_folder / "usual.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
