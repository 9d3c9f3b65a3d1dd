"""The twin of every page in Markdown, and ``llms.txt``, which lists the twins.

``conv.md`` lies beside ``conv.html`` and holds its text in the edition's language, with what its
cells print. It is for readers who want to paste a page elsewhere, and for programs that read;
``twins.js`` makes of the link to it a button that copies it.
Each edition has an ``llms.txt`` (https://llmstxt.org) with all its pages; ``write_root`` puts one
that leads to them beside the editions: ``python -m page.twins SITE``, after every edition is built.
Links in them are whole addresses if the site knows its own, and lead from file to file otherwise.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.typing import ExtensionMetadata

from page.markdown import Markdown, escaped
from translation.catalogs import add_messages
from translation.editions import address, editions, published

__all__ = ["twin", "write_root"]

_ = get_translation("sphinx")

# Messages of sphinx.po; in the last two stands the name of the twin, with a link.
WORDS = {
    "link": "This page as Markdown",
    "copy": "Copy this page as Markdown",
    "copied": "Copied: this page as Markdown, {0} characters.",
    "folder": (
        "This page was opened from a folder, where a browser lets no page read files: open {0} and "
        "copy its text."
    ),
    "failed": "The page could not be copied: open {0} and copy its text.",
}
DESCRIPTION = re.compile(r'<meta name="description" content="([^"]*)">')
OPTIONAL = "Optional"  # llms.txt knows this word: what comes below may be left out


def twin(
    doctree: nodes.document,
    *,
    page_address: str,
    up: str = "",
    images: Mapping[str, str] | None = None,
    last_words: str = "",
) -> str:
    """Write a page as Markdown.

    Parameters
    ----------
    doctree : docutils.nodes.document
        The page, in the language of its edition, with its links resolved.
    page_address : str
        Where the page is: in full, or its name beside the twin.
    up : str
        The way from the page's folder to the edition's, such as ``../``.
    images : mapping
        The name of each image in the edition's folder of images, where it has another there.
    last_words : str
        Who holds the rights.
    """
    text = Markdown(page_address, up=up, images=images).blocks(doctree)
    source = f" <{page_address}>" if "://" in page_address else ""
    return f"{text}\n\n---\n\n{escaped(last_words)}{source}\n"


def write_twin(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Write the twin of a page beside it, and tell the template its name."""
    if app.builder.name != "html" or doctree is None:
        return
    name = page.rpartition("/")[2]
    folder = next(e.folder for e in editions() if e.language == app.config.language)
    text = twin(
        doctree,
        page_address=f"{address()}{folder}/{page}.html" if published() else f"{name}.html",
        up="../" * page.count("/"),
        images=app.builder.images,
        last_words=str(_(app.config.copyright)),
    )
    path = Path(app.outdir, f"{page}.md")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    context["twin"] = f"{name}.md"
    context["twin_words"] = {name: _(words) for name, words in WORDS.items()}


def parts_of(app: Sphinx) -> dict[str, list[str]]:
    """List the pages under the headings of the home page's tables of contents, all others last."""
    env = app.env
    parts = {
        str(toctree["caption"]): [page for _title, page in toctree["entries"]]
        for toctree in env.get_doctree(app.config.root_doc).findall(addnodes.toctree)
    }
    named = {app.config.root_doc, *(page for pages in parts.values() for page in pages)}
    return {**parts, OPTIONAL: sorted(env.found_docs - named)}


def write_list(app: Sphinx, error: Exception | None) -> None:
    """Write the edition's list of twins, each with what its page is about."""
    if error or app.builder.name != "html":
        return
    out = Path(app.outdir)
    folder = next(e.folder for e in editions() if e.language == app.config.language)
    base = f"{address()}{folder}/" if published() else ""

    def about(page: str) -> str:
        found = DESCRIPTION.search((out / f"{page}.html").read_text(encoding="utf-8"))
        return html.unescape(found[1]) if found else ""

    def entry(page: str) -> str:
        title = escaped(app.env.titles[page].astext())
        return f"- [{title}]({base}{page}.md): {about(page)}"

    root = app.config.root_doc
    text = [f"# {app.env.titles[root].astext()}", f"> {about(root)}"]
    for part, pages in parts_of(app).items():
        text += [f"## {part}", "\n".join(map(entry, pages))]
    (out / "llms.txt").write_text("\n\n".join(text) + "\n", encoding="utf-8")


def write_root(site: Path) -> None:
    """Write the list that leads to those of the editions, with the chapters of each."""
    parts = ["# cnnguide"]
    for edition in editions():
        own = f"{edition.folder}/llms.txt"
        title, about, _heading, chapters, *_ = (site / own).read_text("utf-8").split("\n\n")
        base = urljoin(address(), own) if published() else own
        first = f"- [{title.removeprefix('# ')}]({base}): {about.removeprefix('> ')}"
        parts += [f"## {edition.name}", f"{first}\n{led_from(base, chapters)}"]
    (site / "llms.txt").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def led_from(place: str, text: str) -> str:
    """Have links that are written from a place lead on from the root of the site.

    Examples
    --------
    >>> led_from("en/llms.txt", "- [Pooling](pool.md): less")
    '- [Pooling](en/pool.md): less'
    """
    return re.sub(r"\]\(([^)]+)\)", lambda link: f"]({urljoin(place, link[1])})", text)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the words and the script; listen for every page, and for the end of the build."""
    add_messages(app, WORDS.values())
    app.add_js_file("twins.js", defer="defer")
    app.connect("html-page-context", write_twin)
    app.connect("build-finished", write_list)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    write_root(Path(sys.argv[1]))
