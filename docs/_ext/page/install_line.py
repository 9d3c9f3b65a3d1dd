"""The line that installs the library, as it works today.

A page says ``pip install "cnnguide[gallery]"`` in a block of code, which is right once the package
is on a registry; ``on-registry`` in ``pyproject.toml`` tells whether it is.
Until then the site carries the package as a wheel beside its editions (`page.wheel` builds it), and
the line names that file: by the address of the site if CNNGUIDE_URL gives one.
A site without an address shows the line for a copy of the repository, and ``install.js`` puts the
wheel's place into it where the reader has opened the page.
"""

from __future__ import annotations

import html
import re
import tomllib
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.transforms import SphinxTransform
from sphinx.util.typing import ExtensionMetadata

import cnnguide
from translation.catalogs import add_messages
from translation.editions import DOCS, address, editions, newest_address, published

__all__ = ["WHEEL", "install_line", "on_registry"]

_ = get_translation("sphinx")

# A message of sphinx.po.
WORDS = ("in a copy of the repository",)
WHEEL = f"cnnguide-{cnnguide.__version__}-py3-none-any.whl"
LINE = re.compile(r'(pip install )"?cnnguide(\[[a-z,]+\])?"?(?=$|\s)(.*)', re.MULTILINE)


def on_registry() -> bool:
    """Tell whether a registry has the package."""
    with (DOCS.parent / "pyproject.toml").open("rb") as file:
        return bool(tomllib.load(file)["tool"]["cnnguide"]["on-registry"])


def install_line(text: str) -> str:
    """Put where the library comes from into the lines that install it."""
    if on_registry():
        # the guide of an old release is about the library of that release
        own = address() != newest_address()
        return LINE.sub(rf'\1"cnnguide\2=={cnnguide.__version__}"\3', text) if own else text
    if published():
        return LINE.sub(rf'\1"cnnguide\2 @ {address()}{WHEEL}"\3', text)
    return LINE.sub(lambda m: f'{m[1]}".{m[2] or ""}"{m[3]}  # {_(WORDS[0])}', text)


class install_block(nodes.General, nodes.Element):
    """A block of code with a line that installs the library."""


class WriteInstallLines(SphinxTransform):
    """Put the line of today into every block of code that installs the library."""

    default_priority = 860  # the page has its language

    def apply(self, **kwargs: Any) -> None:
        """Go through the page."""
        for block in [*self.document.findall(nodes.literal_block)]:
            if LINE.search(block.astext()):
                block.rawsource = install_line(block.astext())
                block[:] = [nodes.Text(block.rawsource)]
                place = install_block("")
                block.replace_self(place)
                place += block


def visit_install_block(translator: Any, node: install_block) -> None:
    """Say where the wheel is, unless the line does."""
    data = ""
    if not on_registry() and not published():
        config = translator.builder.config
        folder = next(e.folder for e in editions() if e.language == config.language)
        page = html.escape(f"{folder}/{translator.builder.current_docname}.html")
        data = f' data-page="{page}" data-wheel="{WHEEL}"'
    translator.body.append(f'<div class="install-line"{data}>')


def depart_install_block(translator: Any, node: install_block) -> None:
    """End the block."""
    translator.body.append("</div>\n")


def pages_to_read_again(app: Sphinx, env: Any, added: Any, changed: Any, removed: Any) -> list[str]:
    """Have the pages with such lines read again when the site gets another address."""
    now = install_line("pip install cnnguide")
    if getattr(env, "cnnguide_install_line", now) == now:
        env.cnnguide_install_line = now
        return []
    env.cnnguide_install_line = now
    texts = ((name, env.doc2path(name)) for name in env.found_docs)
    return [name for name, path in texts if LINE.search(path.read_text(encoding="utf-8"))]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the transform, and the script for a site without an address."""
    add_messages(app, WORDS)
    app.add_node(install_block, html=(visit_install_block, depart_install_block))
    app.add_transform(WriteInstallLines)
    app.connect("env-get-outdated", pages_to_read_again)
    app.add_js_file("install.js", defer="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
