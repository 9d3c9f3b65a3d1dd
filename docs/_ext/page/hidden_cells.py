"""The switch of a hidden cell, in the page's language."""

from __future__ import annotations

from typing import Any

from myst_nb.sphinx_ import HideCodeCellNode, depart_HideCellInput, visit_HideCellInput
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.typing import ExtensionMetadata

from translation.catalogs import add_messages

_ = get_translation("sphinx")

# Messages of sphinx.po.
WORDS = ("Show code cell source", "Hide code cell source", "Toggle hidden content")


def visit_hidden_cell(translator: Any, node: HideCodeCellNode) -> None:
    """Write the switch of a hidden cell."""
    start = len(translator.body)
    for prompt in ("prompt_show", "prompt_hide"):
        node[prompt] = _(node[prompt])
    visit_HideCellInput(translator, node)
    label = "Toggle hidden content"
    translator.body[start:] = [part.replace(label, _(label)) for part in translator.body[start:]]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Take the place of MyST-NB's switch."""
    add_messages(app, WORDS)
    app.setup_extension("myst_nb")
    app.add_node(HideCodeCellNode, override=True, html=(visit_hidden_cell, depart_HideCellInput))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
