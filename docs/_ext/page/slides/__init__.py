"""Slides of every chapter, made from the pages of the built site, so that they say what it says.

Usage: ``python -m page.slides SITE FOLDER`` writes ``FOLDER/en/conv.html`` and so on. A deck is one
file that needs nothing else: it shows the sentences that define, the formulas and how they are read
aloud, the figures with their captions, and the summary.
"""

from __future__ import annotations

import base64
import html
import mimetypes
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from page.reading_order import stems
from translation.editions import editions

__all__ = ["deck", "write"]

HERE = Path(__file__).parent
# Parts of a chapter that are not for a lecture, by the end of their section's name.
LEFT_OUT = ("check", "exercises")
POINTS = 4  # of a summary, on one slide
LINK = 25  # letters below a formula that only lead to the next one, as "and"
WORD = 24  # bytes of a bold word; a longer one is a sentence, in Chinese too
SHORT = 250  # letters of a definition that is shown large
# What of a page goes along with a formula: its font and the classes that its markup has.
STYLES = ("formulas.css",)


def data_of(path: Path) -> str:
    """Write a file as an address that holds it."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def heading(section: Tag) -> str:
    """Give the words of a section's heading."""
    title = section.find(["h1", "h2", "h3", "h4"])
    for link in title.select("a.headerlink") if isinstance(title, Tag) else ():
        link.decompose()
    return title.decode_contents() if isinstance(title, Tag) else ""


def has_class(element: Tag, name: str) -> bool:
    """Tell whether an element has a class."""
    return name in (element.get_attribute_list("class") or [])


def is_definition(paragraph: Tag) -> bool:
    """Tell a paragraph that is one bold sentence, or begins with one."""
    first = next((c for c in paragraph.children if str(c).strip()), None)
    if not isinstance(first, Tag) or first.name != "strong":
        return False
    words = first.get_text().rstrip()
    return words.endswith((".", "。")) and len(words.encode()) > WORD


def figure_slide(figure: Tag, page: Path) -> str:
    """Show a figure with its caption."""
    for image in figure.select("img"):
        image["src"] = data_of(page.parent / str(image["src"]))
    for extra in figure.select("a.headerlink, a.figure-link"):
        extra.decompose()
    images = "".join(str(image) for image in figure.select("img"))
    caption = figure.select_one("figcaption")
    words = caption.decode_contents() if caption else ""
    return f"<figure>{images}<figcaption>{words}</figcaption></figure>"


def formula_slide(block: Tag) -> str:
    """Show a formula, and the paragraph below it, which names its letters and reads it aloud."""
    around = block.parent
    framed = around is not None and has_class(around, "math-wrapper")
    below = (around if framed and around else block).find_next_sibling()
    says_much = below is not None and below.name == "p" and len(below.get_text()) > LINK
    spoken = f"<p>{below.decode_contents()}</p>" if below is not None and says_much else ""
    return f'<div class="formula">{block}</div>{spoken}'


def slides_of(article: Tag, page: Path, stem: str) -> Iterator[tuple[str, str]]:
    """Yield the heading and the content of every slide, in the order of the page."""
    title = heading(article)
    aims = article.select_one(".admonition")
    first = ""
    if aims is not None and (points := aims.select_one("ul")):
        words = aims.select_one(".admonition-title")
        first = f"<p>{words.get_text() if words else ''}</p>{points}"
    yield title, first
    for section in article.select("section section"):
        name = str(section.get("id", ""))
        around = [str(parent.get("id", "")) for parent in section.find_parents("section")]
        if any(n == f"{stem}-{part}" for n in (name, *around) for part in LEFT_OUT):
            continue
        if name == f"{stem}-summary":
            items = [
                str(item) for item in section.select("ul > li:not(:has(a[href*=auto_examples]))")
            ]
            for start in range(0, len(items), POINTS):
                part = "".join(items[start : start + POINTS])
                yield heading(section), f"<ul>{part}</ul>"
            continue
        for child in section.find_all(["p", "div", "figure"]):
            if child.find_parent("section") is not section or child.find_parent("details"):
                continue
            if child.name == "figure":
                yield heading(section), figure_slide(child, page)
            elif child.name == "div" and has_class(child, "math"):
                yield heading(section), formula_slide(child)
            elif child.name == "p" and not child.find_parent("figure") and is_definition(child):
                kind = "definition" if len(child.get_text()) < SHORT else "text"
                yield heading(section), f'<p class="{kind}">{child.decode_contents()}</p>'


def without_links(content: str) -> str:
    """Keep the words of links, which lead nowhere from a deck."""
    soup = BeautifulSoup(content, "html.parser")
    for link in soup.select("a"):
        link.unwrap()
    return str(soup)


def styles(site: Path) -> str:
    """Gather the styles of a deck, with the font of the formulas in them."""
    static = site / "_static"
    texts = [(static / name).read_text(encoding="utf-8") for name in STYLES]
    texts = [
        text.replace(
            "mathfont/cnnguide-math.woff2", data_of(static / "mathfont" / "cnnguide-math.woff2")
        )
        for text in texts
    ]
    return "\n".join([*texts, (HERE / "deck.css").read_text(encoding="utf-8")])


def deck(page: Path, stem: str) -> str:
    """Make the slides of one chapter.

    Parameters
    ----------
    page : pathlib.Path
        A page of the built site.
    stem : str
        The chapter's name.

    Returns
    -------
    str
        A whole HTML document.

    Raises
    ------
    ValueError
        If the file is not a page of the site.
    """
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    article, root = soup.select_one("article"), soup.select_one("html")
    if article is None or root is None:
        raise ValueError(f"{page} must be a page of the built site, and has no article")
    made = [(head, without_links(content)) for head, content in slides_of(article, page, stem)]
    parts = [
        f'<section id="{number}"><h2>{head}</h2>{content}</section>'
        for number, (head, content) in enumerate(made, start=1)
    ]
    parts[0] = parts[0].replace("<h2>", "<h1>").replace("</h2>", "</h1>")
    title = html.escape(BeautifulSoup(made[0][0], "html.parser").get_text())
    return (
        (HERE / "deck.html")
        .read_text(encoding="utf-8")
        .replace("{language}", str(root.get("lang", "en")))
        .replace("{title}", title)
        .replace("{styles}", styles(page.parent))
        .replace("{script}", (HERE / "deck.js").read_text(encoding="utf-8"))
        .replace("{slides}", "\n".join(parts))
    )


def write(site: Path, folder: Path) -> list[Path]:
    """Write the decks of all editions, not those of earlier versions; give their paths."""
    written = []
    for edition in (e.folder for e in editions() if (site / e.folder / "index.html").exists()):
        for stem in stems():
            path = folder / edition / f"{stem}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(deck(site / edition / f"{stem}.html", stem), encoding="utf-8")
            written.append(path)
    return written


def main(arguments: list[str]) -> None:
    """Write the slides, and say where."""
    site, folder = map(Path, arguments)
    print(f"{len(write(site, folder))} decks are in {folder}")
