"""What a user runs: ``cnnguide train``, ``data``, ``check`` and the others print and parse here."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["end", "end_with_parent", "stopping_on_sigterm"]


@contextmanager
def stopping_on_sigterm() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C, so that what is begun is cleared up.

    Examples
    --------
    >>> try:
    ...     with stopping_on_sigterm():
    ...         signal.raise_signal(signal.SIGTERM)
    ... except KeyboardInterrupt as stop:
    ...     stop.args
    (15,)
    """

    def stop(number: int, _: object) -> None:
        raise KeyboardInterrupt(number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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


def end_with_parent(parent: int) -> None:
    """End this process, and all that it starts, once its parent is gone.

    The thread that looks holds no lock while it sleeps, so a fork copies none that is taken.

    Examples
    --------
    >>> end_with_parent(os.getppid())  # doctest: +SKIP
    """

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=look, daemon=True).start()
