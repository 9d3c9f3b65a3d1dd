"""Old addresses of pages lead to the new ones, without a script and in the language of the page."""

import re
import shutil
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from conftest import SITE
from page.moved import MOVED, write_moved
from page.sheets import write_sheet
from translation.root_pages import write_root

SHEET = '    <link rel="stylesheet" type="text/css" href="_static/a.css" />\n'


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site of one page, in both languages."""
    monkeypatch.delenv("CNNGUIDE_URL", raising=False)
    for edition, title in (("en", "Pools &amp; windows"), ("zh", "池化与窗口")):
        folder = tmp_path / edition
        (folder / "_static").mkdir(parents=True)
        (folder / "_static" / "a.css").write_text("h1 { color: red; }")
        body = f'<h1>{title}</h1><p id="idea">Here.</p>'
        text = f"<html><head><title>{title}</title>\n{SHEET}</head><body>{body}</body></html>"
        (folder / "pool.html").write_text(text, encoding="utf-8")
    return tmp_path


def read(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.mark.parametrize(
    ("edition", "tag", "title", "words"),
    [
        ("en", "en", "Pools & windows", "This page has another address now"),
        ("zh", "zh-CN", "池化与窗口", "本页的地址变了"),
    ],
)
def test_an_old_address_leads_on_in_the_language_of_its_edition(site, edition, tag, title, words):
    write_moved(site, {"old": "pool", "auto_examples/plot_old": "pool#idea"})
    for name, link in (("old", "pool.html"), ("auto_examples/plot_old", "../pool.html#idea")):
        page = read(site / edition / f"{name}.html")
        assert page.html["lang"] == tag and page.h1.get_text() == words
        assert page.select_one("meta[http-equiv=refresh]")["content"] == f"0; url={link}"
        assert [(a["href"], a.get_text()) for a in page.select("a")] == [(link, title)]
        assert not page.select("script, [style], style, link[rel=canonical]")


def test_a_published_site_names_the_new_address_and_leaves_the_old_one_out(site, monkeypatch):
    monkeypatch.setenv("CNNGUIDE_URL", "https://example.org/g")
    write_moved(site, {"old": "pool#idea"})
    write_root(site)
    (link,) = read(site / "zh" / "old.html").select("link[rel=canonical]")
    assert link["href"] == "https://example.org/g/zh/pool.html"
    places = re.findall("<loc>(.*?)</loc>", (site / "sitemap.xml").read_text(encoding="utf-8"))
    assert places == [f"https://example.org/g/{edition}/pool.html" for edition in ("en", "zh")]


@pytest.mark.parametrize("javascript", [True, False])
def test_a_browser_follows_with_and_without_javascript(chromium, site, javascript):
    write_moved(site, {"auto_examples/plot_old": "pool#idea"})
    context = chromium.new_context(java_script_enabled=javascript)
    page = context.new_page()
    page.goto((site / "zh" / "auto_examples" / "plot_old.html").as_uri(), wait_until="commit")
    page.wait_for_url("**/zh/pool.html#idea")
    context.close()


@pytest.mark.parametrize("new", ["pond", "pool#nowhere", ""])
def test_an_old_address_must_lead_somewhere(site, new):
    with pytest.raises(ValueError, match=f"'old' must lead to a page or its section, got '{new}'"):
        write_moved(site, {"old": new})
    assert not (site / "en" / "old.html").exists()


def test_a_page_that_is_there_is_not_an_old_address(site):
    with pytest.raises(ValueError, match=r"must be that of no page, got 'conv': docs/conv\.md"):
        write_moved(site, {"conv": "pool"})


def test_the_style_sheet_of_a_site_does_not_change_by_an_old_address(site):
    write_moved(site, {"old": "pool"})
    before = (site / "en" / "old.html").read_text(encoding="utf-8")
    write_sheet(site / "en", site / "sheets.txt", ["pool"])
    assert (site / "sheets.txt").read_text(encoding="utf-8") == "a.css"
    assert "h1{color: red}" in (site / "en" / "_static" / "site.css").read_text("utf-8")
    assert "_static/site.css" in (site / "en" / "pool.html").read_text(encoding="utf-8")
    assert (site / "en" / "old.html").read_text(encoding="utf-8") == before


def test_every_old_address_of_the_guide_is_in_the_site_and_leads_on(tmp_path):
    for edition in ("en", "zh"):
        for old in MOVED:
            assert "refresh" in (SITE / edition / f"{old}.html").read_text(encoding="utf-8")
        shutil.copytree(SITE / edition, tmp_path / edition, ignore=all_but_pages)
    write_moved(tmp_path, MOVED)  # raises where one does not


def all_but_pages(folder, names):
    paths = [Path(folder, name) for name in names]
    return [p.name for p in paths if not p.is_dir() and p.suffix != ".html"]
