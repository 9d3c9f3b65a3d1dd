"""How soon is 94 % of CIFAR-10 reached, from random weights?

``python -m benchmarks.speedrun`` trains a small network on all 50,000 training images, 25 times,
and prints mean and standard deviation of the accuracy on the 10,000 test images. The aim is a mean
of 94 % in at most 2 seconds on one H200; neither has been measured on a GPU yet.

``--record-folder FOLDER`` writes each run into ``speedrun.json`` there as soon as it has ended; the
same command goes on where it was cut.

The clock of a run starts with the training images on the device as bytes and ends when the test
images are classified. It includes whitening, augmentation, training and the test; it leaves out
loading, and on a GPU the first run, which warms up. Nothing is chosen by the test images.

Network and numbers are those of Jordan's airbench94 with Muon: arXiv:2404.00498, and
https://github.com/KellerJordan/cifar10-airbench. The code is this project's.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.machine import product_rate
from benchmarks.recorded import measure
from cnnguide import data, results
from cnnguide.commands import counted
from cnnguide.models import count_multiply_adds
from cnnguide.models.quick import Group, whitening_filters
from cnnguide.train import has_fast_bfloat16

BATCH = 2000  # 25 steps per epoch
FILTER_RATE, FILTER_MOMENTUM = 0.24, 0.6  # of Muon
BIAS_RATE, HEAD_RATE, MOMENTUM = 0.053, 0.67, 0.85  # of SGD; the loss is a sum over the batch
DECAY = 2e-6 * BATCH  # per step, whatever the rate
SMOOTHING = 0.2
UNITS = {
    "test_accuracy": "share of the test images",
    "six_views": "the same, from the mean of the scores of six views of each image",
    "seconds": "from images on the device to the answers, by the clock on the wall",
    "processor_seconds": "the same, as the sum over all cores; of a shared machine this tells more",
    "multiply_adds": "of the whole run, training and test",
    "product_rate": "multiply-adds per second of a large product in bfloat16, before the run",
}
SHIFT = 2  # pixels, at most, in each direction
WHITENING_EPOCHS = 3  # the biases of the first layer learn no longer


class SpeedNet(nn.Module):
    """A fixed whitening layer, three groups of two convolutions, one matrix; 31, 15, 7, 3, 1."""

    def __init__(self, widths: tuple[int, int, int] = (64, 256, 256)) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 2)
        self.stem.weight.requires_grad = False
        nn.init.zeros_(self.stem.bias)
        self.groups = nn.Sequential(*map(Group, (24, *widths[:-1]), widths))
        self.head = nn.Linear(widths[-1], 10, bias=False)
        with torch.no_grad():
            self.head.weight /= self.head.weight.std()
        for norm in self.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.weight.requires_grad = False  # the next filters set the scale
                norm.momentum, norm.eps = 0.4, 1e-12

    @torch.no_grad()
    def whiten(self, images: Tensor) -> None:
        """Set the first layer to the whitening filters of some images, and their opposites."""
        filters = whitening_filters(images, kernel_size=2, eps=5e-4)
        self.stem.weight.copy_(torch.cat([filters, -filters]))

    def forward(self, x: Tensor) -> Tensor:
        """Give 10 scores an image."""
        x = self.groups(F.gelu(self.stem(x)))
        return self.head(x.amax((2, 3))) / self.head.in_features


def orthogonalise(matrices: Tensor, *, steps: int = 3) -> Tensor:
    """Move the singular values of matrices ``K rows columns`` towards 1, without finding them.

    Each Newton-Schulz step applies an odd polynomial to them; its numbers trade accuracy for speed,
    so that they end between about 0.5 and 1.2, which is near enough.
    """
    wide = matrices if matrices.shape[1] <= matrices.shape[2] else matrices.mT
    x = wide / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x if wide is matrices else x.mT


class Muon(torch.optim.Optimizer):
    """Momentum whose step is made orthogonal, filter bank by filter bank.

    After Jordan et al., Muon (2024). Filters are kept at one length, so that the rate is an angle.
    """

    def __init__(self, filters: Iterable[Tensor], *, lr: float, momentum: float) -> None:
        super().__init__(filters, {"lr": lr, "momentum": momentum, "initial": lr})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Take a step; banks of one shape go together."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for bank in group["params"]:
                alike[bank.shape].append(bank)
            for banks in alike.values():
                moves = []
                for bank in banks:
                    memory = self.state[bank].setdefault("memory", torch.zeros_like(bank))
                    memory.mul_(group["momentum"]).add_(bank.grad)
                    moves.append(bank.grad.add(memory, alpha=group["momentum"]).flatten(1))
                    bank.mul_(len(bank) ** 0.5 / bank.norm())
                precision = torch.bfloat16 if moves[0].is_cuda else torch.float32
                for bank, move in zip(
                    banks, orthogonalise(torch.stack(moves).to(precision)), strict=True
                ):
                    bank.add_(move.view_as(bank), alpha=-group["lr"])


class Shown:
    """The training images on the device, and an epoch of them: shifted, every second mirrored.

    An image that one epoch mirrors is not mirrored by the next, so that two epochs show both.
    """

    def __init__(self, images: Tensor, labels: Tensor, *, seed: int) -> None:
        side = images.shape[-1]
        inside = torch.arange(-SHIFT, side + SHIFT, device=images.device).abs()
        inside = torch.where(inside < side, inside, 2 * (side - 1) - inside)  # mirrored border
        padded = images[:, :, inside][:, :, :, inside]
        self.windows = padded.unfold(2, side, 1).unfold(3, side, 1)  # N 3 row column side side
        self.labels = labels
        self.generator = torch.Generator().manual_seed(seed)
        self.mirrored = torch.rand(len(labels), generator=self.generator) < 0.5

    def epoch(self, number: int) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """Draw an epoch's batches: which images, their shifts, and which are mirrored."""
        count, device = len(self.labels), self.labels.device
        order = torch.randperm(count, generator=self.generator)
        shifts = torch.randint(2 * SHIFT + 1, (2, count), generator=self.generator)
        mirrored = self.mirrored[order] ^ bool(number % 2)
        drawn = [part.to(device).split(BATCH) for part in (order, *shifts, mirrored)]
        return list(zip(*drawn, strict=True))

    def batch(self, drawn: tuple[Tensor, Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Make the images of a batch, still as bytes."""
        order, row, column, mirrored = drawn
        x = self.windows[order, :, row, column]
        return torch.where(mirrored.view(-1, 1, 1, 1), x.flip(-1), x), self.labels[order]


def normalised(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Turn bytes into numbers around 0, a pixel's channels side by side."""
    return ((images / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def mirrored_mean(model: nn.Module, x: Tensor) -> Tensor:
    """Average the scores of images and their mirror images."""
    return (model(x) + model(x.flip(-1))) / 2


def six_views(model: nn.Module, x: Tensor) -> Tensor:
    """Weigh the images half, and two shifts by a pixel a quarter each; all with their mirrors."""
    side = x.shape[-1]
    padded = F.pad(x, (1, 1, 1, 1), "reflect")
    shifted = [padded[:, :, :side, :side], padded[:, :, 2:, 2:]]
    moved = sum(mirrored_mean(model, part.contiguous()) for part in shifted) / 2
    return (mirrored_mean(model, x) + moved) / 2


def work(model: SpeedNet, *, epochs: int, train: int, test: int) -> int:
    """Count the multiply-adds of a run, given the numbers of its images.

    Backward costs as much for the weights, and as much again for the inputs; the stem needs
    neither. Each test image is classified once as it is, and in six views.
    """
    forward = count_multiply_adds(model, (3, 32, 32))
    stem = count_multiply_adds(model.stem, (3, 32, 32))
    return epochs * train * (3 * forward - 2 * stem) + 7 * test * forward


def train(
    images: data.Cifar10, *, seed: int, epochs: int, compiled: bool, widths=(64, 256, 256)
) -> dict:
    """Train once; give accuracies without and with six views, and the seconds of both parts."""
    device = images.train_images.device
    torch.manual_seed(seed)
    model = SpeedNet(widths).to(device, memory_format=torch.channels_last)
    mean, std = (torch.tensor(c, device=device).view(-1, 1, 1) for c in (data.MEAN, data.STD))
    forward = torch.compile(model) if compiled else model
    biases = [p for n, p in model.named_parameters() if n.endswith("bias") and "stem" not in n]
    parts = [
        {"params": [model.stem.bias], "lr": BIAS_RATE, "weight_decay": DECAY / BIAS_RATE},
        {"params": biases, "lr": BIAS_RATE, "weight_decay": DECAY / BIAS_RATE},
        {"params": [model.head.weight], "lr": HEAD_RATE, "weight_decay": DECAY / HEAD_RATE},
    ]
    rest = torch.optim.SGD(
        [{**part, "initial": part["lr"]} for part in parts], momentum=MOMENTUM, nesterov=True
    )
    filters = [p for p in model.groups.parameters() if p.ndim == 4]
    optimizers = (rest, Muon(filters, lr=FILTER_RATE, momentum=FILTER_MOMENTUM))
    precision = torch.autocast(device.type, torch.bfloat16, enabled=has_fast_bfloat16(device))
    found: dict[str, Any] = {
        "multiply_adds": work(
            model, epochs=epochs, train=len(images.train_labels), test=len(images.test_labels)
        ),
        "product_rate": product_rate(device),
    }
    wait = torch.cuda.synchronize if device.type == "cuda" else (lambda: None)
    wait()
    start, worked = time.perf_counter(), time.process_time()
    model.whiten(normalised(images.train_images[:5000], mean, std))
    shown = Shown(images.train_images, images.train_labels, seed=seed)
    per_epoch = -(-len(images.train_labels) // BATCH)
    step = 0
    for epoch in range(epochs):
        for drawn in shown.epoch(epoch):
            x, y = shown.batch(drawn)
            with precision:
                scores = forward(normalised(x, mean, std))
            loss = F.cross_entropy(scores.float(), y, label_smoothing=SMOOTHING, reduction="sum")
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = group["initial"] * (1 - step / (epochs * per_epoch))
            left = 1 - step / (WHITENING_EPOCHS * per_epoch)
            rest.param_groups[0]["lr"] = BIAS_RATE * max(left, 0.0)
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()
            step += 1
    model.eval()
    right = torch.zeros(2, device=device)
    with torch.no_grad(), precision:
        batches = zip(images.test_images.split(BATCH), images.test_labels.split(BATCH), strict=True)
        for bytes_, y in batches:
            x = normalised(bytes_, mean, std)
            for k, scores in enumerate((model(x), six_views(model, x))):
                right[k] += (scores.argmax(1) == y).sum()
    plain, views = (right / len(images.test_labels)).tolist()  # waits for the device
    found |= {"test_accuracy": plain, "six_views": views, "seconds": time.perf_counter() - start}
    if device.type == "cpu":
        found["processor_seconds"] = time.process_time() - worked
    return found


def score(found: dict[str, Any]) -> str:
    """Sum a run up in a few words."""
    return (
        f": {found['test_accuracy']:.2%}, with six views {found['six_views']:.2%}, "
        f"{found['seconds']:.2f} s"
    )


def spread(values: list[float], form: str) -> str:
    """Give mean and standard deviation."""
    deviation = statistics.stdev(values) if len(values) > 1 else float("nan")
    return f"{statistics.mean(values):{form}} ± {deviation:{form}}"


def recorded(folder: Path, wanted: dict[str, Any], seeds: Iterable[int]) -> list[dict[str, Any]]:
    """Find the runs of these seeds that are in the record."""
    record = results.load("speedrun", folder=folder) or {"runs": []}
    here = [run for run in record["runs"] if wanted.items() <= run.items()]
    return [run for run in here if run["seed"] in seeds]


def main(arguments: list[str] | None = None) -> int:
    """Run every seed and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seeds", type=int, default=25, help="runs, at least 1")
    add("--first-seed", type=int, default=0)
    add("--epochs", type=int, default=8, help="at least 1")
    add("--data", choices=["full", "sample"], default="full")
    add("--compile", action="store_true", help="use torch.compile; its time is not in the clock")
    add(
        "--record-folder", type=Path, metavar="FOLDER", help="write speedrun.json there, run by run"
    )
    options = parser.parse_args(arguments)
    if options.seeds < 1 or options.epochs < 1:
        given = f"{options.seeds} and {options.epochs}"
        print(f"error: --seeds and --epochs are at least 1, got {given}", file=sys.stderr)
        return 1
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = device.type == "cuda"
    loaded = data.load(options.data)
    images = data.Cifar10(
        *(getattr(loaded, f"{part}_{kind}").to(device)
          for part in ("train", "test") for kind in ("images", "labels")),
        source=loaded.source,
    )  # fmt: skip
    settings = {"epochs": options.epochs, "compiled": options.compile}
    planned = range(options.first_seed, options.first_seed + options.seeds)
    wanted = {"device": results.device_name(device), "data": options.data, **settings}
    if device.type == "cpu":
        wanted["threads"] = torch.get_num_threads()
    function = partial(train, images, **settings)

    with tempfile.TemporaryDirectory() as nowhere:
        folder = options.record_folder or Path(nowhere)
        warmed = device.type == "cuda" or options.compile
        if warmed and len(recorded(folder, wanted, planned)) < len(planned):
            function(seed=planned[0])  # chooses kernels, compiles
        for seed in planned:
            measure(
                "speedrun", {**wanted, "seed": seed}, lambda run: function(seed=run["seed"]),
                folder=folder, units=UNITS, score=score, threads=None, device=device,
            )  # fmt: skip
        runs = recorded(folder, wanted, planned)
    if not runs:
        print("no run has ended yet; another process makes them")
        return 0
    done = f"{counted(len(runs), 'seed')}, {counted(options.epochs, 'epoch')}"
    print(f"\n| {done}, {options.data} data | mean ± deviation |")
    print("|---|---:|")
    for name, key in (("accuracy, %", "test_accuracy"), ("with six views, %", "six_views")):
        print(f"| {name} | {spread([100 * run[key] for run in runs], '.2f')} |")
    print(f"| seconds | {spread([run['seconds'] for run in runs], '.2f')} |")
    rates = [run["multiply_adds"] / run["seconds"] / run["product_rate"] for run in runs]
    print(f"| share of the speed of a matrix product | {spread(rates, '.0%')} |")
    versions = ", ".join(sorted({run["versions"]["torch"] for run in runs}))
    print(f"\nclock: from images on the device to the test's answers; left out: loading"
          f"{', the warm-up run' if warmed else ''}; {wanted['device']}, "
          f"torch {versions}")  # fmt: skip
    if options.record_folder:
        print("written:", options.record_folder / "speedrun.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
