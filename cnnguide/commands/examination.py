"""The checks of a reader's own network, from importing its file to the test images.

Page: *capstone*. `cnnguide check` runs them in a process of its own, which prints what they find.
"""

from __future__ import annotations

import ctypes
import importlib.util
import inspect
import io
import json
import linecache
import math
import mmap
import os
import signal
import sys
import textwrap
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import TextIO

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnguide import data
from cnnguide.commands import end_with_parent
from cnnguide.commands.watching import Observation
from cnnguide.train import Score, evaluate, seed_everything

__all__ = ["ACCURACY", "PARAMETERS", "READ", "SECONDS", "Examination", "Progress", "Wrong", "main"]

PARAMETERS = 2_000_000  # the most that may be trained
SAME = 0.01  # of the largest score: what rounding may change; BatchNorm or dropout change more

SECONDS = 180.0  # the longest training; the page's solution needs a fraction of it
ACCURACY = 65.0  # percent; out of reach for a linear network
# Where to read about what a check found wrong.
READ = {
    "importing the file": "Read the page capstone.",
    "finding the functions": "Read the page capstone.",
    "making the network": "Read the chapter lenet.",
    "scoring eight images": "Read the chapter lenet.",
    "scoring one image": "Read the chapter norm.",
    "finding the gradients": "Read the chapter train.",
    "training": "Read the chapter train.",
    "lowering the loss": "Read the chapter train.",
    "scoring twice": "Read the chapter dropout.",
    "scoring alone and together": "Read the chapter norm.",
    "scoring the test images": "Read the chapters norm, augment and train.",
}


class Wrong(Exception):
    """A check's finding: what was got, and what would be right."""


class Examination:
    """The checks of one file, in their order.

    Each check is a method that gives what is right, or raises `Wrong`.

    Parameters
    ----------
    path : pathlib.Path
        The reader's file.
    which : str
        ``"sample"`` or ``"full"``.
    seed : int
        Set before each call of ``make_model``.
    seconds : float
        The longest training; it is measured here, and enforced by `cnnguide check`.
    accuracy : float
        Percent of the test images that must be right.
    train : bool
        Whether to go on to training and what comes after it.
    """

    def __init__(
        self,
        path: Path,
        *,
        which: str = "sample",
        seed: int = 0,
        seconds: float = SECONDS,
        accuracy: float = ACCURACY,
        train: bool = True,
    ) -> None:
        self.given, self.path = path, path.resolve()
        self.seed, self.seconds, self.accuracy, self.train = seed, seconds, accuracy, train
        self.images = data.load(which)
        # The images are sorted by class: equal steps take some of every class.
        step = len(self.images.train_labels) // 8
        self.few = data.normalise(self.images.train_images[::step])
        self.few_labels = self.images.train_labels[::step]

    def findings(self) -> Iterator[tuple[str, str]]:
        """Yield ``"begin"`` and a check's name, then ``"right"`` or ``"wrong"`` and why."""
        for group in self.groups():
            kinds = set()
            for check in group:
                name = check.__name__.replace("_", " ")
                yield "begin", name
                try:
                    kind, text = "right", check()
                except Wrong as finding:
                    kind, text = "wrong", f"{name}: {finding}. {READ[name]}"
                except (Exception, SystemExit) as error:
                    kind, text = "wrong", f"{name}: {self.complaint(error)}. {READ[name]}"
                yield kind, text
                kinds.add(kind)
            if "wrong" in kinds:
                return

    def groups(self) -> list[list[Callable[[], str]]]:
        """List the checks; a group makes sense when all before it are right."""
        before = [
            [self.importing_the_file],
            [self.finding_the_functions],
            [self.making_the_network],
            [self.scoring_eight_images],
            [self.scoring_one_image, self.finding_the_gradients],
        ]
        trained = [self.lowering_the_loss, self.scoring_twice, self.scoring_alone_and_together]
        after = [[self.training], [*trained, self.scoring_the_test_images]]
        return before + after if self.train else before

    def importing_the_file(self) -> str:
        """Run the file, as an import does."""
        if not self.path.is_file():
            raise Wrong(
                f"there is no file {self.given}; "
                f"`cnnguide check --template {self.given}` writes one"
            )
        spec = importlib.util.spec_from_file_location(self.path.stem, self.path)
        if spec is None or spec.loader is None:
            raise Wrong(f"a Python file must end in .py, got {self.path.name}")
        self.module = importlib.util.module_from_spec(spec)
        sys.modules.setdefault(self.path.stem, self.module)  # where pickle finds its classes
        spec.loader.exec_module(self.module)
        return f"{self.path.name} can be imported"

    def finding_the_functions(self) -> str:
        """Look for the two functions, and how they can be called."""
        for name, wanted in (("make_model", ()), ("train", ("model", "images", "labels"))):
            function = getattr(self.module, name, None)
            call = f"{name}({', '.join(wanted)})"
            if not callable(function):
                raise Wrong(f"{self.path.name} defines no {name}; it needs a function {call}")
            try:
                inspect.signature(function).bind(*wanted)
            except TypeError as error:
                got = f"{name}{inspect.signature(function)}"
                raise Wrong(f"it must allow the call {call}, got {got}: {error}") from None
        return "make_model() and train(model, images, labels) are defined"

    def making_the_network(self) -> str:
        """Make a network, and count what it can learn."""
        seed_everything(self.seed)
        self.model = self.module.make_model()
        if not isinstance(self.model, nn.Module):
            kind = type(self.model).__name__
            raise Wrong(f"make_model() must return a torch.nn.Module, got {kind}")
        count = sum(p.numel() for p in self.model.parameters() if p.requires_grad)
        if not 0 < count <= PARAMETERS:
            raise Wrong(f"it must have 1 to {PARAMETERS:,} trainable parameters, got {count:,}")
        return f"the network has {count:,} trainable parameters, at most {PARAMETERS:,}"

    def scoring_eight_images(self) -> str:
        """Look at the scores' shape and values."""
        scores = self.scores(self.few)
        shape = tuple(scores.shape)
        if shape != (8, 10):
            raise Wrong(f"8 images must give scores of shape (8, 10), got {shape}")
        if not scores.is_floating_point():
            raise Wrong(f"scores must be floating-point numbers, got {scores.dtype}")
        if not scores.isfinite().all():
            raise Wrong(f"scores must be finite, got {scores[~scores.isfinite()][0].item()}")
        return "8 images give scores of shape (8, 10), all finite"

    def scoring_one_image(self) -> str:
        """Ask for one image, with which BatchNorm fails if it is not in evaluation mode."""
        shape = tuple(self.scores(self.few[:1]).shape)
        if shape != (1, 10):
            raise Wrong(f"one image must give scores of shape (1, 10), got {shape}")
        return "1 image alone gives scores of shape (1, 10)"

    def finding_the_gradients(self) -> str:
        """Find what the loss does not depend on."""
        self.model.train()
        loss = F.cross_entropy(self.model(self.few), self.few_labels)
        learned = [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]
        gradients: tuple = (None,) * len(learned)
        if loss.requires_grad:
            gradients = torch.autograd.grad(loss, [p for _, p in learned], allow_unused=True)
        missed = [name for (name, _), g in zip(learned, gradients, strict=True) if g is None]
        if missed:
            more = f" and {len(missed) - 3} more" if len(missed) > 3 else ""
            raise Wrong(
                f"no gradient reaches {', '.join(missed[:3])}{more}; every trainable parameter "
                "must take part in the scores, without detach() or no_grad()"
            )
        return f"the gradient reaches all {len(learned)} weights and biases"

    def training(self) -> str:
        """Train a new network, which no check has touched."""
        seed_everything(self.seed)
        self.model = self.module.make_model()
        self.before = self.training_score()
        images, labels = self.images.train_images.clone(), self.images.train_labels.clone()
        self.observation = Observation(self.images)
        start = time.monotonic()
        with self.observation.looking(self.model):
            given = self.module.train(self.model, images, labels)
        seconds = time.monotonic() - start
        self.model.cpu()
        if isinstance(given, nn.Module) and given is not self.model:
            raise Wrong("train() must change the model that it gets, got another one back")
        if seconds > self.seconds:
            raise Wrong(f"it must end within {self.seconds:g} s, got {seconds:.0f} s")
        return f"training took {seconds:.0f} s, at most {self.seconds:g} s"

    def lowering_the_loss(self) -> str:
        """Compare the loss before and after."""
        before, after = self.before.loss, self.training_score().loss
        if not after < before:  # also when it is NaN
            usual = "look for optimizer.step(), and for a learning rate that is too large"
            raise Wrong(
                f"the loss on training images went from {before:.2f} to {after:.2f}, and should "
                f"fall; {self.observation.cause(self.scores(self.few)) or usual}"
            )
        return f"the loss on training images fell from {before:.2f} to {after:.2f}"

    def scoring_twice(self) -> str:
        """Find dropout that goes on after training."""
        if not self.scores(self.few).isfinite().all():
            raise Wrong(
                "scores must be finite, got NaN or infinity after the training, which has "
                "diverged; take a smaller learning rate"
            )
        difference = unlike(self.scores(self.few), self.scores(self.few))
        if not difference <= SAME:
            raise Wrong(
                f"in evaluation mode the same images must give the same scores, got scores that "
                f"differ by {difference:.0%}; nn.Dropout knows the mode, F.dropout needs "
                "training=self.training"
            )
        return "in evaluation mode the same images give the same scores twice"

    def scoring_alone_and_together(self) -> str:
        """Find normalisation that goes by the batch."""
        if not self.scores(self.few).isfinite().all():
            raise Wrong("scores that are not finite cannot be compared")
        alone = torch.cat([self.scores(image[None]) for image in self.few])
        difference = unlike(self.scores(self.few), alone)
        if not difference <= SAME:
            raise Wrong(
                f"in evaluation mode an image's scores must not depend on the rest of its batch, "
                f"got scores that differ by {difference:.0%}; nn.BatchNorm2d takes running "
                "statistics"
            )
        return "an image gets the same scores alone and in a batch"

    def scoring_the_test_images(self) -> str:
        """Measure the accuracy, with its standard error."""
        images, labels = self.images.test_images, self.images.test_labels
        parts = data.batches(images, labels, batch_size=500)
        share = evaluate(self.model, ((data.normalise(x), y) for x, y in parts)).accuracy
        error = 100 * math.sqrt(share * (1 - share) / len(labels))
        measured = (
            f"{100 * share:.1f} % of {len(labels):,} test images (standard error {error:.1f} %)"
        )
        if leaked := self.observation.test_images():
            raise Wrong(
                f"the test images must not be trained on, got {leaked} of them among the training "
                "batches; a network that has seen them proves nothing"
            )
        if 100 * share < self.accuracy:
            cause = self.observation.cause(self.scores(self.few))
            more = f"; {cause}" if cause else ""
            raise Wrong(f"the accuracy must be at least {self.accuracy:g} %, got {measured}{more}")
        return f"right on {measured}, at least {self.accuracy:g} %"

    def scores(self, images: Tensor) -> Tensor:
        """Ask the network in evaluation mode."""
        self.model.eval()
        with torch.no_grad():
            scores = self.model(images)
        if not isinstance(scores, Tensor):
            raise Wrong(f"the network must return a tensor of scores, got {type(scores).__name__}")
        return scores

    def training_score(self) -> Score:
        """Evaluate some training images."""
        step = len(self.images.train_labels) // 1000
        images, labels = self.images.train_images[::step], self.images.train_labels[::step]
        return evaluate(self.model, [(data.normalise(images), labels)])

    def complaint(self, error: BaseException) -> str:
        """Write in one sentence where in the reader's file an error arose."""
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(self.path)]
        said = str(error)
        if isinstance(error, SyntaxError) and error.filename == str(self.path):
            lines, said = [error.lineno], error.msg
        said = said.rstrip(". \n")  # a full stop follows
        what = f"{type(error).__name__}: {said}" if said else type(error).__name__
        if not lines or lines[-1] is None:
            return f"{self.layer(error)}{what}"
        code = linecache.getline(str(self.path), lines[-1]).strip()
        return f"{self.path.name} stops in line {lines[-1]}, `{code}`, with {what}"

    def layer(self, error: BaseException) -> str:
        """Name the layer in which an error arose, if it was in one."""
        model = getattr(self, "model", None)
        names = {id(m): n for n, m in model.named_modules() if n} if model is not None else {}
        inside = [frame.f_locals.get("self") for frame, _ in traceback.walk_tb(error.__traceback__)]
        layers = [layer for layer in inside if id(layer) in names]
        return f"its layer {names[id(layers[-1])]}, {layers[-1]}, stops with " if layers else ""


def unlike(scores: Tensor, others: Tensor) -> float:
    """Give the largest difference, as a share of the largest score."""
    return float((scores - others).abs().max() / scores.abs().max())


class Progress(ctypes.Structure):
    """Bytes that the process that runs the checks and the one that waits for it both see.

    A byte needs no lock, so nothing that a reader's file forks, closes or never ends can spoil it.
    """

    _fields_ = [
        ("check", ctypes.c_uint8),  # which one runs: its place in READ, from 1 on
        ("right", ctypes.c_uint8),  # how many were right
        ("wrong", ctypes.c_uint8),  # how many were wrong
        ("midline", ctypes.c_uint8),  # 1 if what was printed last did not end its line
        ("live", ctypes.c_uint8),  # 1 while the seconds stand in the terminal
        ("ended", ctypes.c_uint8),  # 1 once there are no further checks
    ]

    @classmethod
    def of(cls, file: int) -> Progress:
        """Share the bytes of an open file."""
        return cls.from_buffer(mmap.mmap(file, ctypes.sizeof(cls)))

    def erase(self) -> None:
        """Clear the line of seconds."""
        if self.live:  # type: ignore[has-type]
            os.write(2, b"\r" + b" " * 70 + b"\r")
            self.live = 0

    def print_finding(self, text: str, file: TextIO | None = None) -> None:
        """Print a sentence on lines of its own."""
        self.erase()
        text = textwrap.fill(
            " ".join(text.split()), 88, subsequent_indent=" " * 7,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        print("\n" * self.midline + text, file=file, flush=True)


class Terminal(io.FileIO):
    """A copy of standard output, which knows whether its last line has ended."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(os.dup(1), "w")
        self.progress = progress

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
        """Write all of it."""
        rest = bytes(data)
        if rest:
            self.progress.erase()
            self.progress.midline = not rest.endswith(b"\n")
        with suppress(OSError):  # nobody reads any more; the exit code holds the verdict
            while rest:
                rest = rest[super().write(rest) :]
        return len(data)


def main() -> None:
    """Check a file, and print what is right and what is wrong; the reader's code runs in here."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits
    options, progress, own = json.loads(sys.argv.pop()), Progress.of(0), os.getpid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    end_with_parent(options["parent"])
    path, encoding = Path(options["file"]), sys.stdout.encoding
    sys.path.insert(0, str(path.resolve().parent))  # for what the file imports
    sys.dont_write_bytecode = True
    # A letter that the console lacks must not cost the verdict, nor a file that closes sys.stdout.
    printed, findings = (
        io.TextIOWrapper(Terminal(progress), encoding, "backslashreplace", write_through=True)
        for _ in range(2)
    )
    with redirect_stdout(printed):
        examination = Examination(
            path,
            which=options["data"],
            seed=options["seed"],
            seconds=options["seconds"],
            accuracy=options["accuracy"],
            train=not options["no_training"],
        )
        for kind, text in examination.findings():
            if os.getpid() != own:
                os._exit(0)  # a twin that the reader's file forked
            if kind == "begin":
                progress.check = 1 + list(READ).index(text)
                continue
            progress.print_finding(f"{kind}: {text}", findings)
            setattr(progress, kind, getattr(progress, kind) + 1)
    progress.ended = 1
    os._exit(0)  # without waiting for threads that the reader's file started
