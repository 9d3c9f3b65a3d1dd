"""The command that trains the small backbone on six of CIFAR-10's classes: ``cnnguide backbone``.

Page: *transfer*. It trains on the full CIFAR-10, and writes the file of weights that
`cnnguide.trained.load_backbone` loads.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from cnnguide import data, results
from cnnguide.checkpoint import save_checkpoint
from cnnguide.recipe import find_recipe
from cnnguide.run import Training, fit
from cnnguide.train import seed_everything
from cnnguide.trained import FOLDER, SEEN, make_backbone

__all__ = ["main"]

WEIGHTS = FOLDER / "backbone.pt"


def train_backbone(images: data.Cifar10, *, epochs: int, seed: int) -> Iterator[Training]:
    """Train on the seen classes, epoch by epoch."""
    generator = seed_everything(seed)
    parts = data.split(*data.only(images.train_images, images.train_labels, SEEN), validation=0.1,
                       generator=generator)  # fmt: skip
    model = make_backbone()
    model.whiten(data.normalise(parts[0][:5000]))
    recipe = replace(find_recipe("quick"), epochs=epochs)
    yield from fit(model, (parts[0], parts[1]), (parts[2], parts[3]), recipe, seed=seed)


def main(arguments: list[str] | None = None) -> int:
    """Train the backbone and write its weights and the record of the run."""
    parser = argparse.ArgumentParser(
        prog="cnnguide backbone",
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
        accuracy = run.test(*data.only(images.test_images, images.test_labels, SEEN))["last"]
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
