"""Small pages at the old addresses of pages that have moved; they lead on without a script.

Usage: ``python -m page.moved SITE``, after every edition is built.
"""

from __future__ import annotations

import html
import posixpath
import re
import sys
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from page.repository import source_of
from translation.editions import address, editions, published

__all__ = ["MOVED", "write_moved"]

# The old name of a page and where it leads, below the folder of its edition and without ".html":
# "auto_examples/plot_zoo": "auto_examples/plot_pool", or "zoo": "pool#pool-idea".
# An entry stays for good, since others may link to the old address.
MOVED: dict[str, str] = {}
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)


def write_moved(site: Path, moved: dict[str, str]) -> None:
    """Write a page for every old name, in every edition.

    Raises
    ------
    ValueError
        If there is a page of the old name, or no page or section of the new one.
    """
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    template = templates.get_template("moved.html")
    for old, new in moved.items():
        page, _hash, section = new.partition("#")
        if source_of(old):
            raise ValueError(f"an old name must be that of no page, got {old!r}: {source_of(old)}")
        for edition in editions():
            target = site / edition.folder / f"{page}.html"
            text = target.read_text(encoding="utf-8") if target.exists() else ""
            if not text or (section and f'id="{section}"' not in text):
                raise ValueError(f"{old!r} must lead to a page or its section, got {new!r}")
            title = TITLE.search(text)
            place = f"{page}.html{f'#{section}' if section else ''}"
            written = template.render(
                edition=edition,
                title=html.unescape(title[1]).strip() if title else page,
                link=posixpath.relpath(place, posixpath.dirname(old) or "."),
                url=f"{address()}{edition.folder}/{page}.html",
                up="../" * old.count("/"),
                published=published(),
                _=str,
            )
            path = site / edition.folder / f"{old}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(written + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_moved(Path(sys.argv[1]), MOVED)
