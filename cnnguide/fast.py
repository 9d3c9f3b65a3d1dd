"""The same training, at the speed of the hardware: nothing waits, and little is computed twice.

Page: *fast*. `FastTraining` takes the very steps of `cnnguide.run.Training`, on the very same
images: only the order of the work changes. After Page, How to train your ResNet (2018), and
Jordan, arXiv:2404.00498.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from cnnguide import checks
from cnnguide.augment import cutout_at, flip_where
from cnnguide.conv import Pair, pad, pair, windows
from cnnguide.recipe import Recipe
from cnnguide.run import Training, check_pictures
from cnnguide.train import Score, fast_layout, has_fast_bfloat16

__all__ = [
    "Choices",
    "FastTraining",
    "ImagesOnDevice",
    "Techniques",
    "draw_choices",
    "processes",
    "rank",
    "record_step",
    "saved_bytes",
]


class Choices(NamedTuple):
    """What is drawn for every image of an epoch, in the order in which they are shown.

    All are ``N``, int64, but `mirrored`, which is bool.
    """

    image: Tensor  # which one
    row: Tensor  # of the crop's upper left corner
    column: Tensor
    mirrored: Tensor
    hole_row: Tensor  # of the middle of the blanked square
    hole_column: Tensor

    def part(self, which: slice) -> Choices:
        """Take some of the images."""
        return Choices(*(drawn[which] for drawn in self))


def draw_choices(
    count: int, recipe: Recipe, *, generator: torch.Generator, size: Pair = 32
) -> Choices:
    """Draw everything that an epoch leaves to chance, before it begins.

    Parameters
    ----------
    count : int
        Images of the epoch.
    recipe : Recipe
    generator : torch.Generator
        On the CPU; it is asked in the order in which the plain loop asks it, so that both loops
        show the same images.
    size : int or (int, int)
        Side of the images in pixels, or height and width.

    Returns
    -------
    Choices

    Examples
    --------
    >>> choices = draw_choices(5, Recipe(batch_size=2), generator=torch.Generator().manual_seed(0))
    >>> sorted(choices.image.tolist()), int(choices.row.max()) <= 8
    ([0, 1, 2, 3, 4], True)
    """
    checks.check_whole(count, "count", 1)
    checks.check_type(recipe, Recipe, "recipe", "a Recipe")
    checks.check_generator(generator)
    height, width = pair(size, "size", 1)
    order = torch.randperm(count, generator=generator)
    drawn = []
    for part in order.split(recipe.batch_size):
        n = len(part)
        row, column = torch.randint(2 * recipe.padding + 1, (2, n), generator=generator)
        mirrored = torch.rand(n, generator=generator) < recipe.flip
        hole = torch.zeros(2, n, dtype=torch.int64)
        if recipe.cutout:
            hole = torch.stack(
                [torch.randint(side, (n,), generator=generator) for side in (height, width)]
            )
        drawn.append((row, column, mirrored, *hole))
    return Choices(order, *(torch.cat(parts) for parts in zip(*drawn, strict=True)))


class ImagesOnDevice:
    """A data set that stays on the device as it is, and makes any batch of it at once.

    Parameters
    ----------
    images : Tensor
        ``N 3 H W``, uint8, or float from 0 to 1, on the device; padded once, here.
    labels : Tensor
        ``N``, int64, on the device.
    recipe : Recipe
        Gives padding, constants and cutout.

    Examples
    --------
    >>> images = torch.zeros(4, 3, 32, 32, dtype=torch.uint8)
    >>> made = ImagesOnDevice(images, torch.arange(4), Recipe())
    >>> x, y = made.batch(draw_choices(4, Recipe(), generator=torch.Generator()))
    >>> tuple(x.shape), sorted(y.tolist())
    ((4, 3, 32, 32), [0, 1, 2, 3])
    """

    def __init__(self, images: Tensor, labels: Tensor, recipe: Recipe) -> None:
        checks.check_type(recipe, Recipe, "recipe", "a Recipe")
        check_pictures((images, labels), "images")
        self.labels, self.cutout = labels, recipe.cutout
        self.white = 1 if images.is_floating_point() else 255  # bytes, or floats from 0 to 1
        # every crop of every image, N 3 row column H W, as a view that copies nothing
        h, w = images.shape[2:]
        self.crops = windows(pad(images, recipe.padding), (h, w))
        self.mean, self.std = (
            torch.tensor(c, device=images.device).view(-1, 1, 1) for c in (recipe.mean, recipe.std)
        )

    def batch(self, choices: Choices) -> tuple[Tensor, Tensor]:
        """Crop, mirror, normalise and blank the chosen images; nothing is asked of the device."""
        x = self.crops[choices.image, :, choices.row, choices.column]  # n 3 H W
        x = flip_where(x, choices.mirrored)
        x = (x / self.white - self.mean) / self.std
        if self.cutout:
            x = cutout_at(x, choices.hole_row, choices.hole_column, side=self.cutout)
        return x, self.labels[choices.image]


@dataclass(frozen=True)
class Techniques:
    """What makes a step faster and leaves what it computes as it is, but for rounding."""

    channels_last: bool = True  # a pixel's channels lie side by side: convolutions read them so
    bfloat16: bool = True  # convolutions and products in 16 bits; weights and BatchNorm stay in 32
    fused: bool = True  # one kernel updates all weights
    compiled: bool = False  # torch.compile merges what stands between the convolutions
    recorded: bool = True  # a CUDA graph replays the whole step without the CPU's help

    @classmethod
    def for_device(cls, device: torch.device, *, compiled: bool = False) -> Techniques:
        """Choose what pays on a device.

        Examples
        --------
        >>> Techniques.for_device(torch.device("cpu")).recorded
        False
        """
        return cls(
            bfloat16=has_fast_bfloat16(device),
            compiled=compiled,
            recorded=device.type == "cuda" and processes() == 1,
        )


def processes() -> int:
    """Count the processes that train together.

    Returns
    -------
    int
        1 unless ``torch.distributed`` was started.

    Examples
    --------
    >>> processes()
    1
    """
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Number this process, from 0 on.

    Returns
    -------
    int
        0 unless ``torch.distributed`` was started.

    Examples
    --------
    >>> rank()
    0
    """
    return dist.get_rank() if dist.is_initialized() else 0


def same(key: tuple, other: tuple) -> bool:
    """Tell whether two keys hold the very same tensors, unchanged since, and equal numbers."""
    return all(a is b if isinstance(a, Tensor) else a == b for a, b in zip(key, other, strict=True))


class FastTraining(Training):
    """`Training` without waiting; several processes may share every batch.

    Parameters
    ----------
    model : nn.Module
        Trained in place.
    recipe : Recipe
        Its batch is the global one: each process takes its share, so the learning rate stays.
    seed : int
        The same in all processes.
    device : torch.device or str
    techniques : Techniques, optional
        By default what pays on the device.

    Raises
    ------
    ValueError
        If the recipe mixes images, if a step is to be recorded elsewhere than on one GPU, without
        `fused` or with several learning rates, or if a batch, the short last one included, has
        fewer images than there are processes.

    Notes
    -----
    The gradient is that of the mean over the global batch, whatever the shares: each process takes
    the sum over its own images, times the number of processes, divided by the global batch, and
    DistributedDataParallel averages. BatchNorm sees a process's own share only.
    """

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        *,
        seed: int = 0,
        device: torch.device | str = "cpu",
        techniques: Techniques | None = None,
    ) -> None:
        checks.check_type(recipe, Recipe, "recipe", "a Recipe")
        if recipe.mixup or recipe.cutmix:
            raise ValueError(
                "FastTraining must have a recipe without mixup and cutmix; take Training, or mix "
                "in a subclass's alter"
            )
        super().__init__(model, recipe, seed=seed, device=device)
        if techniques is not None:
            checks.check_type(techniques, Techniques, "techniques", "a Techniques")
        self.techniques = techniques or Techniques.for_device(self.device)
        if self.techniques.recorded and not self.techniques.fused:
            raise ValueError(
                "a recorded step must have fused=True, got fused=False: only a fused optimiser "
                "leaves the learning rate on the GPU"
            )
        if self.techniques.recorded and (self.device.type != "cuda" or processes() > 1):
            raise ValueError(
                f"a step is recorded on one GPU; with {processes()} process(es) on {self.device}, "
                "take Techniques(recorded=False)"
            )
        if not self.techniques.channels_last:
            self.model.to(memory_format=torch.contiguous_format)
        self.bfloat16 = self.techniques.bfloat16
        for group in self.optimizer.param_groups:
            group["fused"] = self.techniques.fused
            group["foreach"] = not self.techniques.fused
        self.forward: Callable[[Tensor], Tensor] = self.model
        if processes() > 1:
            self.forward = DistributedDataParallel(self.model)
        if self.techniques.compiled:
            self.forward = torch.compile(self.forward, dynamic=False)
        self.rate = torch.zeros((), device=self.device)  # read by a recorded step
        self.shown: tuple[tuple, ImagesOnDevice] | None = None
        self.recordings: dict[int, Recording] = {}
        self.step_losses = torch.zeros(0)

    def train_once(self, images: Tensor, labels: Tensor, rates: list[float]) -> Score:
        """Take one epoch's steps, and read what came out once, at its end."""
        self._check_rates(rates, labels)
        count, batch = len(labels), self.recipe.batch_size
        if (count % batch or batch) < processes() or batch < processes():
            raise ValueError(
                f"a batch must have an image for each process, of which there are {processes()}; "
                f"got a batch size of {batch}, and {count % batch or batch} in the last batch"
            )
        scales = [group.get("lr_scale", 1.0) for group in self.optimizer.param_groups]
        if self.techniques.recorded and {*scales} != {1.0}:
            raise ValueError(
                "a recorded step must have one learning rate for all weights, got the lr_scale "
                f"{min(scales):g}; take Techniques(recorded=False)"
            )
        made = self.keep_on_device(images, labels)
        drawn = draw_choices(
            count, self.recipe, generator=self.generator, size=(images.shape[-2], images.shape[-1])
        )
        drawn = Choices(*(part.to(self.device) for part in drawn))
        outcomes = torch.zeros(len(rates), 2, device=self.device)  # sum of losses, right answers
        all_rates = torch.tensor(rates, device=self.device)
        self.model.train()
        for k in self.progress(range(len(rates))):
            share = slice(k * batch + rank(), min((k + 1) * batch, count), processes())
            n = min(batch, count - k * batch)
            if self.techniques.recorded:
                self.rate.copy_(all_rates[k])
                outcomes[k] = self.recorded_step(made, drawn.part(share), n)
            else:
                for group in self.optimizer.param_groups:
                    group["lr"] = rates[k] * group.get("lr_scale", 1.0)  # as in train_epoch
                outcomes[k] = self.step(made, drawn.part(share), n)
            if self.average is not None:
                self.average.update_parameters(self.model)
        if processes() > 1:
            dist.all_reduce(outcomes)
        return self.read(outcomes.cpu().double(), count, rates)

    def keep_on_device(self, images: Tensor, labels: Tensor) -> ImagesOnDevice:
        """Prepare the images: on a GPU once, until others come or they change, else every epoch."""
        key = (images, images._version, labels, labels._version)  # changed in place is another
        # On the CPU, NumPy may share the memory, and change it without a word.
        if self.shown is None or self.device.type == "cpu" or not same(self.shown[0], key):
            self.recordings.clear()  # they read the images that were there
            self.shown = (key, ImagesOnDevice(images, labels, self.recipe))
        return self.shown[1]

    def step(self, made: ImagesOnDevice, choices: Choices, n: int) -> Tensor:
        """Take one step; give the sum of the losses and the number of right answers."""
        x, y = self.alter(*made.batch(choices))
        if self.techniques.channels_last:
            x = fast_layout(x)
        with torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.bfloat16, cache_enabled=False
        ):
            logits = self.forward(x)
        loss = F.cross_entropy(
            logits.float(), y, label_smoothing=self.recipe.label_smoothing, reduction="sum"
        )
        self.optimizer.zero_grad()
        (loss * (processes() / n)).backward()
        self.optimizer.step()
        label = y if y.ndim == 1 else y.argmax(1)  # of a mixture, the most probable one
        return torch.stack([loss.detach(), (logits.argmax(1) == label).sum().float()])

    def alter(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Change a batch before the network sees it; for subclasses that mix images and labels.

        The images are normalised, ``n 3 H W``; the labels that come back are numbers, ``n``, or
        probabilities, ``n classes``. A recorded step must not ask the device for a value here.
        """
        return x, y

    def recorded_step(self, made: ImagesOnDevice, choices: Choices, n: int) -> Tensor:
        """Replay the step that was recorded for so many images; record it the first time."""
        if n not in self.recordings:
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate
            self.recordings[n] = record_step(
                lambda inputs: self.step(made, inputs, n), choices, self.model, self.optimizer
            )
        return self.recordings[n](choices)

    def read(self, outcomes: Tensor, count: int, rates: list[float]) -> Score:
        """Turn what the steps left into a score; stop at the first loss that is not finite."""
        batch = self.recipe.batch_size
        sizes = torch.tensor([min(batch, count - k * batch) for k in range(len(rates))])
        self.step_losses = outcomes[:, 0] / sizes
        wrong = (~self.step_losses.isfinite()).nonzero()
        if len(wrong):
            k = int(wrong[0])
            raise FloatingPointError(
                f"training diverged: the loss is {self.step_losses[k].item()} at step {k + 1} of "
                f"the epoch, with learning rate {rates[k]:g}; take a smaller one"
            )
        loss_sum, right = outcomes.sum(0).tolist()
        return Score(loss_sum / count, right / count)

    def state_dict(self) -> dict[str, Any]:
        """Gather everything that the next epoch depends on, in plain numbers."""
        state = super().state_dict()
        for group in state["optimizer"]["param_groups"]:
            group["lr"] = float(group["lr"])
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state; how fast the steps are taken is this run's own choice."""
        own = [(group["fused"], group["foreach"]) for group in self.optimizer.param_groups]
        super().load_state_dict(state)
        for group, (fused, foreach) in zip(self.optimizer.param_groups, own, strict=True):
            group["fused"], group["foreach"] = fused, foreach
        self.recordings.clear()  # they move tensors that are no longer the optimiser's


class Recording:
    """A step that a CUDA graph replays on new choices."""

    def __init__(self, graph: torch.cuda.CUDAGraph, inputs: Choices, output: Tensor) -> None:
        self.graph, self.inputs, self.output = graph, inputs, output

    def __call__(self, choices: Choices) -> Tensor:
        """Copy the choices to where the graph reads them, and replay."""
        for own, new in zip(self.inputs, choices, strict=True):
            own.copy_(new)
        self.graph.replay()
        return self.output


def record_step(
    step: Callable[[Choices], Tensor],
    example: Choices,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> Recording:
    """Record a step as a CUDA graph; model, optimiser and random numbers are left as they were.

    Parameters
    ----------
    step : callable
        Takes choices, trains, gives a tensor; it must not ask the device for a value.
    example : Choices
        As many images as every later call will have; on the GPU that computes.
    model : nn.Module
    optimizer : torch.optim.Optimizer
        SGD without dampening: a momentum of 0 is then the same as none yet.

    Returns
    -------
    Recording

    Raises
    ------
    ValueError
        If the example is not on a GPU.
    RuntimeError
        PyTorch's own, if the step asks for a value.

    Notes
    -----
    The steps that warm up (libraries choose their kernels, the optimiser makes its memory) do
    train, so what they changed is put back, in place: the graph remembers addresses.

    Examples
    --------
    On a GPU, with a `step` that takes `Choices` and trains `model`::

        recording = record_step(step, choices, model, optimizer)
        loss = recording(next_choices)  # one launch instead of hundreds

    >>> callable(record_step)  # a doctest cannot count on a GPU; tests/test_fast.py has one
    True
    """
    checks.check_type(step, Callable, "step", "callable")
    checks.check_type(example, Choices, "example", "Choices")
    checks.check_module(model)
    checks.check_type(optimizer, torch.optim.Optimizer, "optimizer", "a torch.optim.Optimizer")
    device = example.image.device
    if device.type != "cuda":
        raise ValueError(f"a step must be recorded on a GPU, got choices on {device}")
    inputs = Choices(*(drawn.clone() for drawn in example))
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    momenta = {p: s.get("momentum_buffer") for p, s in optimizer.state.items()}
    momenta = {p: None if m is None else m.clone() for p, m in momenta.items()}
    with torch.cuda.device(device), torch.random.fork_rng([device]):  # dropout draws, too
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):
                step(inputs)
        torch.cuda.current_stream().wait_stream(aside)
        with torch.no_grad():
            for name, tensor in model.state_dict().items():
                tensor.copy_(kept[name])
            for p, state in optimizer.state.items():
                if state.get("momentum_buffer") is not None:
                    before = momenta.get(p)
                    state["momentum_buffer"].copy_(
                        torch.zeros_like(p) if before is None else before
                    )
        optimizer.zero_grad()  # the graph makes gradients of its own
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=aside):  # PyTorch's own belongs to one GPU
            output = step(inputs)
    return Recording(graph, inputs, output)


def saved_bytes(model: nn.Module, size: int = 32, *, bfloat16: bool = False) -> int:
    """Count the bytes that the forward pass keeps for the backward pass, for one image.

    Parameters
    ----------
    model : nn.Module
        Takes ``N 3 size size``.
    size : int
        Side of the image in pixels.
    bfloat16 : bool
        Whether convolutions and products compute in bfloat16.

    Returns
    -------
    int
        At least 0. What does not grow with the images, such as the weights, is left out.

    Raises
    ------
    TypeError
        For a model that is not an `nn.Module`, or a size that is not a whole number.
    ValueError
        For a size below 1.

    Examples
    --------
    >>> saved_bytes(nn.Sequential(nn.Flatten(), nn.Linear(12, 5, bias=False)), 2)  # its 12 inputs
    48
    """
    checks.check_module(model)
    checks.check_whole(size, "size", 1)
    checks.check_flag(bfloat16, "bfloat16")
    held: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        kept.append(tensor)  # so that no other takes its place in memory
        return tensor

    kept: list[Tensor] = []
    weight = next(model.parameters(), torch.zeros(()))
    device, dtype = weight.device, weight.dtype
    # The difference between 4 and 2 images leaves out what does not grow with them, the weights.
    sizes = []
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    precision = torch.autocast(device.type, torch.bfloat16) if bfloat16 else nullcontext()
    keeping = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    try:
        for n in (2, 4):
            held.clear()
            kept.clear()
            with torch.enable_grad(), torch.random.fork_rng(), keeping, precision:
                model(torch.zeros(n, 3, size, size, device=device, dtype=dtype))
            sizes.append(sum(held.values()))
    finally:
        model.load_state_dict(state)  # BatchNorm has seen the empty images
    return (sizes[1] - sizes[0]) // 2
