"""Formulas on the pages: MathML where Sphinx would leave TeX for a script in the browser."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator

from formulas.converter import mathml

__all__: list[str] = []

logger = logging.getLogger(__name__)
CLASS = "math notranslate nohighlight"
_ = get_translation("sphinx")


def converted(translator: HTML5Translator, node: nodes.Element, *, block: bool) -> str:
    """Convert the formula of a node; warn of one that is ill, and show its TeX as code."""
    try:
        return mathml(node.astext(), block=block)
    except ValueError as error:
        page = translator.builder.current_docname
        logger.warning("%s: %s", page, error, location=node, type="formula")
        return f"<code>{translator.encode(node.astext())}</code>"


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Write a formula in a line."""
    made = converted(self, node, block=False)
    self.body.append(f"{self.starttag(node, 'span', '', CLASS=CLASS)}{made}</span>")
    raise nodes.SkipNode


def visit_math_block(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula in a block, with its number if it has one."""
    self.body.append(self.starttag(node, "div", "", CLASS=CLASS))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append(f"{converted(self, node, block=True)}</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> ExtensionMetadata:
    """Have Sphinx write formulas by these."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
