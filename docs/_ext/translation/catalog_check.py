"""Check that a translation matches its message: nothing lost, nothing added, terms kept.

Usage: ``python -m translation.catalog_check [--list] [FOLDER]``; names each fault, and exits with 1
if there is one, unless it was only to list them.
The build of every edition but the English one runs the same checks, and a fault is a warning there;
what is not translated yet is no fault in a draft.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polib
from markdown_it import MarkdownIt
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

from translation.chinese import chinese_faults
from translation.drafts import percentage, progress
from translation.glossary import Term, glossary, term_faults
from translation.markup import spans, visible

__all__ = ["catalog_faults", "faults", "missing"]

logger = logging.getLogger(__name__)

LOCALE = Path(__file__).parents[2] / "locale"
COMMONMARK = MarkdownIt("commonmark")


def faults(
    message: str,
    translation: str,
    *,
    rst: bool,
    terms: dict[str, Term],
    language: str,
    is_glossary: bool = False,
) -> list[str]:
    """List what is wrong with one translation.

    Parameters
    ----------
    message, translation : str
        The English message and its translation, both in the page's markup.
    rst : bool
        Whether the markup is reStructuredText (docstrings, gallery scripts) or MyST Markdown.
    terms : dict of str to Term
        The glossary, by English name.
    language : str
        As Sphinx names it; what is checked of punctuation and left English is for Chinese.
    is_glossary : bool
        Whether the message stands in the glossary, which alone names other renderings.
    """
    if not translation.strip():
        return ["not translated"]
    problems = []
    before, after = spans(message), spans(translation)
    if is_glossary and message in terms:
        after = Counter({k: n for k, n in after.items() if not k.startswith("number")})
        before = Counter({k: n for k, n in before.items() if not k.startswith("number")})
    problems += [f"lost: {k}" for k in (before - after).elements()]
    problems += [f"added: {k}" for k in (after - before).elements()]
    prose = visible(translation, rst=rst)
    if language.startswith("zh"):
        problems += chinese_faults(message, translation, prose)
    if not rst:
        shown = COMMONMARK.renderInline(prose)
        if shown.count("*") > message.count("\\*") + len(re.findall(r"(?<=\s)\*(?=\s)", message)):
            problems.append(f"emphasis does not close: {shown!r}")
    if not is_glossary:
        problems += term_faults(message, translation, terms)
    return problems


def catalog_faults(
    path: Path, folder: Path, terms: dict[str, Term]
) -> Iterator[tuple[polib.POEntry, str]]:
    """Yield the faults of one catalog of a language's folder, each with its entry."""
    domain = path.relative_to(folder / "LC_MESSAGES").with_suffix("").as_posix()
    rst = domain.startswith(("api/", "auto_examples/"))
    for entry in polib.pofile(str(path)):
        if entry.obsolete:
            continue
        if entry.fuzzy:
            yield entry, "fuzzy: the message has changed since it was translated"
        for fault in faults(
            entry.msgid,
            entry.msgstr,
            rst=rst,
            terms=terms,
            language=folder.name,
            is_glossary=domain == "glossary",
        ):
            yield entry, fault


def missing(entry: polib.POEntry) -> bool:
    """Tell whether a message has yet to be translated, or to be translated anew."""
    return entry.fuzzy or not entry.msgstr.strip()


def report_faults(app: Sphinx) -> None:
    """Warn of every translation that does not match its message."""
    folder = Path(app.srcdir, "locale", app.config.language)
    if app.config.language == "en" or app.builder.name == "gettext":
        return
    terms = glossary(folder)
    for path in sorted(folder.rglob("*.po")):
        for entry, fault in catalog_faults(path, folder, terms):
            if app.config.draft and missing(entry):
                continue
            logger.warning("%s: %r", fault, entry.msgid[:80], location=f"{path}:{entry.linenum}")


def main(arguments: list[str]) -> int:
    """Print every fault, and how much of each language is done; 1 if there is a fault."""
    given = [Path(argument) for argument in arguments if argument != "--list"]
    found = [print_faults(folder) for folder in given or sorted(LOCALE.glob("*"))]
    return 1 if any(found) and "--list" not in arguments else 0


def print_faults(folder: Path) -> int:
    """Print the faults of one language, and count them."""
    count, done, total = 0, 0, 0
    terms = glossary(folder)
    for path in sorted(folder.rglob("*.po")):
        translated, messages = progress(path)
        done, total = done + translated, total + messages
        if messages and not translated:
            print(f"{path}: nothing is translated yet, of {messages} messages")
            count += messages
            continue
        for entry, fault in catalog_faults(path, folder, terms):
            print(f"{path}:{entry.linenum}: {fault}\n    {entry.msgid[:100]!r}")
            count += 1
    if count:
        print(f"{folder.name}: {done:,} of {total:,} messages ({percentage(done, total)} %)")
    return count


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the start of the build."""
    app.connect("builder-inited", report_faults)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
