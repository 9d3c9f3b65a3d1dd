"""What a function accepts, said once: each check is one sentence that every chapter shares."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn
from torch._subclasses.fake_tensor import FakeTensor

__all__ = [
    "check_flag",
    "check_float_images",
    "check_floats",
    "check_generator",
    "check_images",
    "check_input",
    "check_labels",
    "check_module",
    "check_number",
    "check_range",
    "check_shape",
    "check_tensor",
    "check_type",
    "check_whole",
    "has_values",
    "name_of",
]

INFINITE = float("inf")


def name_of(value: object) -> str:
    """Name what was got, for a message: itself if it is plain and short, else its type.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    str

    Examples
    --------
    >>> name_of(None), name_of((1, 2)), name_of(torch.zeros(9))
    ('None', '(1, 2)', 'Tensor')
    """
    if value is None or isinstance(value, int | float | str | list | tuple):
        words = repr(value)
        if len(words) <= 40 and "\n" not in words:
            return words
    return type(value).__name__


def has_values(tensor: Tensor) -> bool:
    """Tell whether numbers can be read, and so checked.

    They cannot where a graph is made (`torch.compile`, `torch.export`, `torch.func.vmap`), nor on
    the device ``meta``: there a check of values would break the graph, and is left out.

    Parameters
    ----------
    tensor : Tensor

    Returns
    -------
    bool

    Examples
    --------
    >>> has_values(torch.zeros(1)), has_values(torch.zeros(1, device="meta"))
    (True, False)
    """
    if torch.compiler.is_compiling():
        return False
    made_up = isinstance(tensor, FakeTensor) or torch._C._functorch.is_batchedtensor(tensor)
    return not made_up and tensor.device.type != "meta"


def check_type(value: object, kind: Any, name: str, wanted: str) -> None:
    """Refuse what is of another type.

    Parameters
    ----------
    value, name : object, str
        What was got, and its name, for the message.
    kind, wanted : type or tuple of types, str
        What it must be, and that in words.

    Raises
    ------
    TypeError
        For another type.

    Examples
    --------
    >>> check_type("runs", int, "seed", "a whole number")
    Traceback (most recent call last):
    TypeError: seed must be a whole number, got 'runs'
    """
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {wanted}, got {name_of(value)}")


def check_whole(value: Any, name: str, least: int | None = None) -> None:
    """Refuse what is not a whole number, or too small.

    Parameters
    ----------
    value, name : int, str
        What was got, and its name, for the message.
    least : int, optional
        The smallest that is allowed.

    Raises
    ------
    TypeError
        For something other than an int.
    ValueError
        For a number below `least`.

    Examples
    --------
    >>> check_whole(0, "stride", 1)
    Traceback (most recent call last):
    ValueError: stride must be at least 1, got 0
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, got {name_of(value)}")
    if least is not None and value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"{name} must have less than 64 bits, got {value}")


def check_number(value: Any, name: str) -> None:
    """Refuse what is not a number; NaN and infinity are left to `check_range`.

    Parameters
    ----------
    value, name : float, str
        What was got, and its name, for the message.

    Raises
    ------
    TypeError
        For something other than an int or a float.

    Examples
    --------
    >>> check_number(None, "p")
    Traceback (most recent call last):
    TypeError: p must be a number, got None
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, got {name_of(value)}")


def check_range(
    value: Any,
    name: str,
    low: float | int = -INFINITE,
    high: float | int = INFINITE,
    *,
    above: bool = False,
) -> None:
    """Refuse what is not a finite number in a range.

    Parameters
    ----------
    value, name : float, str
        What was got, and its name, for the message.
    low, high : float
        Both are allowed themselves.
    above : bool
        Whether `low` itself is refused.

    Raises
    ------
    TypeError
        For something other than an int or a float.
    ValueError
        For a number out of the range, infinity or NaN.

    Examples
    --------
    >>> check_range(float("nan"), "p", 0, 1)
    Traceback (most recent call last):
    ValueError: p must lie from 0 to 1, got nan
    """
    check_number(value, name)
    if low <= value <= high and abs(value) < INFINITE and not (above and value == low):
        return
    if high < INFINITE:
        wanted = f"lie {'above' if above else 'from'} {low} {'and up to' if above else 'to'} {high}"
    else:
        finite = "be a finite number"
        wanted = finite if low == -INFINITE else f"{finite} {'above' if above else 'from'} {low}"
        wanted += "" if low == -INFINITE or above else " on"
    raise ValueError(f"{name} must {wanted}, got {value}")


def check_flag(value: Any, name: str) -> None:
    """Refuse what is neither true nor false.

    Parameters
    ----------
    value, name : bool, str
        What was got, and its name, for the message.

    Raises
    ------
    TypeError
        For something other than a bool.

    Examples
    --------
    >>> check_flag("no", "bias")
    Traceback (most recent call last):
    TypeError: bias must be True or False, got 'no'
    """
    check_type(value, bool, name, "True or False")


def check_generator(value: Any, *, optional: bool = False) -> None:
    """Refuse what is not a source of random numbers.

    Parameters
    ----------
    value : torch.Generator
        What was got.
    optional : bool
        Whether None is allowed.

    Raises
    ------
    TypeError
        For something else, such as a seed.

    Examples
    --------
    >>> check_generator(0)
    Traceback (most recent call last):
    TypeError: generator must be a torch.Generator, got 0
    """
    if value is not None or not optional:
        check_type(value, torch.Generator, "generator", "a torch.Generator")


def check_module(value: Any, name: str = "model") -> None:
    """Refuse what is not a network.

    Parameters
    ----------
    value, name : nn.Module, str
        What was got, and its name, for the message.

    Raises
    ------
    TypeError
        For something else, such as a network's class or its weights.

    Examples
    --------
    >>> check_module(nn.Identity)
    Traceback (most recent call last):
    TypeError: model must be an nn.Module, got type
    """
    check_type(value, nn.Module, name, "an nn.Module")


def check_tensor(value: Any, name: str) -> None:
    """Refuse what is not a tensor.

    Parameters
    ----------
    value, name : Tensor, str
        What was got, and its name, for the message.

    Raises
    ------
    TypeError
        For something else, such as an array or a list.

    Examples
    --------
    >>> check_tensor([1.0, 2.0], "image")
    Traceback (most recent call last):
    TypeError: image must be a tensor, got [1.0, 2.0]; torch.as_tensor makes one of arrays and lists
    """
    if not isinstance(value, Tensor):
        hint = "; torch.as_tensor makes one of arrays and lists"
        listed = isinstance(value, list | tuple) or hasattr(value, "__array__")
        raise TypeError(f"{name} must be a tensor, got {name_of(value)}{hint if listed else ''}")


def check_floats(value: Any, name: str) -> None:
    """Refuse what is not a tensor of floats.

    Parameters
    ----------
    value, name : Tensor, str
        What was got, and its name, for the message.

    Raises
    ------
    TypeError
        For something other than a tensor, and for whole or complex numbers.

    Examples
    --------
    >>> check_floats(torch.tensor([1, 2]), "x")
    Traceback (most recent call last):
    TypeError: x must be floats, got torch.int64
    """
    check_tensor(value, name)
    if not value.is_floating_point():
        raise TypeError(f"{name} must be floats, got {value.dtype}")


def check_shape(value: Any, shape: tuple[int, ...], name: str) -> None:
    """Refuse what is not a tensor of this shape.

    Parameters
    ----------
    value, name : Tensor, str
        What was got, and its name, for the message.
    shape : tuple of int
        What it must have.

    Raises
    ------
    TypeError
        For something other than a tensor.
    ValueError
        For another shape.

    Examples
    --------
    >>> check_shape(torch.zeros(3, 1), (3,), "mean")
    Traceback (most recent call last):
    ValueError: mean must have shape (3,), got (3, 1)
    """
    check_tensor(value, name)
    if value.shape != shape:
        raise ValueError(f"{name} must have shape {tuple(shape)}, got {tuple(value.shape)}")


def check_images(images: Any) -> None:
    """Refuse what is not a batch of images.

    Parameters
    ----------
    images : Tensor
        ``N C H W``.

    Raises
    ------
    TypeError
        For something other than a tensor.
    ValueError
        For another number of axes than four.

    Examples
    --------
    >>> check_images(torch.zeros(3, 32, 32))
    Traceback (most recent call last):
    ValueError: images must have shape (N, C, H, W), got (3, 32, 32)
    """
    check_tensor(images, "images")
    if images.ndim != 4:
        raise ValueError(f"images must have shape (N, C, H, W), got {tuple(images.shape)}")


def check_float_images(images: Any) -> None:
    """Refuse what is not a batch of images in floats.

    Parameters
    ----------
    images : Tensor
        ``N C H W``, float.

    Raises
    ------
    TypeError
        For integers.
    ValueError
        For another number of axes than four.

    Examples
    --------
    >>> check_float_images(torch.zeros(1, 3, 2, 2, dtype=torch.uint8))
    Traceback (most recent call last):
    TypeError: images must be floats, got torch.uint8; data.to_float turns bytes into them
    """
    check_images(images)
    if not images.is_floating_point():
        raise TypeError(
            f"images must be floats, got {images.dtype}; data.to_float turns bytes into them"
        )


def check_labels(
    labels: Any, count: int, classes: int | None = None, *, each: str = "image"
) -> None:
    """Refuse what is not one class per image.

    Parameters
    ----------
    labels : Tensor
        ``N``, int64.
    count : int
        Images, which is ``N``.
    classes : int, optional
        Labels must be below it.
    each : str
        What has a label, for the message.

    Raises
    ------
    TypeError
        For something other than a tensor of int64.
    ValueError
        For another shape, or a label that names no class.

    Examples
    --------
    >>> check_labels(torch.tensor([0, 10]), 2, 10)
    Traceback (most recent call last):
    ValueError: labels for 10 classes must lie from 0 to 9, got 10
    """
    check_tensor(labels, "labels")
    if labels.dtype != torch.int64:
        raise TypeError(f"labels must be whole numbers of type int64, got {labels.dtype}")
    if labels.shape != (count,):
        raise ValueError(
            f"labels must have shape ({count},), one per {each}, got {tuple(labels.shape)}"
        )
    if classes is None or count == 0 or not has_values(labels):
        return
    low, high = (int(end) for end in labels.aminmax())
    if low < 0 or high >= classes:
        raise ValueError(
            f"labels for {classes} classes must lie from 0 to {classes - 1}, "
            f"got {low if low < 0 else high}"
        )


def check_input(
    images: Any,
    network: str,
    channels: int,
    weight: Any,
    *,
    side: int | None = None,
    least: int = 1,
) -> None:
    """Refuse what a network cannot take; what stands in for images while it is traced may pass.

    Parameters
    ----------
    images : Tensor
        ``N channels H W``, float.
    network, channels : str, int
        Its name, for the message, and the channels of the images.
    weight : Tensor
        One of the network's: images have its dtype, but under autocast any.
    side, least : int, optional
        The side that images must have; without it, the least that both must have.

    Raises
    ------
    TypeError
        For something other than a tensor of floats.
    ValueError
        For another shape.

    Examples
    --------
    >>> check_input(torch.zeros(3, 32, 32), "QuickNet", 3, torch.zeros(1), side=32)
    Traceback (most recent call last):
    ValueError: QuickNet must get images of shape (N, 3, 32, 32), got (3, 32, 32)
    """
    if isinstance(images, fx.Proxy):
        return
    check_tensor(images, "images")
    shape, ends = images.shape, f"{side}, {side}" if side else "H, W"
    fits = images.ndim == 4 and shape[1] == channels
    if not fits or (shape[2:] != (side, side) if side else min(shape[2:]) < least):
        more = f" with sides from {least} on" if least > 1 else ""
        raise ValueError(
            f"{network} must get images of shape (N, {channels}, {ends}){more}, got {tuple(shape)}"
        )
    if not images.is_floating_point():
        raise TypeError(
            f"images must be floats, got {images.dtype}; data.normalise turns bytes into them"
        )
    if images.dtype != weight.dtype and not torch.is_autocast_enabled(images.device.type):
        raise TypeError(
            f"images and weights must share a dtype, got {images.dtype} and {weight.dtype}"
        )
