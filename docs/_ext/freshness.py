"""Forget cached figures and cells when the library has changed.

sphinx-gallery and jupyter-cache look at a script or a page alone.
What they show also depends on the library with its data and results, on conf.py, and on the
versions of torch and matplotlib, so the caches are dropped whenever one of these changes.
Our extensions change how a page is made of its outputs, but not the outputs: a change there has
every page read again, and runs nothing.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

__all__ = ["fingerprint", "forget_if_changed"]

OURS = Path(__file__).parent
DOCS = OURS.parent
PACKAGES = ("torch", "torchvision", "matplotlib", "sphinx-gallery", "myst-nb")


def fingerprint(paths: Iterable[Path]) -> str:
    """Hash files, and the versions of the packages that outputs depend on."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + path.read_bytes())
    for package in PACKAGES:
        digest.update(f"{package} {version(package)}".encode())
    return digest.hexdigest()


def forget_if_changed(build: Path) -> str:
    """Drop both caches if the fingerprint is not the one that they were made under.

    Returns the fingerprint of all that a page depends on besides its own text.
    """
    library = [
        path
        for path in DOCS.parent.glob("cnnguide/**/*")  # its data and measured results as well
        if path.is_file() and "__pycache__" not in path.parts
    ]
    running = [*library, DOCS / "conf.py", OURS / "gallery_figures.py"]
    key, stamp = fingerprint(running), build / "fingerprint.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != key:
        for md5 in DOCS.glob("auto_examples/**/*.md5"):
            md5.unlink()
        shutil.rmtree(build / "jupyter_cache", ignore_errors=True)
        build.mkdir(parents=True, exist_ok=True)
        stamp.write_text(key, encoding="utf-8")
    return key + fingerprint(OURS.glob("*.py"))
