"""Link the names of chapters at the head of a module's reference, as in ``Page: *conv*``.

A docstring names them in a form that `help` can show; the site makes links of the names.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

__all__ = ["linked"]

PARAGRAPH = re.compile(r"^Pages?: .*?(?=\n\s*\n|\Z)", re.DOTALL | re.MULTILINE)
NAME = re.compile(r"\*([\w-]+)\*")


def linked(docstring: str) -> str:
    """Turn each name into a link; a name of no page fails the build.

    Examples
    --------
    >>> linked("Pages: *conv* and *pool*. Source: a book.")
    'Pages: :doc:`conv </conv>` and :doc:`pool </pool>`. Source: a book.'
    >>> linked("It runs *once*.")
    'It runs *once*.'
    """
    return PARAGRAPH.sub(lambda found: NAME.sub(r":doc:`\1 </\1>`", found[0]), docstring)


def link_chapters(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Go through the docstring of a module."""
    if what == "module":
        lines[:] = linked("\n".join(lines)).split("\n")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for every docstring."""
    app.connect("autodoc-process-docstring", link_chapters)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
