"""How long does the site take to build? Cold, in a second language, unchanged, after a change.

Run it in the environment of ``nox -s docs``: ``python -m benchmarks.docs_build``.
The cold build runs every script and cell; the clock includes everything but the installation.
A change is one more line at the end of a page, or one line of a function that is written otherwise
and computes the same.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]


def copy_checkout(root: Path, copy: Path) -> None:
    """Copy what a clean checkout has, as it is now: the files that git tracks, and no others."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (root / name).exists():  # one may be deleted, and that not yet committed
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, copy / name)


# What `nox -s docs` writes when the editions are built; without an address the feed is left out.
BESIDE = ("translation.root_pages", "page.twins", "page.feed", "page.wheel", "page.moved")
# A line of `cnnguide.pool.avg_pool2d`, and another one that computes the same.
LINE, OTHER_LINE = "outside=0.0).mean((-2, -1))\n", "outside=0.0).mean(dim=(-2, -1))\n"


def timed(root: Path, *command: str) -> float:
    """Run a module of Python's in a copy of the repository; give the seconds that it took."""
    path = os.pathsep.join([str(root), str(root / "docs" / "_ext")])  # the library of the copy
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", *command],
        cwd=root,
        env={**os.environ, "PYTHONPATH": path},
        check=True,
    )
    return time.perf_counter() - start


def build(root: Path, language: str = "en") -> float:
    """Build an edition."""
    folder = language.split("_")[0]
    return timed(
        root,
        *("sphinx", "-b", "html", "-j", "auto", "-W", "--keep-going", "-q"),
        *("-D", f"language={language}", "-d", f"docs/_build/doctrees/{language}"),
        *("docs", f"docs/_build/html/{folder}"),
    )


def build_beside(root: Path) -> float:
    """Write what stands beside the editions."""
    return sum(timed(root, module, "docs/_build/html") for module in BESIDE)


def change_page(root: Path) -> None:
    """Change a page without a cell."""
    page = root / "docs" / "glossary.md"
    page.write_text(page.read_text(encoding="utf-8") + "\n", encoding="utf-8")


def change_function(root: Path) -> None:
    """Change a function that a page and a few scripts call.

    Raises
    ------
    ValueError
        If the function no longer has the line.
    """
    module = root / "cnnguide" / "pool.py"
    text = module.read_text(encoding="utf-8")
    if text.count(LINE) != 1:
        raise ValueError(f"{module.name} must hold {LINE!r} once, got {text.count(LINE)} times")
    module.write_text(text.replace(LINE, OTHER_LINE), encoding="utf-8")


def measure(root: Path) -> Iterator[tuple[str, float]]:
    """Name each build of a clean copy of the repository, and give its seconds."""
    yield "English, cold", build(root)
    yield "Chinese after it", build(root, "zh_CN")
    yield "what stands beside both", build_beside(root)
    yield "English, unchanged", build(root)
    change_page(root)
    yield "English, one page changed", build(root)
    change_function(root)
    yield "English, one function changed", build(root)


def main() -> None:
    """Time the builds, each after the one before, and print them as a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "copy")
        copy_checkout(ROOT, root)
        rows = [*measure(root)]
    print("| build | seconds | of the cold build |\n|---|---:|---:|")
    for name, seconds in rows:
        print(f"| {name} | {seconds:.1f} | {seconds / rows[0][1]:.1%} |")
    packages = ", ".join(f"{p} {version(p)}" for p in ("sphinx", "sphinx-gallery", "torch"))
    machine = platform.processor() or platform.machine()
    print(f"\n{machine}, Python {sys.version.split()[0]}, {packages}")


if __name__ == "__main__":
    main()
