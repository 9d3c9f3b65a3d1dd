"""Files that survive a kill: written beside, moved into place, and refused if they do not fit.

Page: *train*.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import NoneType
from typing import Any, BinaryIO

import torch
from torch import Tensor, nn

from cnnguide.checks import check_module, check_type

__all__ = [
    "check_digest",
    "check_path",
    "load_checkpoint",
    "load_weights",
    "replacing",
    "save_checkpoint",
]


PLAIN = (Tensor, str, bytes, int, float, bool, NoneType)
# What wrappers write in front of every name.
WRAPPERS = ("module.", "_orig_mod.")


def check_path(path: Any, name: str = "path") -> None:
    """Refuse what is no path.

    Parameters
    ----------
    path : pathlib.Path
        What was got.
    name : str
        Of the argument, for the message.

    Raises
    ------
    TypeError
        For something else, a string included.

    Examples
    --------
    >>> check_path("runs/latest")
    Traceback (most recent call last):
    TypeError: path must be a pathlib.Path, got 'runs/latest'
    """
    check_type(path, Path, name, "a pathlib.Path")


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` once all of it has been written.

    A reader finds the old file or the new one, never a part; a kill or a full disk leaves the old.

    Parameters
    ----------
    path : pathlib.Path
        Its folder is made if need be.

    Yields
    ------
    binary file
        Open for writing, in the same folder.

    Raises
    ------
    OSError
        If the disk is full or cannot be written; nothing is left behind.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> folder = TemporaryDirectory()
    >>> path = Path(folder.name, "greeting.txt")
    >>> with replacing(path) as file:
    ...     written = file.write(b"hello")
    ...     path.exists()
    False
    >>> path.read_bytes()
    b'hello'
    >>> folder.cleanup()
    """
    check_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def check_digest(got: str, expected: str, name: str) -> None:
    """Refuse content whose digest is not the expected one.

    Raises
    ------
    ValueError
        Naming the file and both digests.

    Examples
    --------
    >>> check_digest("ab", "ab", "file")
    >>> check_digest("ab", "cd", "file")
    Traceback (most recent call last):
    ValueError: file is truncated or altered: its SHA-256 is ab, expected cd
    """
    for value, what in ((got, "got"), (expected, "expected"), (name, "name")):
        check_type(value, str, what, "a string")
    if got != expected:
        raise ValueError(
            f"{name} is truncated or altered: its SHA-256 is {got}, expected {expected}"
        )


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state so that the file is always a whole one: the old or the new.

    Parameters
    ----------
    path : pathlib.Path
        Its folder is made if need be.
    state : mapping
        Tensors, numbers, strings, lists and dicts.

    Raises
    ------
    OSError
        If the disk is full or cannot be written; the file that was there stays.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "state.pt")
    >>> save_checkpoint(path, {"epoch": 3})
    >>> load_checkpoint(path)
    {'epoch': 3}
    >>> folder.cleanup()
    """
    check_path(path)
    check_type(state, Mapping, "state", "a mapping, such as a state_dict")
    check_plain(state, "state")
    try:
        with replacing(path) as file:
            torch.save(dict(state), file)
    except RuntimeError as error:  # torch.save's name for a failed write
        raise OSError(f"could not write {path}: {error}") from error


def check_plain(value: Any, where: str) -> None:
    """Refuse what `load_checkpoint` would refuse to read: all but tensors and plain values."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            check_type(key, str | int | float | bool | None, f"a key of {where}", "a plain value")
            check_plain(part, f"{where}[{key!r}]")
    elif isinstance(value, list | tuple):
        for k, part in enumerate(value):
            check_plain(part, f"{where}[{k}]")
    elif not isinstance(value, PLAIN):
        raise TypeError(
            f"a checkpoint holds tensors and plain values, got {type(value).__name__} at {where}"
        )


def unwrapped(weights: Mapping[str, Any], own: Mapping[str, Tensor]) -> Mapping[str, Any]:
    """Take a `state_dict` out of what others wrap it in.

    A training script may put it under "model" beside other things, and DataParallel,
    ``torch.compile`` and `AveragedModel` put a word in front of every name, in either order.
    """
    for key in ("model", "state_dict"):
        if isinstance(weights.get(key), Mapping):
            weights = weights[key]
    prefix: str | None = ""
    while prefix is not None and not own.keys() & weights.keys():
        weights = {str(name).removeprefix(prefix): value for name, value in weights.items()}
        prefix = next((p for p in WRAPPERS if all(n.startswith(p) for n in weights)), None)
        prefix = prefix if weights else None
    return weights


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a state that `save_checkpoint` wrote.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    dict

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If the file is cut short or is no checkpoint. It is left as it is.

    Examples
    --------
    >>> load_checkpoint(Path("nowhere.pt"))
    Traceback (most recent call last):
    FileNotFoundError: there is no checkpoint nowhere.pt
    """
    check_path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types for a file that is not its own
        raise ValueError(f"{path} is cut short or no checkpoint: {type(error).__name__}") from error


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy weights into a model, if every one of them fits; else change nothing.

    Parameters
    ----------
    model : nn.Module
    weights : mapping of str to Tensor
        A `state_dict`.

    Raises
    ------
    ValueError
        If they are another model's, with the first names or shapes that differ.

    Examples
    --------
    >>> load_weights(nn.Linear(2, 1), nn.Linear(3, 1).state_dict())
    Traceback (most recent call last):
    ValueError: the weights are another model's: weight has shape (1, 3), not (1, 2)
    """
    check_module(model)
    check_type(weights, Mapping, "weights", "a mapping, such as a state_dict")
    own = model.state_dict()
    weights = unwrapped(weights, own)
    for name, value in weights.items():
        check_type(name, str, "a weight's name", "a string")
        if name in own:
            check_type(value, Tensor, f"the weight {name}", "a tensor")
    faults = [f"{name} is missing" for name in own if name not in weights]
    faults += [f"{name} is unknown" for name in weights if name not in own]
    faults += [
        f"{name} has shape {tuple(weights[name].shape)}, not {tuple(own[name].shape)}"
        for name in own
        if name in weights and weights[name].shape != own[name].shape
    ]
    if faults:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise ValueError(f"the weights are another model's: {'; '.join(faults[:3])}{more}")
    model.load_state_dict(weights)
