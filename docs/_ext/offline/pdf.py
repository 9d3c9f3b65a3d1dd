"""The chapters as one book on paper: Chromium prints it from the site's own pages and styles.

Usage: ``python -m offline.pdf SITE EDITION [PAGE...]``; all chapters, unless pages are named.

All chapters are put into one page, so that links between them stay links, and Chromium makes the
bookmarks from the headings.
The book is printed twice: the first print tells on which page each section begins, and the table of
contents of the second says it.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any
from unicodedata import normalize

import jinja2
import pikepdf
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

import cnnguide
from offline.shelf import FOLDER
from translation.editions import DOCS, Edition, address, editions, published

__all__ = ["QUIET", "chapters_of", "find_chromium", "write_pdf"]

TEMPLATE = Path(__file__).with_name("book.html")
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
# Pages that are no part of the book: the scripts and the reference change by themselves, and are
# looked up with a search.
NOT_PRINTED = ("auto_examples/", "api/", "#")
# Fonts share a glyph between a character and the sign for it in a table of radicals; Chromium notes
# the latter, which no reader types. NFKC names the character for most, and this for the others.
RADICALS = str.maketrans(
    "⺠⻅⻆⻉⻋⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻨⻩⻬⻮⻰⻳",
    "民见角贝车长门青韦页风飞食马骨鬼鱼鸟麦黄齐齿龙龟",
)
RANGE = re.compile(r"<(\w+)> <(\w+)> <(\w{4})>")
PAIR = re.compile(r"(<\w+> )<(2[EF]\w\w)>(?=\s*\n)")
SCREEN = "script, button, .headerlink, .figure-link, .experiment-body, ul.offline, p.offline"


def chapters_of(folder: Path) -> list[str]:
    """List the pages of the book, in the order of the table of contents."""
    home = BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")
    links = [str(a["href"]) for a in home.select(".sidebar-tree .toctree-l1 > a.reference")]
    return [link.removesuffix(".html") for link in links if not link.startswith(NOT_PRINTED)]


def anchor(page: str, fragment: str = "") -> str:
    """Name a place of the book; pages may have sections of the same name."""
    return f"{page}--{fragment}"


def article_of(folder: Path, page: str, book: list[str]) -> Tag:
    """Read the article of a page, and have its links lead to the places in the book."""
    made = BeautifulSoup((folder / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
    article = made.select_one("article")
    assert article is not None
    for part in article.select(SCREEN):
        part.decompose()
    for tag in article.select("[id]"):
        tag["id"] = anchor(page, str(tag["id"]))
    for name in ("aria-labelledby", "aria-describedby", "for"):
        for tag in article.select(f"[{name}]"):
            tag[name] = " ".join(anchor(page, one) for one in str(tag[name]).split())
    for image in article.select("img[loading]"):
        del image["loading"]
    for link in article.select("a[href]"):
        target = re.fullmatch(r"(?:([\w/.-]+)\.html)?(?:#(.*))?", str(link["href"]))
        if target and (target[1] or page) in book:
            link["href"] = f"#{anchor(target[1] or page, target[2] or '')}"
        elif not re.match(r"\w+:", str(link["href"])):
            outward(link, f"{folder.name}/{link['href']}")
    article["id"] = anchor(page)
    return article


def outward(link: Tag, path: str) -> None:
    """Have a link lead to the published site, or make it plain words where no address is known."""
    if published():
        link["href"] = address() + path
    else:
        link.unwrap()


def contents(articles: dict[str, Tag]) -> list[dict[str, Any]]:
    """List the chapters with their sections: titles and places."""

    def entry(section: Tag, place: str) -> dict[str, Any]:
        heading = section.find(["h1", "h2"])
        assert isinstance(heading, Tag)
        return {"title": " ".join(heading.get_text().split()), "place": place}

    return [
        {
            **entry(article, str(article["id"])),
            "sections": [
                entry(section, str(section["id"]))
                for section in article.select("section > section[id]:has(> h2)")
            ],
        }
        for article in articles.values()
    ]


def pages_of(printed: Path) -> dict[str, int]:
    """Tell on which page each place of a printed book is."""
    reader = PdfReader(printed)
    return {
        name.lstrip("/"): (reader.get_destination_page_number(place) or 0) + 1
        for name, place in reader.named_destinations.items()
    }


def typed(code: int) -> str:
    """Name the character that a reader would type, in hexadecimal."""
    character = chr(code)
    if 0x2E80 <= code <= 0x2FDF:
        character = normalize("NFKC", character).translate(RADICALS)
    return f"<{ord(character):04X}>"


def searchable(names: str) -> str:
    r"""Mend the names of a font's glyphs, so that Chinese words are found and copied.

    Examples
    --------
    >>> searchable("<0003> <0004> <2F79>\n")
    '<0003> <0004> [<7F51> <7F8A>]\n'
    """

    def mend(match: re.Match[str]) -> str:
        first, last, code = (int(part, 16) for part in match.groups())
        codes = range(code, code + last - first + 1)
        if not any(0x2E80 <= one <= 0x2FDF for one in codes):
            return match[0]
        return f"<{match[1]}> <{match[2]}> [{' '.join(map(typed, codes))}]"

    names = RANGE.sub(mend, names)
    return PAIR.sub(lambda match: match[1] + typed(int(match[2], 16)), names)


def finish(printed: Path, headings: list[str]) -> None:
    """Mend the bookmarks and the names of characters, and pack the file to half its size.

    Chromium forgets the space in a bookmark where its heading goes on in the next line.
    """
    whole = {"".join(heading.split()): heading for heading in headings}
    with pikepdf.open(printed, allow_overwriting_input=True) as book:
        marks = [book.Root.Outlines]
        for mark in marks:  # the list grows on the way
            marks += [mark[key] for key in ("/First", "/Next") if key in mark]
            if title := whole.get("".join(str(mark.get("/Title", "")).split())):
                mark.Title = title
        for part in book.objects:
            if isinstance(part, pikepdf.Dictionary) and "/ToUnicode" in part:
                names = part.ToUnicode.read_bytes().decode()
                part.ToUnicode.write(searchable(names).encode())
        book.save(printed, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def write_pdf(site: Path, edition: Edition, pages: list[str] | None = None) -> Path:
    """Print the book of an edition, and give the file."""
    folder = site / edition.folder
    book = pages or chapters_of(folder)
    articles = {page: article_of(folder, page, book) for page in book}
    home = BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")
    for link in home.select(".headerlink"):
        link.decompose()
    styles = [str(link["href"]) for link in home.select("link[rel=stylesheet]")]
    values = {
        "tag": edition.tag,
        "title": home.select_one("article h1"),
        "lead": home.select_one("article .home-lead"),
        "styles": [*dict.fromkeys([*styles, "_static/print.css"])],
        "version": cnnguide.__version__,
        "licence": home.select_one(".copyright"),
        "heading": edition.gettext("sphinx", "Contents"),  # a word of Furo's page
        "contents": contents(articles),
        "articles": articles.values(),
    }
    (site / FOLDER).mkdir(exist_ok=True)
    out = site / FOLDER / f"cnnguide-{edition.folder}.pdf"
    text = folder / "_book.html"  # in the edition's folder, where its pictures are
    places: dict[str, int] = {}
    environment = jinja2.Environment(autoescape=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    try:
        for _print in ("to learn the numbers of the pages", "to keep"):
            text.write_text(template.render(**values, places=places), encoding="utf-8")
            print_page(text, out)
            places = pages_of(out)
    finally:
        text.unlink(missing_ok=True)
    found = (h for article in articles.values() for h in article.find_all(re.compile(r"h[1-6]")))
    finish(out, [" ".join(heading.get_text().split()) for heading in found])
    return out


def find_chromium() -> str:
    """Find the browser; without one the program ends with a sentence."""
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    known = (os.environ.get("CHROMIUM", ""), *project["tool"]["cnnguide"]["browsers"])
    chromium = next(filter(None, map(shutil.which, known)), None)
    if chromium is None:
        sys.exit("no Chromium was found: apt-get install chromium, or set CHROMIUM to its path")
    return chromium


def print_page(text: Path, out: Path) -> None:
    """Have Chromium print a page."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_chromium(), args=QUIET)
        page = browser.new_page(color_scheme="light")
        page.set_default_timeout(600_000)
        page.goto(text.as_uri())
        page.evaluate("document.fonts.ready.then(() => true)")
        page.pdf(path=out, format="A4", outline=True, tagged=True, print_background=True)
        browser.close()


if __name__ == "__main__":
    site, folder, *named = sys.argv[1:]
    print(write_pdf(Path(site).resolve(), next(e for e in editions() if e.folder == folder), named))
