"""The command that trains on CIFAR-10, or on your own pictures: ``cnnguide train``.

Pages: *fast*, and *data* for your own pictures. It survives being stopped, chooses its epoch on
validation images, reads the test set once, and writes down what it did. What it can be asked for
stands in `options`, what it puts together from that in `parts`, how several processes do it in
`sharing`, and what it would take in `forecast`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from cnnguide import data, results
from cnnguide.checkpoint import replacing, to_safetensors
from cnnguide.commands import (
    add_run,
    command_line,
    end_with_parent,
    imagenet,
    locking,
    pictures,
    stopping,
)
from cnnguide.commands.forecast import describe, is_out_of_memory, report_plan, what_would_fit
from cnnguide.commands.options import (
    Options,
    check,
    check_output,
    device_of,
    ended,
    folders,
    parse,
    resuming,
)
from cnnguide.commands.parts import Parts, load_images, make_model, make_run, parts_of
from cnnguide.commands.sharing import (
    STARTER,
    losing_others,
    print_main,
    sharing,
    start_processes,
)
from cnnguide.fast import processes, rank
from cnnguide.models import QuickNet
from cnnguide.run import Training
from cnnguide.train import seed_everything
from cnnguide.transfer import PartlyFrozen

__all__ = ["main"]

NEEDED = ("matplotlib", "safetensors", "tensorboard", "tqdm", "tyro")  # besides the library's own
TRAINING_IMAGES = {"full": 50_000, "sample": 5_000}
UNITS = {
    "test_accuracy": "share of the test images",
    "seconds": "from data in memory to the last epoch",
}


def main(arguments: list[str] | None = None) -> int:
    """Train, and write everything down."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options: Options | None = None
    try:
        options = parse(arguments)
        check(options, arguments)
        if STARTER in os.environ:  # one of several processes; the command that waits does the rest
            end_with_parent(int(os.environ[STARTER]))
            with sharing(options), losing_others():
                return run_seeds(options)
        with stopping(), owning(options, arguments):
            if options.nproc > 1 and "RANK" not in os.environ:
                return start_processes(options.nproc, arguments)
            with sharing(options):
                return run_seeds(options)
    except ModuleNotFoundError as error:
        fault = f"{error}; `pip install {' '.join(NEEDED)}` brings what this command needs"
    except (OSError, ValueError, FloatingPointError, ImportError) as error:
        fault = str(error)
    except KeyboardInterrupt as stop:
        print(f"\nstopped; {way_on(options, arguments)}", file=sys.stderr)
        return 128 + (stop.args[0] if stop.args else signal.SIGINT)
    if int(os.environ.get("RANK", "0")) > 0:
        time.sleep(2)  # what is wrong in all processes alike is printed once, by the first
    print(f"error: {fault}", file=sys.stderr)
    return 1


def way_on(options: Options | None, arguments: list[str]) -> str:
    """Say how to go on after a stop, which may have come before there is anything to go on from."""
    written = () if options is None or options.dry_run else folders(options).values()
    if any((folder / "checkpoint.pt").exists() for folder in written):
        return f"`{resuming(arguments)}` goes on"
    return "no epoch was written down, and the same command begins anew"


@contextmanager
def owning(options: Options, arguments: list[str]) -> Iterator[None]:
    """Keep other runs away from the output folder, and from that of each seed."""
    writes = not options.dry_run and os.environ.get("RANK", "0") == "0"
    with locking(*([options.output, *folders(options).values()] if writes else [])):
        if writes:
            check_output(options, arguments)  # another run may have ended there since `check`
        yield


def run_seeds(options: Options) -> int:
    """Do one run, or one for each seed."""
    device = device_of(options)
    torch.backends.cudnn.benchmark = device.type == "cuda"
    if options.dry_run and options.images is None:
        count = round(TRAINING_IMAGES[options.data] * (1 - options.validation))
        report_plan(options, device, data.CLASSES, count)
        return 0
    images = load_images(options)
    if options.dry_run:
        parts = parts_of(options, images, torch.Generator())
        options = replace(options, training=parts.recipe)
        report_plan(options, device, images.classes, len(parts.train[1]))
        return 0
    done = []
    for seed, folder in folders(options).items():
        if options.seeds > 1:
            print_main(f"\nseed {seed}: {folder}")
        if options.resume and ended(folder):
            if isinstance(images, pictures.Pictures):
                check_same_pictures(replace(options, seed=seed), images, folder)
            print_main("has ended already")
        else:
            run_one(replace(options, seed=seed, output=folder), images, device)
        if rank() == 0:
            done += ended(folder)
            if options.record:
                record(folder)
    if rank() == 0 and options.seeds > 1:
        print_main(f"\n{'':24s}mean ± standard deviation of {len(done)} seeds, {done[0]['device']}")
        for name in ("last", "chosen"):
            scores = [100 * one["test_accuracy"][name] for one in done]
            spread = f"{statistics.mean(scores):.2f} ± {statistics.stdev(scores):.2f} %"
            print_main(f"test, {name + ' epoch':18s}{spread}")
        seconds = [one["seconds"] for one in done]
        print_main(
            f"{'seconds':24s}{statistics.mean(seconds):.1f} ± {statistics.stdev(seconds):.1f}"
        )
    return 0


def record(folder: Path) -> None:
    """Add a folder's run to the results that the site shows, unless it is there already."""
    shown = results.load("train", folder=results.FOLDER) or {"runs": []}
    for run in ended(folder):
        if run not in shown["runs"]:
            add_run("train", run, UNITS, folder=results.FOLDER)


def check_same_pictures(options: Options, images: pictures.Pictures, folder: Path) -> None:
    """Refuse to count a run that has ended on other pictures."""
    made = pictures.split(
        images, validation=options.validation, test=options.test, seed=options.seed
    )
    pictures.remember(made, folder / "pictures.json", resume=True, write=False)


def run_one(
    options: Options, images: data.Cifar10 | pictures.Pictures, device: torch.device
) -> None:
    """Train from one seed."""
    generator = seed_everything(options.seed)
    model = make_model(options, images.classes)
    parts = parts_of(options, images, generator)
    recipe = parts.recipe
    options = replace(options, training=recipe)
    if isinstance(model, QuickNet):
        model.whiten(data.normalise(parts.train[0][:5000], mean=recipe.mean, std=recipe.std))
    describe(options, model, len(parts.train[0]), device)
    if options.tensorboard:
        folder = shlex.quote(str(options.output / "tensorboard"))
        print_main(f"to see the curves while it trains: tensorboard --logdir {folder}")
    checkpoint = options.output / "checkpoint.pt"
    if rank() == 0:
        clear(options.output)
    if parts.split is not None:
        path = options.output / "pictures.json"
        pictures.remember(parts.split, path, resume=checkpoint.exists(), write=rank() == 0)
    start = time.perf_counter()
    try:
        run, trained = fit(options, model, parts, device, checkpoint)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    else:
        if rank() == 0:
            before = sum(epoch.seconds for epoch in run.history[: len(run.history) - trained])
            finish(options, run, images.classes, parts, before + time.perf_counter() - start)
        return
    # Only here, outside of `except`, nothing holds the frames of the failed step any more, and with
    # them run, images and activations.
    del model
    raise ValueError(what_would_fit(options, device, images.classes))


def fit(
    options: Options, model: nn.Module, parts: Parts, device: torch.device, checkpoint: Path
) -> tuple[Training, int]:
    """Train to the end; give the run, and the number of its epochs that were trained here."""
    if isinstance(model, PartlyFrozen) and not checkpoint.exists():
        print_main("fitting a head on ImageNet's features")
        imagenet.fit_head(model, parts.train, parts.recipe, device, show=rank() == 0)
    run = make_run(options, model, parts.recipe, device)
    return run, follow(options, run, parts.train, parts.validation, checkpoint)


def clear(folder: Path) -> None:
    """Remove what writes that were killed have left behind."""
    for path in folder.glob(".*"):
        if re.fullmatch(r"\..+\.[0-9a-f]{16}", path.name):
            path.unlink(missing_ok=True)


def follow(
    options: Options,
    run: Training,
    train: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    checkpoint: Path,
) -> int:
    """Train to the end, showing each epoch and writing it down; count them."""
    bar, trained = None, 0
    if rank() == 0 and sys.stderr.isatty():
        bar = progress(run, len(train[1]))
    for _ in run.fit(train, validation, checkpoint=checkpoint, write=rank() == 0):
        trained += 1
        if rank() > 0:
            continue
        write_log(options, run)
        if bar is None:
            print_main(line(run, len(train[1])))
        else:
            bar.set_postfix_str(line(run, len(train[1])).split("  ", 1)[1])
    if bar is not None:
        bar.close()
    return trained


def progress(run: Training, count: int):  # type: ignore[no-untyped-def]
    """Show a bar of images, with their number per second and the time left."""
    from tqdm import tqdm

    bar = tqdm(total=run.recipe.epochs * count, unit=" images", unit_scale=True, smoothing=0.05)

    def counted(steps: Iterable) -> Iterator:
        bar.n = len(run.history) * count
        bar.set_description(f"epoch {len(run.history) + 1}/{run.recipe.epochs}")
        for k, step in enumerate(steps):
            yield step
            bar.update(min(run.recipe.batch_size, count - k * run.recipe.batch_size))

    run.progress = counted
    return bar


def line(run: Training, count: int) -> str:
    """Write what the last epoch did on one line."""
    e = run.history[-1]
    return (
        f"epoch {e.number:3d}/{run.recipe.epochs}  loss {e.train_loss:.4f}  "
        f"train {e.train_accuracy:.4f}  validation {e.validation_accuracy:.4f}  "
        f"lr {e.learning_rate:.4g}  {count / e.seconds:,.0f} images/s"
    )


def write_log(options: Options, run: Training) -> None:
    """Write one JSON line per epoch; the file is always that of the checkpoint."""
    with replacing(options.output / "log.jsonl") as file:
        for epoch in run.history:
            file.write((json.dumps(asdict(epoch)) + "\n").encode())
    if options.tensorboard:
        from torch.utils.tensorboard import SummaryWriter

        last = run.history[-1]
        with SummaryWriter(options.output / "tensorboard", purge_step=last.number) as writer:
            for name, value in asdict(last).items():
                writer.add_scalar(name, value, last.number)


def draw_curves(run: Training, path: Path) -> None:
    """Draw loss and accuracy by epoch."""
    import matplotlib.pyplot as plt

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
    with replacing(path) as file:
        figure.savefig(file, format="svg")
    plt.close(figure)


def save_weights(
    options: Options, run: Training, classes: tuple[str, ...], accuracy: dict[str, float]
) -> None:
    """Write the chosen weights as safetensors, with recipe, classes and a digest in the file."""
    described = {
        "recipe": asdict(run.recipe),
        "model": options.model,
        "classes": classes,
        "size": options.size,
        "test_accuracy": accuracy,
    }
    best = imagenet.weights_of(run.best) if options.start == "imagenet" else run.best
    weights = {name: tensor.cpu().contiguous() for name, tensor in best.items()}
    with replacing(options.output / "weights.safetensors") as file:
        file.write(to_safetensors(weights, described))


def finish(
    options: Options, run: Training, classes: tuple[str, ...], parts: Parts, seconds: float
) -> None:
    """Read the test set once, and write weights, curves and the record."""
    write_log(options, run)  # a stop after the last checkpoint may have left it an epoch behind
    accuracy = run.test(*parts.test)
    save_weights(options, run, classes, accuracy)
    draw_curves(run, options.output / "curves.svg")
    cuda = run.device.type == "cuda"
    single = {
        **results.circumstances(run.device),
        "model": options.model,
        "data": options.data if options.images is None else "pictures",
        "seed": options.seed,
        "processes": processes(),
        "recipe_name": options.recipe,
        "recipe": asdict(run.recipe),
        "test_accuracy": accuracy,
        "seconds": seconds,
        "peak_memory_bytes": torch.cuda.max_memory_allocated(run.device) if cuda else None,
        "history": [asdict(epoch) for epoch in run.history],
    }
    if parts.split is not None:
        single["pictures"] = {**parts.split.told(), "start": options.start}
    results.save("train", {"units": UNITS, "runs": [single]}, folder=options.output)
    best = max(run.history, key=lambda epoch: epoch.validation_accuracy)
    print_main(f"test accuracy at the last epoch          {accuracy['last']:.4f}")
    print_main(f"test accuracy at epoch {best.number:3d}, the chosen one {accuracy['chosen']:.4f}")
    print_main(f"{seconds:.1f} s; weights, curves, log and record are in {options.output}")
    if parts.split is not None:
        count = len(parts.test[1])
        print_main(f"one of the {count} test pictures counts for {1 / count:.4f}")
        use = command_line("predict", ["--run", str(options.output), "PICTURE"])
        print_main(f"to try it: {use}")
