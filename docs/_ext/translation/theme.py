"""The words of Furo's own page, which its theme leaves in English."""

from __future__ import annotations

from pathlib import Path

import furo
from jinja2 import Environment
from jinja2.ext import extract_from_ast
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from translation.catalogs import add_messages


def furo_words() -> list[str]:
    """List the messages of Furo's page, and what our page adds to them."""
    page = Path(furo.__file__).parent / "theme" / "furo" / "page.html"
    tree = Environment(extensions=["jinja2.ext.i18n"]).parse(page.read_text("utf-8"))
    return [*(str(message) for *_, message in extract_from_ast(tree)), "'s"]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Hand the words, and the line of copyright, to the extractor of messages."""
    add_messages(app, furo_words())
    app.connect("config-inited", lambda app, config: add_messages(app, [config.copyright]))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
