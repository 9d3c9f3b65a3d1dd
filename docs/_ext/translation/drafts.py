"""A draft: an edition that is translated in part, with English where the rest will be.

``nox -s docs -- --draft`` builds it; without ``--draft`` each missing message is a warning, and so
fails the build.
Every page of a draft that is not done begins with how much of it is translated.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polib
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.typing import ExtensionMetadata

from translation.catalogs import add_messages

__all__ = ["percentage", "progress"]

_ = get_translation("sphinx")

# Messages of sphinx.po.
WORDS = ("Draft: {0} % of this page is translated; the rest is in English.",)


def progress(path: Path) -> tuple[int, int]:
    """Count a catalog's messages that are translated, and all of its messages."""
    entries = [entry for entry in polib.pofile(str(path)) if not entry.obsolete]
    return sum(entry.translated() for entry in entries), len(entries)


def percentage(done: int, total: int) -> int:
    """Give a share in percent: 100 is said of what is complete, and of nothing else."""
    return 100 * done // total if total else 100


def mark(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Hand the template the sentence for a page that is not done."""
    path = Path(app.srcdir, "locale", app.config.language, "LC_MESSAGES", f"{page}.po")
    if app.config.draft and path.exists():
        share = percentage(*progress(path))
        context["draft"] = "" if share == 100 else _(WORDS[0]).format(share)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the sentence, and listen for every page."""
    add_messages(app, WORDS)
    app.connect("html-page-context", mark)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
