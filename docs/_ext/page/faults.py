"""Tell of a cell that failed: its page and line, the code there, and the exception."""

from __future__ import annotations

import logging as python_logging
import re
from pathlib import Path

from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

__all__ = ["explain"]

logger = logging.getLogger(__name__)

COLOURS = re.compile(r"\x1b\[[\d;]*m")
CELL = re.compile(r"the following cell:\n-{10,}\n(.*?)\n-{10,}\n(.*)", re.DOTALL)
PLACE = re.compile(r"^ *Cell In\[\d+\], line (\d+)$", re.MULTILINE)
KIND = re.compile(r"^(\w+) +Traceback \(most recent call last\)$", re.MULTILINE)


def explain(page: str, traceback: str) -> tuple[int, str]:
    """Give the line of a page whose cell failed, and what is to be said about it.

    The traceback is nbclient's: the cell between two rules, then IPython's frames, the reader's own
    line first, and the exception last.
    """
    failed = CELL.search(COLOURS.sub("", traceback))
    if failed is None:  # no cell raised: the kernel died, or time was up
        return 1, COLOURS.sub("", traceback).strip().rpartition("\n")[2]
    cell, frames = failed.groups()
    place = PLACE.search(frames)
    line = page[: max(page.find(cell), 0)].count("\n") + (int(place[1]) if place else 1)
    kind = KIND.search(frames)  # what cannot be parsed has no frames
    words = [*re.finditer(rf"^{kind[1] if kind else 'SyntaxError'}\b", frames, re.MULTILINE)]
    exception = frames[words[-1].start() :] if words else frames
    return line, f"{page.splitlines()[line - 1].strip()}\n{exception.strip()}"


def is_explained(record: python_logging.LogRecord) -> bool:
    """Tell a warning of MyST-NB's that a cell failed, which `tell` says better."""
    kind = getattr(record, "type", ""), getattr(record, "subtype", "")
    return kind == ("mystnb", "exec")


def silence(app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
    """Leave MyST-NB's own warnings of a failed cell out, while pages are read."""
    for handler in python_logging.getLogger("sphinx").handlers:
        handler.filters.insert(0, lambda record: not is_explained(record))


def failures(env: BuildEnvironment) -> dict[str, str]:
    """Give the traceback of every page whose cells failed when it was read."""
    found = {}
    for name in sorted(env.found_docs):
        record = NbMetadataCollector.get_doc_data(env)[name].get("exec_data") or {}
        if record.get("traceback"):
            found[name] = record["traceback"]
    return found


def tell(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of each page with a cell that failed."""
    for name, traceback in failures(env).items():
        page = Path(env.doc2path(name)).read_text(encoding="utf-8")
        line, words = explain(page, traceback)
        logger.warning("a cell failed: %s", words, location=(name, line))


def read_again(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Have pages read again until their cells pass."""
    return [*failures(env)]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen before and after the reading."""
    app.connect("env-get-outdated", read_again)
    app.connect("env-before-read-docs", silence)
    app.connect("env-updated", tell)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
