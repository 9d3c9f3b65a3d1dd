"""A figure of each chapter as a PNG, for programs that show a picture beside a link.

Usage: ``python -m offline.cards SITE EDITION [PAGE...]``; all chapters, unless pages are named.

Such programs take no SVG. Chromium draws the figure as it stands in the edition, with the words of
its language, in the size that most of them cut a picture to.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright

from offline.pdf import QUIET, find_chromium
from page.metadata import CARDS, figure_to_show
from page.reading_order import stems
from translation.editions import Edition, editions

__all__ = ["figure_of", "write_cards"]

SIZE = {"width": 1200, "height": 630}  # pixels, as Open Graph's users advise
FRAME = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: #fff; }
img { box-sizing: border-box; width: 100vw; height: 100vh; padding: 24px; object-fit: contain; }
</style><img alt="" src="SOURCE">"""


def figure_of(page: Path) -> Path | None:
    """Give the figure that shows what a built page is about."""
    article = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select_one("article")
    images = article.select("img[src]") if article else []
    return figure_to_show([page.parent / str(image["src"]) for image in images])


def write_cards(site: Path, edition: Edition, pages: list[str] | None = None) -> list[Path]:
    """Draw the pictures of an edition, and give the files."""
    source, out = site / edition.folder, site / CARDS / edition.folder
    out.mkdir(parents=True, exist_ok=True)
    written = []
    frame = source / "_card.html"  # in the edition's folder, where its figures are
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_chromium(), args=QUIET)
        view = browser.new_page(viewport=SIZE, color_scheme="light")
        try:
            for page in pages or stems():
                figure = figure_of(source / f"{page}.html")
                if figure is None:
                    continue
                place = figure.relative_to(source).as_posix()
                frame.write_text(FRAME.replace("SOURCE", place), encoding="utf-8")
                view.goto(frame.as_uri())
                view.evaluate("document.querySelector('img').decode()")
                view.screenshot(path=out / f"{page}.png")
                written.append(out / f"{page}.png")
        finally:
            frame.unlink(missing_ok=True)
            browser.close()
    return written


if __name__ == "__main__":
    site, folder, *named = sys.argv[1:]
    write_cards(Path(site).resolve(), next(e for e in editions() if e.folder == folder), named)
