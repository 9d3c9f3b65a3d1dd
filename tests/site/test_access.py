"""Everyone can use every page: axe-core finds no violation, and definitions come on focus too."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from conftest import EXPERIMENTS, pages, tab_to
from translation.root_pages import write_root

EDITIONS = ("en", "zh")
PAGES = [f"{edition}/{page}" for edition in EDITIONS for page in pages(edition)]
ROOT_PAGES = ["index.html", "404.html"]
WIDE = {"width": 1440, "height": 900}  # here the contents of a page stand beside it
PHONE = {"width": 360, "height": 740}
# axe leaves out its one rule that is new in WCAG 2.2 AA unless it is asked for: targets of at least
# 24 pixels, or that far apart.
ALL_BUT_COLOURS = {
    "rules": {"color-contrast": {"enabled": False}, "target-size": {"enabled": True}}
}
# These depend on where things stand, so they are asked again at a phone's width.
PLACES = {"runOnly": ["target-size", "scrollable-region-focusable"]}
# Only colours depend on the theme; and of a text, they depend on what its elements are, not on words.
COLOURS = {"runOnly": ["color-contrast"]}
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


def resize(page, size):
    """Give the page another size, and wait until it has found its places."""
    page.set_viewport_size(size)
    page.wait_for_timeout(100)


def violations_in_both_themes(page, options):
    """All that axe finds with these options, then the colours in the light and the dark theme."""
    found = violations(page, options)
    page.evaluate(ONE_TEXT_OF_EACH_KIND)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_timeout(100)
        found += violations(page, COLOURS)
    return found


@pytest.fixture
def still(chromium):
    """Open an empty page on which nothing moves."""
    context = chromium.new_context(reduced_motion="reduce", viewport=PHONE)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", [*PAGES, *ROOT_PAGES])
def test_axe_finds_no_violation_on_a_phone_or_a_wide_screen_in_either_theme(still, server, name):
    still.route("**/root.js", lambda route: route.abort())  # the root page would lead on
    still.goto(f"{server}/{name}")
    still.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    still.wait_for_timeout(300)
    found = violations(still, PLACES)
    resize(still, WIDE)
    found += violations_in_both_themes(still, ALL_BUT_COLOURS)
    assert found == []


def test_axe_finds_no_violation_in_the_list_of_versions(still, server, tmp_path, monkeypatch):
    monkeypatch.setenv("CNNGUIDE_URL", f"{server}/")
    for edition in ("en", "v0.9.0/en", "v0.10.0/en", "v0.10.0/zh"):
        (tmp_path / edition).mkdir(parents=True)
        (tmp_path / edition / "index.html").touch()
    write_root(tmp_path)
    versions = (tmp_path / "versions.html").read_text(encoding="utf-8")
    still.route(f"{server}/versions.html", lambda route: route.fulfill(body=versions))
    still.goto(f"{server}/versions.html")
    assert still.locator("li").count() == 5
    found = violations(still, PLACES)
    resize(still, WIDE)
    assert found + violations_in_both_themes(still, ALL_BUT_COLOURS) == []


@pytest.mark.parametrize("drawer", ["", "nav-overlay-icon", "toc-overlay-icon"])
@pytest.mark.parametrize("edition", EDITIONS)
def test_axe_finds_no_violation_in_a_phones_header_and_its_drawers(still, server, edition, drawer):
    still.goto(f"{server}/{edition}/conv.html")
    if drawer:
        still.locator(f".{drawer}:visible").click()
        still.wait_for_timeout(300)
    assert violations_in_both_themes(still, ALL_BUT_COLOURS) == []


ON_SCREEN = """() => {
    const { left, right, top, bottom } = document.activeElement.getBoundingClientRect();
    return left >= 0 && right <= innerWidth && top >= -1 && bottom <= innerHeight + 1;
}"""


@pytest.mark.parametrize(
    ("width", "name", "drawer"),
    [
        (360, "Toggle site navigation sidebar", ".sidebar-drawer"),
        (360, "Toggle table of contents sidebar", ".toc-drawer"),
        (1280, "Toggle table of contents sidebar", ".toc-drawer"),
    ],
)
def test_what_is_folded_away_opens_by_keyboard(still, server, width, name, drawer):
    still.set_viewport_size({"width": width, "height": 740})
    still.goto(f"{server}/en/conv.html")
    links = still.locator(f"{drawer} a:visible")
    button = still.get_by_role("button", name=name)
    assert links.count() == 0
    tab_to(still, button)
    assert button.get_attribute("aria-expanded") == "false"
    still.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    assert links.count() > 5
    assert links.first.evaluate("link => link === document.activeElement")
    assert still.evaluate(ON_SCREEN)
    still.keyboard.press("Escape")
    assert links.count() == 0
    assert button.evaluate("button => button === document.activeElement")
    still.keyboard.press("Enter")
    assert links.count() > 5
    still.keyboard.press("Shift+Tab")  # what lies beside an open drawer is covered
    assert links.count() == 0
    assert not button.evaluate("button => button === document.activeElement")
    assert still.evaluate(ON_SCREEN)


@pytest.mark.parametrize("width", [360, 1280])
def test_the_focus_is_always_on_the_screen(still, server, width):
    still.set_viewport_size({"width": width, "height": 740})
    still.goto(f"{server}/en/install.html")
    still.keyboard.press("Tab")
    count = 0
    while still.evaluate("document.activeElement !== document.body"):
        assert still.evaluate(ON_SCREEN), still.evaluate("document.activeElement.outerHTML")
        still.keyboard.press("Tab")
        count += 1
    assert count > 30


@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["phone", "wide"])
def test_axe_would_find_a_small_target(still, server, size):
    still.set_viewport_size(size)
    still.goto(f"{server}/en/search.html")
    still.evaluate("""() => {
        const links = ["a", "b"].map((word) => Object.assign(
            document.createElement("a"), { href: "#", className: "small", textContent: word }));
        document.querySelector("article").append(...links);
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(".small { display: block; line-height: 20px }");
        document.adoptedStyleSheets.push(sheet);
    }""")
    found = violations(still, PLACES if size is PHONE else ALL_BUT_COLOURS)
    assert [fault.split(":")[0] for fault in found] == ["target-size"] * 2


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


# --- what a screen reader is given


def read(page):
    """The formulas of a page as a screen reader gets them: what each part is, and its signs."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    by_id = {node["nodeId"]: node for node in nodes}

    def told(node):
        role = node["role"]["value"]
        if role == "StaticText":
            return node["name"]["value"]
        parts = filter(None, (told(by_id[child]) for child in node["childIds"]))
        said = " ".join(parts)
        if node["ignored"] or role in ("MathMLIdentifier", "MathMLNumber", "MathMLOperator"):
            return said
        return f"{role.removeprefix('MathML')}({said})" if said else ""

    return [told(node) for node in nodes if node["role"]["value"] == "MathMLMath"]


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_formula_is_read_with_its_fraction_its_root_and_its_powers(page, server, edition):
    page.goto(f"{server}/{edition}/norm.html")
    formula = page.locator("#norm-formula div.math > math").first
    assert formula.aria_snapshot() == "- math: y = γ x − μ σ 2 + ϵ + β"
    below = "SquareRoot(Row(Sup(𝜎 2) + 𝜖))"  # the letters are those of a formula, 𝜎 and not σ
    right = f"Math(Row(Row(𝑦 = 𝛾 Fraction(Row(𝑥 − 𝜇) {below}) + 𝛽)))"
    formulas = read(page)
    assert formulas.count(right) == 1
    visible = page.locator("math:visible").count()
    assert len(formulas) == visible > 50
    assert all("Math()" not in told and "\\" not in told for told in formulas)  # nor its TeX
    heard = re.findall(r"- math: \S", page.locator("article").aria_snapshot())
    assert len(heard) == visible


def test_an_experiment_is_read_with_its_names_and_its_numbers(page, server):
    page.goto(f"{server}/en/norm.html")
    place = page.locator("#experiment-norm")
    place.get_by_role("button", name="Next batch").click()
    place.locator("summary").click()
    expect(place).to_match_aria_snapshot("""
        - group "Mode":
          - radio "Training mode" [checked]
          - radio "Evaluation mode"
        - button "Next batch"
        - button "20 batches"
        - button "New layer"
        - math: /y = x − .* · 1.00 \\+ 0.00/
        - paragraph: "Output: mean 0.00, deviation 1.00; wanted 0.00 and 1.00."
        - table:
          - row:
            - rowheader "x"
          - row:
            - rowheader "y"
        - slider "Input mean": "5"
        - slider "Input deviation": "3"
        - slider "γ": "1"
        - slider "β": "0"
        - slider "Momentum": "0.1"
        - table:
          - row:
            - columnheader "Mean"
            - columnheader "Variance"
          - row:
            - rowheader "True values"
            - cell "5.00"
            - cell "9.00"
          - row:
            - rowheader "This batch"
            - cell "used"
          - row:
            - rowheader "Running statistics"
        - paragraph: "Batches in the running statistics: 4"
        - group:
          - text: The chart as a table
          - region "The chart as a table":
            - table:
              - row:
                - columnheader "Batch"
                - columnheader "running mean"
                - columnheader "running deviation"
              - row:
                - rowheader "0"
                - cell "0.00"
                - cell "1.00"
        - status: /Output. mean .* Batches in the running statistics. 4/
    """)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_control_and_picture_of_an_experiment_has_a_name(page, server, edition, name):
    page.goto(f"{server}/{edition}/{name}.html")
    body = page.locator(f"#experiment-{EXPERIMENTS[name]} .experiment-body")
    body.locator("button:visible").first.wait_for()
    page.wait_for_timeout(300)
    body.locator("details").evaluate_all("folds => folds.forEach(fold => fold.open = true)")
    roles = "application|button|checkbox|combobox|img|radio|region|slider|spinbutton"
    lines = re.findall(rf"- (?:{roles})\b.*", body.aria_snapshot())
    assert len(lines) > 2
    assert [line for line in lines if not re.match(r'- \w+ "', line)] == []
