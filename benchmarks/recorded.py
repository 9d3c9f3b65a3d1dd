"""What the benchmarks with a record share: their options, and a record that grows run by run.

Each run is written into the record as soon as it has ended. A run that is there already is not
made again, so the same command goes on where it was cut, and does nothing if all is there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
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
) -> argparse.Namespace:
    """Read how many seeds and epochs are wanted, where the record is, and if it is to be shown."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=doc)
    parser.add_argument("--seeds", type=int, default=seeds, help=f"default {seeds}{more}")
    if epochs is not None:
        parser.add_argument("--epochs", type=int, default=epochs, help=f"default {epochs}")
    if table:
        parser.add_argument("--table", action="store_true", help="print what is recorded, and stop")
    parser.add_argument("--record-folder", type=Path, default=results.FOLDER, metavar="FOLDER")
    return parser.parse_args(arguments)


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
) -> None:
    """Make a run that is not yet recorded, record it, and print its score."""
    record = results.load(stem, folder=folder) or {"runs": []}
    if any(run.items() <= known.items() for known in record.setdefault(kind, [])):
        return
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        found = function(run)
    finally:
        torch.set_num_threads(before)
    record["units"] = units
    record[kind].append({**results.circumstances(torch.device("cpu")), **run, **found})
    results.save(stem, record, folder=folder)
    choices = ", ".join(f"{name} {value}" for name, value in run.items())
    print(f"{kind}: {choices}{score(found)}", flush=True)


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Give the share of right predictions in evaluation mode."""
    with evaluating(model):
        return (model(images).argmax(1) == labels).double().mean().item()
