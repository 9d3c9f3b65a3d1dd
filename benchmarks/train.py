"""What is each technique of the fast loop worth?

``python -m benchmarks.train`` times a training step with one technique added after another, side by
side: ResNet-18 at batch 128 on a GPU, QuickNet elsewhere. The first row is a loop as it is often
written: each image changed on its own by two workers, float32, two readings per step.
``--to-80`` also trains QuickNet on the full CIFAR-10 and says when it passed 80 %.
The floor is the multiply-adds at the speed of a large bfloat16 matrix product on the same device.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from benchmarks.machine import describe, product_rate, side_by_side
from cnnguide import data
from cnnguide.augment import cifar_pipeline
from cnnguide.fast import FastTraining, Techniques
from cnnguide.models import CIFAR_NETWORKS, QuickNet, count_multiply_adds
from cnnguide.recipe import Recipe, find_recipe
from cnnguide.results import device_name
from cnnguide.run import augmented_batches, fit
from cnnguide.train import has_fast_bfloat16, make_optimizer, seed_everything, train_epoch

OFF = Techniques(channels_last=False, bfloat16=False, fused=False, compiled=False, recorded=False)


def plain(make: Callable[[], torch.nn.Module], recipe: Recipe, device: torch.device, batches):  # type: ignore[no-untyped-def]
    """Make a function that takes an epoch of the plain loop, on batches made anew each time."""
    torch.manual_seed(0)
    model = make().to(device)
    optimizer = make_optimizer(model, recipe)
    return lambda: train_epoch(
        model,
        ((x.to(device).contiguous(), y.to(device)) for x, y in batches()),
        optimizer,
        learning_rates=itertools.repeat(0.01),
    )


def ladder(
    name: str, batch: int, steps: int, device: torch.device
) -> dict[str, Callable[[], object]]:
    """Make every candidate; each takes so many steps."""
    make, recipe = CIFAR_NETWORKS[name], Recipe(batch_size=batch)
    source = data.load("auto")
    chosen = torch.arange(batch * steps) % len(source.train_labels)
    images, labels = source.train_images[chosen], source.train_labels[chosen]
    there = images.to(device), labels.to(device)
    pipeline = cifar_pipeline(train=True)
    loader = data.loader(
        images, labels, batch_size=batch, shuffle=True, transform=pipeline, workers=2
    )
    generator = torch.Generator().manual_seed(0)

    def fast(techniques: Techniques) -> Callable[[], object]:
        torch.manual_seed(0)
        run = FastTraining(make(), recipe, device=device, techniques=techniques)
        return lambda: run.train_once(*there, [0.01] * steps)

    layout = replace(OFF, channels_last=True)
    half = replace(layout, bfloat16=True)
    fused = replace(half, fused=True)
    candidates = {
        "as often written: image by image, two workers": plain(
            make, recipe, device, lambda: loader
        ),
        "+ images on the device, whole batches": plain(
            make, recipe, device, lambda: augmented_batches(*there, recipe, generator=generator)
        ),
        "+ drawn and read once per epoch": fast(OFF),
        "+ channels last": fast(layout),
        "+ bfloat16": fast(half),
        "+ fused optimiser": fast(fused),
    }
    if device.type == "cuda":
        candidates["+ recorded as a CUDA graph"] = fast(replace(fused, recorded=True))
        candidates["+ torch.compile"] = fast(replace(fused, recorded=True, compiled=True))
    return candidates


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


def main() -> None:
    """Print the table."""
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    usual = "resnet18" if gpu else "quick"
    add("--model", choices=[*CIFAR_NETWORKS], default=usual, help="the network")
    add("--batch-size", type=int, default=128, help="images per step")
    add("--steps", type=int, default=100 if gpu else 8, help="steps per round")
    add("--rounds", type=int, default=5, help="rounds to take the median of")
    add("--to-80", action="store_true", help="also train to 80 %% (a minute)")
    options = parser.parse_args()
    device = torch.device("cuda" if gpu else "cpu")
    torch.backends.cudnn.benchmark = gpu
    candidates = ladder(options.model, options.batch_size, options.steps, device)
    times = side_by_side(candidates, rounds=options.rounds)
    # forward, and a gradient for weights and for inputs, which costs as much each
    work = (
        3 * count_multiply_adds(CIFAR_NETWORKS[options.model](), (3, 32, 32)) * options.batch_size
    )
    floor = work / product_rate(device)
    print("| a step | ms | images per second | times faster | share of the floor's speed |")
    print("|---|---:|---:|---:|---:|")
    slowest = next(iter(times.values()))
    for name, seconds in times.items():
        one = seconds / options.steps
        rate, share = options.batch_size / one, floor / one
        print(f"| {name} | {1e3 * one:.2f} | {rate:,.0f} | {slowest / seconds:.2f} | {share:.0%} |")
    print(
        f"\n{options.model}, batch of {options.batch_size}, median of {options.rounds} rounds of "
        f"{options.steps} steps; the floor is {1e3 * floor:.2f} ms; bfloat16 in hardware: "
        f"{has_fast_bfloat16(device)}; {device_name(device)}; {describe()}"
    )
    if options.to_80:
        seconds_to(0.8)


if __name__ == "__main__":
    main()
