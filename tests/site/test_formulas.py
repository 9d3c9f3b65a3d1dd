"""Formulas: typeset in the build, with their font, for every reader; and the same in both editions."""

import re
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup

from conftest import SITE, pages
from formulas.converter import mathml, rows
from formulas.font import lacking
from formulas.tidy import tidy
from translation.alike import compare_editions, differences

EDITIONS = ("en", "zh")
# A policy under which neither a style nor a script inside the page is obeyed.
STRICT = {"content-security-policy": "default-src 'self'; script-src 'self'; style-src 'self'"}


def with_formulas():
    for edition in EDITIONS:
        for name in pages(edition):
            if "<math" in (SITE / edition / name).read_text(encoding="utf-8"):
                yield edition, name


WITH_FORMULAS = [*with_formulas()]


def body(tex, **options):
    """Convert a formula; give what is shown of it, without the annotation."""
    return re.search("<semantics>(.*)<annotation", mathml(tex, **options))[1]


def test_a_formula_by_hand():
    assert body(r"\frac{1}{n}") == "<mfrac><mn>1</mn><mi>n</mi></mfrac>"
    assert body("x_{i+1}") == (
        '<msub><mi>x</mi><mrow><mi>i</mi><mo lspace="0" rspace="0">+</mo><mn>1</mn></mrow></msub>'
    )
    assert mathml(r"\lambda", block=True).startswith('<math display="block"><semantics><mi>λ</mi>')
    assert body(r"\text{像素}") == "<mtext>像素</mtext>"


def test_the_annotation_is_the_formula_as_it_was_written():
    tex = r"a &= b < c \\ d &= e"
    annotation = BeautifulSoup(mathml(tex, block=True), "html.parser").annotation
    assert annotation["encoding"] == "application/x-tex"
    assert annotation.get_text() == tex


def test_rows_without_an_environment_are_aligned():
    assert "<mtable" in mathml(r"a &= b \\ c &= d", block=True)
    assert rows(r"x = \begin{pmatrix} 1 \\ 2 \end{pmatrix}") == (
        r"x = \begin{pmatrix} 1 \\ 2 \end{pmatrix}"
    )
    assert rows("a\n\nb") == r"\begin{aligned}a\\b\end{aligned}"


@pytest.mark.parametrize(
    ("tex", "fault"),
    [
        (r"\fraction{a}{b}", r"Unsupported function name: \fraction"),
        (r"\frac{a}", "Unexpected end of input"),
        ("{a", "Expected '}'"),
        ("a_b_c", "Double subscript"),
        (r"\left( x", r"Expected '\right'"),
        (r"\begin{foo} a \end{foo}", "No such environment: foo"),
        ("像素", "used in math mode"),
        (r"\color{red}{x}", "formulas.css has no class for 'color:#ff0000'"),
        (r"\cancel{x}", "formulas.css has no class 'tml-cancel'"),
        (r"x \leqq y", "the font has no glyph for '≦'"),
    ],
)
def test_an_ill_formula_fails_by_name(tex, fault):
    with pytest.raises(ValueError, match=re.escape(fault)) as caught:
        mathml(tex)
    assert repr(tex) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_formula_has_a_style_of_its_own():
    hard = r"\begin{aligned} \hat x &= \underbrace{a}_{\frac{\frac12}{3}} \\ b &= \begin{bmatrix} 1 & 2 \end{bmatrix} \end{aligned}"
    made = mathml(hard, block=True)
    assert " style=" not in made
    assert 'class="tml-right no-left no-right"' in made
    assert tidy('<math><mi style="math-depth:2;">x</mi></math>', "x") == (
        '<math><mi class="smallest">x</mi></math>'
    )


def test_a_function_stands_apart_from_its_factor():
    assert body(r"q_k \log p").count("<mspace") == 2
    assert body(r"\log p").count("<mspace") == 1


def test_a_function_in_a_script_leaves_the_script_its_place():
    assert "<mspace" not in body(r"\eta_{\max}")  # a third part would put max onto the line


def test_the_font_has_what_formulas_need():
    assert lacking("ABCxyz0123456789+-=()[]{}|,.⌊⌋∑∏∂√∞≤≥≈←→⇒⋅×′αβγλμσεηπΣΓℝ𝔼ℒ𝐖𝑥") == ""
    assert lacking("像素") == ""
    assert lacking("x≦y") == "≦"


@pytest.mark.parametrize("before", [True, False])
def test_the_end_of_temml_is_told_as_such_and_not_as_a_fault_of_the_formula(monkeypatch, before):
    """A fault of a formula is a ValueError, which the build names with the page and goes on."""

    def flush():
        if before:
            raise BrokenPipeError  # it had ended before it was asked

    ended = SimpleNamespace(
        stdin=SimpleNamespace(write=lambda text: len(text), flush=flush),
        stdout=SimpleNamespace(readline=lambda: ""),
        wait=lambda: -9,
    )
    monkeypatch.setattr("formulas.converter.converter", lambda process_id: ended)
    with pytest.raises(RuntimeError, match=r"Temml ended with exit code -9, at the formula 'q'"):
        mathml.__wrapped__("q")


def test_what_only_one_edition_has_is_named():
    page = "<p><code>menu</code></p><article>{}</article>".format
    formula = "<math><annotation>{}</annotation></math>".format
    same = page(formula(r"a \text{if} b"))
    assert differences(same, page(formula(r"a \text{如果} b"))) == []
    assert differences(page(formula("a")), page("::")) == ["lost: formula a"]
    assert differences(page(formula("a")), page(formula("b"))) == [
        "lost: formula a",
        "added: formula b",
    ]
    assert differences(page("<code>x</code>"), page("x")) == ["lost: code x"]
    assert differences(page('<img src="a/b.svg">'), page("")) == ["lost: image b.svg"]
    assert differences(page('<a href="b.html">b</a>'), page("b")) == ["lost: link b.html"]
    download = '<code class="xref download">{}</code>'.format  # what it is called is words
    assert differences(page(download("Download a.py")), page(download("下载 a.py"))) == []
    listing = "<pre><code>{}</code></pre>".format
    assert differences(page(listing("# one")), page(listing("# 一"))) == []


def test_two_pages_that_were_found_alike_are_not_compared_again(tmp_path, monkeypatch):
    """A page that differs is named by every build, and one that has changed is read again."""
    compared, warned = [], []

    def noted(*texts):
        compared.append(texts)
        return differences(*texts)

    monkeypatch.setattr("translation.alike.differences", noted)
    monkeypatch.setattr(
        "translation.alike.logger",
        SimpleNamespace(
            warning=lambda _, fault, **place: warned.append((place["location"], fault))
        ),
    )
    app = SimpleNamespace(
        config=SimpleNamespace(language="zh_CN"),
        builder=SimpleNamespace(name="html"),
        env=SimpleNamespace(found_docs={"conv", "pool"}),
        doctreedir=tmp_path,
        outdir=tmp_path / "zh",
    )
    lost = ("pool", "lost: code x")
    for style, english, translated, times, faults in (
        (1, "<code>x</code>", "<code>x</code>", 2, []),
        (2, "<code>x</code>", "<code>x</code>", 0, []),  # another sheet in the head
        (2, "<code>x</code>", "x", 1, [lost]),
        (2, "<code>x</code>", "x", 1, [lost]),
        (2, "x", "x", 1, []),
        (2, "<code>x</code>", "x", 1, [lost]),
    ):
        for edition, text in (("en", english), ("zh", translated)):
            (tmp_path / edition).mkdir(exist_ok=True)
            for name, article in (("conv", "a"), ("pool", text)):
                page = f"<head>v={style}</head><article>{article}</article>"
                (tmp_path / edition / f"{name}.html").write_text(page)
        compared.clear()
        warned.clear()
        compare_editions(app, None)
        assert (len(compared), warned) == (times, faults)


@pytest.mark.parametrize("name", pages())
def test_both_editions_have_the_same_formulas_links_code_and_images(name):
    english, chinese = ((SITE / e / name).read_text(encoding="utf-8") for e in EDITIONS)
    assert differences(english, chinese) == []


@pytest.mark.parametrize(("edition", "name"), WITH_FORMULAS, ids=lambda x: x)
def test_a_page_holds_its_formulas_ready(edition, name):
    made = BeautifulSoup((SITE / edition / name).read_text(encoding="utf-8"), "html.parser")
    for formula in made.select(".math"):
        assert formula.select_one("math annotation[encoding='application/x-tex']")
    assert not made.select("math [style], math[style]")
    assert not any("mathjax" in (s.get("src") or s.text).lower() for s in made.select("script"))
    sheets = (str(link["href"]).partition("?")[0] for link in made.select("link[rel=stylesheet]"))
    texts = [((SITE / edition / name).parent / s).read_text(encoding="utf-8") for s in sheets]
    assert any("cnnguide-math.woff2" in text for text in texts)


def test_many_pages_have_formulas():
    assert len(WITH_FORMULAS) > 40
    assert {("en", "conv.html"), ("zh", "mix.html"), ("zh", "api/mix.html")} <= {*WITH_FORMULAS}


# What a page's formulas look like; every fold is open.
MEASURE = """() => {
    const measure = math => {
        const frame = math.parentElement;
        const [box, around] = [math, frame].map(e => e.getBoundingClientRect());
        const block = frame.tagName === 'DIV';
        return {
            tex: math.querySelector('annotation').textContent,
            height: box.height,
            begins: box.left - around.left,
            ends: (block ? around : box).right,
            scrolls: block && frame.scrollWidth > frame.clientWidth,
            tabs: [frame, math, ...math.querySelectorAll('*')].filter(e => e.tabIndex >= 0).length,
            font: getComputedStyle(math.querySelector('mi, mn, mo, mtext')).fontFamily,
            hidden: math.querySelector('annotation').getBoundingClientRect().height,
        };
    };
    return [...document.querySelectorAll('article .math > math')].map(measure);
}"""
OPEN = "document.querySelectorAll('details').forEach(fold => { fold.open = true; })"
LOADED = "[...document.fonts].filter(f => f.family.includes('cnnguide math')).map(f => f.status)"


@pytest.fixture
def phone(chromium, server):
    """Open a page on a phone; by default without JavaScript, under a strict policy."""
    contexts = []

    def start(edition, name, **options):
        options = {"java_script_enabled": False} | options
        size = {"width": 360, "height": 700}
        context = chromium.new_context(viewport=size, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()

        def strictly(route):
            answer = route.fetch()
            route.fulfill(response=answer, headers={**answer.headers, **STRICT})

        page.route(f"{server}/{edition}/{name}", strictly)
        page.goto(f"{server}/{edition}/{name}", wait_until="networkidle")
        page.evaluate(OPEN)
        return page

    yield start
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("edition", "name"), WITH_FORMULAS, ids=lambda x: x)
def test_formulas_are_right_on_a_phone_without_javascript(phone, edition, name):
    page = phone(edition, name)
    for _ in range(100):  # a formula in a fold asks for the font when it is opened
        if page.evaluate(LOADED) == ["loaded"]:
            break
        page.wait_for_timeout(100)
    formulas = page.evaluate(MEASURE)
    assert formulas
    assert page.evaluate(LOADED) == ["loaded"]
    for formula in formulas:
        assert formula["height"] > 5, formula
        assert formula["font"].startswith('"cnnguide math"'), formula
        assert formula["ends"] <= 360, formula
        assert formula["begins"] >= 0, formula
        assert formula["hidden"] <= 1, formula
        assert formula["tabs"] == 0, formula


def narrow(page):
    """Show a page so narrow that some formula does not fit; on a phone of 360 pixels all do."""
    page.set_viewport_size({"width": 220, "height": 700})
    page.reload()
    page.wait_for_timeout(300)
    return page


@pytest.mark.parametrize("edition", EDITIONS)
def test_only_a_formula_that_scrolls_can_be_reached_by_tab(phone, edition):
    page = narrow(phone(edition, "mix.html", java_script_enabled=True))
    formulas = page.evaluate(MEASURE)
    assert any(formula["scrolls"] for formula in formulas)
    assert [f["tabs"] for f in formulas] == [int(f["scrolls"]) for f in formulas]


def test_the_frame_of_a_wide_formula_scrolls_by_keyboard(phone):
    page = narrow(phone("en", "mix.html", java_script_enabled=True))
    frame = page.locator("div.math[tabindex='0']").first
    frame.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert frame.evaluate("frame => frame.scrollLeft") > 0


def copied(page, element):
    page.evaluate("e => getSelection().selectAllChildren(e)", element)
    page.keyboard.press("Control+C")
    return page.evaluate("navigator.clipboard.readText()")


def test_what_is_copied_holds_formulas_as_tex(chromium, server):
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{server}/en/norm.html")
    block = page.locator("div.math").first
    tex = block.locator("annotation").text_content()
    assert copied(page, block.element_handle()).strip() == f"$${tex}$$"

    paragraph = page.locator("article p:has(.math)").first
    text = copied(page, paragraph.element_handle())
    for tex in paragraph.locator("annotation").all_text_contents():
        assert f"${tex}$" in text
        text = text.replace(f"${tex}$", "", 1)
    assert "$" not in text

    section = page.locator("article section section:has(div.math)").first
    text = copied(page, section.element_handle())
    assert len(text.splitlines()) > 5  # paragraphs stay apart

    inside = "mi => getSelection().setBaseAndExtent(mi.firstChild, 0, mi.firstChild, 1)"
    block.locator("mi").first.evaluate(inside)  # a part of a formula gives all of it
    page.keyboard.press("Control+C")
    tex = block.locator("annotation").text_content()
    assert page.evaluate("navigator.clipboard.readText()").strip() == f"$${tex}$$"

    plain = page.locator("article p:not(:has(.math))").first
    assert copied(page, plain.element_handle()).strip() == plain.inner_text().strip()
    context.close()


def test_what_is_copied_from_an_experiment_leaves_formulas_and_choices_as_they_are(
    chromium, server
):
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{server}/en/norm.html")
    page.locator("#experiment-norm .norm-formula math").first.wait_for()
    page.get_by_label("Evaluation mode").check()
    article = page.locator("article")
    tex = article.locator("div.math annotation").first.text_content()
    assert f"$${tex}$$" in copied(page, article.element_handle())
    assert page.get_by_label("Evaluation mode").is_checked()
    assert faults == []
    context.close()


def test_a_field_gives_its_own_text_while_a_formula_is_selected(chromium, server):
    """As Firefox has it, where a selection on the page stays while one in a field is copied."""
    page = chromium.new_page()
    page.goto(f"{server}/en/norm.html")
    page.locator("div.math").first.evaluate("e => getSelection().selectAllChildren(e)")
    taken = """place => {
        const event = new ClipboardEvent("copy", {
            bubbles: true, cancelable: true, clipboardData: new DataTransfer(),
        });
        document.querySelector(place).dispatchEvent(event);
        return event.defaultPrevented;
    }"""
    assert page.evaluate(taken, "article p")
    assert not page.evaluate(taken, ".sidebar-search")
    page.close()
