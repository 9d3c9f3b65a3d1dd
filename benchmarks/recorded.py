"""What the benchmarks with a record share: their options, and a record that grows run by run.

Each run is written into the record as soon as it has ended. A run that is there already is not
made again, so the same command goes on where it was cut, and does nothing if all is there.
Started a second time beside itself, it shares the work: no run is made by both.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch import Tensor, nn

from cnnguide import results
from cnnguide.modes import evaluating

__all__ = ["accuracy", "measure", "read_options"]

Run = dict[str, Any]


def read_options(
    module: str,
    doc: str | None,
    arguments: list[str] | None,
    *,
    seeds: int,
    epochs: int | None = None,
    more: str = "",
    table: bool = False,
    only: Iterable[str] = (),
) -> argparse.Namespace:
    """Read what is to be measured, where the record is, and if it is only to be shown."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=doc)
    parser.add_argument("--seeds", type=int, default=seeds, help=f"default {seeds}{more}")
    if epochs is not None:
        parser.add_argument("--epochs", type=int, default=epochs, help=f"default {epochs}")
    if names := [*only]:
        # not `choices`: the help would list them all
        parser.add_argument(
            "--only", nargs="+", default=names, metavar="NAME", help="make only these runs, by name"
        )
    if table:
        parser.add_argument("--table", action="store_true", help="print what is recorded, and stop")
    parser.add_argument("--record-folder", type=Path, default=results.FOLDER, metavar="FOLDER")
    options = parser.parse_args(arguments)
    for name in {*options.only} - {*names} if names else ():
        parser.error(f"--only must name some of {names}, got {name!r}")
    if names and table and options.table and options.only != names:
        parser.error("--only must be left out with --table, which shows all that is recorded")
    return options


def measure(
    stem: str,
    run: Run,
    function: Callable[[Run], Run],
    *,
    folder: Path,
    units: dict[str, str],
    score: Callable[[Run], str],
    kind: str = "runs",
    threads: int | None = 1,  # a small network gains nothing from a second one; None: as many as is
    device: torch.device | None = None,  # None: the processor
) -> None:
    """Make a run that is not yet recorded, nor being made elsewhere, record it, and print it."""
    device = device or torch.device("cpu")
    if is_recorded(run, stem, kind, folder):
        return
    try:
        with lock(folder, stem, kind, sorted(run.items()), wait=False) as held:
            if is_recorded(run, stem, kind, folder):  # meanwhile
                remove(held)
                return
            before = torch.get_num_threads()
            torch.set_num_threads(threads or before)
            try:
                found = function(run)
            finally:
                torch.set_num_threads(before)
            with lock(folder, stem):  # what others have recorded since is kept
                record = results.load(stem, folder=folder) or {"runs": []}
                record["units"] = units
                made = {**results.circumstances(device), **run, **found}
                record.setdefault(kind, []).append(made)
                results.save(stem, record, folder=folder)
            remove(held)
    except Timeout:
        return
    choices = ", ".join(f"{name} {value}" for name, value in run.items())
    print(f"{kind}: {choices}{score(found)}", flush=True)


def is_recorded(run: Run, stem: str, kind: str, folder: Path) -> bool:
    """Say if a run with these choices is in the record."""
    record = results.load(stem, folder=folder) or {}
    return any(run.items() <= known.items() for known in record.get(kind, []))


def lock(folder: Path, stem: str, *parts: object, wait: bool = True) -> FileLock:
    """Make a lock that one process holds at a time, and that ends with it, even if it is killed.

    It lies beside the record, which all see who write there: a job may have its own folder for
    temporary files, and another user another one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = hashlib.sha256(repr([str(part) for part in parts]).encode()).hexdigest()[:16]
    name = f".{stem}-{told}.lock" if parts else f".{stem}.lock"
    return FileLock(folder / name, timeout=-1 if wait else 0)


def remove(held: FileLock) -> None:
    """Remove the file of a lock that is held; who opened it before finds the run recorded."""
    with suppress(OSError):  # Windows removes it when it is released
        Path(held.lock_file).unlink()


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Give the share of right predictions in evaluation mode."""
    with evaluating(model):
        return (model(images).argmax(1) == labels).double().mean().item()
