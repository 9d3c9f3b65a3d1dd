"""The directive ``{exercise}``: a task with a folded hint and a folded, executed solution.

``::::{exercise} hand`` holds the task and a ``:::{hint}``.
All that follows it, up to the next exercise or the end of the section, is its solution: cells stand
there at the top level of the page, so that they run as every other cell does.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from translation.catalogs import add_messages

__all__ = ["LEVELS"]

_ = get_translation("sphinx")

# From the easiest on; each with the words that the page shows.
LEVELS = {
    "recall": "from memory",
    "hand": "by hand",
    "code": "in code",
    "explore": "explore",
}
# Messages of sphinx.po.
WORDS = ("Exercise {0}", "Hint", "Solution", *LEVELS.values())


class exercise(nodes.General, nodes.Element):
    """A task, its hint and its solution."""


class fold(nodes.General, nodes.Element):
    """What is shown only when asked for."""


class ExerciseDirective(SphinxDirective):
    """``{exercise} LEVEL``, where the level is one of `LEVELS`."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Keep the level and read the task."""
        level = self.arguments[0]
        if level not in LEVELS:
            raise self.error(
                f"an exercise's level must be one of {', '.join(LEVELS)}, got {level!r}"
            )
        node = exercise("", level=level)
        self.set_source_info(node)
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


class FoldSolutions(SphinxTransform):
    """Number the exercises of a page, and gather each one's hint and solution."""

    default_priority = 30  # after translation: only the structure changes

    def apply(self, **kwargs: Any) -> None:
        """Go through the page."""
        exercises = [*self.document.findall(exercise)]
        for number, node in enumerate(exercises, start=1):
            node["number"] = number
            node["ids"] = [f"exercise-{number}"]
            for hint in [*node.findall(nodes.hint)]:
                hint.replace_self(fold("", *hint.children, kind="Hint"))
            solution, siblings = fold("", kind="Solution"), node.parent.children
            start = siblings.index(node) + 1
            end = start
            while end < len(siblings) and not isinstance(
                siblings[end], exercise | nodes.section | nodes.target
            ):
                end += 1
            solution.extend(siblings[start:end])
            del siblings[start:end]
            node += solution


def visit_exercise(translator: Any, node: exercise) -> None:
    """Write the head of an exercise."""
    name, level = _("Exercise {0}").format(node["number"]), _(LEVELS[node["level"]])
    anchor = node["ids"][0]
    translator.body.append(
        f'<div class="exercise" role="group" id="{anchor}" aria-labelledby="{anchor}-title">'
        f'<p class="exercise-title" id="{anchor}-title">{name} '
        f'<span class="exercise-level">{level}</span></p>\n'
    )


def depart_exercise(translator: Any, node: exercise) -> None:
    """End an exercise."""
    translator.body.append("</div>\n")


def visit_fold(translator: Any, node: fold) -> None:
    """Write the switch of a fold."""
    kind = node["kind"]
    name = _(kind)
    translator.body.append(
        f'<details class="fold {kind.lower()}"><summary>{name}</summary><div class="fold-body">\n'
    )


def depart_fold(translator: Any, node: fold) -> None:
    """End a fold."""
    translator.body.append("</div></details>\n")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    add_messages(app, WORDS)
    app.add_node(exercise, html=(visit_exercise, depart_exercise))
    app.add_node(fold, html=(visit_fold, depart_fold))
    app.add_directive("exercise", ExerciseDirective)
    app.add_transform(FoldSolutions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
