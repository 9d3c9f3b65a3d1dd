"""The command that trains on CIFAR-10, or on your own pictures: ``cnnguide train``.

Pages: *fast*, and *data* for your own pictures. It survives being stopped, chooses its epoch on
validation images, reads the test set once, and writes down what it did.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn

from cnnguide import data, results
from cnnguide.checkpoint import replacing, to_safetensors
from cnnguide.commands import add_run, end_with_parent, imagenet, locking, pictures, stopping
from cnnguide.fast import FastTraining, Techniques, processes, rank, saved_bytes
from cnnguide.models import CIFAR_NETWORKS, QuickNet, count_multiply_adds, count_parameters
from cnnguide.recipe import RECIPES, Recipe, find_recipe
from cnnguide.run import Training
from cnnguide.run import device_of as find_device
from cnnguide.train import has_fast_bfloat16, seed_everything
from cnnguide.transfer import PartlyFrozen

__all__ = ["Options", "main"]

# Environment variables of the processes that share a run: who started them, where they meet.
STARTER, MEETING = "CNNGUIDE_STARTER", "CNNGUIDE_MEETING"
PATIENCE = 30  # seconds in which whoever started the processes ends those that lost another
UNTRIED = ("mps", "xpu")  # PyTorch computes there; nothing of this guide was measured there
TRAINING_IMAGES = {"full": 50_000, "sample": 5_000}
UNITS = {
    "test_accuracy": "share of the test images",
    "seconds": "from data in memory to the last epoch",
}


@dataclass(frozen=True)
class Options:
    """Train a network on CIFAR-10 or on your own pictures, on a GPU if there is one.

    The defaults are the full run: the CIFAR ResNet-18, 150 epochs, batches of 128. With
    --images they are for some hundred pictures: `cnnguide train --images FOLDER --help` has them.
    """

    recipe: str = "article"  # article, modern (sooner there), or quick (a first try)
    training: Recipe = field(default_factory=Recipe)
    model: Literal["resnet18", "resnet10", "quick", "efficientnet"] = "resnet18"  # the network
    data: Literal["full", "sample"] = "full"  # all 60,000 images, or the 6,000 shipped ones
    images: Path | None = None  # instead, your own pictures: a folder for each class
    size: int = 32  # side in pixels; your own are made so large: 64, or 224 from ImageNet
    start: Literal["random", "imagenet"] = "random"  # with --images, the weights to begin with
    test: float = 0.2  # with --images, share of each class set aside to report on
    validation: float = 0.1  # share of the training images set aside to choose the epoch by
    seed: int = 0  # of weights, order and augmentation
    seeds: int = 1  # runs to make, from the seed on; more than one gives mean and deviation
    device: str = "auto"  # cpu, cuda, or untried: mps, xpu; auto: cuda if there is one, else cpu
    nproc: int = 1  # processes that share every batch, one per GPU; for many machines use torchrun
    compiled: bool = False  # on a GPU, let torch.compile merge operations: a minute first
    output: Path = Path("runs/latest")  # folder for all that is written
    resume: bool = False  # go on from the checkpoint in the output folder
    dry_run: bool = False  # print what would be done, with memory and time, and stop
    tensorboard: bool = False  # also write curves for TensorBoard, and print its command
    record: bool = False  # add the run to the results that the site shows


def parse(arguments: list[str]) -> Options:
    """Read the options: the fields of `Options` and `Recipe`, with their comments as help."""
    import tyro  # only the command needs it

    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("--recipe", "--images", "--start", "--model"):
        first.add_argument(name)
    given = first.parse_known_args(arguments)[0]
    return tyro.cli(
        Options,
        prog="cnnguide train",
        args=arguments,
        default=defaults(given),
        config=(tyro.conf.OmitArgPrefixes,),
    )


def defaults(given: argparse.Namespace) -> Options:
    """Give the options that fit the recipe, and those of your own pictures."""
    if given.images is None:
        name = given.recipe or "article"
        return Options(recipe=name, training=find_recipe(name))
    if given.start == "imagenet":
        size, model, name = 224, imagenet.NAME, "transfer"
    else:
        size, model, name = 32 if given.model == "quick" else 64, "resnet10", "pictures"
    name = given.recipe or name
    training = pictures.RECIPES[name] if name in pictures.RECIPES else find_recipe(name)
    return Options(recipe=name, training=training, model=model, size=size, validation=0.2)  # type: ignore[arg-type]


def check(options: Options, arguments: list[str]) -> None:
    """Refuse what cannot be run, before anything is written."""
    for name in ("seeds", "nproc"):
        if getattr(options, name) < 1:
            raise ValueError(f"{name} must be at least 1, got {getattr(options, name)}")
    for name in ("validation", "test"):
        if not 0 < getattr(options, name) < 1:
            raise ValueError(f"{name} must lie between 0 and 1, got {getattr(options, name)}")
    check_images(options)
    if results.FOLDER.resolve() in [folder.resolve() for folder in written(options)]:
        raise ValueError(
            f"--output must be another folder than {results.FOLDER}, which holds the results that "
            "the site shows; --record adds the run to them"
        )
    device = device_of(options)
    cards = torch.cuda.device_count()
    if device.type == "cuda" and options.nproc > cards:
        raise ValueError(f"nproc must be at most the number of GPUs, {cards}, got {options.nproc}")
    if options.dry_run:
        return
    # What the end of a run needs has to be there at its start.
    board = ["torch.utils.tensorboard"] if options.tensorboard else []
    for name in ["matplotlib.pyplot", "safetensors.torch", *board]:
        importlib.import_module(name)
    begun = [f for f in folders(options).values() if (f / "checkpoint.pt").exists()]
    if options.resume and not begun:
        raise ValueError(f"nothing to resume in {options.output}; leave out --resume to begin")
    if begun and not options.resume:
        raise ValueError(
            f"{begun[0] / 'checkpoint.pt'} exists: go on with `{resuming(arguments)}`, "
            "or name another --output"
        )


def check_images(options: Options) -> None:
    """Refuse options that do not go with the images."""
    if options.images is None:
        if options.size != 32 or options.start != "random":
            raise ValueError("--size and --start must come with --images, your own pictures")
        if options.model == imagenet.NAME:
            raise ValueError(f"--model {imagenet.NAME} must come with --start imagenet")
        return
    if (options.start == "imagenet") != (options.model == imagenet.NAME):
        raise ValueError(
            f"--start imagenet must have --model {imagenet.NAME}, got {options.model} and "
            f"--start {options.start}; leave --model out"
        )
    least = 32 if options.model == "quick" else 16
    if options.size < least or (options.model == "quick" and options.size > least):
        wanted = "exactly 32 with --model quick" if least == 32 else "at least 16"
        raise ValueError(f"size must be {wanted}, got {options.size}")
    if options.start == "imagenet" and (options.compiled or options.nproc > 1):
        raise ValueError("with --start imagenet there must be one process, without --compiled")
    if options.record:
        raise ValueError("--record must be left out with --images: the site shows CIFAR-10")
    if not options.images.is_dir():
        raise ValueError(f"--images must be a folder, got {options.images}")
    if options.start == "imagenet":
        imagenet.load(2)  # if the weights are not there, say so before anything is read


def folders(options: Options) -> dict[int, Path]:
    """Give the folder of each seed's run."""
    if options.seeds == 1:
        return {options.seed: options.output}
    seeds = range(options.seed, options.seed + options.seeds)
    return {seed: options.output / f"seed-{seed}" for seed in seeds}


def written(options: Options) -> list[Path]:
    """Give all folders that a run writes to."""
    return [options.output, *folders(options).values()]


def resuming(arguments: list[str]) -> str:
    """Write the command that goes on with a run."""
    others = [argument for argument in arguments if argument != "--resume"]
    return shlex.join(["cnnguide", "train", "--resume", *others])


def main(arguments: list[str] | None = None) -> int:
    """Train, and write everything down."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        options = parse(arguments)
        check(options, arguments)
        if STARTER in os.environ:  # one of several processes; the command that waits does the rest
            end_with_parent(int(os.environ[STARTER]))
            with sharing(options), losing_others():
                return run_seeds(options)
        with stopping(), owning(options):
            if options.nproc > 1 and "RANK" not in os.environ:
                return start_processes(options.nproc, arguments)
            with sharing(options):
                return run_seeds(options)
    except ModuleNotFoundError as error:
        fault = f"{error}; `pip install cnnguide[train]` brings what this command needs"
    except (OSError, ValueError, FloatingPointError, ImportError) as error:
        fault = str(error)
    except KeyboardInterrupt as stop:
        print(f"\nstopped; `{resuming(arguments)}` goes on", file=sys.stderr)
        return 128 + (stop.args[0] if stop.args else signal.SIGINT)
    if int(os.environ.get("RANK", "0")) > 0:
        time.sleep(2)  # what is wrong in all processes alike is printed once, by the first
    print(f"error: {fault}", file=sys.stderr)
    return 1


def start_processes(nproc: int, arguments: list[str]) -> int:
    """Start this command once for each process, and end all of them with the first that fails."""
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // nproc))
    running: list[subprocess.Popen] = []
    codes: list[int | None] = []
    with tempfile.TemporaryDirectory() as folder:
        ours = {
            STARTER: str(os.getpid()),
            MEETING: f"file://{folder}/meeting",
            "OMP_NUM_THREADS": threads,
            "WORLD_SIZE": str(nproc),
        }
        try:
            for k in range(nproc):
                command = [sys.executable, "-m", "cnnguide", "train", *arguments]
                own = {**os.environ, **ours, "RANK": str(k), "LOCAL_RANK": str(k)}
                running.append(subprocess.Popen(command, env=own, start_new_session=True))
            while not any(codes) and (not codes or None in codes):
                time.sleep(0.1)
                codes = [process.poll() for process in running]
        finally:
            for process in running:
                process.terminate()
            for process in running:
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
    code = next((code for code in codes if code), 0)
    if code not in (0, 1):
        raise OSError(f"one of the {nproc} processes ended with exit code {code}")
    return code


@contextmanager
def owning(options: Options) -> Iterator[None]:
    """Keep other runs away from the output folder, and from that of each seed."""
    writes = not options.dry_run and os.environ.get("RANK", "0") == "0"
    with locking(*(written(options) if writes else [])):
        yield


def device_of(options: Options) -> torch.device:
    """Choose where this process computes."""
    wanted = options.device
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda" and "LOCAL_RANK" in os.environ:
        wanted = f"cuda:{os.environ['LOCAL_RANK']}"
    if not re.fullmatch(r"cpu|(cuda|mps|xpu)(:\d+)?", wanted):
        raise ValueError(f"device must be auto, cpu, cuda, mps or xpu, got {wanted!r}")
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError("device is cuda, but PyTorch finds no GPU here; take --device cpu")
    device = find_device(wanted)
    if device.type in UNTRIED and (options.nproc > 1 or "RANK" in os.environ):
        raise ValueError(f"on {device.type} there must be one process, got several")
    if options.compiled and device.type != "cuda":
        raise ValueError(f"--compiled pays on a GPU, got {device.type}; leave it out")
    return device


@contextmanager
def sharing(options: Options) -> Iterator[None]:
    """Join the other processes, if `torchrun` started this one."""
    if "RANK" not in os.environ:
        yield
        return
    device = device_of(options)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=os.environ.get(MEETING),
        rank=int(os.environ["RANK"]),
        world_size=int(os.environ["WORLD_SIZE"]),
    )
    yield
    dist.destroy_process_group()  # not after an error, which the others would meet as theirs


@contextmanager
def losing_others() -> Iterator[None]:
    """Wait to be ended when another process has gone: the command that started both tells why."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and "/gloo/" not in str(error):
            raise
        time.sleep(PATIENCE)
        raise OSError(f"the processes of this run lost each other: {error}") from None


def print_main(*words: object) -> None:
    """Print, in the first of the processes that share a run."""
    if rank() == 0:
        print(*words, flush=True)


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
    if options.seeds == 1:
        run_one(options, images, device)
        return 0
    done = []
    for seed, folder in folders(options).items():
        print_main(f"\nseed {seed}: {folder}")
        if options.resume and ended(folder):
            print_main("has ended already")
        else:
            run_one(replace(options, seed=seed, output=folder), images, device)
        if rank() == 0:
            done += ended(folder)
    if rank() == 0:
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


class Parts(NamedTuple):
    """What a run learns from, chooses by and reports on."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    recipe: Recipe  # with the constants of the images
    split: pictures.Split | None = None  # of your own pictures


def load_images(options: Options) -> data.Cifar10 | pictures.Pictures:
    """Read all images into memory."""
    if options.images is None:
        return data.load(options.data)
    return pictures.read(options.images, side=options.size, show=rank() == 0)


def parts_of(
    options: Options, images: data.Cifar10 | pictures.Pictures, generator: torch.Generator
) -> Parts:
    """Split the images."""
    recipe = options.training
    if isinstance(images, data.Cifar10):
        x, y, validation_x, validation_y = data.split(
            images.train_images, images.train_labels,
            validation=options.validation, generator=generator,
        )  # fmt: skip
        test = images.test_images, images.test_labels
        return Parts((x, y), (validation_x, validation_y), test, recipe)
    made = pictures.split(
        images, validation=options.validation, test=options.test, seed=options.seed
    )
    print_main(made.table())
    if options.start == "imagenet":
        prepare = imagenet.load(2)[1]
        recipe = replace(recipe, mean=prepare.mean, std=prepare.std)
    else:
        recipe = pictures.with_constants(recipe, made)
    train, validation, test = (made.part(name) for name in pictures.PARTS)
    return Parts(train, validation, test, recipe, made)


def make_model(options: Options, classes: tuple[str, ...]) -> nn.Module:
    """Make the network, with a score for each class."""
    if options.start == "imagenet":
        return imagenet.load(len(classes))[0]
    if options.images is None:
        return CIFAR_NETWORKS[options.model]()
    return CIFAR_NETWORKS[options.model](num_classes=len(classes))  # type: ignore[call-arg]


def make_run(options: Options, model: nn.Module, recipe: Recipe, device: torch.device) -> Training:
    """Make the fast loop, or the plain one for fine-tuning and for a recipe that mixes images."""
    if isinstance(model, PartlyFrozen):
        return imagenet.FineTuning(model, recipe, seed=options.seed, device=device)
    if recipe.mixup or recipe.cutmix:
        if options.compiled or processes() > 1:
            raise ValueError(
                "with --mixup or --cutmix there must be one process, without --compiled"
            )
        return Training(model, recipe, seed=options.seed, device=device)
    techniques = Techniques.for_device(device, compiled=options.compiled)
    return FastTraining(model, recipe, seed=options.seed, device=device, techniques=techniques)


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
        if isinstance(model, PartlyFrozen) and not checkpoint.exists():
            print_main("fitting a head on ImageNet's features")
            imagenet.fit_head(model, parts.train, recipe, device, show=rank() == 0)
        run = make_run(options, model, recipe, device)
        train, validation = (
            (x.to(device), y.to(device)) for x, y in (parts.train, parts.validation)
        )
        trained = follow(options, run, train, validation, checkpoint)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise ValueError(what_would_fit(options, device, images.classes)) from error
    if rank() == 0:
        if not trained and ended(options.output):
            raise ValueError(f"{checkpoint} is of a run that has ended; name another --output")
        before = sum(epoch.seconds for epoch in run.history[: len(run.history) - trained])
        finish(options, run, images.classes, parts, before + time.perf_counter() - start)


def ended(folder: Path) -> list[dict[str, Any]]:
    """Give the runs that are written down in a folder, as far as they have a result."""
    record = results.load("train", folder=folder) or {"runs": []}
    wanted = {"test_accuracy", "seconds", "device"}
    return [run for run in record["runs"] if isinstance(run, dict) and wanted <= {*run}]


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


def describe(options: Options, model: torch.nn.Module, n: int, device: torch.device) -> None:
    """Print what is going to be trained, and how much work that is."""
    recipe = options.training
    work = 6 * count_multiply_adds(model, (3, options.size, options.size)) * n * recipe.epochs
    known = {**RECIPES, **pictures.RECIPES}.get(options.recipe)
    constants = () if options.images is None else ("mean", "std")  # the recipe cannot know them
    print_main(
        f"{options.model}: {count_parameters(model):,} parameters, {n:,} training images, "
        f"{recipe.epochs} epochs of {-(-n // recipe.batch_size)} steps on "
        f"{results.device_name(device)}, {work / 1e15:.2f} PFLOP"
    )
    for name, value in asdict(recipe).items():
        usual = value if name in constants else getattr(known, name, value)
        print_main(f"  {name} = {value}" + ("" if usual == value else f"  (the recipe's: {usual})"))
    for sentence in remarks(device):
        print_main(sentence)
    if processes() > 1:
        print_main(f"  {processes()} processes, each with its share of every batch")


def remarks(device: torch.device) -> Iterator[str]:
    """Say what has not been tried, and what has not been asked for."""
    if device.type in UNTRIED:
        yield f"nothing of this guide was tried on {device.type}: tell us how it goes"
    elif device.type == "cpu" and torch.accelerator.is_available():
        found = torch.accelerator.current_accelerator()
        if found is not None and found.type in UNTRIED:
            yield f"PyTorch finds {found.type} here; --device {found.type} takes it, untried by us"


def report_plan(
    options: Options, device: torch.device, classes: tuple[str, ...], count: int
) -> None:
    """Print what a run would do, need and take; a few steps on random images are really taken."""
    model, recipe, side = make_model(options, classes), options.training, options.size
    describe(options, model, count, device)
    seconds, peak = try_steps(options, device, recipe.batch_size, classes)
    total = seconds * -(-count // recipe.batch_size) * recipe.epochs * options.seeds
    copies = 4 + bool(recipe.average)  # weights, gradients, momenta, the best so far
    held = saved_bytes(model, side, bfloat16=has_fast_bfloat16(device)) * recipe.batch_size
    shown = count * 3 * ((side + 2 * recipe.padding) ** 2 + side**2)  # padded, and as they are
    needed = held + 4 * copies * count_parameters(model) + shown
    print_main(f"memory: about {needed / 1e9:.1f} GB for layers, weights and images {end_of(peak)}")
    print_main(f"time: about {total / 60:.1f} minutes, from steps of {1e3 * seconds:.1f} ms here")
    print_main(f"would be written: {options.output}/ (checkpoint, log, weights, curves, record)")


def end_of(peak: int) -> str:
    """Add what was measured, where it can be."""
    return f"({peak / 1e9:.1f} GB measured on the GPU)" if peak else "(counted, not measured)"


def try_steps(
    options: Options, device: torch.device, batch: int, classes: tuple[str, ...]
) -> tuple[float, int]:
    """Take some steps on random images; give the seconds of one, and a GPU's peak memory."""
    recipe, side = replace(options.training, batch_size=batch), options.size
    trial = make_run(options, make_model(options, classes), recipe, device)
    steps = 1 if device.type == "cpu" else 20  # a GPU is waited for once in so many
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (batch * steps, 3, side, side), generator=generator).byte()
    labels = torch.randint(len(classes), (batch * steps,), generator=generator).to(device)
    images = images.to(device)
    taken: list[float] = []
    while len(taken) < 4 or (len(taken) < 23 and sum(taken[3:]) < 5):  # the first three warm up
        start = time.perf_counter()
        trial.train_once(images, labels, [1e-4] * steps)
        taken.append(time.perf_counter() - start)
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    return statistics.median(taken[3:]) / steps, peak


def what_would_fit(options: Options, device: torch.device, classes: tuple[str, ...]) -> str:
    """Find by trying which batch the memory holds."""
    wanted = options.training.batch_size
    for batch in halves(wanted):
        try:
            try_steps(options, device, batch, classes)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            continue
        return (
            f"out of memory on {device} with batches of {wanted}; {batch} fits: take --batch-size "
            f"{batch} --learning-rate {options.training.learning_rate * batch / wanted:g}"
        )
    return f"out of memory on {device} even with single images; close what else uses it"


def is_out_of_memory(error: RuntimeError) -> bool:
    """Tell a lack of memory from other errors; not every device has PyTorch's own type for it."""
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error)


def halves(batch: int) -> Iterator[int]:
    """Halve a batch down to 1."""
    while batch > 1:
        batch //= 2
        yield batch


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
    if options.record:
        add_run("train", single, UNITS, folder=results.FOLDER)
    results.save("train", {"units": UNITS, "runs": [single]}, folder=options.output)
    best = max(run.history, key=lambda epoch: epoch.validation_accuracy)
    print_main(f"test accuracy at the last epoch          {accuracy['last']:.4f}")
    print_main(f"test accuracy at epoch {best.number:3d}, the chosen one {accuracy['chosen']:.4f}")
    print_main(f"{seconds:.1f} s; weights, curves, log and record are in {options.output}")
    if parts.split is not None:
        count = len(parts.test[1])
        print_main(f"one of the {count} test pictures counts for {1 / count:.4f}")
        run_folder = shlex.quote(str(options.output))
        print_main(f"to try it: cnnguide predict --run {run_folder} PICTURE")
