"""Measured results: JSON files written by the commands that measured, never by hand.

Page: *train*. A file holds every run with its command, commit, date, device, versions and seeds.
A result that nobody has measured has no file, and reads as ``None``.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from cnnguide.checkpoint import check_path, replacing
from cnnguide.checks import check_type

__all__ = ["FOLDER", "circumstances", "device_name", "load", "save"]

FOLDER = Path(__file__).parent


def device_name(device: torch.device) -> str:
    """Name the processor or the card.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    str

    Examples
    --------
    >>> device_name(torch.device("cpu")).endswith("cores")
    True
    """
    check_type(device, torch.device, "device", "a torch.device")
    if device.type in ("cuda", "xpu"):
        return torch.get_device_module(device).get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        found = next(
            line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        found = platform.processor() or platform.machine()
    own = "" if device.type == "cpu" else f", its {device.type}"  # as of Apple's processors
    return f"{found}, {os.cpu_count()} cores{own}"


WRITTEN_TO = ("--output", "--record-folder")


def without_folders(words: list[str]) -> list[str]:
    """Leave out where a command writes to, and of any other path all but its name.

    In which folder of somebody's computer it lies is nobody else's concern.
    """
    kept = []
    for before, word in pairwise(["", *words]):
        option, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
        if before not in WRITTEN_TO and option not in WRITTEN_TO:
            is_path = "/" in value or os.sep in value
            kept.append(option + equals + (Path(value).resolve().name if is_path else value))
    return kept


def circumstances(device: torch.device) -> dict[str, Any]:
    """Write down under what circumstances something is measured.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    dict
        Command without the folder that it writes to, and with the name alone of any other, commit,
        date, device, versions.

    Examples
    --------
    >>> sorted(circumstances(torch.device("cpu")))
    ['command', 'commit', 'date', 'device', 'versions']
    """
    check_type(device, torch.device, "device", "a torch.device")
    versions = {"python": platform.python_version()}
    for package in ("cnnguide", "torch", "torchvision"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # run from a copy that is not installed
            versions[package] = "not installed"
    program = Path(sys.argv[0])
    # `python -m cnnguide` and the console script are one command, on Windows too.
    own = program.name == "__main__.py" and program.parent.name == "cnnguide"
    name = "cnnguide" if own or program.stem == "cnnguide" else program.name
    return {
        "command": shlex.join([name, *without_folders(sys.argv[1:])]),
        "commit": commit_of(FOLDER),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "device": device_name(device),
        "versions": versions,
    }


def commit_of(folder: Path) -> str | None:
    """Give the commit of the repository that holds a folder's files, if one does and git is there.

    A reader's environment may lie inside a repository of the reader's own, which does not hold us.
    """
    git = ["git", "-C", str(folder)]
    try:
        kept, head = (
            subprocess.run([*git, *command], capture_output=True, text=True, check=False)
            for command in (["ls-files", "--", "__init__.py"], ["rev-parse", "HEAD"])
        )
    except OSError:  # git is not installed
        return None
    return head.stdout.strip() if kept.stdout.strip() and head.returncode == 0 else None


def load(stem: str, *, folder: Path = FOLDER) -> dict[str, Any] | None:
    """Read what was measured for a chapter.

    Parameters
    ----------
    stem : str
        The chapter's, such as ``"train"``.
    folder : pathlib.Path

    Returns
    -------
    dict or None
        ``None`` if nothing has been measured yet.

    Raises
    ------
    ValueError
        If the file is not a record of runs.

    Examples
    --------
    >>> load("a chapter that nobody measured") is None
    True
    """
    check_type(stem, str, "stem", "a string")
    check_path(folder, "folder")
    path = folder / f"{stem}.json"
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is cut short or no JSON: {error}") from error
    if not isinstance(record, dict) or not isinstance(record.get("runs"), list):
        raise ValueError(f"{path} is not a record of results: it has no list 'runs'")
    return record


def save(stem: str, record: dict[str, Any], *, folder: Path = FOLDER) -> Path:
    """Write a record beside and move it into place.

    Parameters
    ----------
    stem : str
        The chapter's.
    record : dict
        With a list ``runs``.
    folder : pathlib.Path

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        Without a list ``runs``.

    Examples
    --------
    >>> save("train", {})
    Traceback (most recent call last):
    ValueError: a record of results must have a list 'runs', got the keys []
    """
    check_type(stem, str, "stem", "a string")
    check_path(folder, "folder")
    check_type(record, dict, "record", "a dict")
    if not isinstance(record.get("runs"), list):
        raise ValueError(
            f"a record of results must have a list 'runs', got the keys {sorted(record)}"
        )
    path = folder / f"{stem}.json"
    try:
        content = json.dumps(record, indent=1) + "\n"
    except TypeError as error:
        raise TypeError(f"a record must hold what JSON holds, got more: {error}") from None
    with replacing(path) as file:
        file.write(content.encode())
    return path
