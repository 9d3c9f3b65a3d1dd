"""Take out of Sphinx's script the one line that a strict content policy forbids.

``doctools.js`` makes a function of the words in which a catalog describes its plurals.
No page of ours asks it for a plural, so the function that stands there before is kept.
"""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

__all__ = ["without_evaluation"]

EVALUATION = re.compile(r"\n *Documentation\.PLURAL_EXPR = new Function\([^;]*\);")


def without_evaluation(script: str) -> str:
    r"""Leave out what evaluates words as code.

    Raises
    ------
    ValueError
        If there is no such line, or another one is left.

    Examples
    --------
    >>> without_evaluation('a;\n  Documentation.PLURAL_EXPR = new Function("n", "return 0");\nb;')
    'a;\nb;'
    """
    kept, count = EVALUATION.subn("", script)
    if count != 1 or "new Function" in kept:
        raise ValueError("Sphinx's doctools.js has changed: see page/policy.py")
    return kept


def mend_script(app: Sphinx, error: Exception | None) -> None:
    """Write the script anew, after Sphinx has copied it."""
    script = Path(app.outdir, "_static", "doctools.js")
    if error is None and app.builder.name == "html":
        text = script.read_text(encoding="utf-8")
        if "new Function" in text:
            script.write_text(without_evaluation(text), encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the end of the build."""
    app.connect("build-finished", mend_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
