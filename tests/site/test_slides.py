"""Slides of a chapter: what the page has, in one file, turned by keys and printed sheet by sheet."""

import re

import pytest
from bs4 import BeautifulSoup

from conftest import SITE
from page.reading_order import stems
from page.slides import deck, write

EDITIONS = ("en", "zh")
SCREEN = {"width": 960, "height": 540}


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    """Write the slides of all chapters and editions."""
    folder = tmp_path_factory.mktemp("slides")
    paths = {}
    for edition in EDITIONS:
        for stem in stems():
            paths[edition, stem] = folder / f"{edition}-{stem}.html"
            text = deck(SITE / edition / f"{stem}.html", stem)
            paths[edition, stem].write_text(text, encoding="utf-8")
    return paths


def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("stem", stems())
def test_a_deck_has_the_figures_and_the_summary_of_its_chapter(decks, edition, stem):
    made, page = soup(decks[edition, stem]), soup(SITE / edition / f"{stem}.html")
    for part in page.select(f"#{stem}-exercises, #{stem}-check, details"):
        part.decompose()
    wanted = [figure.img["alt"] for figure in page.select("article section section figure")]
    assert [image["alt"] for image in made.select("section img")] == wanted
    assert made.html["lang"] == page.html["lang"]
    assert len(made.select("section")) > 5
    points = [" ".join(li.get_text().split()) for li in page.select(f"#{stem}-summary > ul > li")]
    shown = " ".join(made.get_text().split())
    assert points and points[0] in shown


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("stem", stems())
def test_a_deck_needs_no_other_file(decks, edition, stem):
    text = decks[edition, stem].read_text(encoding="utf-8")
    assert soup(decks[edition, stem]).select("a, link, script[src]") == []
    addresses = re.findall(r'(?:src|href)="([^"]{,60})|url\("?([^")]{,60})', text)
    assert addresses
    assert [a for pair in addresses for a in pair if a and not a.startswith("data:")] == []


def test_earlier_versions_beside_the_editions_get_no_slides(tmp_path, monkeypatch):
    monkeypatch.setattr("page.slides.stems", lambda: ["conv"])
    site, fonts = tmp_path / "html", tmp_path / "html" / "en" / "_static" / "mathfont"
    fonts.mkdir(parents=True)
    (site / "v0.1.0").mkdir()
    for folder in ("en", "v0.1.0"):
        (site / folder / "index.html").write_text("")
    (site / "en" / "conv.html").write_text('<html lang="en"><article><h1>C</h1></article></html>')
    (fonts / "cnnguide-math.woff2").write_bytes(b"font")
    (fonts.parent / "formulas.css").write_text("math { color: red }")
    assert write(site, tmp_path / "slides") == [tmp_path / "slides" / "en" / "conv.html"]


def test_keys_turn_the_slides(decks, page):
    page.set_viewport_size(SCREEN)
    page.goto(decks["en", "pool"].as_uri())
    count = page.locator("section").count()

    def shown():
        page.wait_for_timeout(100)
        tops = "all => all.findIndex(e => Math.abs(e.getBoundingClientRect().top) < 2) + 1"
        return page.locator("section").evaluate_all(tops)

    assert shown() == 1
    for key, slide in (
        *(("ArrowRight", 2), ("Space", 3), ("Shift+Space", 2), ("End", count)),
        *(("ArrowLeft", count - 1), ("ArrowRight", count), ("Home", 1), ("ArrowUp", 1)),
    ):
        page.keyboard.press(key)
        assert shown() == slide


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("stem", stems())
def test_what_a_slide_shows_fits(decks, page, edition, stem):
    page.set_viewport_size(SCREEN)
    page.goto(decks[edition, stem].as_uri())
    page.wait_for_timeout(200)
    found = page.locator("section").evaluate_all(
        "all => all.map((s, k) => [k + 1, s.scrollHeight - s.clientHeight, s.scrollWidth - s.clientWidth])"
        ".filter(([, down, across]) => down > 1 || across > 1)"
    )
    assert found == []


def test_each_slide_is_one_sheet(decks, page):
    page.goto(decks["en", "pool"].as_uri())
    sheets = re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))
    assert len(sheets) == page.locator("section").count()


def test_a_file_that_is_no_page_is_refused(tmp_path):
    path = tmp_path / "other.html"
    path.write_text("<html><body></body></html>", encoding="utf-8")
    with pytest.raises(ValueError, match="must be a page of the built site, and has no article"):
        deck(path, "conv")
