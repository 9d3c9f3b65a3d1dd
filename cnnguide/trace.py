"""What an input goes through: the layers, sums and shapes of one forward pass.

`diagram` draws them, so that a drawing says what the module does and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from cnnguide.checks import check_module, check_tensor, check_type

__all__ = ["Step", "forward_steps", "without"]


@dataclass(frozen=True)
class Step:
    """One layer or one sum of a forward pass.

    Parameters
    ----------
    name : str
        Where the module stands in its network, such as ``layer1.0.conv1``; of a function, its name.
    module : nn.Module, optional
        None for a function, such as a sum.
    shape : tuple of int
        Of what comes out, without the batch.
    inputs : tuple of int
        The places, in the list of steps, of those whose outputs come in.
    """

    name: str
    module: nn.Module | None
    shape: tuple[int, ...]
    inputs: tuple[int, ...]


class Recorder(TorchFunctionMode):
    """Note the layers and functions that tensors go through, from an input on."""

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.steps = [Step("input", None, tuple(image.shape[1:]), ())]
        self.kept = [image]  # a tensor that lives keeps its id
        self.places = {id(image): 0}
        self.depth = 0  # above 0 inside a layer, whose own functions are not steps

    def note(self, name: str, module: nn.Module | None, inputs: Any, output: Any) -> None:
        """Add a step, if what comes in comes from the image; of several outputs, the first's."""
        places = tuple(self.places[id(t)] for t in tensors_in(inputs) if id(t) in self.places)
        outputs = tensors_in(output)
        if places and outputs:
            self.places.update((id(t), len(self.steps)) for t in outputs)
            self.kept.extend(outputs)
            self.steps.append(Step(name, module, tuple(outputs[0].shape[1:]), places))

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if self.depth == 0:
            self.note(func.__name__.strip("_"), None, [args, kwargs], result)
        return result


def tensors_in(values: Any) -> list[Tensor]:
    """List the tensors among a call's arguments, in order."""
    if isinstance(values, Tensor):
        return [values]
    if isinstance(values, dict):
        values = list(values.values())
    return [t for v in values for t in tensors_in(v)] if isinstance(values, list | tuple) else []


def forward_steps(
    module: nn.Module, image: Tensor, *, whole: tuple[type[nn.Module], ...] = ()
) -> list[Step]:
    """Send an input through a module, and list what it goes through.

    Parameters
    ----------
    module : nn.Module
        Stays in its mode; nothing is trained.
    image : Tensor
        The input, with a batch axis.
    whole : tuple of types
        Modules that count as one step; of all others the innermost are listed.

    Returns
    -------
    list of Step
        In the order of the pass; the first is the input.

    Examples
    --------
    >>> from cnnguide.models.resnet import BasicBlock
    >>> steps = forward_steps(BasicBlock(8, 8), torch.zeros(2, 8, 4, 4))
    >>> [step.name for step in steps]
    ['input', 'conv1', 'bn1', 'relu', 'conv2', 'bn2', 'add', 'relu']
    >>> steps[6].inputs
    (5, 0)
    """
    check_module(module, "module")
    check_tensor(image, "image")
    if image.ndim == 0:
        raise ValueError("image must have a batch axis, got a single number")
    check_type(whole, tuple, "whole", "a tuple of types")
    for kind in whole:
        check_type(kind, type, "a part of whole", "a type")
    recorder = Recorder(image)

    def enter(*_: Any) -> None:
        recorder.depth += 1

    def leave(name: str) -> Any:
        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            recorder.depth -= 1
            if recorder.depth == 0 and not isinstance(module, nn.Identity):
                recorder.note(name, module, inputs, output)

        return note

    handles = []
    for name, child in module.named_modules():
        if isinstance(child, whole) or not any(child.children()):
            handles.append(child.register_forward_pre_hook(enter))
            handles.append(child.register_forward_hook(leave(name)))
    try:
        with torch.no_grad(), recorder:
            module(image)
    finally:
        for handle in handles:
            handle.remove()
    return recorder.steps


def without(steps: Sequence[Step], *unwanted: type[nn.Module] | str) -> list[Step]:
    """Leave steps out of a list: what follows one takes its input instead.

    Parameters
    ----------
    steps : sequence of Step
        From `forward_steps`.
    *unwanted : types of modules, or names
        Such as ``nn.ReLU`` or ``"flatten"``.

    Returns
    -------
    list of Step

    Examples
    --------
    >>> layers = nn.Sequential(nn.ReLU(), nn.BatchNorm2d(3), nn.MaxPool2d(2))
    >>> steps = forward_steps(layers, torch.zeros(2, 3, 4, 4))
    >>> [(step.name, step.inputs) for step in without(steps, nn.BatchNorm2d)]
    [('input', ()), ('0', (0,)), ('2', (1,))]
    """
    check_type(steps, list | tuple, "steps", "a list of Step")
    for step in steps:
        check_type(step, Step, "a step", "a Step")
    for kind in unwanted:
        check_type(kind, type | str, "what is unwanted", "a type or a name")
    types = tuple(kind for kind in unwanted if isinstance(kind, type))
    kept: list[Step] = []
    places: list[int] = []  # for each old place, the new one
    for step in steps:
        inputs = tuple(places[k] for k in step.inputs)
        if isinstance(step.module, types) or step.name in unwanted:
            places.append(inputs[0])
        else:
            places.append(len(kept))
            kept.append(replace(step, inputs=inputs))
    return kept
