"""Where the guide's files are kept: a link to edit each page, and the line that fetches a copy.

CNNGUIDE_REPOSITORY names the public repository on GitHub (``owner/name``) while the site is built;
``.github/workflows/pages.yml`` sets it. Without it, no page has such a link or line.

A page of the gallery leads to its script, a page of the reference to its module, and any other to
its Markdown. In a translated edition the link leads to the page's catalog: what a reader of Chinese
sees and wants to mend is a Chinese sentence, and those stand there. A fault of the English text is
one switch of the language away from its own link.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from translation.catalogs import add_messages

__all__ = ["CloneDirective", "edit_link", "repository", "source_of"]

_ = get_translation("sphinx")

# A message of sphinx.po.
WORDS = ("Edit this page",)
ROOT = Path(__file__).parents[3]
BRANCH = "main"  # from which pages.yml publishes


def repository() -> str:
    """Give the address of the repository, or nothing."""
    name = os.environ.get("CNNGUIDE_REPOSITORY", "")
    if not name:
        return ""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise ValueError(f"CNNGUIDE_REPOSITORY must be owner/name, got {name!r}")
    return f"https://github.com/{name}"


def source_of(page: str, *, language: str = "en", root: Path = ROOT) -> str:
    """Give the file that a contributor changes to change a page, or nothing.

    Parameters
    ----------
    page : str
        As Sphinx names it, such as ``auto_examples/plot_conv``.
    language : str
        Of the edition.
    root : pathlib.Path
        Of the repository.

    Returns
    -------
    str
        A path in the repository; nothing for a page that has no file of its own, as the search.
    """
    reference = root / "docs" / f"{page}.rst"
    source = f"docs/{page}.md"
    if page.startswith("auto_examples/"):
        name = page.removeprefix("auto_examples/")
        source = "gallery/GALLERY_HEADER.rst" if name == "index" else f"gallery/{name}.py"
    elif reference.exists():
        source = f"docs/{page}.rst"
        module = re.search(r"^\.\. automodule:: (\S+)$", reference.read_text("utf-8"), re.M)
        if module:
            path = module[1].replace(".", "/")
            source = f"{path}.py" if (root / f"{path}.py").exists() else f"{path}/__init__.py"
    if not (root / source).is_file():
        return ""
    catalog = f"docs/locale/{language}/LC_MESSAGES/{page}.po"
    return catalog if (root / catalog).is_file() else source


def edit_link(page: str, *, language: str = "en", root: Path = ROOT) -> str:
    """Give the address at which a page's file is changed; nothing without a repository."""
    source = source_of(page, language=language, root=root)
    return f"{repository()}/edit/{BRANCH}/{source}" if repository() and source else ""


class CloneDirective(SphinxDirective):
    """Shows the line that fetches a copy of the repository, where its address is known."""

    def run(self) -> list[nodes.Node]:
        """Write the block, or nothing."""
        if not repository():
            return []
        line = f"git clone {repository()}"
        return [nodes.literal_block(line, line, language="sh")]


def add_link(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Hand the template the link and its words."""
    context["edit_link"] = edit_link(
        page, language=app.config.language, root=Path(app.srcdir).parent
    )
    context["edit_words"] = _(WORDS[0])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the words and the directive, and listen for every page."""
    add_messages(app, WORDS)
    # all pages are written anew for another repository
    app.add_config_value("repository_address", repository(), "env", types=frozenset({str}))
    app.add_directive("clone", CloneDirective)
    app.connect("html-page-context", add_link)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
