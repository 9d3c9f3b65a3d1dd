"""Forget cached figures and cells when the library has changed.

sphinx-gallery and jupyter-cache look at a script or a page alone.
What they show also depends on the library, on conf.py and on the versions of torch and matplotlib,
so the caches are dropped whenever one of these changes.
"""

from __future__ import annotations

import hashlib
import shutil
from importlib.metadata import version
from pathlib import Path

__all__ = ["fingerprint", "forget_if_changed"]

DOCS = Path(__file__).parents[1]
PACKAGES = ("torch", "torchvision", "matplotlib", "sphinx-gallery", "myst-nb")


def fingerprint() -> str:
    """Hash everything besides the scripts and pages that their outputs depend on."""
    digest = hashlib.sha256()
    sources = [*DOCS.parent.glob("cnnguide/**/*.py"), *DOCS.glob("_ext/*.py"), DOCS / "conf.py"]
    for path in sorted(sources):
        digest.update(path.name.encode() + path.read_bytes())
    for package in PACKAGES:
        digest.update(f"{package} {version(package)}".encode())
    return digest.hexdigest()


def forget_if_changed(build: Path) -> str:
    """Drop both caches if the fingerprint is not the one that they were made under."""
    key, stamp = fingerprint(), build / "fingerprint.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != key:
        for md5 in DOCS.glob("auto_examples/**/*.md5"):
            md5.unlink()
        shutil.rmtree(build / "jupyter_cache", ignore_errors=True)
        build.mkdir(parents=True, exist_ok=True)
        stamp.write_text(key, encoding="utf-8")
    return key
