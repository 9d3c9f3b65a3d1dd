"""The command that prints what a trained network sees in pictures: ``cnnguide predict cat.jpg``.

Page: *train*. It takes the network that comes with the package, or one of your own runs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from cnnguide import data, trained
from cnnguide.commands import command_line

__all__ = ["main"]

WIDTH = 30  # of a bar of 100 %, in characters


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(
        prog=command_line("predict", []),
        description="Print the most probable classes of your pictures, with their probabilities. "
        "The network knows the ten classes of CIFAR-10, or with --run those of its own run, and "
        "gives one of them whatever it is shown.",
    )
    add = parser.add_argument
    add("pictures", nargs="+", type=Path, metavar="PICTURE", help="a JPEG, PNG, WebP, GIF, …")
    ours = f"the --output of `{command_line('train')}`; without it, the package's network"
    add("--run", type=Path, metavar="FOLDER", help=ours)
    add("--best", type=int, default=5, metavar="N", help="classes to print (default: %(default)d)")
    options = parser.parse_args(arguments)
    if options.best < 1:
        parser.error(f"--best must be at least 1, got {options.best}")
    return options


def table(probabilities: torch.Tensor, classes: tuple[str, ...], best: int) -> str:
    """Write the best classes, a line each, with a bar."""
    values, places = probabilities.topk(min(best, len(classes)))
    width = max(map(len, classes))
    return "\n".join(
        f"  {classes[place]:{width}}  {100 * value:5.1f} %  {'#' * round(WIDTH * value)}".rstrip()
        for value, place in zip(values.tolist(), places.tolist(), strict=True)
    )


def main(arguments: list[str] | None = None) -> int:
    """Print what the network sees in each picture; the exit code is 1 if one cannot be read."""
    options = parse(arguments)
    try:
        network = trained.load_run(options.run) if options.run else trained.shipped()
    except ModuleNotFoundError as error:
        print(f"error: {error}; `pip install {error.name}` brings it", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    failed = 0
    for path in options.pictures:
        try:
            picture = data.open_picture(path, side=network.size)
            (probabilities,) = network.probabilities(picture[None])
            if not probabilities.isfinite().all():
                raise ValueError("the network gives scores that are not finite; train it anew")
        except (OSError, ValueError) as error:
            print(f"error: {error}", file=sys.stderr)
            failed = 1
            continue
        print(f"{path}\n{table(probabilities, network.classes, options.best)}")
    return failed
