"""What a page says to programs, on a small site: with an address, and without one."""

import json
import shutil
import subprocess
import sys

import pytest
from bs4 import BeautifulSoup

from conftest import ROOT

CONF = """
import sys

sys.path.insert(0, "{extensions}")
project = "toy"
extensions = ["myst_parser", "translation", "page.metadata"]
locale_dirs = ["{extensions}/../locale"]
myst_enable_extensions = ["colon_fence"]
html_theme = "furo"
html_static_path = ["{extensions}/translation"]
templates_path = ["{extensions}/translation"]
"""
PAGE = """# A "toy"

:::{{admonition}} After this page you can
:class: tip

- count to three,
- stop.
:::

The first paragraph.

```{{toctree}}
plain
empty
pool
```
"""
CHAPTER = r"""# What does `pool` keep, & why \</script>?

:::{admonition} After this page you can
:class: tip

- pool,
- count
  windows.
:::

![Four windows, and "one"](sphx_glr_plot_pool_001.svg)

```{toctree}
api/pool
```
"""
DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 2"/>'
LONG = "word " * 60


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Build the small site, and give its pages."""
    root = tmp_path_factory.mktemp("toy")
    (root / "docs").mkdir()
    (root / "docs" / "conf.py").write_text(CONF.format(extensions=ROOT / "docs" / "_ext"))
    (root / "docs" / "index.md").write_text(PAGE.format())
    (root / "docs" / "empty.md").write_text("# No words\n")
    (root / "docs" / "plain.md").write_text(f"# Plain\n\n- a list\n\n{LONG}\n")

    (root / "docs" / "pool.md").write_text(CHAPTER)
    (root / "docs" / "sphx_glr_plot_pool_001.svg").write_text(DRAWING)
    (root / "docs" / "api").mkdir()
    (root / "docs" / "api" / "pool.md").write_text("# cnnguide.pool\n\nA function.\n")

    def made(monkeypatch, address, language="en", cards=()):
        monkeypatch.delenv("CNNGUIDE_URL", raising=False)
        if address:
            monkeypatch.setenv("CNNGUIDE_URL", address)
        shutil.rmtree(root / "cards", ignore_errors=True)
        for card in cards:
            (root / card).parent.mkdir(parents=True, exist_ok=True)
            (root / card).touch()
        options = ["-D", f"language={language}", "-D", "draft=1"]
        command = [sys.executable, "-m", "sphinx", "-q", "-W", *options, "docs", "html"]
        subprocess.run(command, cwd=root, check=True)
        return {
            name: BeautifulSoup((root / "html" / f"{name}.html").read_text("utf-8"), "html.parser")
            for name in ("index", "plain", "empty", "pool", "api/pool", "search")
        }

    return made


def graph(page):
    """Read what a page says in JSON-LD: about itself, and the way to it."""
    (block,) = page.select("head script[type='application/ld+json']")
    found = json.loads(block.string)
    assert found["@context"] == "https://schema.org"
    return found["@graph"]


def test_a_site_without_an_address_names_none(build, monkeypatch):
    pages = build(monkeypatch, None, cards=["cards/en/pool.png"])
    for page in pages.values():
        assert not page.select("link[rel=canonical], link[rel=alternate]")
        assert not page.select("meta[property='og:url'], meta[property='og:image']")
        assert "127.0.0.1" not in str(page.head)
    pages.pop("search")
    for page in pages.values():
        (about,) = graph(page)
        assert not {"url", "image", "workTranslation"} & {*about}
        assert about["isPartOf"] == {"@type": "WebSite", "name": "toy"}


def test_a_site_with_an_address_names_each_page_and_its_sisters(build, monkeypatch):
    build(monkeypatch, None)
    page = build(monkeypatch, "https://example.org/g")[
        "plain"
    ]  # nothing but the address has changed
    assert page.select_one("link[rel=canonical]")["href"] == "https://example.org/g/en/plain.html"
    sisters = {a["hreflang"]: a["href"] for a in page.select("link[rel=alternate]")}
    assert sisters == {
        "en": "https://example.org/g/en/plain.html",
        "zh-CN": "https://example.org/g/zh/plain.html",
        "x-default": "https://example.org/g/en/plain.html",
    }
    said = {tag["property"]: tag["content"] for tag in page.select("meta[property^='og:']")}
    assert said["og:title"] == "Plain" and said["og:url"].endswith("/en/plain.html")
    assert said["og:locale"] == "en_US" and said["og:locale:alternate"] == "zh_CN"
    assert said["og:description"].startswith("word word") and "og:image" not in said


@pytest.mark.parametrize(("language", "folder"), [("en", "en"), ("zh_CN", "zh")])
def test_a_chapter_says_what_it_teaches_and_a_reference_that_it_explains(
    build, monkeypatch, language, folder
):
    pages = build(monkeypatch, "https://example.org/g", language)
    base = f"https://example.org/g/{folder}/"
    about, way = graph(pages["pool"])
    tag = language.replace("_", "-")
    assert about["@type"] == ["LearningResource", "TechArticle"]
    assert about["name"] == "What does pool keep, & why </script>?"
    assert about["teaches"] == ["pool,", "count windows."] and about["position"] == 2
    heading = {"en": "After this page you can", "zh": "读完本页，你将能够"}[folder]
    assert about["description"] == f"{heading} pool, count windows."
    assert about["inLanguage"] == tag and about["url"] == f"{base}pool.html"
    (other,) = about["workTranslation"]
    assert {about["inLanguage"], other["inLanguage"]} == {"en", "zh-CN"}
    assert other["url"] == f"https://example.org/g/{'zh' if folder == 'en' else 'en'}/pool.html"
    assert way["@type"] == "BreadcrumbList"
    assert [step["item"] for step in way["itemListElement"]] == [
        f"{base}index.html",
        f"{base}pool.html",
    ]
    reference, way = graph(pages["api/pool"])
    assert reference["@type"] == "TechArticle" and "teaches" not in reference
    assert reference["isPartOf"]["url"] == f"{base}index.html"
    steps = [(step["position"], step["name"], step["item"]) for step in way["itemListElement"]]
    assert steps == [
        (1, "toy", f"{base}index.html"),
        (2, "What does pool keep, & why </script>?", f"{base}pool.html"),
        (3, "cnnguide.pool", f"{base}api/pool.html"),
    ]
    (home,) = graph(pages["index"])
    assert home["@type"] == "LearningResource" and home["name"] in ('A "toy"', "A “toy”")
    assert not pages["search"].select("script[type='application/ld+json']")


def test_a_chapter_is_shown_by_its_figure_where_there_is_a_picture_of_it(build, monkeypatch):
    address = "https://example.org/g/"
    for cards in (["cards/zh/pool.png", "cards/en/plain.png"], ["cards/en/pool.png"], []):
        page = build(monkeypatch, address, cards=cards)["pool"]
        said = {t["property"]: t["content"] for t in page.select("meta[property^='og:image']")}
        about, _way = graph(page)
        if "cards/en/pool.png" not in cards:
            assert said == {} and "image" not in about
            continue
        assert said["og:image"] == about["image"] == f"{address}cards/en/pool.png"
        assert said["og:image:alt"] == 'Four windows, and "one"'


def test_a_page_is_described_by_its_goals_its_first_paragraph_or_its_title(build, monkeypatch):
    pages = build(monkeypatch, None)
    names = ("index", "empty", "plain")
    said = {n: pages[n].select_one("meta[name=description]")["content"] for n in names}
    assert said["index"] == "After this page you can count to three, stop."
    assert said["empty"] == "No words"
    assert said["plain"] == ("word " * 39).strip() + "…"
