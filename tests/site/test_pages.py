"""Every page in a real browser: the switch, the languages, the links, and nothing from elsewhere."""

import ast
import os
import re
import xml.etree.ElementTree as ET
from urllib.parse import urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup

from conftest import ROOT, SITE, pages
from page.reading_order import stems

EDITIONS = {"en": "en", "zh": "zh-CN"}
PAGES = [(edition, page) for edition in EDITIONS for page in pages(edition)]
# Runs of four or more English words that a Chinese page may hold, each with its reason.
ENGLISH = re.compile(r"(?:[A-Za-z][a-z'’]+[ ,]+){3,}[A-Za-z][a-z'’]+")
NOT_PROSE = {
    "pre, code, kbd, samp, .cell_output, .sig, dt.sig": "code and what code prints",
    ".math": "formulas",
    "div.citation, .bibtex, a.bibtex, .citation": "citations: titles of papers stay as they are",
    "[lang=en]": "the name of the English edition",
    "script, style": "nothing that is shown",
    "dl.field-list em, .py.attribute .field-list": "types of parameters, in numpydoc's notation: sequence of str, optional",
}
CITATION = "a[href*='bibliography.html#']"  # its tooltip is the entry of the bibliography


def soup(edition, page):
    return BeautifulSoup((SITE / edition / page).read_text(encoding="utf-8"), "html.parser")


def test_both_editions_have_the_same_pages():
    assert len(pages("en")) > 60
    assert pages("en") == pages("zh")


@pytest.mark.parametrize("page", pages())
def test_both_editions_have_the_same_sections(page):
    english, chinese = (
        [s["id"] for s in soup(e, page).select("article section[id], article dt[id]")]
        for e in EDITIONS
    )
    if page == "glossary.html":  # its terms stand in the order of each language
        english, chinese = sorted(english), sorted(chinese)
    assert english == chinese


@pytest.mark.parametrize(("edition", "page"), PAGES, ids=lambda x: x)
def test_a_page_names_its_language_and_says_what_it_is_about(edition, page):
    made = soup(edition, page)
    assert made.html["lang"] == EDITIONS[edition]
    described = made.select("meta[name=description]")
    assert page == "search.html" or 0 < len(described[0]["content"]) <= 200
    # the language switch leads to the sisters; addresses are for a site that knows its own
    assert (made.select_one("link[rel=canonical]") is None) == ("CNNGUIDE_URL" not in os.environ)


@pytest.mark.parametrize("page", pages("zh"))
def test_a_chinese_page_has_no_english_sentence(page):
    made = soup("zh", page)
    labels = [
        tag[name]
        for name in ("alt", "title", "aria-label", "placeholder", "tooltip", "content")
        for tag in made.select(f"[{name}]:not({CITATION})")
        if tag.get("name") not in ("viewport", "generator")
    ]
    for tag in made.select(", ".join(NOT_PROSE)):
        tag.replace_with(" ■ ")
    text = re.sub(r"《[^》]*》", " ■ ", made.get_text(" "))  # titles of works
    found = [m[0] for part in (text, *labels) for m in ENGLISH.finditer(re.sub(r"\s+", " ", part))]
    assert found == []
    assert " -- " not in text  # a dash that was not made one
    assert re.search("[\u4e00-\u9fff]", text)
    title = made.title.get_text().removesuffix(" - cnnguide")
    assert re.search("[\u4e00-\u9fff]", title) or title.startswith("cnnguide")  # a module's name


@pytest.mark.parametrize("page", pages("en"))
def test_a_quotation_begins_with_its_opening_mark(page):
    made = soup("en", page)
    for tag in made.select("pre, code, script, style"):
        tag.replace_with("■")
    assert re.findall(r"[\s(]”.{0,20}", made.get_text()) == []


@pytest.mark.parametrize("page", pages("zh"))
def test_what_a_screen_reader_says_is_chinese(page):
    made = soup("zh", page)
    for name in ("aria-label", "alt", "title", "placeholder"):
        for tag in made.select(f"body [{name}]:not({CITATION})"):
            words = tag[name].strip()
            if re.search("[a-z]{3}", words) and not tag.find_parent(["pre", "code"]):
                assert re.search("[\u4e00-\u9fff]", words) or re.fullmatch(r"[\w.]+", words), (
                    f"{name}: {words}"
                )


@pytest.fixture(scope="module")
def visitor(chromium):
    """A reader who goes from page to page and so fetches the site's scripts and styles once."""
    context = chromium.new_context()
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def watched(visitor):
    """A page whose errors, failed requests and requests to other hosts are collected."""
    page = visitor.new_page()
    page.faults = []
    page.on("console", lambda m: m.type == "error" and page.faults.append(m.text))
    page.on("pageerror", lambda e: page.faults.append(str(e)))
    page.on("requestfailed", lambda r: page.faults.append(f"failed: {r.url}"))
    page.on("response", lambda r: r.status >= 400 and page.faults.append(f"{r.status}: {r.url}"))
    page.on(
        "request",
        lambda r: (
            urlsplit(r.url).hostname not in ("127.0.0.1", None)
            and page.faults.append(f"another host: {r.url}")
        ),
    )
    yield page
    page.close()


@pytest.mark.parametrize(("edition", "name"), PAGES, ids=lambda x: x)
def test_the_switch_leads_to_the_same_section(watched, server, edition, name):
    other = "zh" if edition == "en" else "en"
    watched.goto(f"{server}/{edition}/{name}")
    watched.evaluate("localStorage.clear()")
    ids = watched.evaluate(
        "[...document.querySelectorAll('article section[id], article dt[id]')].map(s => s.id)"
    )
    on_screen = []
    if len(ids) > 1:
        on_screen = watched.evaluate(
            """ids => {
                document.getElementById(ids.at(-1)).scrollIntoView({behavior: 'instant'});
                return ids.filter(id => {
                    const found = document.getElementById(id);
                    const part = found.tagName === "DT" ? found.parentElement : found;
                    const box = part.getBoundingClientRect();
                    return box.bottom > 0 && box.top < innerHeight;
                });
            }""",
            ids,
        )
    watched.locator(".sidebar-drawer .language-switch a").click()
    watched.wait_for_url(re.compile(rf"/{other}/{re.escape(name)}"))
    arrived = urlsplit(watched.url)
    assert arrived.path == f"/{other}/{name}"
    if on_screen:
        assert arrived.fragment in on_screen
        assert watched.locator(f"[id='{arrived.fragment}']").count() == 1
    assert watched.evaluate("localStorage.getItem('cnnguide-language')") == EDITIONS[other]
    assert watched.faults == []


def test_the_switch_keeps_a_section_in_the_middle(watched, server):
    watched.goto(f"{server}/en/conv.html#conv-cost")
    watched.wait_for_timeout(300)
    watched.locator(".sidebar-drawer .language-switch a").click()
    watched.wait_for_url(re.compile("/zh/"))
    heading = watched.locator("section:target > h2, section:has(> :target) > h2").first
    assert urlsplit(watched.url).fragment
    assert heading.is_visible()


@pytest.mark.parametrize(("edition", "name"), PAGES, ids=lambda x: x)
def test_no_page_is_wider_than_a_phone(watched, server, edition, name):
    watched.set_viewport_size({"width": 360, "height": 700})
    watched.goto(f"{server}/{edition}/{name}")
    watched.evaluate("document.querySelectorAll('details').forEach(fold => (fold.open = true))")
    watched.evaluate("document.fonts.ready.then(() => true)")  # its formulas have their width now
    widths = watched.evaluate(
        "['html', '.content'].map(s => document.querySelector(s).scrollWidth)"
    )
    assert max(widths) <= 360


@pytest.mark.parametrize("width", [320, 390, 800, 1280])
def test_the_switch_is_always_visible(watched, server, width):
    watched.set_viewport_size({"width": width, "height": 700})
    watched.goto(f"{server}/zh/conv.html")
    watched.mouse.wheel(0, 3000)
    watched.wait_for_timeout(300)
    shown = [
        link
        for link in watched.locator(".language-switch a").all()
        if link.is_visible() and 0 <= link.bounding_box()["x"] < width
    ]
    assert len(shown) == 1
    box = shown[0].bounding_box()
    assert 0 <= box["y"] <= 700 - box["height"]
    assert box["x"] + box["width"] <= width


@pytest.mark.parametrize(
    ("locale", "chosen", "expected"),
    [
        ("en-GB", None, "en"),
        ("zh-TW", None, "zh"),
        ("fr-FR", None, "en"),
        ("zh-CN", "en", "en"),
        ("en-US", "zh-CN", "zh"),
    ],
)
def test_the_root_page_picks_a_language(chromium, server, locale, chosen, expected):
    context = chromium.new_context(locale=locale)
    if chosen:
        context.add_init_script(f"localStorage.setItem('cnnguide-language', '{chosen}')")
    page = context.new_page()
    page.goto(f"{server}/")
    page.wait_for_url(f"{server}/{expected}/index.html")
    context.close()


def test_the_root_and_404_can_be_read_without_javascript(chromium, server):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server}/index.html")
    assert page.locator("a").count() == 2
    page.get_by_role("link", name=re.compile("卷积网络")).click()
    assert page.url == f"{server}/zh/index.html"
    page.goto(f"{server}/404.html")
    assert page.get_by_text("没有这个页面").is_visible()
    assert page.get_by_text("There is no such page").is_visible()
    context.close()


def chapters_of_modules():
    """List the chapters that the docstring of each module names, as in `Page: *conv*`."""
    for path in sorted((ROOT / "cnnguide").rglob("*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        if named := re.search(r"^Pages?: .*?(?=\n\n|\Z)", docstring, re.DOTALL | re.MULTILINE):
            parts = path.relative_to(ROOT).with_suffix("").parts
            module = ".".join(parts).removesuffix(".__init__")
            yield module, re.findall(r"\*([\w-]+)\*", named[0])


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_reference_of_a_module_leads_to_its_chapters(edition):
    found = {}
    for page in pages(edition):
        if not page.startswith("api/"):
            continue
        for section in soup(edition, page).select("section[id^=module-cnnguide]"):
            links = section.select(":scope > p a:has(> .doc)")
            found[section["id"].removeprefix("module-")] = links
    named = dict(chapters_of_modules())
    assert len(named) > 30
    for module, chapters in named.items():
        links = {link["href"]: link.get_text() for link in found[module]}
        assert links == {f"../{chapter}.html": chapter for chapter in chapters}, module


@pytest.mark.parametrize(("edition", "page"), PAGES, ids=lambda x: x)
def test_no_link_inside_the_site_is_dead(edition, page):
    made = soup(edition, page)
    for link in made.select("a[href], img[src], link[rel=stylesheet], script[src]"):
        address = urljoin(f"/{edition}/{page}", link.get("href") or link.get("src"))
        split = urlsplit(address)
        if split.scheme or split.netloc or address.startswith("data:"):
            continue
        assert (SITE / split.path.lstrip("/")).exists(), address
        same_page = split.path == f"/{edition}/{page}"
        if split.fragment and same_page:
            assert made.find(id=split.fragment), address


def test_the_sitemap_names_every_page_in_every_language():
    names = {
        "s": "http://www.sitemaps.org/schemas/sitemap/0.9",
        "x": "http://www.w3.org/1999/xhtml",
    }
    rows = ET.parse(SITE / "sitemap.xml").getroot().findall("s:url", names)
    found = ["/".join(urlsplit(r.find("s:loc", names).text).path.split("/")[1:]) for r in rows]
    assert sorted(found) == sorted(f"{e}/{p}" for e, p in PAGES if p != "search.html")
    for row in rows:
        assert {link.get("hreflang") for link in row.findall("x:link", names)} == {
            "en",
            "zh-CN",
            "x-default",
        }


@pytest.mark.parametrize(("edition", "height"), [("en", 1.5), ("zh", 1.7)])
def test_chinese_lines_stand_further_apart(page, server, edition, height):
    page.goto(f"{server}/{edition}/conv.html")
    ratio = page.locator("article p").first.evaluate(
        "p => parseFloat(getComputedStyle(p).lineHeight) / parseFloat(getComputedStyle(p).fontSize)"
    )
    assert abs(ratio - height) < 0.05


@pytest.mark.parametrize("name", stems())
def test_code_takes_at_most_two_fifths_of_a_chapter(page, server, name):
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server}/en/{name}.html")
    code, whole = page.evaluate("""() => {
        const top = document.querySelector("article").getBoundingClientRect().top;
        const end = document.querySelector("section[id$=-exercises]").getBoundingClientRect().top;
        const blocks = [...document.querySelectorAll("article .cell, article .highlight")];
        const shown = blocks.filter((block) =>
            !block.parentElement.closest(".cell, .highlight") && block.checkVisibility()
            && !block.querySelector("img") && block.getBoundingClientRect().top < end);
        const heights = shown.map((block) => block.getBoundingClientRect().height);
        return [heights.reduce((a, b) => a + b, 0), end - top];
    }""")
    assert 0 < code <= 0.4 * whole
