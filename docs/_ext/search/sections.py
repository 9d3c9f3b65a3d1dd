"""The sections of a page: their anchors, their titles, and the text that is looked through."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup, NavigableString, Tag

from search.code_parts import new_parts, parts_of_code
from translation.alike import article_in

__all__ = ["article_of", "sections"]

# What is on a page but is not its text, or, as the questions of the self-test, the types in a
# signature, the hidden code of a table and the numbers of a solution, leads nobody to what is
# explained.
NOT_TEXT = (
    ".headerlink, .math, script, style, noscript, .sphx-glr-thumbnails, .sphx-glr-footer, "
    ".question, .sig-param, .sig-lines, .sig-paren, .sig-return, .field-list li > p > em, "
    ".figure-link, .page-facts, .sphx-glr-script-out, .tag_hide-input .cell_input, "
    "details .cell_output"
)
PYTHON = ("ipython3", "python", "Python", "pycon", "default")
CODE = ", ".join(f".highlight-{language} pre" for language in PYTHON)
OWNERS = "section[id], dl.py > dt[id]"
NAME = "dl.py > dt[id] > .sig-prename, dl.py > dt[id] > .sig-name"
HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
SPACE_IN_HAN = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef])\s+(?=[\u3000-\u9fff\uff00-\uffef])")


def article_of(page: str) -> Tag:
    """Read the article of a page."""
    article = BeautifulSoup(article_in(page), "html.parser").article
    assert isinstance(article, Tag)
    return article


def owner_of(leaf: Tag | NavigableString, owners: dict[int, Tag]) -> int | None:
    """Find the innermost section, or entry of the reference, that something stands in."""
    for parent in leaf.parents:
        entry = parent.find_previous_sibling("dt") if parent.name == "dd" else None
        owner = entry if entry is not None and id(entry) in owners else parent
        if id(owner) in owners:
            return id(owner)
    return None


def take_code(article: Tag, owners: dict[int, Tag]) -> dict[int, list[str]]:
    """Take the Python code out of an article, and give it by the section it stands in."""
    code: dict[int, list[str]] = {}
    for block in article.select(CODE):
        owner = owner_of(block, owners)
        if owner is not None:
            code.setdefault(owner, []).append(block.get_text())
        block.decompose()
    return code


def prose_of(article: Tag, owners: dict[int, Tag]) -> dict[int, str]:
    """Read the text of every section that is no heading, in one line."""
    texts: dict[int, list[str]] = {key: [] for key in owners}
    for leaf in article.descendants:
        if not isinstance(leaf, NavigableString) or any(p.name in HEADINGS for p in leaf.parents):
            continue
        owner = owner_of(leaf, owners)
        if owner is not None:
            texts[owner].append(f" {leaf} " if "\n" in leaf else str(leaf))
    return {
        key: SPACE_IN_HAN.sub("", " ".join("".join(leaves).split()))
        for key, leaves in texts.items()
    }


def title_of(tag: Tag) -> str:
    """Read the heading of a section, or the name of an entry of the reference."""
    if tag.name == "dt":
        return " ".join("".join(part.get_text() for part in tag.select(NAME)).split())
    heading = tag.find(HEADINGS)
    for number in heading.select(".section-number") if heading else ():
        number.extract()
    return " ".join(heading.get_text().split()) if heading else ""


def sections(article: Tag) -> Iterator[tuple[str, str, str]]:
    """Yield anchor, title and text of every section of a page and every entry of the reference.

    Text belongs to the innermost section that it stands in.
    Behind a section's prose come those parts of its code that the page does not hold before.
    """
    for formula in article.select(".math"):
        formula.replace_with(" … ")
    for noise in article.select(NOT_TEXT):
        noise.decompose()
    owners = {id(tag): tag for tag in article.select(OWNERS)}
    titles = {key: title_of(tag) for key, tag in owners.items()}
    for name in article.select(f":is({NAME})"):
        name.decompose()  # it is the entry's title
    code = take_code(article, owners)
    prose = prose_of(article, owners)
    known = "\n".join([*titles.values(), *prose.values()])
    for key, tag in owners.items():
        new = new_parts((p for block in code.get(key, ()) for p in parts_of_code(block)), known)
        known = "\n".join([known, *new])
        yield str(tag["id"]), titles[key], " ".join([prose[key], *new]).strip()
