"""The terms of the glossary for the search: all their names, and the section that teaches each."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

from translation.editions import editions
from translation.glossary import glossary

__all__ = ["labels_by_term", "terms"]

logger = logging.getLogger(__name__)
ENTRY = re.compile(r"^(\S.*)\n((?:  .*\n|\n)+)", re.MULTILINE)
LABEL = re.compile(r"\{ref\}`([^`<>]+)`")


def labels_by_term(source: str) -> dict[str, str]:
    r"""Give the label of the innermost place that an entry of the glossary says it is taught in.

    >>> labels_by_term("stride\n  A step.\n\n  Taught in {ref}`conv`, {ref}`conv-stride`.\n")
    {'stride': 'conv-stride'}
    """
    found = {entry[1]: LABEL.findall(entry[2]) for entry in ENTRY.finditer(source)}
    return {name: labels[-1] for name, labels in found.items() if labels}


def names_by_term(app: Sphinx) -> dict[str, list[str]]:
    """Give the names of every term of the glossary, in all languages, by its English name."""
    names: dict[str, list[str]] = {}
    for edition in editions()[1:]:
        for english, term in glossary(Path(app.srcdir, "locale", edition.language)).items():
            names.setdefault(english, [english]).extend([term.head, *term.others])
    # a language that has just begun has no names yet, and nothing is no name to look for
    return {english: [*filter(None, dict.fromkeys(group))] for english, group in names.items()}


def terms(app: Sphinx) -> list[tuple[str, str, list[str]]]:
    """List the page and the anchor that teach each term, and its names in all languages."""
    labels = labels_by_term(Path(app.srcdir, "glossary.md").read_text(encoding="utf-8"))
    places = app.env.domains.standard_domain.anonlabels
    found = []
    for english, names in names_by_term(app).items():
        if labels.get(english) not in places:
            fault = "the term %r must name the section that teaches it, as 'Taught in {ref}`...`'"
            logger.warning(fault, english, location="glossary")
            continue
        page, anchor = places[labels[english]]
        found.append((f"{page}.html", anchor, names))
    return found
