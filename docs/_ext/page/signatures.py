"""Write each parameter of a long signature on a line of its own, in words that a list may hold.

Sphinx makes a list of definitions without terms of them, which screen readers announce wrongly.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

__all__ = ["as_lines"]

SIGNATURE = re.compile(r'<dt class="sig\b.*?</dt>', re.DOTALL)
LIST = {
    "<dl>": '<span class="sig-lines">',
    "<dd>": '<span class="sig-line">',
    "</dl>": "</span>",
    "</dd>": "</span>",
}


def as_lines(page: str) -> str:
    """Turn the lists inside the signatures of a page into lines.

    Examples
    --------
    >>> as_lines('<dt class="sig">f(<dl><dd>x</dd></dl>)</dt>')
    '<dt class="sig">f(<span class="sig-lines"><span class="sig-line">x</span></span>)</dt>'
    """
    lists = re.compile("|".join(LIST))
    return SIGNATURE.sub(lambda found: lists.sub(lambda tag: LIST[tag[0]], found[0]), page)


def write_lines(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Go through the signatures of a page."""
    if "body" in context:
        context["body"] = as_lines(context["body"])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for every page, and set from which width a signature has lines."""
    # In conf.py, this would rerun every script.
    app.config.maximum_signature_line_length = 60
    app.connect("html-page-context", write_lines)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
