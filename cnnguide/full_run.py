"""The command that trains on all of CIFAR-10: ``python -m cnnguide.full_run``.

Page: *train*. It survives being stopped, chooses its epoch on validation images, reads the test
set once, and writes down what it did.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from cnnguide import data, results
from cnnguide.checkpoint import save_checkpoint
from cnnguide.models import QuickNet, cifar_resnet18, count_multiply_adds, count_parameters
from cnnguide.recipe import RECIPES, Recipe, find_recipe
from cnnguide.train import Training, fit, seed_everything

__all__ = ["main"]

MODELS: dict[str, Callable[[], torch.nn.Module]] = {"resnet18": cifar_resnet18, "quick": QuickNet}


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(
        prog="python -m cnnguide.full_run",
        description="Train a network on CIFAR-10. The defaults are the article's run: the CIFAR "
        "ResNet-18, 150 epochs, batches of 128. Made for a GPU.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--recipe", default="article", help=f"one of {', '.join(RECIPES)}")
    add("--model", choices=MODELS, default="resnet18", help="the network")
    add("--data", choices=["full", "sample"], default="full", help="all 60,000 images, or 6,000")
    add("--epochs", type=int, help="instead of the recipe's")
    add("--batch-size", type=int, help="instead of the recipe's")
    add("--learning-rate", type=float, help="instead of the recipe's")
    add("--validation", type=float, default=0.1, help="share of the training images set aside")
    add("--seed", type=int, default=0, help="of weights, order and augmentation")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="where to train")
    add("--output", type=Path, default=Path("runs/latest"), help="folder for all that is written")
    add("--resume", action="store_true", help="go on from the checkpoint in the output folder")
    add("--dry-run", action="store_true", help="say what would be done, and stop")
    add("--record", action="store_true", help="add the run to the results that the site shows")
    return parser.parse_args(arguments)


def chosen_recipe(options: argparse.Namespace) -> Recipe:
    """Take the named recipe, with the options' own numbers in place of its own."""
    names = ("epochs", "batch_size", "learning_rate")
    changes = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    return replace(find_recipe(options.recipe), **changes)


def progress(recipe: Recipe, done: int):  # type: ignore[no-untyped-def]
    """Make a progress bar on a terminal; elsewhere lines are printed instead."""
    if not sys.stderr.isatty():
        return None
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(total=recipe.epochs, initial=done, unit="epoch")


def line(run: Training) -> str:
    """Say what the last epoch did."""
    e = run.history[-1]
    return (
        f"epoch {e.number:3d}/{run.recipe.epochs}  loss {e.train_loss:.4f}  "
        f"train {e.train_accuracy:.4f}  validation {e.validation_accuracy:.4f}  "
        f"lr {e.learning_rate:.4g}  {e.seconds:.1f} s"
    )


def report_plan(
    options: argparse.Namespace, recipe: Recipe, model: torch.nn.Module, n: int
) -> None:
    """Print what is going to be trained, and how much work that is."""
    work = 6 * count_multiply_adds(model, (3, 32, 32)) * n * recipe.epochs
    print(
        f"{options.model}: {count_parameters(model):,} parameters, {n:,} training images, "
        f"{recipe.epochs} epochs of {-(-n // recipe.batch_size)} steps on {options.device}, "
        f"{work / 1e15:.2f} PFLOP"
    )
    for name, value in asdict(recipe).items():
        print(f"  {name} = {value}")


def draw_curves(run: Training, path: Path) -> None:
    """Draw loss and accuracy by epoch, if matplotlib is there."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        return
    from cnnguide.show import style

    style()
    epochs = [e.number for e in run.history]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for part in ("train", "validation"):
        left.plot(epochs, [getattr(e, f"{part}_loss") for e in run.history], label=part)
        shares = [100 * getattr(e, f"{part}_accuracy") for e in run.history]
        right.plot(epochs, shares, label=part)
    left.set(xlabel="epoch", ylabel="cross-entropy")
    right.set(xlabel="epoch", ylabel="accuracy (%)")
    right.legend()
    figure.savefig(path)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> int:
    """Train, and write everything down."""
    options = parse(arguments)
    try:
        return run(options, chosen_recipe(options))
    except (OSError, ValueError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"\nstopped; `--resume --output {options.output}` goes on from the last whole epoch",
            file=sys.stderr,
        )
        return 130


def run(options: argparse.Namespace, recipe: Recipe) -> int:
    """Do what the options say."""
    generator = seed_everything(options.seed)
    model = MODELS[options.model]()
    if options.dry_run:
        count = round((50_000 if options.data == "full" else 5_000) * (1 - options.validation))
        report_plan(options, recipe, model, count)
        return 0
    images = data.load(options.data)
    parts = data.split(
        images.train_images, images.train_labels, validation=options.validation, generator=generator
    )
    if isinstance(model, QuickNet):
        model.whiten(data.normalise(parts[0][:5000], mean=recipe.mean, std=recipe.std))
    report_plan(options, recipe, model, len(parts[0]))
    checkpoint = options.output / "checkpoint.pt"
    if checkpoint.exists() and not options.resume:
        raise ValueError(f"{checkpoint} exists: go on with --resume, or name another --output")
    start, training, bar = time.perf_counter(), None, None
    steps = fit(
        model,
        (parts[0], parts[1]),
        (parts[2], parts[3]),
        recipe,
        seed=options.seed,
        device=options.device,
        checkpoint=checkpoint,
    )
    for training in steps:
        bar = bar or progress(recipe, len(training.history) - 1)
        if bar is None:
            print(line(training), flush=True)
        else:
            bar.set_postfix_str(line(training).split("  ", 1)[1])
            bar.update()
    if bar is not None:
        bar.close()
    if training is None:
        raise ValueError(f"{checkpoint} is of a run that has ended; name another --output")
    finish(options, training, images, time.perf_counter() - start)
    return 0


def finish(
    options: argparse.Namespace, training: Training, images: data.Cifar10, seconds: float
) -> None:
    """Read the test set once, and write weights, curves and the record."""
    accuracy = training.test(images.test_images, images.test_labels)
    save_checkpoint(options.output / "weights.pt", training.best)
    draw_curves(training, options.output / "curves.svg")
    single = {
        **results.circumstances(training.device),
        "model": options.model,
        "data": options.data,
        "seed": options.seed,
        "recipe": asdict(training.recipe),
        "test_accuracy": accuracy,
        "seconds": seconds,
        "history": [asdict(epoch) for epoch in training.history],
    }
    units = {"test_accuracy": "share of 10,000 test images", "seconds": "wall time of this command"}
    folders: list[tuple[Path, dict[str, Any]]] = [(options.output, {"units": units, "runs": []})]
    if options.record:
        known = results.load("train") or {"units": units, "runs": []}
        folders.append((results.FOLDER, known))
    for folder, record in folders:
        record["runs"].append(single)
        results.save("train", record, folder=folder)
    best = max(training.history, key=lambda epoch: epoch.validation_accuracy)
    print(f"test accuracy at the last epoch          {accuracy['last']:.4f}")
    print(f"test accuracy at epoch {best.number:3d}, the chosen one {accuracy['chosen']:.4f}")
    print(f"{seconds:.1f} s; weights, curves and record are in {options.output}")


if __name__ == "__main__":
    sys.exit(main())
