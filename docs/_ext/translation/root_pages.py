"""The pages beside the editions: the root page, the 404 page, the versions, and the sitemap.

Usage: ``python -m translation.root_pages SITE``, after every edition is built.

Earlier versions of the guide are whole sites in folders of their own, ``SITE/v0.1.0``, which
``.github/workflows/pages.yml`` puts there. A site that knows its address lists them.
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader
from packaging.version import InvalidVersion, Version

from translation.editions import DOCS, address, editions, published

__all__ = ["earlier_versions", "write_root"]

TEMPLATES = Path(__file__).parent / "root"


def earlier_versions(site: Path) -> list[tuple[Version, set[str]]]:
    """List the versions that stand in a site, newest first, and the folders of their editions."""
    found = []
    for folder in site.glob("v*"):
        try:
            version = Version(folder.name.removeprefix("v"))
        except InvalidVersion:
            continue
        found.append((version, {index.parent.name for index in folder.glob("*/index.html")}))
    return sorted(found, key=lambda one: one[0], reverse=True)


def write_root(site: Path) -> None:
    """Write what stands beside the editions."""
    all_editions = editions()
    title = re.search(r"^# (.+)$", (DOCS / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert title is not None
    templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    for page in ("index.html", "404.html", *(["versions.html"] if published() else [])):
        text = templates.get_template(page).render(
            editions=all_editions,
            title=title[1],
            _=str,
            address=address(),
            published=published(),
            versions=earlier_versions(site),
            base=urlsplit(address()).path,
        )
        (site / page).write_text(text + "\n", encoding="utf-8")
    rows = []
    for path in sorted((site / "en").rglob("*.html")):
        page = path.relative_to(site / "en").as_posix()
        if page in ("search.html", "404.html") or page.startswith("_"):
            continue
        if 'http-equiv="refresh"' in path.read_text(encoding="utf-8"):  # it leads to another page
            continue
        links = "".join(
            f'<xhtml:link rel="alternate" hreflang="{tag}" href="{html.escape(url)}"/>'
            for tag, url in [
                *((e.tag, f"{address()}{e.folder}/{page}") for e in all_editions),
                ("x-default", address() if page == "index.html" else f"{address()}en/{page}"),
            ]
        )
        rows += [f"<url><loc>{address()}{e.folder}/{page}</loc>{links}</url>" for e in all_editions]
    (site / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        'xmlns:xhtml="http://www.w3.org/1999/xhtml">\n' + "\n".join(rows) + "\n</urlset>\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    write_root(Path(sys.argv[1]))
