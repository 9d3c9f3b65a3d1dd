"""The directive ``{question}``: a question with several answers, each of them explained.

``::::{question} conv-size`` holds the question and a list; an item of the list is an answer, and
below it the explanation. ``:right: 2`` says which answer is right, counted from 1, and ``:read:``
names the section that teaches it. The part of the name before the first hyphen is the chapter.
Readers without JavaScript unfold the explanations; ``questions.js`` lets the others choose, and
keeps in their browser which questions they have answered. ``{progress}`` lists the chapters.
"""

from __future__ import annotations

import html
import json
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.locale import get_translation
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from page.exercises import fold
from translation.catalogs import add_messages

__all__ = ["PAGE"]

_ = get_translation("sphinx")

PAGE = "selftest"  # its section of a chapter has the label selftest-STEM
# Messages of sphinx.po. The names of the second kind are those that questions.js asks for.
VERDICTS = {True: "Right", False: "Not right"}
WORDS = {
    "count": "{0} of {1}",
    "passed": "passed",
    "answered": "answered",
    "again": "Begin again",
    "total": "{0} of {1} questions answered",
}
INVITATION = "Test yourself with five questions; every answer is explained."
TEACHES = "Read: "


class question(nodes.General, nodes.Element):
    """A question, its answers, and what is to be said about each."""


class progress(nodes.General, nodes.Element):
    """The chapters of the page, and how many of their questions are answered."""


class QuestionDirective(SphinxDirective):
    """``{question} NAME`` with the options ``right`` and ``read``."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {
        "right": directives.positive_int,
        "read": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Read the question and its answers."""
        name = self.arguments[0]
        node = question("", name=name, right=self.options.get("right", 0))
        self.set_source_info(node)
        self.state.nested_parse(self.content, self.content_offset, node)
        answers = node.children[-1] if node.children else None
        if not isinstance(answers, nodes.bullet_list) or len(node) < 2:
            raise self.error(f"question {name} must hold a text and then a list of answers")
        if any(len(item) < 2 for item in answers):
            raise self.error(f"question {name}: each answer must have an explanation below it")
        if not 1 <= node["right"] <= len(answers):
            raise self.error(
                f"question {name}: right must be from 1 to {len(answers)}, got {node['right']}"
            )
        if "read" not in self.options:
            raise self.error(f"question {name} must name with :read: the section that teaches it")
        section = addnodes.pending_xref(
            "",
            nodes.inline("", "", classes=["std", "std-ref"]),
            refdomain="std",
            reftype="ref",
            reftarget=self.options["read"],
            refdoc=self.env.docname,
            refexplicit=False,
            refwarn=True,
        )
        self.set_source_info(section)
        node += nodes.paragraph("", "", section, classes=["question-read"])
        return [node]


class ProgressDirective(SphinxDirective):
    """``{progress}``: the chapters that follow on the page."""

    def run(self) -> list[nodes.Node]:
        """Mark the place."""
        return [progress("")]


class FoldAnswers(SphinxTransform):
    """Part each question's answers from their explanations, and fold the explanations away."""

    default_priority = 30  # after translation: only the structure changes

    def apply(self, **kwargs: Any) -> None:
        """Go through the page."""
        for node in self.document.findall(question):
            *text, answers, read = node.children
            explanations = nodes.enumerated_list("", enumtype="upperalpha", prefix="", suffix=".")
            for number, item in enumerate(answers, start=1):
                is_right = number == node["right"]
                verdict = nodes.paragraph("", _(VERDICTS[is_right]))
                verdict["classes"] = ["question-verdict", "right" if is_right else "wrong"]
                explanations += nodes.list_item("", verdict, *item[1:])
                item[1:] = []
            letters = nodes.enumerated_list("", *answers.children, enumtype="upperalpha")
            letters.update_basic_atts({"classes": ["question-answers"]})
            letters["prefix"], letters["suffix"] = "", "."
            read.insert(0, nodes.Text(_(TEACHES)))
            node["ids"] = [f"question-{node['name']}"]
            node.children = []
            node += nodes.container("", *text, classes=["question-text"])
            node += letters
            node += fold("", explanations, read, kind="Answers")
        for place in self.document.findall(progress):
            place["chapters"] = [
                (section["ids"][0], section[0].astext(), count)
                for section in self.document.findall(nodes.section)
                if (count := sum(isinstance(child, question) for child in section))
            ]


def visit_question(translator: Any, node: question) -> None:
    """Begin a question."""
    translator.body.append(
        f'<div class="question" id="{node["ids"][0]}" data-question="{node["name"]}" '
        f'data-right="{node["right"]}">\n'
    )


def depart_question(translator: Any, node: question) -> None:
    """End a question."""
    translator.body.append("</div>\n")


def visit_progress(translator: Any, node: progress) -> None:
    """List the chapters; the script adds how far the reader has come."""
    words = html.escape(json.dumps({k: _(v) for k, v in WORDS.items()}, ensure_ascii=False))
    chapters = "".join(
        f'<li><a class="reference internal" href="#{anchor}">{html.escape(title)}</a> '
        f'<span class="question-count"></span></li>\n'
        for anchor, title, _count in node["chapters"]
    )
    translator.body.append(
        f'<div class="question-progress" data-words="{words}"><ol>\n{chapters}</ol></div>\n'
    )


def depart_progress(translator: Any, node: progress) -> None:
    """Add nothing more."""


def load_script(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Have a page with questions load their script and style."""
    if doctree and next(iter(doctree.findall(question)), None):
        app.add_css_file("questions.css", priority=800)
        app.add_js_file("questions.js", defer="defer")


def invite(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Lead from a chapter's last questions to the ones that can be clicked."""
    labels = app.env.domains.standard_domain.anonlabels
    if app.builder.format != "html" or f"{PAGE}-{page}" not in labels:
        return
    target, anchor = labels[f"{PAGE}-{page}"]
    address = f"{app.builder.get_relative_uri(page, target)}#{anchor}"
    for part in ("check", "exercises"):
        for section in doctree.findall(nodes.section):
            if f"{page}-{part}" in section["ids"]:
                link = nodes.reference("", _(INVITATION), refuri=address, internal=True)
                place = next(
                    (k for k, child in enumerate(section) if isinstance(child, nodes.section)),
                    len(section) if part == "check" else 1,
                )
                section.insert(place, nodes.paragraph("", "", link, classes=["question-link"]))
                return


def pages_to_write_again(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Name the chapters that have got questions since they were written, or have lost them."""
    labels = env.domains.standard_domain.anonlabels
    now = {label.removeprefix(f"{PAGE}-") for label in labels if label.startswith(f"{PAGE}-")}
    before = getattr(env, "cnnguide_asked", now)
    env.cnnguide_asked = now  # type: ignore[attr-defined]
    return sorted((before ^ now) & env.found_docs)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives, and listen for the pages."""
    add_messages(app, (*VERDICTS.values(), *WORDS.values(), INVITATION, TEACHES, "Answers"))
    app.add_node(question, html=(visit_question, depart_question))
    app.add_node(progress, html=(visit_progress, depart_progress))
    app.add_directive("question", QuestionDirective)
    app.add_directive("progress", ProgressDirective)
    app.add_transform(FoldAnswers)
    app.connect("html-page-context", load_script)
    app.connect("doctree-resolved", invite)
    app.connect("env-updated", pages_to_write_again)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
