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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from page.reading_order import stems
from search.folding import simplified
from search.packing import packed, squeezed
from search.sections import article_of, sections
from search.terms import terms
from translation.alike import article_in

# A page that has not changed is not read again, unless what reads it has.
OWN_TEXT = "".join(
    Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("code_parts.py", "index.py", "sections.py")
)

INDEX = "search-index.js"
# What the search page loads, each of which needs those before it.
PARTS = ("lzma", "letters", "corpus", "asking", "spelling", "pieces", "query", "ranking", "search")
SCRIPTS = (INDEX, *(f"_static/{part}.js" for part in PARTS))


def write_index(app: Sphinx, error: Exception | None) -> None:
    """Read the pages that were written, and put their text into one file."""
    if error or app.builder.name != "html":
        return
    kept = Path(app.doctreedir, "sections.json")
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    after: dict[str, Any] = {}
    for page in sorted(app.env.found_docs):
        text = Path(app.outdir, f"{page}.html").read_text(encoding="utf-8")
        digest = digest_of(text)
        known = before.get(page, [None])
        after[page] = known if known[0] == digest else [digest, [*sections(article_of(text))]]
    whole = kept.with_suffix(".new")  # a build that is killed here leaves the sections of before
    whole.write_text(json.dumps(after, ensure_ascii=False), encoding="utf-8")
    whole.replace(kept)
    pages = [page for page in sorted(after, key=place(stems())) if after[page][1]]
    parts = [part for page in pages for part in after[page][1]]
    # all anchors, then all titles, then all texts; a line each
    text = "\n".join(line for column in zip(*parts, strict=True) for line in column)
    index = {
        "pages": [(f"{page}.html", len(after[page][1])) for page in pages],
        **packed(text),
        "terms": (named := terms(app)),
        "simplified": simplified(text + json.dumps(named, ensure_ascii=False)),
    }
    data = json.dumps(squeezed(index))
    Path(app.outdir, INDEX).write_text(f"globalThis.searchIndex = {data};\n", "utf-8")
    searching = Path(app.outdir, "search.html")
    searching.write_text(with_versions(searching.read_text("utf-8"), Path(app.outdir)), "utf-8")


def digest_of(page: str) -> str:
    """Sum up what the sections of a page depend on: its article, and what reads it."""
    return hashlib.sha256((OWN_TEXT + article_in(page)).encode()).hexdigest()


def with_versions(page: str, folder: Path) -> str:
    """Have a page name its scripts by what they hold, so that a browser keeps no old one.

    A script of yesterday may not be able to read the index of today.

    Parameters
    ----------
    page : str
        The search page.
    folder : pathlib.Path
        The edition's, in which the scripts are.
    """
    for name in SCRIPTS:
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()[:8]
        page = re.sub(rf'"{re.escape(name)}(?:\?v=\w+)?"', f'"{name}?v={digest}"', page)
    return page


def place(chapters: list[str]) -> Callable[[str], tuple[str, int, str]]:
    """Sort pages by kind and as they are read: what is alike lies together and compresses well."""
    numbers = {stem: number for number, stem in enumerate(chapters)}

    def key(page: str) -> tuple[str, int, str]:
        folder, _, name = page.rpartition("/")
        stem = name.removeprefix("plot_").removeprefix("draw_")
        return folder, numbers.get(stem, len(numbers)), name

    return key


def own_search_page(app: Sphinx) -> None:
    """Turn Sphinx's search off; its page is made from our template."""
    if app.builder.name == "html":
        app.builder.search = False  # type: ignore[attr-defined]


def search_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Have the search page written."""
    if app.builder.name == "html":
        yield "search", {}, "search.html"


def add_parts(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Have the search page load its styles and scripts, and no other page."""
    if page == "search":
        app.add_css_file("search.css", priority=800)
        context["search_scripts"] = SCRIPTS


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the start and the end of the build."""
    app.connect("builder-inited", own_search_page)
    app.connect("html-collect-pages", search_page)
    app.connect("html-page-context", add_parts)
    app.connect("build-finished", write_index)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
