"""What a user runs: ``cnnguide train``, ``data``, ``check`` and the others print and parse here."""

from __future__ import annotations

import os
import signal
import threading
import time

__all__ = ["end_with_parent"]


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
