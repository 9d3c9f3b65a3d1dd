"""How far the translation is, and with what the site was built: numbers of this very build."""

from importlib.metadata import version
from urllib.parse import urljoin

import polib
import pytest
from bs4 import BeautifulSoup

import cnnguide
from conftest import SITE, pages
from translation.catalog_check import LOCALE
from translation.drafts import percentage, progress
from translation.state import State, states


def soup(edition, page):
    return BeautifulSoup((SITE / edition / page).read_text(encoding="utf-8"), "html.parser")


def test_a_language_is_counted_whole_and_then_by_what_is_not_done(tmp_path):
    folder = tmp_path / "LC_MESSAGES"
    (folder / "api").mkdir(parents=True)
    for name, words in (
        ("api/conv", [("a", "A", []), ("b", "", []), ("c", "C", ["fuzzy"])]),
        ("index", [("a", "A", [])]),
    ):
        catalog = polib.POFile()
        for message, translated, flags in words:
            catalog.append(polib.POEntry(msgid=message, msgstr=translated, flags=flags))
        catalog.save(str(folder / f"{name}.po"))
    assert states(tmp_path, "Spiel") == [State("Spiel", 2, 4), State("api/conv", 1, 3)]


@pytest.mark.parametrize(("edition", "sign"), [("en", " %"), ("zh", "%")])
def test_the_page_shows_the_state_of_the_catalogs(edition, sign):
    table = soup(edition, "translation.html").find("table")
    rows = [[cell.get_text() for cell in row.select("th, td")] for row in table.select("tr")]
    done, total = map(sum, zip(*map(progress, (LOCALE / "zh_CN").rglob("*.po")), strict=True))
    assert rows[1] == ["中文", f"{done:,}", f"{total:,}", f"{percentage(done, total)}{sign}"]
    assert all(rows[0])


@pytest.mark.parametrize("edition", ["en", "zh"])
def test_every_page_says_its_version_and_leads_to_the_state_of_the_translation(edition):
    for page in pages(edition):
        line = soup(edition, page).select_one("footer .versions")
        for said in (f"cnnguide {cnnguide.__version__}", version("torch"), version("torchvision")):
            assert said in line.get_text(), page
        assert urljoin(page, line.a["href"]).partition("#")[0] == "translation.html", page
