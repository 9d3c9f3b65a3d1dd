"""An edition as a folder: every page, and what its pages show, to be opened without a server.

Usage: ``python -m offline.archive SITE EDITION``, as in ``python -m offline.archive SITE en``.
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

from cnnguide.checkpoint import replacing
from offline.shelf import FOLDER
from page.install_line import WHEEL
from translation.editions import address, published

__all__ = ["inward", "write_zip"]

SWITCH = re.compile(r'<nav class="language-switch".*?</nav>', re.DOTALL)
OUTWARD = re.compile(r'<a\b[^>]*?href="(?:\.\./)+(?!\.)([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)


def inward(text: str, depth: int) -> str:
    """Have a page lead to nothing that its folder lacks.

    A link out of the edition leads to the published site, if its address is known.
    Otherwise it becomes plain words, and the switch of languages goes.
    """
    up = "../" * (depth + 1)

    def mend(match: re.Match[str]) -> str:
        if f'href="{up}' not in match[0]:
            return match[0]
        return match[0].replace(f'href="{up}', f'href="{address()}') if published() else match[2]

    if not published():
        text = SWITCH.sub("", text)
    return OUTWARD.sub(mend, text)


def write_zip(site: Path, edition: str) -> Path:
    """Pack an edition, and the wheel that its install lines name."""
    packed = site / FOLDER / f"cnnguide-{edition}.zip"
    with replacing(packed) as file, zipfile.ZipFile(file, "w") as archive:
        for path in sorted((site / edition).rglob("*")):
            inside = path.relative_to(site / edition)
            if path.is_dir() or path.name.startswith((".buildinfo", "objects.inv")):
                continue
            name = f"cnnguide/{edition}/{inside.as_posix()}"
            if path.suffix == ".html":
                text = path.read_text(encoding="utf-8")
                archive.writestr(entry(name), inward(text, len(inside.parts) - 1))
            else:
                archive.writestr(entry(name), path.read_bytes())
        if (site / WHEEL).exists():
            archive.writestr(entry(f"cnnguide/{WHEEL}"), (site / WHEEL).read_bytes())
    return packed


def entry(name: str) -> zipfile.ZipInfo:
    """Name a file of the archive; without a date, the same pages give the same archive."""
    made = zipfile.ZipInfo(name)
    packed = name.endswith((".whl", ".woff2", ".webp", ".png", ".zip"))
    made.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
    return made


if __name__ == "__main__":
    print(write_zip(Path(sys.argv[1]), sys.argv[2]))
