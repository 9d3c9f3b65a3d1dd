"""Files that are whole or not there: written beside, then moved into place.

Page: *train*.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["replacing"]


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
