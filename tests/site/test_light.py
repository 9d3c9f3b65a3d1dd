"""The pages are light: no marks in code that nobody sees, one style sheet without unused rules."""

import re

import pytest
from bs4 import BeautifulSoup
from pygments.styles import get_style_by_name
from pygments.token import STANDARD_TYPES, Text

from conftest import SITE, pages
from page.sheets import used_rules, used_variables, write_sheet
from page.slim_code import CODE, kinds_alike, slim

EDITIONS = ("en", "zh")
STYLES = ("a11y-high-contrast-light", "a11y-high-contrast-dark")


def test_kinds_are_one_only_if_they_look_alike_in_both_themes():
    alike = kinds_alike(*STYLES)
    by_name = {name: kind for kind, name in STANDARD_TYPES.items()}
    assert alike.pop("o") == ""
    for name, same in alike.items():
        for style in map(get_style_by_name, STYLES):
            kind = by_name[same] if same else Text
            assert style.style_for_token(by_name[name]) == style.style_for_token(kind)
    assert alike["n"] == alike["p"] == "" and alike["k"] and alike["c1"] != alike["k"]


def test_prompts_and_outputs_keep_their_kinds_for_copying():
    code = (
        '<span class="gp">&gt;&gt;&gt; </span><span class="n">f</span>\n<span class="go">1</span>'
    )
    assert slim(code, kinds_alike(*STYLES)) == (
        '<span class="gp">&gt;&gt;&gt; </span>f\n<span class="go">1</span>'
    )


def test_code_keeps_its_text_and_every_other_mark():
    code = (
        '<span></span><span class="k">def</span><span class="w"> </span><span class="nf">f</span>'
        '<span class="p">(</span><a href="#x"><span class="n">x</span></a><span class="p">)</span>\n'
        '<span class="s2">&quot;a&quot;</span> <span class="s1">&#39;b&#39;</span>'
    )
    made = slim(code, kinds_alike(*STYLES))
    assert (
        BeautifulSoup(made, "html.parser").get_text()
        == BeautifulSoup(code, "html.parser").get_text()
    )
    assert (
        made.startswith('<span></span><span class="k">def</span> <span class="')
        and '<a href="#x">x</a>' in made
    )
    assert made.count("<span class") == 3  # def, f, and both strings as one


@pytest.mark.parametrize("edition", EDITIONS)
def test_no_code_on_a_page_has_a_mark_that_nobody_sees(edition):
    plain = [name for name, same in kinds_alike(*STYLES).items() if not same]
    marks = re.compile(f'<span class="({"|".join(plain)})">')
    for name in pages(edition):
        if not name.startswith("auto_examples/"):
            text = (SITE / edition / name).read_text(encoding="utf-8")
            assert not any(marks.search(code) for code in CODE.findall(text)), name


def test_rules_are_read_with_their_braces():
    css = '@import "a.css";.a{b:url("}");}@media print{.c{d:e}}@font-face{f:g}'
    assert used_rules(css, {"a", "c"}).splitlines() == [
        '@import "a.css";',
        '.a{b:url("}");}',
        "@media print{.c{d:e}",
        "}",
        "@font-face{f:g}",
    ]


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".there{a:b}", ".there{a:b}\n"),
        (".gone{a:b}", ""),
        ("#gone,p{a:b}", "p{a:b}\n"),
        (".there .gone{a:b}", ""),
        (".there:not(.gone){a:b}", ".there:not(.gone){a:b}\n"),
        (":is(.gone,.there) p{a:b}", ":is(.gone,.there) p{a:b}\n"),
        ("a[href$='.gone']{a:b}", 'a[href$=".gone"]{a:b}\n'),
        ("@media print{.gone{a:b}}", ""),
        ("@supports (a:b){.there{a:b}}", "@supports (a:b){.there{a:b}\n}\n"),
        ("@keyframes x{0%{a:b}}", "@keyframes x{0%{a:b}}\n"),
        (":root{--a:b}", ":root{--a:b}\n"),
    ],
)
def test_a_rule_stays_if_what_it_asks_for_is_there(css, kept):
    assert used_rules(css, {"there"}) == kept


@pytest.mark.parametrize(
    ("css", "others", "kept"),
    [
        ("p{--a:1;b:c}", "", "p{b:c}\n"),
        ("p{--a:1;b:var( --a)}", "", "p{--a:1;b:var( --a)}\n"),
        ("p{--a:var(--b);--b:1}", "", ""),
        ("p{--a:1}", "style.getPropertyValue('--a')", "p{--a:1}\n"),
        ("p{--i:url('d:;{}');--j:url(d:a;b);--k:calc((1px + 2px)*2);b:c}", "", "p{b:c}\n"),
        (
            "@media print{p{--a:1;b:c}}@font-face{--a:1}",
            "",
            "@media print{p{b:c}\n}\n@font-face{--a:1}\n",
        ),
        ("p{--a:1;b:c !important;q{--a:1}}", "", "p{b:c !important;q{--a:1}}\n"),
        (
            "p{*zoom:1;b:c;!x}q{--a:1;b:c}",
            "",
            "p{b:c}\nq{b:c}\n",
        ),  # no style sheet, as for a browser
        ("p{b:c} q", "", "p{b:c}\n"),
    ],
)
def test_a_variable_stays_if_something_asks_for_it(css, others, kept):
    assert used_variables(css, others) == kept


def site_of(tmp_path, **texts):
    static = tmp_path / "en" / "_static"
    (static / "styles").mkdir(parents=True)
    (static / "a.css").write_text(".x{a:b}.y{a:b}", encoding="utf-8")
    (static / "styles" / "b.css").write_text("p{a:b}.later{c:d}", encoding="utf-8")
    (static / "own.css").write_text(".own{a:b}", encoding="utf-8")
    (static / "s.js").write_text(
        "/* for a reader's eye */ element.className = 'later';",
        encoding="utf-8",
    )
    for name, text in texts.items():
        (tmp_path / "en" / f"{name}.html").write_text(text, encoding="utf-8")
    return tmp_path / "en"


def links(*names, up=""):
    return "".join(
        f'    <link rel="stylesheet" type="text/css" href="{up}_static/{name}?v=1a2b" />\n'
        for name in names
    )


def test_shared_sheets_become_one_and_a_pages_own_stay(tmp_path):
    one, other = links("a.css", "styles/b.css"), links("a.css", "styles/b.css", "own.css")
    script = '<script src="_static/design-tabs.js?v=1"></script>\n'
    folder = site_of(
        tmp_path,
        one=f'{one}<p class="x">{script}',
        other=f'{other}<div class="sd-tab-set">{script}',
    )
    write_sheet(folder, tmp_path / "kept", ["one", "other"])
    sheet = (folder / "_static" / "site.css").read_text(encoding="utf-8")
    assert sheet == ".x{a:b}\np{a:b}\n.later{c:d}\n"
    first, second = ((folder / f"{n}.html").read_text(encoding="utf-8") for n in ("one", "other"))
    (version,) = re.findall(r'href="_static/site.css\?v=([0-9a-f]{8})" />', first)
    assert first.count("stylesheet") == 1 and "design-tabs" not in first
    assert re.findall(r"_static/([\w.-]+)\?v=", second) == ["site.css", "own.css", "design-tabs.js"]
    # a build that writes one page anew
    (folder / "one.html").write_text(f'{one}<p class="y">', encoding="utf-8")
    write_sheet(folder, tmp_path / "kept", ["one", "other"])
    first, second = ((folder / f"{n}.html").read_text(encoding="utf-8") for n in ("one", "other"))
    assert ".y{a:b}" in (folder / "_static" / "site.css").read_text(encoding="utf-8")
    assert re.findall(r"site.css\?v=(\w+)", first) == re.findall(r"site.css\?v=(\w+)", second)
    assert version not in first


def test_a_page_names_a_script_by_what_it_holds_now(tmp_path):
    """Sphinx writes a page only if its source has changed, not if a script of it has."""
    line = '<script src="../_static/s.js?v=1"></script>\n<a href="_static/x.svg?v=1">x</a>\n'
    folder = site_of(tmp_path, one=links("a.css") + line, other=links("a.css"))
    shown = []
    for script in ("let first;", "let second;", "let first;"):
        (folder / "_static" / "s.js").write_text(script, encoding="utf-8")
        write_sheet(folder, tmp_path / "kept", ["one", "other"])
        shown.append((folder / "one.html").read_text(encoding="utf-8"))
    versions = [re.search(r"s\.js\?v=(\w{8})", text)[1] for text in shown]
    assert versions[0] == versions[2] != versions[1]
    assert all('href="_static/x.svg?v=1"' in text for text in shown)


def test_a_sheet_below_a_folder_may_show_no_file(tmp_path):
    folder = site_of(tmp_path, one=links("styles/b.css"))
    (folder / "_static" / "styles" / "b.css").write_text("p{a:url(x.png)}", encoding="utf-8")
    with pytest.raises(ValueError, match="styles/b.css must show no file of its own"):
        write_sheet(folder, tmp_path / "kept", ["one"])


def test_a_page_in_a_folder_for_figures_has_a_sheet_of_its_own(tmp_path):
    folder = site_of(tmp_path, one=links("a.css"))
    (folder / "_images").mkdir()
    own = folder / "_images" / "x.html"
    own.write_text('<link rel="stylesheet" href="../_static/own.css">', encoding="utf-8")
    write_sheet(folder, tmp_path / "kept", ["one"])
    assert "site.css" in (folder / "one.html").read_text(encoding="utf-8")
    assert "site.css" not in own.read_text(encoding="utf-8")


def built_before(tmp_path):
    """A folder with two pages of an earlier build, which had one sheet only."""
    folder = site_of(tmp_path, one=links("a.css"), left=links("a.css"))
    write_sheet(folder, tmp_path / "kept", ["one", "left"])
    return folder


def test_a_page_that_is_left_from_before_does_not_decide(tmp_path):
    folder = built_before(tmp_path)
    (folder / "one.html").write_text(links("a.css", "styles/b.css"), encoding="utf-8")
    write_sheet(folder, tmp_path / "kept", ["one"])
    assert "b.css" not in (folder / "one.html").read_text(encoding="utf-8")


def test_the_sheets_are_found_again_where_their_names_were_not_kept(tmp_path):
    folder = built_before(tmp_path)
    (tmp_path / "kept").unlink()
    before = (folder / "_static" / "site.css").read_text(encoding="utf-8")
    write_sheet(folder, tmp_path / "kept", ["one", "left"])  # no page is new
    assert (folder / "_static" / "site.css").read_text(encoding="utf-8") == before
    (folder / "one.html").write_text(links("a.css", "styles/b.css"), encoding="utf-8")
    write_sheet(folder, tmp_path / "kept", ["one", "left"])
    assert "b.css" not in (folder / "one.html").read_text(encoding="utf-8")


def test_a_sheet_that_is_no_longer_there_is_forgotten(tmp_path):
    folder = site_of(tmp_path, one=links("a.css", "styles/b.css"), other=links("a.css"))
    (tmp_path / "kept").write_text("gone.css\na.css", encoding="utf-8")
    page = folder / "other.html"
    page.write_text(links("site.css"), encoding="utf-8")
    write_sheet(folder, tmp_path / "kept", ["one", "other"])
    assert (folder / "_static" / "site.css").exists()


USED = """() => {
    const lost = [];
    for (const sheet of document.styleSheets) {
        if (sheet.href.includes("/site.css")) return sheet.cssRules.length;
    }
}"""
UNPACKED = """async (names) => {
    const before = document.styleSheets.length;
    const elements = [...document.querySelectorAll("body, body *")];
    const looks = () => elements.map((e) => {
        const style = getComputedStyle(e);
        const names = [...style].filter((name) => !name.startsWith("--"));
        return names.map((name) => style.getPropertyValue(name)).join(";");
    });
    const slim = looks();
    const one = document.querySelector("link[href*='site.css']");
    await Promise.all(names.map((name) => new Promise((loaded) => {
        const link = document.createElement("link");
        link.rel = "stylesheet";
        link.href = `_static/${name}`;
        link.onload = loaded;
        one.before(link);
    })));
    one.remove();
    await new Promise((done) => setTimeout(done, 300));
    return looks().map((look, k) => look === slim[k] ? "" : elements[k].outerHTML.slice(0, 100))
        .filter(Boolean);
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "pool", "selftest", "glossary"])
def test_the_one_sheet_shows_a_page_as_the_whole_sheets_do(chromium, server, name, theme):
    kept = SITE.parent / "doctrees" / "en" / "sheets.txt"
    context = chromium.new_context(reduced_motion="reduce", color_scheme=theme)
    opened = context.new_page()
    opened.goto(f"{server}/en/{name}.html")
    opened.wait_for_timeout(500)
    assert opened.evaluate(USED) > 100
    names = kept.read_text(encoding="utf-8").split()
    assert opened.evaluate(UNPACKED, names) == []
    context.close()


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_page_asks_for_few_style_sheets_and_they_are_small(edition):
    for name in pages(edition):
        text = (SITE / edition / name).read_text(encoding="utf-8")
        named = re.findall(r'<link rel="stylesheet"[^>]*href="([^"?]+)[^>]*>', text)
        sizes = [((SITE / edition / name).parent / sheet).stat().st_size for sheet in named]
        assert len(named) <= 5 and sum(sizes) <= 110_000, name
