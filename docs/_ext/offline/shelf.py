"""The directive ``{offline}``: links to the files of this edition, if they have been made.

``nox -s offline`` makes them; a site without them says so, and has no dead link.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from translation.catalogs import add_messages
from translation.editions import editions

__all__ = ["FOLDER", "KINDS"]

_ = get_translation("sphinx")

FOLDER = "offline"  # of the site
# Messages of sphinx.po.
KINDS = {
    "zip": "These pages as a folder: unpack it, and open {0} in a browser (zip, {1} MB)",
    "epub": "A book for an e-reader (EPUB, {1} MB)",
    "pdf": "A book to print (PDF, {1} MB)",
}
NONE = "This copy of the site comes without these files; {0} makes them."


class offline(nodes.General, nodes.Element):
    """The place of the links."""


class OfflineDirective(SphinxDirective):
    """``{offline}`` takes nothing."""

    def run(self) -> list[nodes.Node]:
        """Keep the place."""
        return [offline("")]


def files(app: Sphinx) -> list[tuple[str, str, int]]:
    """List the edition's files: kind, name and size in bytes."""
    folder = next(e.folder for e in editions() if e.language == app.config.language)
    paths = [Path(app.outdir).parent / FOLDER / f"cnnguide-{folder}.{kind}" for kind in KINDS]
    return [(p.suffix[1:], p.name, p.stat().st_size) for p in paths if p.exists()]


def visit_offline(translator: Any, node: offline) -> None:
    """Write the links; a book says nothing of them."""
    app = translator.builder.app
    if app.builder.name != "html":
        raise nodes.SkipNode
    up = "../" * (translator.builder.current_docname.count("/") + 1)
    rows = []
    for kind, name, size in files(app):
        start = f"<code>{Path(app.outdir).name}/index.html</code>"
        words = html.escape(_(KINDS[kind])).format(start, f"{size / 1e6:.0f}")
        rows.append(f'<li><p><a href="{up}{FOLDER}/{name}">{words}</a></p></li>')
    none = html.escape(_(NONE)).format("<code>nox -s offline</code>")
    made = f'<ul class="offline">{"".join(rows)}</ul>' if rows else f'<p class="offline">{none}</p>'
    translator.body.append(made)
    raise nodes.SkipNode


def pages_to_read_again(app: Sphinx, env: Any, added: Any, changed: Any, removed: Any) -> list[str]:
    """Have the pages with the links written again when the files are others."""
    if app.builder.name != "html":
        return []
    before, now = getattr(env, "cnnguide_offline_files", None), files(app)
    env.cnnguide_offline_files = now
    texts = ((name, env.doc2path(name)) for name in env.found_docs)
    return [] if before == now else [n for n, p in texts if "{offline}" in p.read_text("utf-8")]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    add_messages(app, (*KINDS.values(), NONE))
    app.add_node(offline, html=(visit_offline, None))
    app.add_directive("offline", OfflineDirective)
    app.connect("env-get-outdated", pages_to_read_again)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
