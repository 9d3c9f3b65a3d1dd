"""Everyone can use every page: axe-core finds no violation, and definitions come on focus too."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from conftest import pages

EDITIONS = ("en", "zh")
PAGES = [(edition, page) for edition in EDITIONS for page in pages(edition)]
# Only colours depend on the theme; and of a text, they depend on what its elements are, not on words.
COLOURS = {"runOnly": ["color-contrast"]}
ALL_BUT_COLOURS = {"rules": {"color-contrast": {"enabled": False}}}
ONE_TEXT_OF_EACH_KIND = """() => {
    const kind = (element) => [
        element.localName,
        ...[...element.attributes]
            .map(({ name, value }) => /^(class|style|type|role|aria-current|aria-pressed|open)$/
                .test(name) ? `${name}=${value}` : name)
            .sort(),
    ].join(" ");
    const seen = new Set();
    for (const element of document.body.querySelectorAll("*")) {
        const texts = [...element.childNodes].filter(
            (node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
        if (!texts.length) continue;
        let path = "";
        for (let e = element; e !== document.body; e = e.parentElement) path += kind(e) + " < ";
        if (seen.has(path)) texts.forEach((text) => text.remove());
        seen.add(path);
    }
}"""


def violations(page, options=None):
    options = {"resultTypes": ["violations"], **(options or {})}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{v['id']}: {node['html'][:150]}" for v in found for node in v["nodes"]]


@pytest.mark.parametrize(("edition", "name"), PAGES, ids=lambda x: x)
def test_axe_finds_no_violation_in_either_theme(chromium, server, edition, name):
    context = chromium.new_context(color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{server}/{edition}/{name}")
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.wait_for_timeout(300)
    found = violations(page, ALL_BUT_COLOURS)
    page.evaluate(ONE_TEXT_OF_EACH_KIND)
    found += violations(page, COLOURS)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(300)
    found += violations(page, COLOURS)
    context.close()
    assert found == []


def test_axe_would_find_a_picture_without_words(page, server):
    page.goto(f"{server}/en/conv.html")
    page.evaluate("document.querySelector('article').append(new Image())")
    page.evaluate("document.querySelector('article').lastChild.src = '/en/_static/logo.svg'")
    assert any(fault.startswith("image-alt") for fault in violations(page, ALL_BUT_COLOURS))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_would_find_one_pale_token_among_thousands(page, server, theme):
    page.emulate_media(color_scheme=theme)
    page.goto(f"{server}/en/conv.html")
    page.evaluate("""() => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync("pre span.l { color: gray !important; background: dimgray }");
        document.adoptedStyleSheets.push(sheet);
    }""")
    page.evaluate(ONE_TEXT_OF_EACH_KIND)
    assert any(fault.startswith("color-contrast") for fault in violations(page, COLOURS))


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_term_shows_its_definition_on_hover_and_on_focus(page, server, edition):
    page.goto(f"{server}/{edition}/conv.html")
    term = page.locator("a[data-definition][href$='#term-kernel']").first
    tip = page.get_by_role("tooltip")
    term.evaluate("term => term.scrollIntoView({behavior: 'instant', block: 'center'})")
    page.wait_for_timeout(200)
    term.hover()
    assert tip.inner_text() == term.get_attribute("data-definition")
    page.keyboard.press("Escape")
    assert tip.count() == 0
    page.mouse.move(0, 0)
    page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    term.focus()
    page.wait_for_timeout(800)  # the page scrolls to it, and the definition goes along
    assert tip.is_visible()
    assert term.get_attribute("aria-describedby") == "definition"
    page.goto(f"{server}/{edition}/glossary.html")
    entry = page.locator("dt#term-kernel + dd").inner_text()
    page.goto(f"{server}/{edition}/conv.html")
    assert entry.startswith(term.get_attribute("data-definition")[:10])


def test_a_definition_stays_while_its_term_has_the_focus(page, server):
    page.goto(f"{server}/en/conv.html")
    term = page.locator("a[data-definition]").first
    term.evaluate("term => term.scrollIntoView({behavior: 'instant', block: 'center'})")
    page.wait_for_timeout(200)
    tip = page.get_by_role("tooltip")
    term.focus()
    term.hover()
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)
    assert tip.is_visible()
    term.blur()
    assert tip.count() == 0


def test_a_definition_stays_inside_a_phone(page, server):
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto(f"{server}/en/conv.html")
    for term in page.locator("article a[data-definition]").all()[:12]:
        term.scroll_into_view_if_needed()
        page.wait_for_timeout(50)
        term.focus()
        box = page.locator("#definition").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        term.blur()


def test_a_wide_block_can_be_scrolled_by_keyboard(page, server):
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto(f"{server}/en/conv.html")
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.wait_for_timeout(200)
    wide = page.evaluate(
        "[...document.querySelectorAll('pre')].filter(p => p.scrollWidth > p.clientWidth)"
        ".map(p => p.tabIndex)"
    )
    assert wide
    assert set(wide) == {0}
