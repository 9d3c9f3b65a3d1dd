"""The editions of the site: which there are, how a page finds its sister, and the root beside them.

English is the source and stands under ``en/``.
Every folder of ``docs/locale`` is one edition more; ``zh_CN`` stands under ``zh/``.
"""

from __future__ import annotations

import gettext
import html
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from babel import Locale
from catalog_check import catalog_faults
from jinja2 import Environment, FileSystemLoader
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

__all__ = ["Edition", "address", "editions", "write_root"]

DOCS = Path(__file__).parents[1]
logger = logging.getLogger(__name__)
_ = get_translation("sphinx")


@dataclass(frozen=True)
class Edition:
    """One language of the site."""

    language: str  # as Sphinx names it: zh_CN
    folder: str  # under the site's root: zh
    tag: str  # as HTML names it: zh-CN
    name: str  # in the language itself: 中文

    def say(self, domain: str, message: str) -> str:
        """Translate a message of a page's catalog, as Sphinx compiled it."""
        locale = [self.language]
        return gettext.translation(domain, DOCS / "locale", locale, fallback=True).gettext(message)


def editions() -> list[Edition]:
    """List the editions, English first."""
    found = []
    for language in ["en", *sorted(p.name for p in (DOCS / "locale").iterdir() if p.is_dir())]:
        locale = Locale.parse(language)
        name = (locale.get_language_name() or language).capitalize()
        found.append(Edition(language, locale.language, language.replace("_", "-"), name))
    return found


def address() -> str:
    """Give the address at which the site is published, from the environment."""
    return os.environ.get("CNNGUIDE_URL", "http://127.0.0.1:8000/").rstrip("/") + "/"


def add_sisters(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Tell the templates where the page stands in every edition."""
    up = "../" * (page.count("/") + 1)
    context["editions"] = [
        {
            "tag": edition.tag,
            "name": edition.name,
            "here": edition.language == app.config.language,
            "link": f"{up}{edition.folder}/{page}.html",
            "url": f"{address()}{edition.folder}/{page}.html",
        }
        for edition in editions()
    ]
    context["copyright"] = _(app.config.copyright)
    home = page == app.config.root_doc
    context["default_url"] = address() if home else context["editions"][0]["url"]


def report_faults(app: Sphinx) -> None:
    """Warn of every translation that says something else than its message."""
    folder = Path(app.srcdir, "locale", app.config.language)
    if app.config.language == "en" or app.builder.name == "gettext":
        return
    for path in sorted(folder.rglob("*.po")):
        for entry, fault in catalog_faults(path, folder):
            logger.warning("%s: %r", fault, entry.msgid[:80], location=f"{path}:{entry.linenum}")


def write_root(site: Path) -> None:
    """Write what stands beside the editions: the root page, the 404 page, and the sitemap."""
    made = editions()
    title = re.search(r"^# (.+)$", (DOCS / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert title is not None
    templates = Environment(loader=FileSystemLoader(DOCS / "_templates" / "root"), autoescape=True)
    for page in ("index.html", "404.html"):
        text = templates.get_template(page).render(
            editions=made, title=title[1], _=str, address=address(), base=urlsplit(address()).path
        )
        (site / page).write_text(text + "\n", encoding="utf-8")
    rows = []
    for path in sorted((site / "en").rglob("*.html")):
        page = path.relative_to(site / "en").as_posix()
        if page in ("search.html", "404.html") or page.startswith("_"):
            continue
        links = "".join(
            f'<xhtml:link rel="alternate" hreflang="{tag}" href="{html.escape(url)}"/>'
            for tag, url in [
                *((e.tag, f"{address()}{e.folder}/{page}") for e in made),
                ("x-default", address() if page == "index.html" else f"{address()}en/{page}"),
            ]
        )
        rows += [f"<url><loc>{address()}{e.folder}/{page}</loc>{links}</url>" for e in made]
    (site / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        'xmlns:xhtml="http://www.w3.org/1999/xhtml">\n' + "\n".join(rows) + "\n</urlset>\n",
        encoding="utf-8",
    )


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the start of the build and for every page."""
    app.connect("builder-inited", report_faults)
    app.connect("html-page-context", add_sisters)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    write_root(Path(sys.argv[1]))
