"""The index of the search page: the text of every section, and the glossary's names.

Sphinx's own search cuts Chinese into words when it builds the index and never cuts the query, so it
misses two terms out of three.
A guide of this size needs no index of words: its whole text is a file smaller than one photograph,
and a search for the letters that were typed finds them all, without a server and from a folder too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, NavigableString, SoupStrainer, Tag
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from translation.editions import editions
from translation.glossary import glossary

__all__ = ["sections"]

# A page that has not changed is not read again, unless this module has.
OWN_TEXT = Path(__file__).read_text(encoding="utf-8")
# What is on a page but is not its text.
NOT_TEXT = ".headerlink, .math, script, style, noscript, .sphx-glr-thumbnails, .sphx-glr-footer"
HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
SPACE_IN_HAN = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef])\s+(?=[\u3000-\u9fff\uff00-\uffef])")


def article_of(page: str) -> Tag:
    """Read the article of a page."""
    article = BeautifulSoup(page, "html.parser", parse_only=SoupStrainer("article")).article
    assert isinstance(article, Tag)
    return article


def sections(article: Tag) -> Iterator[tuple[str, str, str]]:
    """Yield anchor, title and text of every section of a page and every entry of the reference.

    Text belongs to the innermost section that it stands in.
    """
    for formula in article.select(".math"):
        formula.replace_with(" … ")
    for noise in article.select(NOT_TEXT):
        noise.decompose()
    owners = {id(tag): tag for tag in article.select("section[id], dl.py > dt[id]")}
    texts: dict[int, list[str]] = {key: [] for key in owners}
    for leaf in article.descendants:
        if not isinstance(leaf, NavigableString):
            continue
        if any(parent.name in HEADINGS for parent in leaf.parents):
            continue
        for parent in leaf.parents:
            entry = parent.find_previous_sibling("dt") if parent.name == "dd" else None
            owner = entry if entry is not None and id(entry) in owners else parent
            if id(owner) in owners:
                texts[id(owner)].append(str(leaf))
                break
    for key, tag in owners.items():
        heading = tag.find(HEADINGS) if tag.name == "section" else None
        for number in heading.select(".section-number") if heading else ():
            number.extract()
        title = heading.get_text() if heading else ""
        if tag.name == "dt":
            title = "".join(t.get_text() for t in tag.select(".sig-prename, .sig-name"))
        text = " ".join("".join(f" {t} " if "\n" in t else t for t in texts[key]).split())
        yield str(tag["id"]), " ".join(title.split()), SPACE_IN_HAN.sub("", text)


def synonyms(app: Sphinx) -> list[list[str]]:
    """List the names of every term of the glossary, in all languages."""
    names: dict[str, list[str]] = {}
    for edition in editions()[1:]:
        for english, term in glossary(Path(app.srcdir, "locale", edition.language)).items():
            names.setdefault(english, [english]).extend([term.head, *term.others])
    return [[*dict.fromkeys(group)] for group in names.values() if len(set(group)) > 1]


def write_index(app: Sphinx, error: Exception | None) -> None:
    """Read the pages that were written, and put their text into one file."""
    if error or app.builder.format != "html":
        return
    kept = Path(app.doctreedir, "sections.json")
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    after: dict[str, Any] = {}
    for page in sorted(app.env.found_docs):
        text = Path(app.outdir, f"{page}.html").read_text(encoding="utf-8")
        digest = hashlib.sha256((OWN_TEXT + text).encode()).hexdigest()
        known = before.get(page, [None])
        after[page] = known if known[0] == digest else [digest, [*sections(article_of(text))]]
    kept.write_text(json.dumps(after, ensure_ascii=False), encoding="utf-8")
    pages = [[f"{page}.html", parts[0][1], parts] for page, (_, parts) in after.items() if parts]
    data = json.dumps({"pages": pages, "synonyms": synonyms(app)}, ensure_ascii=False)
    Path(app.outdir, "search-index.js").write_text(f"globalThis.searchIndex = {data};\n", "utf-8")


def own_search_page(app: Sphinx) -> None:
    """Turn Sphinx's search off; its page is made from our template."""
    if app.builder.format == "html":
        app.builder.search = False  # type: ignore[attr-defined]


def search_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Have the search page written."""
    yield "search", {}, "search.html"


def add_styles(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Have the search page load its styles, and no other page."""
    if page == "search":
        app.add_css_file("search.css", priority=800)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the start and the end of the build."""
    app.connect("builder-inited", own_search_page)
    app.connect("html-collect-pages", search_page)
    app.connect("html-page-context", add_styles)
    app.connect("build-finished", write_index)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
