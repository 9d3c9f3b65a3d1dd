"""The editions of the site: which there are, and how a page finds its sisters.

English is the source and stands under ``en/``.
Every folder of ``docs/locale`` is one edition more; ``zh_CN`` stands under ``zh/``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from gettext import translation
from pathlib import Path
from typing import Any

from babel import Locale
from babel.core import get_global
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.typing import ExtensionMetadata

import cnnguide

__all__ = ["Edition", "address", "editions", "goals", "newest_address", "published"]

DOCS = Path(__file__).parents[2]
_ = get_translation("sphinx")
LONGEST = 200  # characters of a page's description; search engines show fewer


@dataclass(frozen=True)
class Edition:
    """One language of the site."""

    language: str  # as Sphinx names it: zh_CN
    folder: str  # under the site's root: zh
    tag: str  # as HTML names it: zh-CN
    name: str  # in the language itself: 中文

    @property
    def locale(self) -> str:
        """The language and the country that it is most read in, as Open Graph wants: en_US."""
        subtags = get_global("likely_subtags").get(self.language, self.language)
        locale = Locale.parse(str(subtags))
        return f"{locale.language}_{locale.territory}"

    def gettext(self, domain: str, message: str) -> str:
        """Translate a message of a page's catalog, as Sphinx compiled it."""
        locale = [self.language]
        return translation(domain, DOCS / "locale", locale, fallback=True).gettext(message)


def editions() -> list[Edition]:
    """List the editions, English first."""
    editions = []
    for language in ["en", *sorted(p.name for p in (DOCS / "locale").iterdir() if p.is_dir())]:
        locale = Locale.parse(language)
        name = (locale.get_language_name() or language).capitalize()
        editions.append(Edition(language, locale.language, language.replace("_", "-"), name))
    return editions


def address() -> str:
    """Give the address at which the site is published, from the environment."""
    return (os.environ.get("CNNGUIDE_URL") or "http://127.0.0.1:8000").rstrip("/") + "/"


def newest_address() -> str:
    """Give the address of the newest text, of which a release's site stands in a folder, v0.1.0."""
    return address().removesuffix(f"/v{cnnguide.__version__}/").rstrip("/") + "/"


def published() -> bool:
    """Tell whether the site knows its address; without one, no page names any."""
    return bool(os.environ.get("CNNGUIDE_URL"))


def goals(doctree: nodes.document) -> list[str]:
    """List what a reader can do after a page, behind the words that begin the list."""
    for tip in doctree.findall(nodes.admonition):
        heading, listed = tip.next_node(nodes.title), tip.next_node(nodes.bullet_list)
        if heading and listed:
            return [heading.astext(), *(" ".join(goal.astext().split()) for goal in listed)]
    return []


def description(doctree: nodes.document) -> str:
    """Say what a page is about, by the goals of its reader, its first words, or its title."""
    prose = [p.astext() for p in doctree.findall(nodes.paragraph) if is_prose(p)]
    titles = [title.astext() for title in doctree.findall(nodes.title)]
    texts = goals(doctree) or (prose or titles)[:1]
    text = " ".join(" ".join(texts).split())
    if len(text) <= LONGEST:
        return text
    cut = text[: LONGEST - 1]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut[-30:] else cut}…"


def is_prose(paragraph: nodes.paragraph) -> bool:
    """Tell a paragraph of a section from one in a list or a table."""
    parent = paragraph.parent
    return isinstance(parent, nodes.section) or "home-lead" in parent.get("classes", ())


def add_sisters(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Tell the templates where the page stands in every edition, and what it is about."""
    context["published"] = published()
    context["description"] = description(doctree) if doctree else ""
    up = "../" * (page.count("/") + 1)
    context["editions"] = [
        {
            "tag": edition.tag,
            "name": edition.name,
            "locale": edition.locale,
            "here": edition.language == app.config.language,
            "link": f"{up}{edition.folder}/{page}.html",
            "url": f"{address()}{edition.folder}/{page}.html",
        }
        for edition in editions()
    ]
    context["copyright"] = _(app.config.copyright)
    home = page == app.config.root_doc
    context["default_url"] = address() if home else context["editions"][0]["url"]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for every page."""
    # all pages are written anew for another address, and when a language begins
    app.add_config_value("site_address", address() if published() else "", "html")
    app.add_config_value("site_editions", [e.tag for e in editions()], "html")
    app.connect("html-page-context", add_sisters)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
