"""Give every link to a term its definition; ``definitions.js`` shows it on hover and on focus."""

from __future__ import annotations

import html
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata

__all__ = ["definitions"]

LINK = re.compile(r'(<a class="reference internal" href="[^"#]*#(term-[^"]+)")')


def definitions(env: BuildEnvironment) -> dict[str, str]:
    """Read the first paragraph of every entry of the glossary, in the edition's language."""
    paragraphs = {}
    for item in env.get_doctree("glossary").findall(nodes.definition_list_item):
        paragraph = next(iter(item.findall(nodes.paragraph)))
        for term in item.findall(nodes.term):
            paragraphs.update(dict.fromkeys(term["ids"], " ".join(paragraph.astext().split())))
    return paragraphs


def read_glossary(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Read the glossary once, before the pages are written; name all if a definition is another."""
    if app.builder.format != "html":
        return []
    now = definitions(env)
    before = getattr(env, "cnnguide_definitions", now)
    app.cnnguide_definitions = env.cnnguide_definitions = now  # type: ignore[attr-defined]
    return [] if before == now else sorted(env.found_docs)


def add_definitions(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put the definition of each linked term beside its link."""
    known: dict[str, str] = app.cnnguide_definitions  # type: ignore[attr-defined]

    def defined(match: re.Match[str]) -> str:
        return f'{match[1]} data-definition="{html.escape(known[html.unescape(match[2])])}"'

    if "body" in context:
        context["body"] = LINK.sub(defined, context["body"])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the glossary and for every page."""
    app.add_js_file("definitions.js", defer="defer")
    app.connect("env-updated", read_glossary)
    app.connect("html-page-context", add_definitions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
