"""How long does the site take to build? Cold, in a second language, unchanged, after a change.

Run it in the environment of ``nox -s docs``: ``python -m benchmarks.docs_build``.
The cold build runs every script and cell; the clock includes everything but the installation.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]


def built(folder: str, names: list[str]) -> set[str]:
    """Name what a clean checkout does not have."""
    made = {"_build", "auto_examples", "gen_backrefs"} if folder == str(ROOT / "docs") else set()
    return (made | {".git", ".nox", "runs"}) & {*names}


def build(root: Path, language: str = "en") -> float:
    """Build an edition in a copy of the repository; give the seconds that it took."""
    folder = language.split("_")[0]
    start = time.perf_counter()
    subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-q", "-W", "-j", "auto"),
            *("-D", f"language={language}", "-d", f"docs/_build/doctrees/{language}"),
            *("docs", f"docs/_build/html/{folder}"),
        ],
        cwd=root,
        check=True,
    )
    return time.perf_counter() - start


def main() -> None:
    """Time the builds, each after the one before, and print them as a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "copy")
        shutil.copytree(ROOT, root, ignore=built)
        rows = [
            ("English, cold", build(root)),
            ("Chinese after it", build(root, "zh_CN")),
            ("English, unchanged", build(root)),
        ]
        page = root / "docs" / "glossary.md"
        page.write_text(page.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        rows.append(("English, one page changed", build(root)))
    print("| build | seconds | of the cold build |\n|---|---:|---:|")
    for name, seconds in rows:
        print(f"| {name} | {seconds:.1f} | {seconds / rows[0][1]:.1%} |")
    packages = ", ".join(f"{p} {version(p)}" for p in ("sphinx", "sphinx-gallery", "torch"))
    machine = platform.processor() or platform.machine()
    print(f"\n{machine}, Python {sys.version.split()[0]}, {packages}")


if __name__ == "__main__":
    main()
