"""What ``cnnguide train`` can be asked for, and what it refuses before anything is written."""

from __future__ import annotations

import argparse
import importlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal

import torch

from cnnguide import data, results
from cnnguide.commands import command_line, imagenet, pictures
from cnnguide.recipe import Recipe, find_recipe
from cnnguide.run import device_of as find_device

__all__ = [
    "UNTRIED",
    "Options",
    "check",
    "check_output",
    "device_of",
    "ended",
    "folders",
    "parse",
    "resuming",
]

UNTRIED = ("mps", "xpu")  # PyTorch computes there; nothing of this guide was measured there


@dataclass(frozen=True)
class Options:
    """Train a network on CIFAR-10 or on your own pictures, on a GPU if there is one.

    The defaults are the full run: the CIFAR ResNet-18, 150 epochs, batches of 128. With
    ``--images`` they are for some hundred pictures; add ``--help`` to see them.
    """

    recipe: str = "article"  # or modern (sooner), quick (to try); with --images pictures, transfer
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
    """Read the options: the fields of `Options` and `Recipe`, with their comments as help.

    Examples
    --------
    >>> options = parse(["--recipe", "modern", "--epochs", "30"])
    >>> options.training.epochs, options.model
    (30, 'resnet18')
    """
    import tyro  # only the command needs it

    with naming_paths():
        return tyro.cli(
            Options,
            prog=command_line("train", []),
            args=arguments,
            default=defaults(given(arguments)),
            config=(tyro.conf.OmitArgPrefixes,),
        )


def given(arguments: list[str]) -> argparse.Namespace:
    """Read the options that others depend on; None where there is none."""
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    names = ("--recipe", "--images", "--start", "--model", "--data", "--test", "--validation")
    for name in names:
        first.add_argument(name)
    return first.parse_known_args(arguments)[0]


@contextmanager
def naming_paths() -> Iterator[None]:
    """Have the help write PATH where a path may be left out; tyro writes {None}|PATH."""
    from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

    registry = ConstructorRegistry()

    @registry.primitive_rule
    def rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Path | None] | None:
        if info.type != Path | None:
            return None
        return PrimitiveConstructorSpec(
            nargs=1,
            metavar="PATH",
            instance_from_str=lambda words: Path(words[0]),
            is_instance=lambda value: value is None or isinstance(value, Path),
            str_from_instance=lambda value: [str(value)],
        )

    with registry:
        yield


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
    """Refuse what cannot be run, before anything is written.

    Raises
    ------
    ValueError
        With one sentence that says what must be otherwise.
    ModuleNotFoundError
        If something is not installed that the end of the run needs.

    Examples
    --------
    >>> check(Options(seeds=0), [])
    Traceback (most recent call last):
    ValueError: seeds must be at least 1, got 0
    """
    for name in ("seeds", "nproc"):
        if getattr(options, name) < 1:
            raise ValueError(f"{name} must be at least 1, got {getattr(options, name)}")
    for name in ("validation", "test"):
        if not 0 < getattr(options, name) < 1:
            raise ValueError(f"{name} must lie between 0 and 1, got {getattr(options, name)}")
    check_images(options)
    if options.images is not None:
        check_given(options.images, given(arguments))
    written = [options.output, *folders(options).values()]
    if results.FOLDER.resolve() in [folder.resolve() for folder in written]:
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
    if options.record:
        check_record()
    check_output(options, arguments)


def check_record() -> None:
    """Refuse to record where the results cannot be written, as with an installed package."""
    try:
        with TemporaryFile(dir=results.FOLDER):
            pass
    except OSError as error:
        raise ValueError(
            f"--record must be left out where {results.FOLDER}, which holds the results that the "
            f"site shows, cannot be written: {error.strerror}"
        ) from None


def check_output(options: Options, arguments: list[str]) -> None:
    """Refuse to begin where a run is, to go on where none or another is, and to do anew what ended.

    Raises
    ------
    ValueError
        With one sentence that names the folder and what to do.

    Examples
    --------
    >>> arguments = ["--resume", "--output", "a/folder/without/a/run"]
    >>> check_output(parse(arguments), arguments)
    Traceback (most recent call last):
    ValueError: nothing to resume in a/folder/without/a/run; leave out --resume to begin
    """
    runs = [*folders(options).values()]
    whole = [folder for folder in runs if ended(folder)]
    begun = [folder for folder in runs if folder in whole or (folder / "checkpoint.pt").exists()]
    if options.resume and not begun:
        raise ValueError(f"nothing to resume in {options.output}; leave out --resume to begin")
    more = options.seeds > 1 or options.record  # to print, or to record, of what has ended
    if len(whole) == len(runs) and not (options.resume and more):
        raise ValueError(ending(options, arguments))
    if begun and not options.resume:
        raise ValueError(
            f"{begun[0]} holds a run: go on with `{resuming(arguments)}`, or name another --output"
        )
    for folder in whole:
        different = [part for run in ended(folder) for part in differences(options, run)]
        if different:
            raise ValueError(
                f"the run in {folder} has ended with other options: {'; '.join(different)}; "
                "give the same, or name another --output"
            )


def differences(options: Options, run: dict[str, Any]) -> list[str]:
    """Say in what a run that is written down differs from those that are asked for."""
    ours = {
        "model": options.model,
        "data": options.data if options.images is None else "pictures",
        **asdict(options.training),
    }
    recipe = run.get("recipe")
    # A record that is older than a field was made with its default.
    theirs = {**run, **asdict(Recipe()), **(recipe if isinstance(recipe, dict) else {})}
    constants = () if options.images is None else ("mean", "std")  # the recipe cannot know them
    return [
        f"{name} was {theirs.get(name)}, is {value}"
        for name, value in ours.items()
        if name not in constants and plain(theirs.get(name)) != plain(value)
    ]


def plain(value: Any) -> Any:
    """Give a tuple as the list that JSON makes of it."""
    return list(value) if isinstance(value, tuple) else value


def ending(options: Options, arguments: list[str]) -> str:
    """Say of a run, or of a run for each seed, where the result is and how to use it."""
    (first, *others) = folders(options).values()
    record = first / "train.json"
    use = command_line("predict", ["--run", str(first), "PICTURE"])
    last = f"use it with `{use}`, or name another --output to train anew"
    if not others:
        return f"the run in {first} has ended, and its result is in {record}: {last}"
    return (
        f"the runs in {options.output} have ended: `{resuming(arguments)}` prints their mean; "
        f"the result of the first is in {record}: {last}"
    )


def ended(folder: Path) -> list[dict[str, Any]]:
    """Give the runs that are written down in a folder, as far as they have a result.

    Examples
    --------
    >>> ended(Path("nowhere"))
    []
    """
    record = results.load("train", folder=folder) or {"runs": []}
    wanted = {"test_accuracy", "seconds", "device"}
    return [run for run in record["runs"] if isinstance(run, dict) and wanted <= {*run}]


def check_images(options: Options) -> None:
    """Refuse options that do not go with the images."""
    if options.images is None:
        if (options.size, options.start, options.test) != (32, "random", 0.2):
            raise ValueError("--size, --start and --test must come with --images, your pictures")
        if options.model == imagenet.NAME:
            raise ValueError(f"--model {imagenet.NAME} must come with --start imagenet")
        return
    if options.start == "random" and options.model == imagenet.NAME:
        raise ValueError(f"--model {imagenet.NAME} must come with --start imagenet")
    if options.start == "imagenet" and options.model != imagenet.NAME:
        raise ValueError(
            f"--start imagenet must have --model {imagenet.NAME}, got {options.model}; "
            "leave --model out"
        )
    least = 32 if options.model == "quick" else 16
    if options.size < least or (options.model == "quick" and options.size > least):
        wanted = "exactly 32 with --model quick" if least == 32 else "at least 16"
        raise ValueError(f"size must be {wanted}, got {options.size}")
    if options.start == "imagenet" and (options.compiled or options.nproc > 1):
        raise ValueError("with --start imagenet there must be one process, without --compiled")
    constants = (options.training.mean, options.training.std)
    if options.start == "imagenet" and constants != (data.MEAN, data.STD):
        raise ValueError(
            "--mean and --std must be left out with --start imagenet, which has its own"
        )
    if options.record:
        raise ValueError("--record must be left out with --images: the site shows CIFAR-10")
    if not options.images.is_dir():
        raise ValueError(f"--images must be a folder, got {options.images}")
    if options.start == "imagenet":
        imagenet.load(2)  # if the weights are not there, say so before anything is read


def check_given(folder: Path, named: argparse.Namespace) -> None:
    """Refuse options that would be ignored with a folder of pictures."""
    if named.data is not None:
        raise ValueError("--data must be left out with --images, your own pictures")
    if named.test is None and named.validation is None:
        return
    kept = {part: name for name, part in pictures.layout(folder)[0].items()}
    for part in ("test", "validation"):
        if part in kept and getattr(named, part) is not None:
            raise ValueError(
                f"--{part} must be left out with {folder}, whose folder {kept[part]} is that part"
            )


def device_of(options: Options) -> torch.device:
    """Choose where this process computes.

    Raises
    ------
    ValueError
        If there is no such device here, or the options do not go with it.

    Examples
    --------
    >>> device_of(Options(device="cpu"))
    device(type='cpu')
    """
    wanted = options.device
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda" and "LOCAL_RANK" in os.environ:
        wanted = f"cuda:{os.environ['LOCAL_RANK']}"
    if not re.fullmatch(r"cpu|(cuda|mps|xpu)(:\d+)?", wanted):
        raise ValueError(f"device must be auto, cpu, cuda, mps or xpu, got {wanted!r}")
    several = options.nproc > 1 or int(os.environ.get("LOCAL_WORLD_SIZE", "1")) > 1  # torchrun's
    if several and options.device.startswith("cuda:"):
        raise ValueError(
            "with several processes --device must be cuda, of which each takes a card of its own, "
            f"got {options.device}"
        )
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError("device is cuda, but PyTorch finds no GPU here; take --device cpu")
    device = find_device(wanted)
    if device.type in UNTRIED and (options.nproc > 1 or "RANK" in os.environ):
        raise ValueError(f"on {device.type} there must be one process, got several")
    if options.compiled and device.type != "cuda":
        raise ValueError(f"--compiled must have a GPU, got {device.type}; leave it out")
    return device


def folders(options: Options) -> dict[int, Path]:
    """Give the folder of each seed's run.

    Examples
    --------
    >>> {seed: folder.as_posix() for seed, folder in folders(Options(seed=3, seeds=2)).items()}
    {3: 'runs/latest/seed-3', 4: 'runs/latest/seed-4'}
    """
    if options.seeds == 1:
        return {options.seed: options.output}
    seeds = range(options.seed, options.seed + options.seeds)
    return {seed: options.output / f"seed-{seed}" for seed in seeds}


def resuming(arguments: list[str]) -> str:
    """Write the command that goes on with a run.

    Examples
    --------
    >>> resuming(["--output", "runs/cats"])
    'cnnguide train --resume --output runs/cats'
    """
    others = [argument for argument in arguments if argument != "--resume"]
    return command_line("train", ["--resume", *others])
