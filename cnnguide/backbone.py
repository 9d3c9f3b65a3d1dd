"""A small backbone that saw six of CIFAR-10's classes, and never the other four.

Page: *transfer*. Each class that it never saw has a relative among those that it saw: automobile
and truck, deer and horse, dog and cat, ship and airplane. ``python -m cnnguide.backbone`` trains it
anew on the full CIFAR-10, and writes the file of weights that the project ships.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor

from cnnguide import data, results
from cnnguide.checkpoint import load_checkpoint, load_weights, save_checkpoint
from cnnguide.models import QuickNet
from cnnguide.recipe import find_recipe
from cnnguide.train import Training, fit, seed_everything

__all__ = ["SEEN", "UNSEEN", "load_backbone", "main", "make_backbone", "only"]

#: The classes that the backbone is trained on.
SEEN = ("airplane", "bird", "cat", "frog", "horse", "truck")
#: The classes that it never sees.
UNSEEN = ("automobile", "deer", "dog", "ship")
WEIGHTS = Path(__file__).with_suffix(".pt")


def make_backbone() -> QuickNet:
    """Make the network, untrained, with a score for each class that it is to see.

    Returns
    -------
    QuickNet

    Examples
    --------
    >>> make_backbone().fc.out_features
    6
    """
    return QuickNet(num_classes=len(SEEN), widths=(48, 96, 192))


def load_backbone(path: Path = WEIGHTS) -> QuickNet:
    """Load the shipped backbone.

    Parameters
    ----------
    path : pathlib.Path
        A file that ``python -m cnnguide.backbone`` wrote.

    Returns
    -------
    QuickNet
        In evaluation mode, float32.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is cut short or holds another model's weights.

    Examples
    --------
    >>> load_backbone()(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 6])
    """
    model = make_backbone()
    # Stored in half precision: half the size, and no answer that a reader would notice.
    load_weights(model, {name: value.to(torch.float32) if value.is_floating_point() else value
                         for name, value in load_checkpoint(path).items()})  # fmt: skip
    return model.eval()


def only(images: Tensor, labels: Tensor, names: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Keep the images of some classes, and number those from 0.

    Parameters
    ----------
    images : Tensor
        ``N ...``.
    labels : Tensor
        ``N``, int64, places in `cnnguide.data.CLASSES`.
    names : sequence of str
        Classes to keep; the first becomes 0.

    Returns
    -------
    images, labels : Tensor

    Raises
    ------
    ValueError
        For a name that is no class.

    Examples
    --------
    >>> only(torch.arange(4), torch.tensor([9, 0, 9, 3]), ["cat", "truck"])
    (tensor([0, 2, 3]), tensor([1, 1, 0]))
    """
    unknown = [name for name in names if name not in data.CLASSES]
    if unknown:
        raise ValueError(f"a class is one of {', '.join(data.CLASSES)}, got {unknown[0]!r}")
    places = torch.full((len(data.CLASSES),), -1)
    places[[data.CLASSES.index(name) for name in names]] = torch.arange(len(names))
    new = places[labels]
    return images[new >= 0], new[new >= 0]


def train_backbone(images: data.Cifar10, *, epochs: int, seed: int) -> Iterator[Training]:
    """Train on the seen classes, epoch by epoch."""
    generator = seed_everything(seed)
    parts = data.split(*only(images.train_images, images.train_labels, SEEN), validation=0.1,
                       generator=generator)  # fmt: skip
    model = make_backbone()
    model.whiten(data.normalise(parts[0][:5000]))
    recipe = replace(find_recipe("quick"), epochs=epochs)
    yield from fit(model, (parts[0], parts[1]), (parts[2], parts[3]), recipe, seed=seed)


def main(arguments: list[str] | None = None) -> int:
    """Train the backbone and write its weights and the record of the run."""
    parser = argparse.ArgumentParser(
        prog="python -m cnnguide.backbone",
        description=f"Train the small backbone on {', '.join(SEEN)}.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--data", choices=["full", "sample"], default="full", help="all the images, or a tenth")
    add("--epochs", type=int, default=12, help="passes over the training images")
    add("--seed", type=int, default=0, help="of weights, order and augmentation")
    add("--output", type=Path, default=Path("runs/backbone"), help="folder for what is written")
    add("--ship", action="store_true", help="write into the package instead: what the site uses")
    options = parser.parse_args(arguments)
    try:
        start = time.perf_counter()
        images = data.load(options.data)
        for run in train_backbone(images, epochs=options.epochs, seed=options.seed):
            epoch = run.history[-1]
            print(
                f"epoch {epoch.number:2d}/{options.epochs}  loss {epoch.train_loss:.3f}  "
                f"validation {epoch.validation_accuracy:.4f}  {epoch.seconds:.1f} s",
                flush=True,
            )
        accuracy = run.test(*only(images.test_images, images.test_labels, SEEN))["last"]
        half = {name: value.half() if value.is_floating_point() else value
                for name, value in run.model.state_dict().items()}  # fmt: skip
        target = WEIGHTS if options.ship else options.output / WEIGHTS.name
        save_checkpoint(target, half)
        record = {
            "units": {
                "test_accuracy": "share of the test images of the seen classes",
                "seconds": "wall time",
            },
            "runs": [
                {
                    **results.circumstances(run.device),
                    "data": options.data,
                    "seed": options.seed,
                    "classes": list(SEEN),
                    "recipe": asdict(run.recipe),
                    "test_accuracy": accuracy,
                    "seconds": time.perf_counter() - start,
                }
            ],
        }
        results.save("backbone", record, folder=results.FOLDER if options.ship else options.output)
    except (OSError, ValueError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"test accuracy on the {len(SEEN)} classes {accuracy:.4f}; weights are in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
