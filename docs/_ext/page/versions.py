"""The line at the foot of every page: which version of the guide it is, and with what it ran.

Where the site knows its address, the line leads to the list of all versions at its root, which
``translation.root_pages`` writes; the site of a release leads to the list above its folder.
"""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.typing import ExtensionMetadata

from translation.catalogs import add_messages
from translation.editions import newest_address, published

__all__: list[str] = []

_ = get_translation("sphinx")

# Messages of sphinx.po; the first is also said under the title of a chapter.
WORDS = (
    "checked with Python {0}, torch {1}, torchvision {2}",
    "How far the translation is",
    "All versions",
)


def versions() -> list[str]:
    """Give the versions of Python and of the packages that the site was built with."""
    return [platform.python_version(), version("torch"), version("torchvision")]


def add_versions(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Hand the template the line, and the words of the link beside it."""
    checked = _(WORDS[0]).format(*versions())
    context["versions"] = f"{app.config.project} {app.config.release}, {checked}"
    context["translation_link"] = _(WORDS[1])
    context["versions_link"] = f"{newest_address()}versions.html" if published() else ""
    context["versions_words"] = _(WORDS[2])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the words, and listen for every page."""
    add_messages(app, WORDS)
    # all pages are written anew with another version
    app.add_config_value("checked_versions", versions(), "html")
    app.connect("html-page-context", add_versions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
