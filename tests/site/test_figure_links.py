"""Every figure that is an SVG can be downloaded, in the language of its page."""

from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup

from conftest import SITE
from page.figure_links import add_links, linked
from page.reading_order import stems


def test_a_figure_gets_a_link_to_its_file_beside_its_caption():
    figure = '<figure><img alt="A" src="_images/a.svg"/><figcaption><p>A.</p></figcaption></figure>'
    link = BeautifulSoup(linked(figure, "Take it"), "html.parser").select_one("figcaption > a")
    assert link["href"] == "_images/a.svg" and link.has_attr("download")
    assert link["aria-label"] == "Take it: SVG" and link.get_text() == "SVG"


@pytest.mark.parametrize(
    "figure",
    [
        '<figure><img src="a.png"/><figcaption>A.</figcaption></figure>',
        '<figure><img src="a.svg"/></figure>',
    ],
)
def test_a_photograph_or_a_figure_without_a_caption_is_left_as_it_is(figure):
    assert linked(figure, "Take it") == figure


@pytest.mark.parametrize(("builder", "count"), [("html", 1), ("epub", 0)])
def test_a_book_has_no_such_link(builder, count):
    figure = '<figure><img src="a.svg"/><figcaption>A.</figcaption></figure>'
    context = {"body": figure}
    app = SimpleNamespace(builder=SimpleNamespace(name=builder))
    add_links(app, "conv", "page.html", context, None)
    assert context["body"].count("figure-link") == count


@pytest.mark.parametrize("edition", ["en", "zh"])
@pytest.mark.parametrize("stem", stems())
def test_every_figure_of_a_chapter_leads_to_its_own_file(edition, stem):
    page = BeautifulSoup(
        (SITE / edition / f"{stem}.html").read_text(encoding="utf-8"), "html.parser"
    )
    figures = [f for f in page.select("article figure") if f.select("img[src$='.svg']")]
    captioned = [f for f in figures if f.figcaption]
    assert len(captioned) > 1
    for figure in captioned:
        link = figure.select_one("a.figure-link[download]")
        assert link["href"] == figure.img["src"]
        assert (SITE / edition / link["href"]).exists()
