"""What makes the small network train fast on a CPU?

``python -m benchmarks.train`` times a training step of QuickNet with each technique, side by side.
``--to-80`` also trains on the full CIFAR-10 and says after how many seconds 80 % was passed.
The floor is the multiply-adds at the speed of a large bfloat16 matrix product on the same threads.
"""

from __future__ import annotations

import argparse
import itertools
import time
from dataclasses import replace

import torch

from benchmarks.convolution import peak
from benchmarks.machine import describe, side_by_side
from cnnguide import data
from cnnguide.models import QuickNet, count_multiply_adds
from cnnguide.recipe import find_recipe
from cnnguide.train import (
    fit,
    has_fast_bfloat16,
    make_optimizer,
    seed_everything,
    train_epoch,
)

BATCH = 256


def step(*, bfloat16: bool, channels_last: bool):  # type: ignore[no-untyped-def]
    """Make a function that takes one training step."""
    torch.manual_seed(0)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    sample = data.load("sample")
    images = data.normalise(sample.train_images[::5][:BATCH]).contiguous(memory_format=layout)
    labels = sample.train_labels[::5][:BATCH]
    model = QuickNet().to(memory_format=layout)  # type: ignore[call-overload]
    optimizer = make_optimizer(model, find_recipe("quick"))
    return lambda: train_epoch(
        model,
        [(images, labels)],
        optimizer,
        learning_rates=itertools.repeat(0.01),
        bfloat16=bfloat16,
    )


def seconds_to(target: float) -> None:
    """Train on the full set until the validation accuracy passes the target."""
    images, generator = data.load("full"), seed_everything(0)
    x, y, held_x, held_y = data.split(
        images.train_images, images.train_labels, validation=0.1, generator=generator
    )
    model = QuickNet()
    model.whiten(data.normalise(x[:2000]))
    recipe, start = replace(find_recipe("quick"), epochs=6), time.perf_counter()
    for run in fit(model, (x, y), (held_x, held_y), recipe):
        epoch, seconds = run.history[-1], time.perf_counter() - start
        print(f"epoch {epoch.number}: {epoch.validation_accuracy:.2%} after {seconds:.0f} s")
        if epoch.validation_accuracy >= target:
            break
    print(f"clock: training and validation, without loading and whitening; {describe()}")


def work(batch: int) -> int:
    """Count the multiply-adds of a step: forward, and two gradients where both are needed."""
    model = QuickNet()
    total = count_multiply_adds(model, (3, 32, 32))
    stem = model.stem.weight.numel() * 16 * 16  # fixed: forward only
    first = model.group1.conv1.weight.numel() * 16 * 16  # no gradient for the stem's output
    return batch * (3 * total - 2 * stem - first)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9, help="rounds to take the median of")
    parser.add_argument("--to-80", action="store_true", help="also train to 80 %% (a minute)")
    options = parser.parse_args()
    times = side_by_side(
        {
            "float32": step(bfloat16=False, channels_last=False),
            "float32, channels last": step(bfloat16=False, channels_last=True),
            "bfloat16": step(bfloat16=True, channels_last=False),
            "bfloat16, channels last": step(bfloat16=True, channels_last=True),
        },
        rounds=options.rounds,
    )
    floor = work(BATCH) / peak(options.rounds, torch.bfloat16)
    print("| step | ms | pictures a second | times faster | times the floor |")
    print("|---|---:|---:|---:|---:|")
    for name, seconds in times.items():
        faster = times["float32"] / seconds
        rate, above = BATCH / seconds, seconds / floor
        print(f"| {name} | {1e3 * seconds:.0f} | {rate:,.0f} | {faster:.2f} | {above:.1f} |")
    fast = has_fast_bfloat16(torch.device("cpu"))
    print(f"\nbatch of {BATCH}, bfloat16 in hardware: {fast}; {describe()}")
    if options.to_80:
        seconds_to(0.8)


if __name__ == "__main__":
    main()
