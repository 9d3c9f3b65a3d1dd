"""Parse each translation of a Markdown page once, and all of them by one parser.

Sphinx has the messages of a page parsed in two phases, the first of which looks for titles and
terms, and throws away what it made of all others. MyST builds a whole Markdown parser for each
message of both, which takes longer than to parse the message by it.
"""

from __future__ import annotations

from docutils import nodes
from myst_nb.sphinx_ import Parser
from myst_parser.mdit_to_docutils.sphinx_ import SphinxRenderer
from myst_parser.parsers.mdit import create_md_parser
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

__all__: list[str] = []

# What is kept while Sphinx reads a page, and dropped then.
MARKDOWN, MADE = "cnnguide_markdown", "cnnguide_translations"


class ParserOfPages(Parser):
    """MyST-NB's parser, which reads a page as before and its translations faster."""

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Parse a page, or a translation, which has no cells and no settings of its own."""
        place = document["source"]  # the file and the line; Sphinx marks a translation in it
        if not place.endswith(":<translated>"):
            super().parse(inputstring, document)
            return
        env = document.settings.env
        made = env.temp_data.setdefault(MADE, {})
        if before := made.pop((place, inputstring), None):
            document.extend(before)
            return
        if MARKDOWN not in env.temp_data:
            env.temp_data[MARKDOWN] = create_md_parser(env.myst_config, SphinxRenderer)
        markdown = env.temp_data[MARKDOWN]
        markdown.options["document"] = document
        markdown.render(inputstring)
        # a copy, since who gets the nodes takes them apart
        made[place, inputstring] = [node.deepcopy() for node in document]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Have this parser read the pages that MyST-NB reads."""
    app.add_source_parser(ParserOfPages, override=True)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
