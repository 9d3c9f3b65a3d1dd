"""What is each idea of the guide worth to a small network that trains for some minutes?

``python -m benchmarks.worth`` trains a small residual network on all 50,000 training images of
CIFAR-10, and again with one idea changed at a time, and writes each run into
``cnnguide/results/worth.json`` as soon as it has ended. The same command goes on where it was cut,
and does nothing if all is there. The first seed of everything comes before the second.
Started twice beside itself, it shares the runs between two cores (``OMP_NUM_THREADS=1``).
``--only baseline crop`` makes the runs of these ideas, and ``--table`` shows what is recorded.

All else is the same: the seed's first weights where the network is the same, the order of the
images unless the idea draws numbers of its own (cutout, MixUp, CutMix), eight epochs of SGD with
Nesterov's momentum in batches of 256, one rise of the learning rate to 0.4 and one fall, weight
decay on the kernels, crop and flip, bfloat16 where it is fast. Nothing is chosen; the test images
are read once, after the last epoch. What may need a learning rate of its own has rows with several.

`benchmarks.ablations` asks the same of a ResNet-18 on a GPU.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import mean, stdev
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torchvision.transforms import v2

from benchmarks.recorded import measure, read_options
from benchmarks.speedrun import Muon
from cnnguide import data, mix, results
from cnnguide.fast import FastTraining
from cnnguide.models import count_parameters
from cnnguide.recipe import Recipe, learning_rate_at
from cnnguide.train import Score, seed_everything

WIDTHS, GROUPS, EPOCHS, SEEDS = (64, 128, 256), 8, 8, 3  # GROUPS: of channels, for GroupNorm
BASELINE = Recipe(
    epochs=EPOCHS,
    batch_size=256,
    learning_rate=0.4,
    nesterov=True,
    decay_all=False,
    schedule="triangle",
)
UNITS = {
    "idea": "what differs from the baseline",
    "test_accuracy": "share of the 10,000 test images after the last epoch; null if it diverged",
    "train_accuracy": "share of the changed training images of the last epoch, in training mode",
    "train_loss": "cross-entropy per image of the last epoch, in training mode",
    "parameters": "that are learned",
    "seconds": "of training, by the clock on the wall; the machine was shared",
}


# --- the network


class Block(nn.Module):
    """Two convolutions whose result is added to what came in, or takes its place."""

    def __init__(self, width: int, after: Callable[[int], nn.Module], *, shortcut: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.after1, self.after2 = after(width), after(width)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        out = self.after2(self.conv2(self.after1(self.conv1(x))))
        return x + out if self.shortcut else out


def norm_then_relu(width: int, norm: Callable[[int], nn.Module] = nn.BatchNorm2d) -> nn.Module:
    """Normalise, then apply ReLU: what follows every convolution."""
    return nn.Sequential(norm(width), nn.ReLU())


def relu_then_norm(width: int) -> nn.Module:
    """Apply ReLU first."""
    return nn.Sequential(nn.ReLU(), nn.BatchNorm2d(width))


class Bias(nn.Module):
    """What a convolution needs when no normalisation follows it, and ReLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))  # one axis: not decayed, as BatchNorm's is not

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        return F.relu(x + self.bias[:, None, None])


def make(
    *,
    after: Callable[[int], nn.Module] = norm_then_relu,
    blocks: int = 1,
    shortcuts: bool = True,
    dropout: float = 0.0,
) -> nn.Sequential:
    """Make the network: a stem, and three groups of a convolution, pooling and blocks."""
    stem = nn.Conv2d(3, 48, 3, stride=2, padding=1, bias=False)
    layers: list[nn.Module] = [stem, after(48)]
    channels = 48
    for width in WIDTHS:
        layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.MaxPool2d(2)]
        layers += [after(width), *(Block(width, after, shortcut=shortcuts) for _ in range(blocks))]
        channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    layers += [nn.Dropout(dropout)] if dropout else []
    network = nn.Sequential(*layers, nn.Linear(channels, 10))
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return network


# --- what is changed


class Both:
    """Two optimisers as one; the second one's learning rate is a share of the first one's."""

    def __init__(self, first: Optimizer, second: Optimizer, *, share: float) -> None:
        self.first, self.second, self.share = first, second, share
        self.param_groups = first.param_groups

    def zero_grad(self) -> None:
        """Forget the gradients of both."""
        self.first.zero_grad()
        self.second.zero_grad()

    def step(self) -> None:
        """Take a step with both."""
        for group in self.second.param_groups:
            group["lr"] = self.share * self.param_groups[0]["lr"]
        self.first.step()
        self.second.step()


def adamw(model: nn.Module, rate: float) -> Optimizer:
    """Decay the kernels and the last layer's weights, as the baseline does."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    return AdamW(
        [{"params": weights, "weight_decay": 0.05}, {"params": others, "weight_decay": 0}], rate
    )


def muon(model: nn.Module, rate: float) -> Both:
    """Let Muon move the kernels and AdamW the rest."""
    kernels = [p for p in model.parameters() if p.ndim == 4]
    rest = [p for p in model.parameters() if p.ndim != 4]
    share = 0.003 / rate
    return Both(
        Muon(kernels, lr=rate, momentum=0.6), AdamW(rest, 0.003, weight_decay=0.0), share=share
    )


@dataclass(frozen=True)
class Idea:
    """The baseline with one thing changed."""

    group: str
    words: str
    recipe: dict[str, Any] = field(default_factory=dict)  # what differs from the baseline's
    network: dict[str, Any] = field(default_factory=dict)  # what `make` gets
    optimizer: Callable[[nn.Module, float], Any] | None = None  # takes the network and the rate
    policy: Callable[[Tensor], Tensor] | None = None  # of one uint8 picture
    against: str = "baseline"  # what it is compared with


BIASES = {"after": Bias}
GROUP_NORM = {"after": partial(norm_then_relu, norm=partial(nn.GroupNorm, GROUPS))}
DEEP = {"blocks": 3}
IDEAS = {
    "baseline": Idea("baseline", "crop and flip"),
    "no augmentation": Idea("augmentation", "neither crop nor flip", {"padding": 0, "flip": 0.0}),
    "crop": Idea("augmentation", "crop only", {"flip": 0.0}),
    "flip": Idea("augmentation", "flip only", {"padding": 0}),
    "cutout": Idea("augmentation", "+ cutout, side 12", {"cutout": 12}),
    "mixup": Idea("augmentation", "+ MixUp, α = 0.2", {"mixup": 0.2}),
    "cutmix": Idea("augmentation", "+ CutMix, α = 1", {"cutmix": 1.0}),
    "trivial": Idea("augmentation", "+ TrivialAugment", policy=v2.TrivialAugmentWide()),
    "smoothing": Idea("labels", "+ label smoothing, 0.1", {"label_smoothing": 0.1}),
    "biases": Idea("norm", "biases, no BatchNorm", network=BIASES),
    "biases, 0.1": Idea("norm", "biases, rate 0.1", {"learning_rate": 0.1}, BIASES),
    "biases, 0.03": Idea("norm", "biases, rate 0.03", {"learning_rate": 0.03}, BIASES),
    "norm after": Idea("norm", "BatchNorm after ReLU", network={"after": relu_then_norm}),
    "group norm": Idea("norm", "GroupNorm, 8 groups", network=GROUP_NORM),
    "no shortcuts": Idea("depth", "no shortcuts", network={"shortcuts": False}),
    "deep": Idea("depth", "23 layers", network=DEEP),
    "deep, no shortcuts": Idea(
        "depth", "23 layers, no shortcuts", network={**DEEP, "shortcuts": False}, against="deep"
    ),
    "dropout": Idea("dropout", "dropout before the last layer, 0.3", network={"dropout": 0.3}),
    "per-image std": Idea("constants", "std of single images", {"std": data.PER_IMAGE_STD}),
    "decay all": Idea("decay", "decay on everything", {"decay_all": True}),
    "no decay": Idea("decay", "no decay", {"weight_decay": 0.0}),
    "half rate": Idea("rate", "rate 0.2", {"learning_rate": 0.2}),
    "twice the rate": Idea("rate", "rate 0.8", {"learning_rate": 0.8}),
    "steps": Idea("schedule", "two drops of the rate", {"schedule": "steps", "milestones": (4, 6)}),
    "cosine": Idea("schedule", "cosine", {"schedule": "cosine"}),
    "AdamW": Idea("optimiser", "AdamW, rate 0.003", {"learning_rate": 0.003}, optimizer=adamw),
    "AdamW, 0.01": Idea("optimiser", "AdamW, rate 0.01", {"learning_rate": 0.01}, optimizer=adamw),
    "Muon": Idea("optimiser", "Muon, rate 0.1", {"learning_rate": 0.1}, optimizer=muon),
    "Muon, 0.3": Idea("optimiser", "Muon, rate 0.3", {"learning_rate": 0.3}, optimizer=muon),
}
# Recorded, and no longer made: the weight decay reached its biases. The record names the commit.
EARLIER = {"no norm, 0.1": Idea("norm", "no BatchNorm, rate 0.1, decay on the biases")}


# --- training


class Changed(FastTraining):
    """`FastTraining` that mixes, takes a policy, or another optimiser."""

    def __init__(self, idea: Idea, model: nn.Module, recipe: Recipe, *, seed: int) -> None:
        alphas = {"mixup": recipe.mixup, "cutmix": recipe.cutmix}
        super().__init__(model, without_mixing(recipe), seed=seed)
        self.alphas, self.policy = alphas, idea.policy
        if idea.optimizer:
            self.optimizer = idea.optimizer(self.model, recipe.learning_rate)

    def train_once(self, images: Tensor, labels: Tensor, rates: list[float]) -> Score:
        """Change every picture by the policy, and take the epoch's steps."""
        if self.policy:
            images = torch.stack([self.policy(image) for image in images])
        return super().train_once(images, labels, rates)

    def alter(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mix pictures, and labels as their probabilities."""
        if not any(self.alphas.values()):
            return x, y
        x, lam, partners = mix.random_mix(x, **self.alphas, generator=self.generator)
        return x, mix.soft_labels(y, lam=lam, permutation=partners, num_classes=10)


def without_mixing(recipe: Recipe) -> Recipe:
    """Leave to `Changed.alter` what `FastTraining` does not do."""
    return replace(recipe, mixup=0.0, cutmix=0.0)


def plan(seeds: int, epochs: int) -> Iterator[dict[str, Any]]:
    """List the runs, one seed of everything before the next."""
    for seed in range(seeds):
        for name in IDEAS:
            yield {"idea": name, "epochs": epochs, "seed": seed}


def train(run: dict[str, Any], *, pictures: data.Cifar10) -> dict[str, Any]:
    """Train one network, and tell how it went."""
    idea = IDEAS[run["idea"]]
    recipe = replace(BASELINE, epochs=run["epochs"], **idea.recipe)
    seed_everything(run["seed"])
    training = Changed(idea, make(**idea.network), recipe, seed=run["seed"])
    images, labels = pictures.train_images, pictures.train_labels
    steps = -(-len(labels) // recipe.batch_size)
    start = time.perf_counter()
    try:
        for epoch in range(recipe.epochs):
            rates = [
                learning_rate_at(recipe, epoch * steps + k, steps_per_epoch=steps)
                for k in range(steps)
            ]
            last = training.train_once(images, labels, rates)
    except FloatingPointError:
        return {"group": idea.group, "test_accuracy": None}
    seconds = round(time.perf_counter() - start, 2)
    tested = training.evaluate(training.evaluated, pictures.test_images, pictures.test_labels)
    return {
        "group": idea.group,
        "test_accuracy": tested.accuracy,
        "train_accuracy": last.accuracy,
        "train_loss": round(last.loss, 5),
        "parameters": count_parameters(training.model),
        "seconds": seconds,
    }


def score(found: dict[str, Any]) -> str:
    """Sum a run up in a few words."""
    if found["test_accuracy"] is None:
        return ": diverged"
    return f": {found['test_accuracy']:.2%} of the test images, {found['seconds']:.0f} s"


def table(runs: list[dict[str, Any]]) -> Iterator[str]:
    """Write each idea's accuracy, and its difference from what it is compared with, seed by seed.

    Both are in percent of the test images; behind ± stands the standard deviation of the accuracy,
    and the standard error of the mean difference.
    """
    ideas = {**IDEAS, **EARLIER}
    scores = {
        name: {run["seed"]: run["test_accuracy"] for run in runs if run["idea"] == name}
        for name in ideas
    }
    yield "| group | idea | accuracy, % | difference, points | from | n |"
    yield "|---|---|---:|---:|---|---|"
    for name, idea in ideas.items():
        ended = {seed: 100 * score for seed, score in scores[name].items() if score is not None}
        diverged = len(scores[name]) - len(ended)
        other = scores[idea.against]
        pairs = [
            score - 100 * other[seed]
            for seed, score in ended.items()
            if other.get(seed) is not None
        ]
        error = stdev(pairs) / len(pairs) ** 0.5 if len(pairs) > 1 else None
        accuracy = plus_minus([*ended.values()], stdev(ended.values()) if len(ended) > 1 else None)
        difference = "" if name == idea.against else plus_minus(pairs, error, "+")
        n = f"{len(ended)}, {diverged} diverged" if diverged else f"{len(ended)}"
        if name != idea.against and len(pairs) != len(ended):
            n += f", {len(pairs)} compared"
        compared = "" if name == idea.against else IDEAS[idea.against].words
        yield f"| {idea.group} | {idea.words} | {accuracy} | {difference} | {compared} | {n} |"


def plus_minus(values: list[float], spread: float | None, sign: str = "") -> str:
    """Write a mean and what is known of its spread."""
    if not values:
        return ""
    return f"{mean(values):{sign}.2f}" + ("" if spread is None else f" ± {spread:.2f}")


def main(arguments: list[str] | None = None) -> int:
    """Make the runs that are not yet recorded, or show what is."""
    options = read_options(
        "benchmarks.worth", __doc__, arguments, seeds=SEEDS, epochs=EPOCHS, table=True, only=IDEAS
    )
    if options.table:
        record = results.load("worth", folder=options.record_folder) or {"runs": []}
        print("\n".join(table([r for r in record["runs"] if r["epochs"] == options.epochs])))
        return 0
    function = partial(train, pictures=data.load("full"))
    for run in plan(options.seeds, options.epochs):
        if run["idea"] not in options.only:
            continue
        measure(
            "worth", run, function,
            folder=options.record_folder, units=UNITS, score=score, threads=None,
        )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
