"""What a run of ``cnnguide train`` would do, need and take, found by taking a few of its steps."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, replace

import torch

from cnnguide import results
from cnnguide.commands import counted, pictures
from cnnguide.commands.options import UNTRIED, Options
from cnnguide.commands.parts import make_model, make_run
from cnnguide.commands.sharing import print_main
from cnnguide.fast import processes, saved_bytes
from cnnguide.models import count_multiply_adds, count_parameters
from cnnguide.recipe import RECIPES
from cnnguide.train import has_fast_bfloat16

__all__ = ["describe", "is_out_of_memory", "report_plan", "what_would_fit"]


def describe(options: Options, model: torch.nn.Module, n: int, device: torch.device) -> None:
    """Print what is going to be trained, and how much work that is.

    Examples
    --------
    >>> from cnnguide.data import CLASSES
    >>> options = Options(model="quick")
    >>> model = make_model(options, CLASSES)
    >>> describe(options, model, 5000, torch.device("cpu"))  # doctest: +ELLIPSIS
    quick: ... parameters, 5,000 training images, 150 epochs of 40 steps on ...
    """
    recipe = options.training
    work = 6 * count_multiply_adds(model, (3, options.size, options.size)) * n * recipe.epochs
    known = {**RECIPES, **pictures.RECIPES}.get(options.recipe)
    constants = () if options.images is None else ("mean", "std")  # the recipe cannot know them
    print_main(
        f"{options.model}: {count_parameters(model):,} parameters, "
        f"{counted(n, 'training image')}, {counted(recipe.epochs, 'epoch')} of "
        f"{counted(-(-n // recipe.batch_size), 'step')} on "
        f"{results.device_name(device)}, {amount(work)}"
    )
    for name, value in asdict(recipe).items():
        usual = value if name in constants else getattr(known, name, value)
        shown = tuple(round(part, 4) for part in value) if name in constants else value
        print_main(f"  {name} = {shown}" + ("" if usual == value else f"  (the recipe's: {usual})"))
    for sentence in remarks(device):
        print_main(sentence)
    if processes() > 1:
        print_main(f"  {processes()} processes, each with its share of every batch")


def amount(work: int) -> str:
    """Write a number of additions and multiplications with a unit that leaves digits to read.

    Examples
    --------
    >>> amount(22_500 * 10**12), amount(8_400 * 10**9), amount(20 * 10**6)
    ('22.5 PFLOP', '8.4 TFLOP', '0.02 GFLOP')
    """
    unit, name = next((u for u in ((1e15, "P"), (1e12, "T")) if work >= u[0]), (1e9, "G"))
    return f"{work / unit:.4g} {name}FLOP"


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
    """Print what a run would do, need and take; a few steps on random images are really taken.

    Examples
    --------
    >>> from cnnguide.data import CLASSES
    >>> from cnnguide.recipe import Recipe
    >>> options = Options(model="quick", training=Recipe(batch_size=4))
    >>> report_plan(options, torch.device("cpu"), CLASSES, 5000)  # doctest: +ELLIPSIS
    quick: ...
    time: about ... minutes, from steps of ... ms here
    would be written: runs/latest/ (checkpoint, log, weights, curves, record)
    """
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
    """Find by trying which batch the memory holds.

    Examples
    --------
    >>> from cnnguide.data import CLASSES
    >>> from cnnguide.recipe import Recipe
    >>> options = Options(model="quick", training=Recipe(batch_size=4))
    >>> what_would_fit(options, torch.device("cpu"), CLASSES)
    'out of memory on cpu with batches of 4; 2 fits: take --batch-size 2 --learning-rate 0.05'
    """
    wanted = batch = options.training.batch_size
    for batch in halves(wanted):
        gc.collect()  # a run that failed, and a bar that shows it, hold each other
        torch.cuda.empty_cache()
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
    least = "single images" if batch == 1 else f"batches of {batch}"
    return f"out of memory on {device} even with {least}; close what else uses it"


def is_out_of_memory(error: RuntimeError) -> bool:
    """Tell a lack of memory from other errors; not every device has PyTorch's own type for it.

    Examples
    --------
    >>> is_out_of_memory(RuntimeError("MPS backend out of memory"))
    True
    """
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error)


def halves(batch: int) -> Iterator[int]:
    """Halve a batch, as long as there is an image for each process."""
    while batch // 2 >= processes():
        batch //= 2
        yield batch
