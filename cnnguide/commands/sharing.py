"""How the processes of ``cnnguide train --nproc N`` share a run, and end together."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist

from cnnguide.commands.options import Options, device_of
from cnnguide.fast import rank

__all__ = ["STARTER", "losing_others", "print_main", "sharing", "start_processes"]

# Environment variables of the processes that share a run: who started them, where they meet.
STARTER, MEETING = "CNNGUIDE_STARTER", "CNNGUIDE_MEETING"
PATIENCE = 30  # seconds in which whoever started the processes ends those that lost another


def start_processes(nproc: int, arguments: list[str]) -> int:
    """Start this command once for each process, and end all of them with the first that fails.

    Parameters
    ----------
    nproc : int
        Processes that share every batch.
    arguments : list of str
        What the command was started with; each process gets the same.

    Returns
    -------
    int
        0, or 1 if one of them has said what is wrong.

    Raises
    ------
    OSError
        If one of them ended in another way.

    Examples
    --------
    >>> start_processes(2, ["--nproc", "2", "--dry-run"])  # doctest: +SKIP
    """
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // nproc))
    running: list[subprocess.Popen] = []
    codes: list[int | None] = []
    with tempfile.TemporaryDirectory() as folder:
        ours = {
            STARTER: str(os.getpid()),
            MEETING: f"file://{folder}/meeting",
            "OMP_NUM_THREADS": threads,
            "WORLD_SIZE": str(nproc),
        }
        try:
            for k in range(nproc):
                command = [sys.executable, "-m", "cnnguide", "train", *arguments]
                own = {**os.environ, **ours, "RANK": str(k), "LOCAL_RANK": str(k)}
                running.append(subprocess.Popen(command, env=own, start_new_session=True))
            while not any(codes) and (not codes or None in codes):
                time.sleep(0.1)
                codes = [process.poll() for process in running]
        finally:
            for process in running:
                process.terminate()
            for process in running:
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
    code = next((code for code in codes if code), 0)
    if code not in (0, 1):
        raise OSError(f"one of the {nproc} processes ended with exit code {code}")
    return code


@contextmanager
def sharing(options: Options) -> Iterator[None]:
    """Join the other processes, if `torchrun` or this command started this one among several.

    Examples
    --------
    >>> with sharing(Options()):
    ...     dist.is_initialized()
    False
    """
    if "RANK" not in os.environ:
        yield
        return
    device = device_of(options)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=os.environ.get(MEETING),
        rank=int(os.environ["RANK"]),
        world_size=int(os.environ["WORLD_SIZE"]),
    )
    yield
    dist.destroy_process_group()  # not after an error, which the others would meet as theirs


@contextmanager
def losing_others() -> Iterator[None]:
    """Wait to be ended when another process has gone: the command that started both tells why.

    Raises
    ------
    OSError
        If nobody has ended this process after half a minute.

    Examples
    --------
    >>> with losing_others():
    ...     raise RuntimeError("of another kind")
    Traceback (most recent call last):
    RuntimeError: of another kind
    """
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and "/gloo/" not in str(error):
            raise
        time.sleep(PATIENCE)
        raise OSError(f"the processes of this run lost each other: {error}") from None


def print_main(*words: object) -> None:
    """Print, in the first of the processes that share a run.

    Examples
    --------
    >>> print_main("epoch", 1)
    epoch 1
    """
    if rank() == 0:
        print(*words, flush=True)
