"""Files that survive a kill: written beside, moved into place, and refused if they do not fit.

Page: *train*.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
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
    "read_safetensors",
    "replacing",
    "save_checkpoint",
    "to_safetensors",
]


PLAIN = (Tensor, str, bytes, int, float, bool, NoneType)
# What wrappers write in front of every name, and under which key they put weights.
WRAPPERS = ("module.", "_orig_mod.", "model.")
KEYS = ("model", "state_dict", "model_state_dict", "model_ema", "state_dict_ema")


def check_path(path: Any, name: str = "path") -> None:
    """Refuse what is not a path.

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


# A file of weights ends in this and 64 digits: the SHA-256 of all that stands before them. To a
# reader of zip files it is a comment.
MARK = b"sha256:"
ENDING = len(MARK) + 64


def sealed(archive: bytes) -> bytes:
    """Give what `torch.save` wrote its digest, as the comment of the zip file that it is."""
    body = archive[:-2] + ENDING.to_bytes(2, "little") + MARK
    return body + hashlib.sha256(body).hexdigest().encode()


def check_digits(content: bytes, digits: bytes, name: str) -> None:
    """Refuse content that has not the digest that is written beside it."""
    if not re.fullmatch(b"[0-9a-f]{64}", digits):
        raise ValueError(f"{name} is truncated or altered: its digest is not a SHA-256")
    check_digest(hashlib.sha256(content).hexdigest(), digits.decode(), name)


def check_seal(content: bytes, name: str) -> None:
    """Refuse a file of ours of which a byte has changed; those of other tools have no digest."""
    if content[-ENDING:-64] == MARK:
        check_digits(content[:-64], content[-64:], name)
    elif content[:4] == b"PK\3\4" and (content[-22:-18], content[-2:]) != (b"PK\5\6", b"\0\0"):
        raise ValueError(f"{name} is cut short or altered: its digest is missing")


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state with its digest, so that the file is always a whole one: the old or the new.

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
    written = io.BytesIO()
    torch.save(dict(state), written)
    with replacing(path) as file:
        file.write(sealed(written.getvalue()))


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
            "a checkpoint must hold tensors and plain values, "
            f"got {type(value).__name__} at {where}"
        )


def unwrapped(weights: Mapping[str, Any], own: Mapping[str, Tensor]) -> Mapping[str, Any]:
    """Take a `state_dict` out of what others wrap it in.

    A training script may put it under "model" beside other things, and DataParallel,
    ``torch.compile``, `AveragedModel` and Lightning put a word in front of every name, in any
    order. `AveragedModel` counts its steps beside the weights.
    """
    while weights and not own.keys() & weights.keys():
        inside = next((key for key in KEYS if isinstance(weights.get(key), Mapping)), None)
        if inside is not None:
            weights = weights[inside]
            continue
        if not all(isinstance(name, str) for name in weights):
            break
        names = [name for name in weights if name != "n_averaged"]
        prefix = next((p for p in WRAPPERS if all(n.startswith(p) for n in names)), None)
        if prefix is None or not names:
            break
        weights = {name.removeprefix(prefix): weights[name] for name in names}
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
        If the file is cut short, altered or no checkpoint. It is left as it is.

    Examples
    --------
    >>> load_checkpoint(Path("nowhere.pt"))
    Traceback (most recent call last):
    FileNotFoundError: there is no checkpoint nowhere.pt
    """
    check_path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    content = content_of(path)
    check_seal(content, str(path))
    try:
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types for a file that is not its own
        raise ValueError(f"{path} is cut short or no checkpoint: {type(error).__name__}") from error


def content_of(path: Path) -> bytes:
    """Read a file that is there."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error


# How a safetensors file of ours begins its digest, which is computed with zeros in its place.
DIGITS = b'"sha256":"'


def to_safetensors(weights: Mapping[str, Tensor], described: Mapping[str, Any]) -> bytes:
    """Write weights as safetensors, with what describes them and the digest of it all inside.

    Parameters
    ----------
    weights : Mapping of str to Tensor
        On the CPU and contiguous, such as a `state_dict`.
    described : Mapping of str to values that JSON has
        Such as the recipe.

    Returns
    -------
    bytes
        The content of a file, which `read_safetensors` reads.

    Raises
    ------
    TypeError
        For something else.

    Examples
    --------
    >>> content = to_safetensors({"w": torch.zeros(2)}, {"model": "quick"})
    >>> content[8:24], b'"sha256":"' in content
    (b'{"__metadata__":', True)
    """
    import safetensors.torch  # the library itself needs PyTorch alone

    for name, value in (("weights", weights), ("described", described)):
        check_type(value, Mapping, name, "a mapping")
        for key in value:
            check_type(key, str, f"a key of {name}", "a string")
    for key, tensor in weights.items():
        check_type(tensor, Tensor, f"weights[{key!r}]", "a tensor")
    metadata = {name: json.dumps(value) for name, value in described.items()}
    content = safetensors.torch.save(dict(weights), {**metadata, "sha256": "0" * 64})
    digest = hashlib.sha256(content).hexdigest().encode()
    return content.replace(DIGITS + b"0" * 64, DIGITS + digest, 1)


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `to_safetensors` wrote, if every byte is as it was: weights, and their description.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    (dict, dict)
        The tensors by name, and what describes them.

    Raises
    ------
    ValueError
        If the file is cut short or altered, not of `cnnguide`, or cannot be read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> temporary = TemporaryDirectory()
    >>> path = Path(temporary.name, "weights.safetensors")
    >>> path.write_bytes(to_safetensors({"w": torch.ones(2)}, {"model": "quick"})) > 0
    True
    >>> read_safetensors(path)
    ({'w': tensor([1., 1.])}, {'model': 'quick'})
    >>> temporary.cleanup()
    """
    import safetensors.torch

    check_path(path)
    content = content_of(path)
    begin = content.find(DIGITS) + len(DIGITS)
    if begin < len(DIGITS):
        raise ValueError(f"{path} holds no weights of cnnguide, or is altered: it has no digest")
    before, digits, after = content[:begin], content[begin : begin + 64], content[begin + 64 :]
    check_digits(before + b"0" * 64 + after, digits, str(path))
    size = int.from_bytes(content[:8], "little")
    try:
        described = json.loads(content[8 : 8 + size])["__metadata__"]
        described.pop("sha256")
        described = {name: json.loads(value) for name, value in described.items()}
        return safetensors.torch.load(content), described
    except Exception as error:  # whoever wrote it knows how to write a digest, and nothing else
        reason = type(error).__name__
        raise ValueError(f"{path} holds no weights of cnnguide: {reason}") from error


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
            if value.layout is not torch.strided or (value.is_meta and not own[name].is_meta):
                got = "on meta" if value.is_meta else f"of layout {value.layout}"
                raise ValueError(f"the weight {name} must hold all its numbers, got one {got}")
    faults = [f"{name} is missing" for name in own if name not in weights]
    faults += [f"{name} is unknown" for name in weights if name not in own]
    faults += [
        f"{name} has shape {tuple(weights[name].shape)}, not {tuple(own[name].shape)}"
        for name in own
        if name in weights and weights[name].shape != own[name].shape
    ]
    faults += [
        f"{name} holds {weights[name].dtype}, not {own[name].dtype}"
        for name in own
        if name in weights and kind_of(weights[name]) != kind_of(own[name])
    ]
    if faults:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise ValueError(f"the weights are another model's: {'; '.join(faults[:3])}{more}")
    model.load_state_dict(weights)


def kind_of(weight: Tensor) -> tuple[bool, bool]:
    """Tell floats from whole numbers and from complex ones, of which a copy would lose some."""
    return weight.is_floating_point(), weight.is_complex()
