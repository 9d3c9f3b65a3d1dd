"""What a user runs: ``cnnguide train``, ``data``, ``check`` and the others print and parse here."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import cnnguide.data  # not as data, which is a command here
from cnnguide import results

__all__ = [
    "MARK",
    "add_run",
    "command_line",
    "counted",
    "end",
    "end_marked",
    "end_with_parent",
    "load_cifar10",
    "locking",
    "stopping",
]

#: An environment variable that all processes inherit that a reader's file starts under ``check``.
MARK = "CNNGUIDE_CHECK"


def command_line(name: str, arguments: Sequence[str] | None = None) -> str:
    """Write a command as whoever reads it can type it: by nox, if nox has started this one.

    nox has ``cnnguide`` in an environment of its own, where a shell does not find it. The variable
    ``CNNGUIDE_SESSIONS``, which `noxfile.py` sets, tells which session runs which command.

    Parameters
    ----------
    name : str
        Of the command.
    arguments : sequence of str, optional
        What follows. An empty one gives the beginning that any could follow.

    Examples
    --------
    >>> command_line("predict", ["--run", "runs/cats", "PICTURE"])
    'cnnguide predict --run runs/cats PICTURE'
    """
    pairs = os.environ.get("CNNGUIDE_SESSIONS", "").split()
    session = dict(pair.split("=") for pair in pairs).get(name)
    words = ["cnnguide", name] if session is None else ["nox", "-s", session]
    if session is not None and arguments is not None:
        words.append("--")
    words += arguments or []
    # the shells of Windows have quotes of their own
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def counted(number: int, noun: str) -> str:
    """Write how many there are of something.

    Parameters
    ----------
    number : int
        From 0 on.
    noun : str
        Of one of them; its plural must end in s.

    Examples
    --------
    >>> counted(1, "epoch"), counted(5625, "step"), counted(2, "class")
    ('1 epoch', '5,625 steps', '2 classes')
    """
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}{'es' if noun.endswith('s') else 's'}"


def load_cifar10(which: str) -> cnnguide.data.Cifar10:
    """Load CIFAR-10, or name the command that fetches it.

    Parameters
    ----------
    which : str
        ``"full"`` or ``"sample"``, as `cnnguide.data.load` takes it.

    Raises
    ------
    FileNotFoundError
        If the full set is not in the cache.

    Examples
    --------
    >>> len(load_cifar10("sample").train_labels)
    5000
    """
    try:
        return cnnguide.data.load(which)
    except FileNotFoundError as error:
        here = str(error).replace("`cnnguide data`", f"`{command_line('data')}`")
        raise FileNotFoundError(here) from None


@contextmanager
def stopping() -> Iterator[None]:
    """Treat SIGTERM and a terminal that is closed as Ctrl-C, so that what is begun is cleared up.

    A signal that is ignored stays so: ``nohup`` has a command outlive its terminal.

    Examples
    --------
    >>> try:
    ...     with stopping():
    ...         signal.raise_signal(signal.SIGTERM)
    ... except KeyboardInterrupt as stop:
    ...     stop.args
    (15,)
    """

    def stop(number: int, _: object) -> None:
        raise KeyboardInterrupt(number)

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has one
    before = {getattr(signal, name): signal.getsignal(getattr(signal, name)) for name in names}
    heeded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])


@contextmanager
def locking(*folders: Path, wait: bool = False) -> Iterator[None]:
    """Keep other runs away from folders, which are made if need be.

    The system ends it with the process. On Windows there is no such lock.

    Raises
    ------
    ValueError
        If another run has one of them, unless that is waited for.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     for run in ("first", "second"):
    ...         with locking(Path(name)):
    ...             print(run)
    first
    second
    """
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        yield
        return
    with ExitStack() as opened:
        for folder in dict.fromkeys(folders):
            folder.mkdir(parents=True, exist_ok=True)
            number = os.open(folder, os.O_RDONLY)
            opened.callback(os.close, number)
            try:
                fcntl.flock(number, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise ValueError(f"another run writes to {folder}; name another --output") from None
        yield


def add_run(stem: str, run: dict[str, Any], units: dict[str, str], *, folder: Path) -> None:
    """Add a run to a record of results, one command after another.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     for seed in (0, 1):
    ...         add_run("train", {"seed": seed}, {}, folder=Path(name))
    ...     results.load("train", folder=Path(name))["runs"]
    [{'seed': 0}, {'seed': 1}]
    """
    with locking(folder, wait=True):
        record = results.load(stem, folder=folder) or {"units": units, "runs": []}
        record["runs"].append(run)
        results.save(stem, record, folder=folder)


def end(process: subprocess.Popen) -> None:
    """End a process that was started with `start_new_session`, and all that it started.

    Examples
    --------
    >>> import sys
    >>> process = subprocess.Popen([sys.executable, "-c", "while 1: 0"], start_new_session=True)
    >>> end(process)
    >>> process.returncode != 0
    True
    """
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def end_marked(mark: str) -> None:
    """End the other processes whose environment has the value `mark` of `MARK`.

    They may have left the session of the process that started them. Linux alone shows them.

    Examples
    --------
    >>> import sys
    >>> command = [sys.executable, "-c", "while 1: 0"]
    >>> process = subprocess.Popen(command, env={**os.environ, MARK: "7"}, start_new_session=True)
    >>> while process.poll() is None and Path("/proc/self/environ").exists():
    ...     end_marked("7")
    >>> end(process)
    >>> process.returncode != 0
    True
    """
    wanted = f"{MARK}={mark}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        number = int(path.parent.name)
        with suppress(OSError):  # it has ended, or is somebody else's
            if number != os.getpid() and wanted in path.read_bytes().split(b"\0"):
                os.kill(number, signal.SIGKILL)


def end_with_parent(parent: int) -> None:
    """End this process, and all that it starts, once its parent is gone; not on Windows.

    The thread that looks holds no lock while it sleeps, so a fork copies none that is taken.

    Examples
    --------
    >>> end_with_parent(os.getppid())  # doctest: +SKIP
    """
    if not hasattr(os, "killpg"):  # Windows
        return

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        if MARK in os.environ:
            end_marked(os.environ[MARK])
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=look, daemon=True).start()
