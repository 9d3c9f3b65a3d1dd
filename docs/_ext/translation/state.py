"""The directive ``{translation-state}``: how much of each language is translated, as of this build.

It counts the messages of the catalogs: first all of a language, then page by page what is not done.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from translation.catalogs import add_messages
from translation.drafts import percentage, progress
from translation.editions import editions

__all__ = ["State", "states"]

_ = get_translation("sphinx")

# Messages of sphinx.po.
WORDS = ("Language", "Translated", "Messages", "Share", "{0} %")


class State(NamedTuple):
    """What is done of a language, or of one of its pages."""

    name: str
    done: int
    total: int


def states(folder: Path, name: str) -> list[State]:
    """Count a language, and each page of it that is not complete.

    Parameters
    ----------
    folder : pathlib.Path
        The language's, with its catalogs in ``LC_MESSAGES``.
    name : str
        The language's.
    """
    catalogs = folder / "LC_MESSAGES"
    pages = [
        State(path.relative_to(catalogs).with_suffix("").as_posix(), *progress(path))
        for path in sorted(catalogs.rglob("*.po"))
    ]
    whole = State(name, sum(p.done for p in pages), sum(p.total for p in pages))
    return [whole, *(page for page in pages if page.done < page.total)]


class StateDirective(SphinxDirective):
    """``{translation-state}``, without arguments."""

    def run(self) -> list[nodes.Node]:
        """Write the table."""
        folder = Path(self.env.srcdir, "locale")
        rows = [tuple(map(_, WORDS[:4]))]
        for edition in editions()[1:]:
            for path in (folder / edition.language).rglob("*.po"):
                self.env.note_dependency(str(path))
            for state in states(folder / edition.language, edition.name):
                share = _(WORDS[4]).format(percentage(state.done, state.total))
                rows.append((state.name, f"{state.done:,}", f"{state.total:,}", share))
        head, *body = [nodes.row("", *map(entry, row)) for row in rows]
        columns = [nodes.colspec(colwidth=1) for _column in WORDS[:4]]
        group = nodes.tgroup("", *columns, nodes.thead("", head), nodes.tbody("", *body), cols=4)
        return [nodes.table("", group)]


def entry(text: str) -> nodes.entry:
    """Write a cell, whose words are in the edition's language already."""
    return nodes.entry("", nodes.paragraph("", text, translatable=False))


def pages_to_read_again(app: Sphinx, env: Any, added: Any, changed: Any, removed: Any) -> list[str]:
    """Have the pages with the table read again when there is another catalog."""
    locale = Path(env.srcdir, "locale")
    now = sorted(path.relative_to(locale).as_posix() for path in locale.rglob("*.po"))
    before = getattr(env, "cnnguide_catalogs", now)
    env.cnnguide_catalogs = now
    texts = ((name, Path(env.doc2path(name))) for name in env.found_docs if before != now)
    return [name for name, path in texts if "{translation-state}" in path.read_text("utf-8")]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive, and listen for the reading."""
    add_messages(app, WORDS)
    app.add_directive("translation-state", StateDirective)
    app.connect("env-get-outdated", pages_to_read_again)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
