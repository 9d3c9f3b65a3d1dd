"""The directive ``{experiment}``: a still figure that a small program brings to life.

``:::{experiment} conv`` holds what readers without JavaScript see, and the page loads the ES module
``conv/experiment.js``, bundled with those that it imports from, and the style sheet
``conv/conv.css``.
Each text that a module shows stands in it as ``gettext("...")``; these are messages of the page's
own catalog, and the page hands the experiment their translations.
"""

from __future__ import annotations

import html
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from page.experiments.bundle import modules_of
from translation.translatable import Carrier

__all__ = ["messages_of_experiment"]

FOLDER = Path(__file__).parent
STILL = (
    "This is the still picture of an experiment; "
    "to try it, open the page in a current browser with JavaScript."
)
GETTEXT = re.compile(r'\bgettext\(\s*"((?:[^"\\]|\\.)*)"')


@cache
def messages_of_experiment(name: str) -> list[str]:
    """List the texts of an experiment, in the order in which they stand in its modules."""
    texts = [
        path.read_text(encoding="utf-8") for path in modules_of(FOLDER / name / "experiment.js")
    ]
    messages = [json.loads(f'"{message}"') for text in texts for message in GETTEXT.findall(text)]
    return [*dict.fromkeys(messages)]


class experiment(nodes.General, nodes.Element, Carrier):
    """A still figure, and the words of the experiment that takes its place."""

    def messages(self) -> list[str]:
        """List the messages."""
        return [*messages_of_experiment(self["name"]), STILL]

    def translate(self, words: dict[str, str]) -> None:
        """Keep the translations for the experiment."""
        self["words"] = {message: words.get(message, message) for message in self.messages()}


class ExperimentDirective(SphinxDirective):
    """``{experiment} NAME``, with the still figure as its content."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Keep the name and read the still figure."""
        name = self.arguments[0]
        if not (FOLDER / name / "experiment.js").exists():
            known = ", ".join(sorted(path.parent.name for path in FOLDER.glob("*/experiment.js")))
            raise self.error(f"an experiment must be one of {known}, got {name!r}")
        self.assert_has_content()
        for module in modules_of(FOLDER / name / "experiment.js"):
            self.env.note_dependency(str(module))
        node = experiment("", name=name, words={})
        self.set_source_info(node)
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


def visit_experiment(translator: Any, node: experiment) -> None:
    """Write the place where the experiment will stand."""
    words = html.escape(json.dumps(node["words"], ensure_ascii=False))
    static = "../" * translator.builder.current_docname.count("/") + "_static/"
    translator.body.append(
        f'<div class="experiment" id="experiment-{node["name"]}" data-experiment="{node["name"]}" '
        f'data-static="{static}" data-words="{words}"><div class="experiment-still">\n'
    )


def depart_experiment(translator: Any, node: experiment) -> None:
    """End the place."""
    still = html.escape(node["words"].get(STILL, STILL))
    translator.body.append(f'<p class="experiment-note">{still}</p></div></div>\n')


def load_modules(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Have a page load the modules and styles of its own experiments, and no others."""
    for node in doctree.findall(experiment) if doctree else ():
        name = node["name"]
        app.add_css_file("experiments/experiments.css", priority=800)
        app.add_css_file(f"experiments/{name}/{name}.css", priority=800)
        app.add_js_file(f"experiments/{name}.js", defer="defer")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_node(experiment, html=(visit_experiment, depart_experiment))
    app.add_directive("experiment", ExperimentDirective)
    app.connect("html-page-context", load_modules)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
