"""What a page says of itself to programs: in JSON-LD, and with a picture for those who link to it.

JSON-LD by the words of schema.org has what a search engine may show: that a chapter is for learning
and what one can do after it, that any other page explains something, and where the page stands in
the guide. It is data, which no browser runs, so the site's content policy lets it stand in a page.

The picture of a chapter is one of its figures, as ``nox -s offline`` draws it: programs that show
pictures take no SVG. A page names it only where the site's address is known and the file is there.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from docutils import nodes
from markupsafe import Markup
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.typing import ExtensionMetadata

from page.reading_order import stems
from translation.editions import address, editions, goals, published

__all__ = ["CARDS", "breadcrumbs", "data_block", "figure_to_show", "page_data"]

CARDS = "cards"  # a folder of the site, with one for each edition
FIGURE = re.compile(r"sphx_glr_(?:plot|draw)_\w+\.svg$")
SIDES = re.compile(r'<svg\b[^>]*\bviewBox="\S+ \S+ ([\d.]+) ([\d.]+)"')
# Of the prose, and of the code.
LICENCES = [
    "https://creativecommons.org/licenses/by/4.0/",
    "https://opensource.org/license/bsd-3-clause",
]


def figure_to_show(figures: list[Path]) -> Path | None:
    """Choose the first figure that is wider than high, as a picture is, or just the first.

    Parameters
    ----------
    figures : list of pathlib.Path
        The images of a page, in order; what is no figure of the gallery is passed over.
    """
    drawn = [path for path in figures if FIGURE.search(path.name)]
    for path in drawn:
        sides = SIDES.search(path.read_text(encoding="utf-8"))
        if sides and float(sides[1]) > float(sides[2]):
            return path
    return drawn[0] if drawn else None


def plain(title: str) -> str:
    """Give a title without its marks.

    Examples
    --------
    >>> plain("1. <code>a</code> &amp; b")
    '1. a & b'
    """
    return Markup(title).striptags()


def page_data(page: str, context: dict[str, Any], doctree: nodes.document) -> dict[str, Any]:
    """Describe a page by the words of schema.org.

    Parameters
    ----------
    page : str
        As Sphinx names it.
    context : dict
        What its template is handed.
    doctree : docutils.nodes.document
        The page, in the language of its edition.
    """
    here = next(edition for edition in context["editions"] if edition["here"])
    guide = {"@type": "WebSite", "name": context["project"]}
    about: dict[str, Any] = {
        "@type": "TechArticle",
        "name": plain(context["title"]),
        "description": context["description"],
        "inLanguage": here["tag"],
        "license": LICENCES,
        "isAccessibleForFree": True,
        "author": {"@type": "Organization", "name": context["project"]},
        "isPartOf": guide,
    }
    if page in stems():
        about["@type"] = ["LearningResource", "TechArticle"]
        about["position"] = stems().index(page) + 1
        about["teaches"] = goals(doctree)[1:]
    elif page == context["root_doc"]:
        about["@type"] = "LearningResource"
    if context["published"]:
        guide["url"] = urljoin(here["url"], "../" * page.count("/") + "index.html")
        about["url"] = here["url"]
        about["workTranslation"] = [
            {"@type": about["@type"], "inLanguage": other["tag"], "url": other["url"]}
            for other in context["editions"]
            if not other["here"]
        ]
    if context.get("card"):
        about["image"] = context["card"]
    return about


def breadcrumbs(page: str, context: dict[str, Any]) -> list[dict[str, Any]]:
    """Tell the way from the home page to a page, if the site knows its address."""
    if not context["published"] or page == context["root_doc"]:
        return []
    place = next(edition["url"] for edition in context["editions"] if edition["here"])
    way = [
        (context["project"], urljoin(place, "../" * page.count("/") + "index.html")),
        *((plain(p["title"]), urljoin(place, p["link"])) for p in context["parents"]),
        (plain(context["title"]), place),
    ]
    steps = [
        {"@type": "ListItem", "position": number, "name": name, "item": item}
        for number, (name, item) in enumerate(way, 1)
    ]
    return [{"@type": "BreadcrumbList", "itemListElement": steps}]


def data_block(graph: list[dict[str, Any]]) -> str:
    r"""Write JSON-LD as a page holds it; no text in it can end the block.

    Examples
    --------
    >>> data_block([{"name": "a </script>"}])
    '{"@context":"https://schema.org","@graph":[{"name":"a \\u003c/script>"}]}'
    """
    whole = {"@context": "https://schema.org", "@graph": graph}
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def cards_of(app: Sphinx, language: str) -> Path:
    """Give the folder with the pictures of an edition."""
    folder = next(edition.folder for edition in editions() if edition.language == language)
    return Path(app.outdir).parent / CARDS / folder


def find_cards(app: Sphinx, config: Config) -> None:
    """List the pictures; all pages are written anew when they are others."""
    config.cards = sorted(path.stem for path in cards_of(app, config.language).glob("*.png"))


def add_metadata(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Hand the template the block and the picture; a page without text of its own has none."""
    if doctree is None or app.builder.name != "html":
        return
    context["root_doc"] = app.config.root_doc
    if published() and page in app.config.cards:
        folder = cards_of(app, app.config.language).name
        # the page names its images in the built site by now
        source = {name: path for path, name in app.builder.images.items()}
        images = {
            Path(app.srcdir, source[name]): image
            for image in doctree.findall(nodes.image)
            if (name := image["uri"].rpartition("/")[2]) in source
        }
        figure = figure_to_show([*images])
        context["card"] = f"{address()}{CARDS}/{folder}/{page}.png"
        context["card_words"] = html.escape(images[figure].get("alt", "")) if figure else ""
    graph = [page_data(page, context, doctree), *breadcrumbs(page, context)]
    context["data_block"] = data_block(graph)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the list of pictures, and listen for every page."""
    app.add_config_value("cards", [], "html", types=frozenset({list}))
    app.connect("config-inited", find_cards)
    app.connect("html-page-context", add_metadata, priority=600)  # the editions are known by then
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
