"""The wheel that the site carries beside its editions, until a registry has the package.

Usage: ``python -m page.wheel SITE``.
The file is built anew only if something in it has changed.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from page.install_line import WHEEL, on_registry
from translation.editions import DOCS

__all__ = ["digest", "write_wheel"]

ROOT = DOCS.parent


def digest() -> str:
    """Add up what a wheel is made from: the package, and the files that describe it."""
    described = [ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    package = [p for p in (ROOT / "cnnguide").rglob("*") if p.is_file() and p.suffix != ".pyc"]
    total = hashlib.sha256()
    for path in [*described, *sorted(package)]:
        total.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def write_wheel(site: Path) -> None:
    """Put the wheel into the site, and take wheels of other versions away."""
    stamp = site.parent / "wheel.sha256"
    kept = stamp.read_text(encoding="utf-8") if stamp.exists() else ""
    if not on_registry() and not ((site / WHEEL).exists() and kept == digest()):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if done.returncode:
                sys.exit(done.stderr)
            (site / WHEEL).write_bytes((Path(folder) / WHEEL).read_bytes())
        stamp.write_text(digest(), encoding="utf-8")
    for wheel in site.glob("cnnguide-*.whl"):
        if on_registry() or wheel.name != WHEEL:
            wheel.unlink()


if __name__ == "__main__":
    write_wheel(Path(sys.argv[1]))
