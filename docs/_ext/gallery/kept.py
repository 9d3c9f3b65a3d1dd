"""Keep what takes long to make of figures, packed pictures and cut fonts, for all later builds.

A file is named by the sum of all that its content depends on, so what is kept is right or unknown.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from cnnguide.checkpoint import replacing

__all__ = ["forget_unused", "kept"]

KEPT = Path(__file__).parents[2] / "_build" / "kept"
MONTH = 30 * 24 * 3600  # in seconds


def kept(make: Callable[[], bytes], *told: bytes | str) -> bytes:
    """Make something, unless the same was made before.

    Parameters
    ----------
    make : callable
        Makes it.
    told : bytes or str
        All that the result depends on: what it is made of, the code and the versions that make it.
    """
    digest = hashlib.sha256()
    for part in told:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))  # "ab" and "c" are not "a" and "bc"
        digest.update(data)
    path = KEPT / digest.hexdigest()
    if path.exists():
        path.touch()
    else:
        with replacing(path) as file:
            file.write(make())
    return path.read_bytes()


def forget_unused() -> None:
    """Delete what no build has asked for in a month."""
    for path in KEPT.glob("*"):
        if path.stat().st_mtime < time.time() - MONTH:
            path.unlink(missing_ok=True)
