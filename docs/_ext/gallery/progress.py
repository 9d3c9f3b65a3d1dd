"""Show how far a build is: the scripts and pages that have run, the pages read and written.

``sphinx-build -q`` hides Sphinx's own log, which has hundreds of lines; this takes its place.
A terminal shows one line, which is written over.
What is no terminal, such as the log of CI, gets a line for each script or page that has run, and
one for each tenth of the pages that have been read or written.
At the end both get the names of the scripts that took longer than the gallery's rule allows; no
test holds it, because the same script takes longer on a computer that has other work.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Set
from multiprocessing import get_context, get_start_method
from typing import TextIO

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.parallel import parallel_available
from sphinx.util.typing import ExtensionMetadata

from gallery import freshness

__all__ = ["Count", "Line", "Runs"]

LIMIT = 20  # seconds for a script on two cores that do nothing else


class Line:
    """The line of a terminal, or lines where there is none."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.is_terminal = stream, stream.isatty()

    def show(self, text: str) -> None:
        """Show a text in the place of the one before, or below it."""
        # the cursor goes back to the start, so that a warning is written over the line
        self.stream.write(f"\x1b[2K{text[:79]}\r" if self.is_terminal else f"{text}\n")
        self.stream.flush()

    def keep(self, text: str) -> None:
        """Show a text that stays."""
        self.stream.write(f"\x1b[2K{text}\n" if self.is_terminal else f"{text}\n")
        self.stream.flush()

    def clear(self) -> None:
        """Leave an empty line in a terminal."""
        if self.is_terminal:
            self.show("")


class Runs(logging.Handler):
    """Shows what `freshness` tells of its runs, which end in any order."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self.line, self.ended, self.total = line, 0, 0
        self.long: list[str] = []  # the scripts that took too long

    def emit(self, record: logging.LogRecord) -> None:
        """Show the start of all runs, or the end of one."""
        kind, args = str(record.msg).partition(" %")[0], record.args
        if not isinstance(args, tuple) or kind not in ("running", "ran", "could not run"):
            return  # MyST-NB writes into the same log
        if kind == "running":
            self.ended, self.total = 0, int(str(args[0]))
            self.line.show(f"{self.total} scripts and pages have to run")
            return
        self.ended += 1
        end = f"({args[1]:.1f} s)" if kind == "ran" else "failed; it runs again to tell why"
        name = str(args[0]).rpartition("/")[2]
        self.line.show(f"script or page {self.ended} of {self.total}: {name} {end}")
        if kind == "ran" and name.startswith(("plot_", "draw_")) and float(str(args[1])) > LIMIT:
            self.long.append(f"{name} {end}")


class Count:
    """Counts pages, also those of processes that are forked from this one."""

    def __init__(self, line: Line, verb: str) -> None:
        self.line, self.verb, self.total = line, verb, 0
        method = "fork" if parallel_available else get_start_method()
        self.done = get_context(method).Value("i", 0)

    def begin(self, total: int) -> None:
        """Count from the start."""
        self.done.value, self.total = 0, total

    def add(self) -> None:
        """Count one more, and show it."""
        with self.done.get_lock():
            self.done.value += 1
            done = self.done.value
            tenth = 10 * done // max(self.total, 1) > 10 * (done - 1) // max(self.total, 1)
            if self.line.is_terminal or tenth:
                self.line.show(f"{self.verb} {done} of {self.total} pages")


def show(app: Sphinx) -> None:
    """Listen to a quiet build."""
    if not app.quiet:
        return
    line = Line(sys.stdout)
    read, written, runs = Count(line, "read"), Count(line, "wrote"), Runs(line)
    logger = logging.getLogger(f"sphinx.{freshness.__name__}")
    logger.addHandler(runs)

    def begin_to_read(app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
        read.begin(len(names))

    def count_read(app: Sphinx, page: nodes.document) -> None:
        read.add()

    def count_written(app: Sphinx, page: nodes.document, name: str) -> None:
        written.add()

    def end(app: Sphinx, error: Exception | None) -> None:
        logger.removeHandler(runs)
        line.clear()
        if runs.long:
            line.keep(f"scripts that took longer than {LIMIT} seconds: {', '.join(runs.long)}")

    write = app.builder.write_documents

    def begin_to_write(names: Set[str]) -> None:
        written.begin(len(names))
        write(names)

    app.builder.write_documents = begin_to_write  # type: ignore[assignment]
    app.connect("env-before-read-docs", begin_to_read)
    app.connect("doctree-read", count_read)
    app.connect("doctree-resolved", count_written)
    app.connect("build-finished", end)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the start of the build, before anything runs."""
    app.connect("builder-inited", show, priority=300)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
