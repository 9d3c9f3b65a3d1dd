"""Write catalogs in one form, so that a changed sentence changes the lines of that sentence alone.

Usage: ``python -m translation.tidy [FILE | FOLDER ...]``; without an argument, all catalogs.

A message stands on one line however long it is, the header has nothing that changes from day to
day, and of the flags only ``fuzzy`` is kept: the checks of `catalog_check` do what the others are
for.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polib
from babel import Locale
from babel.messages.plurals import get_plural

__all__ = ["tidy"]

LOCALE = Path(__file__).parents[2] / "locale"


def header(language: str) -> dict[str, str]:
    """Give the fields of a catalog's header: what programs need, and nothing of who or when."""
    return {
        "Project-Id-Version": "cnnguide",
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": get_plural(Locale.parse(language)).plural_forms,
    }


def tidy(text: str, language: str) -> str:
    """Write a catalog's text in the one form.

    Messages keep their order, translators' comments and the marks that something has changed;
    obsolete ones go.
    """
    catalog = polib.pofile(text, wrapwidth=0)  # no line is broken
    catalog.header = ""
    catalog.metadata = header(language)
    catalog.metadata_is_fuzzy = []
    for entry in catalog.obsolete_entries():
        catalog.remove(entry)
    for entry in catalog:
        entry.flags = [flag for flag in entry.flags if flag == "fuzzy"]
        entry.occurrences = []
        entry.comment = ""
    # polib begins with an empty comment
    return str(catalog).removeprefix("#\n").rstrip("\n") + "\n"


def catalogs(folder: Path) -> list[Path]:
    """List the catalogs below a folder; a file is a list of one."""
    return [folder] if folder.is_file() else sorted(folder.rglob("*.po"))


def main(places: list[str]) -> int:
    """Tidy files, and name those that were not tidy."""
    for path in (p for place in places or [str(LOCALE)] for p in catalogs(Path(place))):
        parts = path.resolve().parts
        language = parts[parts.index("LC_MESSAGES") - 1]
        old = path.read_text(encoding="utf-8")
        if (new := tidy(old, language)) != old:
            path.write_text(new, encoding="utf-8")
            print(f"tidied {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
