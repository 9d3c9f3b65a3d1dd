"""What is each idea of the guide worth?

``python -m benchmarks.ablations`` trains one network by one recipe, and again with one idea changed
at a time, from three seeds. It may be cut at any moment: the same command goes on, and whatever has
ended is in ``cnnguide/results/ablations.json``. ``--table`` and ``--figure`` read it.

The baseline is the CIFAR ResNet-18, 30 epochs of SGD with Nesterov's momentum in batches of 128,
one rise of the learning rate to 0.1 and one fall, weight decay on everything, crop and flip.
All training images are trained on, nothing is chosen, and the test images are read once, after the
last epoch. Training accuracy is taken on changed images; of a mixed one, the larger share's label
counts. The first seed of everything comes before the second, the long runs come last.
Not yet measured on a GPU.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cnnguide import data, results
from cnnguide.checkpoint import replacing
from cnnguide.commands import counted, stopping
from cnnguide.commands.options import Options, device_of
from cnnguide.fast import FastTraining
from cnnguide.mix import draw_box, sample_lambda
from cnnguide.models import cifar_plain18, cifar_resnet18, count_multiply_adds, count_parameters
from cnnguide.models.resnet import BasicBlock, Bottleneck, CifarResNet, PlainBlock
from cnnguide.recipe import Recipe
from cnnguide.train import Score, seed_everything

BASELINE = {"batch_size": 128, "learning_rate": 0.1, "nesterov": True, "schedule": "triangle"}
CLASSES = 10
NEAR = 10  # percent points; the figure names what lies further below the best, and draws the rest
UNITS = {
    "test_accuracy": "share of the test images at the last epoch; null if the run diverged",
    "train_accuracy": "share of the changed training images of the last epoch",
    "train_loss": "cross-entropy per image, in the last epoch",
    "seconds": "training, with a check on 100 images per epoch",
}


# --- networks


def stages_3463(block: type, *, width: int) -> nn.Module:
    """Make 34 layers of basic blocks, or 50 of bottlenecks."""
    return CifarResNet(block, (3, 4, 6, 3), num_classes=10, width=width)


class PlainBottleneck(Bottleneck):
    """The twin of `Bottleneck` without its shortcut."""

    def __init__(self, in_channels: int, width: int, *, stride: int = 1) -> None:
        super().__init__(in_channels, width, stride=stride)
        self.downsample = None

    def forward(self, x: Tensor) -> Tensor:
        """Apply the three convolutions."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)))


def norm_after_relu(*, width: int) -> nn.Module:
    """Let a ReLU and then BatchNorm follow each convolution; the sum with the shortcut stays bare.

    BatchNorm after the sum would normalise the shortcuts too, which is another experiment.
    """
    model = cifar_resnet18(width=width)
    for part in list(model.modules()):
        if hasattr(part, "relu"):  # the stem, and every block
            part.relu = nn.Identity()
            for name in ("bn1", "bn2"):
                if hasattr(part, name):
                    setattr(part, name, nn.Sequential(nn.ReLU(), getattr(part, name)))
    return model


def without_norm(*, width: int) -> nn.Module:
    """Leave BatchNorm out, and give the convolutions the bias that it had made needless."""
    model = cifar_resnet18(width=width)
    for part in list(model.modules()):
        for name, child in part.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(part, name, nn.Identity())
            elif isinstance(child, nn.Conv2d):
                child.bias = nn.Parameter(torch.zeros(child.out_channels))
    return model


def with_dropout(*, width: int) -> nn.Module:
    """Drop inputs of the last layer; a recorded step draws anew at every replay."""
    model = cifar_resnet18(width=width)
    model.fc = nn.Sequential(nn.Dropout(0.3), model.fc)  # type: ignore[assignment]
    return model


# --- variants


@dataclass(frozen=True)
class Variant:
    """The baseline, with one idea changed."""

    name: str  # of its folder, and in the record
    group: str
    idea: str  # in words
    recipe: dict[str, Any] = field(default_factory=dict)  # what differs from the baseline's
    model: Callable[..., nn.Module] = cifar_resnet18  # takes the width
    mixup: float = 0.0  # α; 0: none
    cutmix: float = 0.0  # α; 0: none
    jitter: float = 0.0  # how far from 1 the factors of colour may lie; 0: none
    longer: int = 1  # times the epochs; longer runs are made of seed 0 only
    against: str = "baseline"  # what it is compared with


VARIANTS = (
    Variant("baseline", "baseline", "ResNet-18, crop and flip"),
    Variant("no-augmentation", "augmentation", "no augmentation", {"padding": 0, "flip": 0.0}),
    Variant("flip", "augmentation", "flip only", {"padding": 0}),
    Variant("jitter", "augmentation", "+ colour jitter, 0.2", jitter=0.2),
    Variant("cutout", "augmentation", "+ cutout, side 12", {"cutout": 12}),
    Variant("mixup-0.2", "augmentation", "+ MixUp, α = 0.2", mixup=0.2),
    Variant("mixup-1", "augmentation", "+ MixUp, α = 1", mixup=1.0),
    Variant("cutmix-1", "augmentation", "+ CutMix, α = 1", cutmix=1.0),
    Variant("norm-after-relu", "norm", "BatchNorm after ReLU", model=norm_after_relu),
    Variant("no-norm", "norm", "no BatchNorm", model=without_norm),
    Variant("no-norm-slow", "norm", "no BatchNorm, learning rate 0.01", {"learning_rate": 0.01},
            without_norm),
    Variant("plain-18", "shortcuts", "18 layers, no shortcuts", model=cifar_plain18),
    Variant("resnet-34", "shortcuts", "ResNet-34", model=partial(stages_3463, BasicBlock)),
    Variant("plain-34", "shortcuts", "34 layers, no shortcuts",
            model=partial(stages_3463, PlainBlock), against="resnet-34"),
    Variant("resnet-50", "shortcuts", "ResNet-50", model=partial(stages_3463, Bottleneck)),
    Variant("plain-50", "shortcuts", "50 layers, no shortcuts",
            model=partial(stages_3463, PlainBottleneck), against="resnet-50"),
    Variant("dropout", "dropout", "dropout before the last layer, 0.3", model=with_dropout),
    # The article's constants: see the page *data*, and `cnnguide.data.per_image_std`.
    Variant("article-std", "constants", "the article's std", {"std": data.PER_IMAGE_STD}),
    # Eight times the batch by eight times the learning rate: Goyal et al., arXiv:1706.02677.
    Variant("batch-1024", "batch", "batch 1024, learning rate 0.8",
            {"batch_size": 1024, "learning_rate": 0.8}),
    Variant("decay-weights", "decay", "no decay on biases and BatchNorm", {"decay_all": False}),
    Variant("long", "long", "baseline, five times the epochs", longer=5),
    Variant("long-cutout", "long", "+ cutout, side 12", {"cutout": 12}, longer=5, against="long"),
    Variant("long-mixup-1", "long", "+ MixUp, α = 1", mixup=1.0, longer=5, against="long"),
)  # fmt: skip
GROUPS = tuple(dict.fromkeys(variant.group for variant in VARIANTS))


# --- training with colour jitter, MixUp and CutMix


def blend(x: Tensor, other: Tensor | float, factor: Tensor) -> Tensor:
    """Keep so much of the pixels, fill up with the other, and stay in [0, 1]."""
    return (factor * x + (1 - factor) * other).clamp(0, 1)


def grey(x: Tensor) -> Tensor:
    """Weigh red, green and blue as torchvision does; ``N 1 H W``."""
    return 0.2989 * x[:, 0:1] + 0.587 * x[:, 1:2] + 0.114 * x[:, 2:3]


def jittered(pixels: Tensor, factors: Tensor) -> Tensor:
    """Change brightness, contrast and saturation of pixels in [0, 1], by factors ``3 N``.

    As torchvision's ``ColorJitter(0.2, 0.2, 0.2)``, but always in this order; no hue.
    """
    brightness, contrast, saturation = factors[:, :, None, None, None]
    x = blend(pixels, 0.0, brightness)
    x = blend(x, grey(x).mean((1, 2, 3), keepdim=True), contrast)
    return blend(x, grey(x), saturation)


def pasted(x: Tensor, partner: Tensor, box: Iterable[Tensor]) -> Tensor:
    """Put the box of each partner (top, bottom, left, right) into its image, by comparisons."""
    top, bottom, left, right = box
    row, column = (torch.arange(side, device=x.device) for side in x.shape[-2:])
    inside = ((row >= top) & (row < bottom))[:, None] & (column >= left) & (column < right)
    return torch.where(inside, partner, x)


def draw_mix(variant: Variant, *, side: int, generator: torch.Generator) -> tuple[float, ...]:
    """Draw a step's share of the images themselves, and the box that CutMix pastes."""
    lam = sample_lambda(variant.mixup or variant.cutmix, generator=generator)
    if not variant.cutmix:
        return lam, 0, 0, 0, 0
    top, bottom, left, right = draw_box(side, side, lam=lam, generator=generator)
    return 1 - (bottom - top) * (right - left) / side**2, top, bottom, left, right


def hand_out(drawn: list[tuple[Tensor, Tensor]], steps: Iterable[int]) -> Iterator[int]:
    """Copy what was drawn for a step to where the step reads it, before it is taken."""
    for k in steps:
        for place, of_all_steps in drawn:
            place.copy_(of_all_steps[k])
        yield k


class VariantTraining(FastTraining):
    """`FastTraining` with a variant's colour jitter, MixUp or CutMix, which a CUDA graph replays.

    Whatever an epoch leaves to chance is drawn from `generator`, whose state is in the checkpoint,
    before the epoch begins; on the CPU a run that was cut ends with the very weights of one that
    was not, and on a GPU but for the kernels that cuDNN chooses.
    """

    def __init__(self, variant: Variant, model: nn.Module, recipe: Recipe, **settings: Any) -> None:
        super().__init__(model, recipe, **settings)
        self.variant = variant
        self.mix = torch.zeros(5, device=self.device)  # share, top, bottom, left, right
        self.factors = torch.ones(3, recipe.batch_size, device=self.device)  # of colour
        self.classes = torch.arange(CLASSES, device=self.device)

    def train_once(self, images: Tensor, labels: Tensor, rates: list[float]) -> Score:
        """Draw the epoch's mixtures and colours, and take its steps."""
        drawn, variant = [], self.variant
        if variant.mixup or variant.cutmix:
            side = images.shape[-1]
            mixes = [draw_mix(variant, side=side, generator=self.generator) for _ in rates]
            drawn.append((self.mix, torch.tensor(mixes, device=self.device)))
        if variant.jitter:
            shape = (len(rates), *self.factors.shape)
            away = variant.jitter * (2 * torch.rand(shape, generator=self.generator) - 1)
            drawn.append((self.factors, (1 + away).to(self.device)))
        self.progress = partial(hand_out, drawn)
        return super().train_once(images, labels, rates)

    def alter(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Change the colours and mix; labels of mixtures are probabilities.

        The partner of an image is the one before it in the batch, whose order is random already.
        """
        if self.variant.jitter:
            assert self.shown is not None
            _, made = self.shown  # its constants are on the device
            pixels = jittered(x * made.std + made.mean, self.factors[:, : len(x)])
            x = (pixels - made.mean) / made.std
        share, *box = self.mix  # numbers that stay on the device
        if self.variant.mixup:
            x = share * x + (1 - share) * x.roll(1, 0)
        if self.variant.cutmix:
            x = pasted(x, x.roll(1, 0), box)
        if self.variant.mixup or self.variant.cutmix:
            own = (y[:, None] == self.classes).float()  # one_hot reads its input on a CPU
            y = share * own + (1 - share) * own.roll(1, 0)
        return x, y


# --- what is to be run, and what has been


def plan(options: argparse.Namespace) -> list[tuple[Variant, int]]:
    """List variants and seeds in their order."""
    chosen = [v for v in VARIANTS if v.group in options.only]
    chosen = [v for v in VARIANTS if v in chosen or v.name in {c.against for c in chosen}]
    short = [(v, seed) for seed in range(options.seeds) for v in chosen if v.longer == 1]
    return short + [(v, 0) for v in chosen if v.longer > 1]


def recipe_of(variant: Variant, options: argparse.Namespace) -> Recipe:
    """Make a variant's recipe."""
    return Recipe(epochs=options.epochs * variant.longer, **{**BASELINE, **variant.recipe})


def identity(variant: Variant, options: argparse.Namespace) -> dict[str, Any]:
    """Gather what makes two runs the same but for the seed, as JSON holds it."""
    recipe = recipe_of(variant, options)
    return {
        "variant": variant.name,
        "data": options.data,
        "width": options.width,
        "epochs": recipe.epochs,
        "recipe": json.loads(json.dumps(asdict(recipe))),
        **{name: getattr(variant, name) for name in ("mixup", "cutmix", "jitter")},
    }


def recorded(variant: Variant, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Read a variant's runs that have ended."""
    record = results.load("ablations", folder=options.record_folder) or {"runs": []}
    sought = identity(variant, options)
    return [run for run in record["runs"] if all(run.get(k) == v for k, v in sought.items())]


def left_of(options: argparse.Namespace) -> list[tuple[Variant, int]]:
    """List the runs that are not recorded yet."""
    seeds = {v.name: [run["seed"] for run in recorded(v, options)] for v, _ in plan(options)}
    return [(v, seed) for v, seed in plan(options) if seed not in seeds[v.name]]


def checkpoint_of(variant: Variant, seed: int, options: argparse.Namespace) -> Path:
    """Name the file that a run goes on from."""
    return options.output / variant.name / f"seed-{seed}" / "checkpoint.pt"


def list_runs(options: argparse.Namespace) -> None:
    """Print every run with its work: forward, and a gradient for weights and for inputs."""
    left, total, n = left_of(options), 0.0, 50_000 if options.data == "full" else 5_000
    for k, (variant, seed) in enumerate(plan(options), 1):
        with torch.device("meta"):
            model = variant.model(width=options.width)
        epochs = recipe_of(variant, options).epochs
        work = 6 * count_multiply_adds(model, (3, 32, 32)) * n * epochs / 1e15
        total += work
        state = "" if (variant, seed) in left else "  recorded"
        name = f"{variant.name:16s} {variant.group:13s} seed {seed}"
        print(f"{k:3d}  {name}  {counted(epochs, 'epoch'):>10s}  {work:8.4g} PFLOP{state}")
    print(f"{counted(len(plan(options)), 'run')}, {total:.4g} PFLOP in all; left: {len(left)}")


# --- running


def run_all(options: argparse.Namespace, device: torch.device) -> None:
    """Make the runs that are left, and record each as soon as it has ended."""
    end = math.inf if options.minutes is None else time.monotonic() + 60 * options.minutes
    left, count = left_of(options), len(plan(options))
    circumstances, loaded = results.circumstances(device), data.load(options.data)
    parts = ("train_images", "train_labels", "test_images", "test_labels")
    images = [getattr(loaded, part).to(device) for part in parts]
    torch.backends.cudnn.benchmark = device.type == "cuda"
    for k, (variant, seed) in enumerate(left):
        outcome = None
        if time.monotonic() < end:
            outcome = run_one(variant, seed, images, options, end)
        if outcome is None:
            runs = counted(count, "run")
            print(f"time is up; left: {len(left) - k} of {runs}; the same command goes on")
            return
        record = results.load("ablations", folder=options.record_folder)
        record = record or {"units": UNITS, "runs": []}
        record["runs"].append({**circumstances, **outcome})
        results.save("ablations", record, folder=options.record_folder)
        checkpoint_of(variant, seed, options).unlink(missing_ok=True)
        ended = outcome.get("diverged") or f"{outcome['test_accuracy']:.2%} of the test images"
        done, name = count - len(left) + k + 1, f"{variant.name}, seed {seed}"
        print(f"[{done}/{count}] {name}: {ended}, {outcome['seconds']:.0f} s", flush=True)
    print(f"recorded: {counted(count, 'run')}; --table shows what they found")


def run_one(
    variant: Variant, seed: int, images: list[Tensor], options: argparse.Namespace, end: float
) -> dict[str, Any] | None:
    """Train a variant from a seed; give nothing if the time was up before its last epoch."""
    seed_everything(seed)
    model, recipe = variant.model(width=options.width), recipe_of(variant, options)
    train = images[0], images[1]
    unused = train[0][:100], train[1][:100]  # the loop wants to validate; nothing is chosen by it
    run = VariantTraining(variant, model, recipe, seed=seed, device=train[0].device)
    checkpoint = checkpoint_of(variant, seed, options)
    score: dict[str, Any]
    try:
        for _ in run.fit(train, unused, checkpoint=checkpoint):
            last = run.history[-1]
            if sys.stdout.isatty():
                print(
                    f"  {variant.name}, seed {seed}, epoch {last.number}/{recipe.epochs}: loss "
                    f"{last.train_loss:.4f}, train {last.train_accuracy:.2%}, {last.seconds:.1f} s"
                )
            if time.monotonic() >= end and last.number < recipe.epochs:
                return None
        test, last = run.evaluate(run.evaluated, *images[2:]), run.history[-1]
        score = {"test_accuracy": test.accuracy}
        score |= {"train_accuracy": last.train_accuracy, "train_loss": last.train_loss}
    except FloatingPointError as error:
        score = {"test_accuracy": None, "diverged": str(error)}
    except ValueError as error:
        raise ValueError(f"{error} ({checkpoint}: delete it, or name another --output)") from error
    return {
        **identity(variant, options),
        **{"group": variant.group, "seed": seed, "parameters": count_parameters(model), **score},
        "seconds": sum(epoch.seconds for epoch in run.history),
    }


# --- the table and the figure


class Summary(NamedTuple):
    """What the runs of a variant came to, in percent of the test images."""

    n: int  # runs that came to an end
    diverged: int
    mean: float  # no number if there are none
    deviation: float  # of a single run; no number if there are fewer than two


def summarise(options: argparse.Namespace) -> dict[str, Summary]:
    """Sum up every variant that has been run with these options."""
    found = {variant.name: recorded(variant, options) for variant in VARIANTS}
    if not any(found.values()):
        raise ValueError(
            f"nothing is recorded with --epochs {options.epochs} --width {options.width} --data "
            f"{options.data} in {options.record_folder}; run without --table and --figure first"
        )
    summaries = {}
    for name, runs in found.items():
        scores = [100 * r["test_accuracy"] for r in runs if r["test_accuracy"] is not None]
        mean = statistics.mean(scores) if scores else math.nan
        deviation = statistics.stdev(scores) if len(scores) > 1 else math.nan
        summaries[name] = Summary(len(scores), len(runs) - len(scores), mean, deviation)
    return summaries


def plus_minus(value: float, spread: float, form: str = ".2f") -> str:
    """Write a value with its spread, as far as they are known."""
    if math.isnan(value):
        return ""
    return f"{value:{form}}" + ("" if math.isnan(spread) else f" ± {spread:.2f}")


def print_table(options: argparse.Namespace) -> None:
    """Print accuracies, and how far they are from what each variant is compared with."""
    summaries = summarise(options)
    print("| group | idea | test accuracy, % | difference ± its standard error | to | n |")
    print("|---|---|---:|---:|---|---|")
    for variant in VARIANTS:
        own, other = summaries[variant.name], summaries[variant.against]
        difference, to = "", ""
        if variant.name != variant.against:
            errors = [s.deviation / math.sqrt(max(s.n, 1)) for s in (own, other)]
            difference = plus_minus(own.mean - other.mean, math.hypot(*errors), "+.2f")
            to = variant.against
        score = plus_minus(own.mean, own.deviation)
        n = f"{own.n}, {own.diverged} diverged" if own.diverged else f"{own.n}"
        print(f"| {variant.group} | {variant.idea} | {score} | {difference} | {to} | {n} |")
    print("\naccuracy: mean ± standard deviation of n seeds, at the last epoch")


def draw_figure(options: argparse.Namespace, path: Path) -> None:
    """Draw accuracies with their deviations, group under group."""
    import matplotlib.pyplot as plt

    from cnnguide.show import COLOURS, style

    style()
    summaries = summarise(options)
    shown = [v for v in VARIANTS if any(summaries[v.name][:2])]
    places = [k + GROUPS.index(v.group) for k, v in enumerate(shown)]  # a gap between groups
    means = [summaries[v.name].mean for v in shown]
    spreads = [summaries[v.name].deviation for v in shown]
    known = [mean for mean in means if not math.isnan(mean)] or [100.0]
    least = max(min(known), max(known) - NEAR) - 1
    figure, axes = plt.subplots(figsize=(7.5, 1 + 0.22 * (places[-1] + 1)), layout="constrained")
    axes.errorbar(means, places, xerr=spreads, fmt="o", ms=4, capsize=3, color=COLOURS["blue"])
    axes.axvline(summaries["baseline"].mean, color=COLOURS["grey"], linestyle=":")
    for place, mean in zip(places, means, strict=True):
        if not mean >= least:
            words = "diverged" if math.isnan(mean) else f"← {mean:.1f}"
            axes.text(least, place, f" {words}", va="center")
    first = dict(reversed([(v.group, k) for v, k in zip(shown, places, strict=True)]))
    for group, place in first.items():
        axes.text(1.01, place, group, transform=axes.get_yaxis_transform(), va="center")
    axes.set_yticks(places, [variant.idea for variant in shown])
    axes.set(xlabel="test accuracy (%), mean ± standard deviation", xlim=(least, max(known) + 1))
    axes.invert_yaxis()
    with replacing(path) as file:
        figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)
    print(f"written: {path}")


# --- the command


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the options, and refuse what cannot be run."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ablations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    counts = {
        "seeds": (3, "runs of each variant, from seed 0 on"),
        "epochs": (30, "of a run; the long ones take 5 times"),
        "width": (64, "channels of the first stage"),
    }
    for name, (usual, words) in counts.items():
        add(f"--{name}", type=int, default=usual, metavar="N", help=f"{words}; default {usual}")
    add("--data", choices=["full", "sample"], default="full",
        help="all 60,000 images, or the 6,000 shipped ones; default full")  # fmt: skip
    add("--device", default="auto", help="cuda, cpu, or auto: a GPU if there is one")
    add("--only", nargs="+", choices=GROUPS, default=GROUPS, metavar="GROUP",
        help=f"only these, and what they are compared with: {', '.join(GROUPS)}")  # fmt: skip
    add("--minutes", type=float, metavar="M", help="begin no new epoch after so many minutes")
    add("--list", action="store_true", help="list the runs with their work, and stop")
    add("--table", action="store_true", help="print what is recorded for these options, and stop")
    add("--figure", type=Path, metavar="FILE.svg", help="draw the same, and stop")
    add("--output", type=Path, default=Path("runs/ablations"), metavar="FOLDER",
        help="for checkpoints; default runs/ablations")  # fmt: skip
    add("--record-folder", type=Path, default=results.FOLDER, metavar="FOLDER",
        help="of ablations.json; default cnnguide/results")  # fmt: skip
    options = parser.parse_args(arguments)
    for name in counts:
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} must be at least 1, got {getattr(options, name)}")
    if options.minutes is not None and not options.minutes >= 0:
        raise ValueError(f"--minutes must be at least 0, got {options.minutes:g}")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Make the runs, or show what is recorded."""
    try:
        options = parse(arguments)
        if options.list:
            list_runs(options)
        if options.table:
            print_table(options)
        if options.figure:
            draw_figure(options, options.figure)
        if not (options.list or options.table or options.figure):
            with stopping():
                run_all(options, device_of(Options(device=options.device)))
        return 0
    except ModuleNotFoundError as error:
        fault = f"{error}; `pip install {error.name}` brings it"
    except torch.OutOfMemoryError:
        fault = "out of memory; close what else uses the device, or take a smaller --width"
    except (OSError, ValueError) as error:
        fault = str(error)
    except KeyboardInterrupt as stop:
        print("\nstopped; the same command goes on", file=sys.stderr)
        return 128 + (stop.args[0] if stop.args else signal.SIGINT)
    print(f"error: {fault}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
