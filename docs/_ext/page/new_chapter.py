"""Begin a chapter: write its files in all four trees, its catalogs, and its entries in lists.

Usage: ``python -m page.new_chapter STEM``, which is what ``nox -s new_chapter -- STEM`` calls.
What is left to an author begins with "To write:"; ``tests/test_layout.py`` names each such place
until it is gone, and the build and the tests of the chapter fail at it.
"""

from __future__ import annotations

import keyword
import re
import sys
from pathlib import Path

from translation.tidy import tidy

__all__ = ["begin"]

ROOT = Path(__file__).parents[3]
TEMPLATES = Path(__file__).parent / "chapter"
FILES = {
    "module": "cnnguide/{}.py",
    "page": "docs/{}.md",
    "plot": "gallery/plot_{}.py",
    "draw": "gallery/draw_{}.py",
    "test": "tests/test_{}.py",
    "api": "docs/api/{}.rst",
}
CATALOGS = ("{}", "api/{}", "auto_examples/plot_{}", "auto_examples/draw_{}")


def begin(stem: str, root: Path = ROOT) -> list[str]:
    """Write all that a chapter needs; name the files that were written or changed."""
    if not re.fullmatch("[a-z][a-z0-9]*", stem) or keyword.iskeyword(stem):
        raise ValueError(f"a stem must be one word of small letters, as 'pool', got {stem!r}")
    chapters = reading_order(root)
    new = {**files(stem, chapters[-1]), **catalogs(stem, root)}
    for name in new:
        if (root / name).exists():
            raise ValueError(f"{name} exists; take another stem")
    new |= entries(stem, chapters, root)  # all is known before anything is written
    for name, text in new.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return [*new]


def reading_order(root: Path) -> list[str]:
    """List the stems of the chapters."""
    index = (root / "docs" / "index.md").read_text(encoding="utf-8")
    return index.partition(":name: reading-order\n\n")[2].partition("\n:::")[0].split()


def files(stem: str, before: str) -> dict[str, str]:
    """Give the texts of the chapter's own files, by name."""
    texts = {}
    for template, name in FILES.items():
        text = (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
        text = text.replace("STEM", stem).replace("TITLE", stem.capitalize())
        text = text.replace("RULE", "=" * len(f"``cnnguide.{stem}``"))
        texts[name.format(stem)] = text.replace("BEFORE", before)
    return texts


def catalogs(stem: str, root: Path) -> dict[str, str]:
    """Give catalogs in every language; `nox -s translate` will put the sentences in."""
    folders = sorted(p for p in (root / "docs" / "locale").iterdir() if p.is_dir())
    return {
        f"docs/locale/{folder.name}/LC_MESSAGES/{name.format(stem)}.po": tidy("", folder.name)
        for folder in folders
        for name in CATALOGS
    }


def entries(stem: str, chapters: list[str], root: Path) -> dict[str, str]:
    """Name the chapter wherever chapters are listed: after the last one of today."""
    last, count, order = chapters[-1], len(chapters), "\n".join(chapters)
    card = f"{count + 1}\\. {{ref}}`{stem.capitalize()} <{stem}>`: To write: the chapter in a line"
    places = [
        ("docs/index.md", rf"(?<=reading-order\n\n){order}\n", f"{stem}\n"),
        ("docs/index.md", rf"{count}\\\. {{ref}}`[^`]+<{last}>`.*\n", f"\n{card}\n"),
        ("docs/api/index.rst", rf"^   {last}\n", f"   {stem}\n"),
        ("CHANGELOG.md", r"^## .*\n\n", f"- To write: what the new chapter, *{stem}*, is about.\n"),
    ]
    texts = {name: (root / name).read_text(encoding="utf-8") for name, *_ in places}
    for name, before, entry in places:
        place = re.search(before, texts[name], re.MULTILINE)
        if place is None:
            raise ValueError(f"{name} has no place for {entry.strip()!r}: nothing is like {before}")
        texts[name] = f"{texts[name][: place.end()]}{entry}{texts[name][place.end() :]}"
    return texts


def main(arguments: list[str]) -> int:
    """Begin a chapter, and print what was written."""
    if len(arguments) != 1:
        print("usage: nox -s new_chapter -- STEM", file=sys.stderr)
        return 2
    try:
        written = begin(arguments[0])
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(written))
    print('\nWrite what begins with "To write:"; `nox -s tests -- tests/test_layout.py` lists it.')
    print("Then `nox -s translate` reads the sentences into the catalogs.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
