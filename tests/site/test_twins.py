"""Every page has a twin in Markdown that says the same, lists lead to it, and a button copies it."""

import re
from urllib.parse import urljoin

import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from conftest import SITE, pages, tab_to
from page.markdown import code_span
from page.reading_order import stems
from page.twins import twin, write_root
from translation.editions import published

EDITIONS = ("en", "zh")
PAGES = [(e, p) for e in EDITIONS for p in pages(e) if p != "search.html"]
# What of a page leads elsewhere, or is made for a screen alone, and is not in its twin.
NOT_TEXT = (
    ".headerlink, .page-facts, .sphx-glr-footer, .sphx-glr-timing, .sphx-glr-download-link-note, "
    ".experiment-note, .offline, .question-progress, .figure-link, details.hide > summary, summary .sd-summary-state-marker"
)


def article_of(edition, name):
    text = (SITE / edition / name).read_text(encoding="utf-8")
    article = BeautifulSoup(text, "html.parser").article
    for part in article.select(NOT_TEXT):
        part.decompose()
    return article


def twin_of(edition, name):
    return (SITE / edition / name).with_suffix(".md").read_text(encoding="utf-8")


def parsed(text):
    """Read Markdown as other programs do, and give all its tokens, those in lines too."""
    parser = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin)
    found = []
    for token in parser.parse(text):
        found += [token, *(token.children or ())]
    return found


def squeezed(text):
    """Leave out white space, which is not the same in both."""
    return re.sub(r"\s+", "", text)


def words_of(tokens):
    kinds = ("text", "code_inline", "fence", "html_block")
    return squeezed("".join(t.content for t in tokens if t.type in kinds))


@pytest.mark.parametrize(("edition", "name"), PAGES, ids=lambda x: x)
def test_a_twin_holds_the_code_the_formulas_and_the_words_of_its_page(edition, name):
    article, tokens = article_of(edition, name), parsed(twin_of(edition, name))
    formulas = [f.get_text() for f in article.select("annotation")]
    kinds = ("math_inline", "math_inline_double", "math_block")
    assert [t.content.strip() for t in tokens if t.type in kinds] == [f.strip() for f in formulas]
    for formula in article.select(".math"):
        formula.decompose()
    code = [block.get_text().strip("\n").rstrip() for block in article.select("pre")]
    assert [t.content.strip("\n").rstrip() for t in tokens if t.type == "fence"] == code
    said = words_of(tokens)
    for part in article.select("h1, h2, h3, h4, p, td, th, summary, figcaption, dt:not(.sig)"):
        for number in part.select(".section-number"):
            number.decompose()
        for words in part.find_all(string=True):
            assert squeezed(words) in said, words


@pytest.mark.parametrize(("edition", "name"), PAGES, ids=lambda x: x)
def test_a_twin_shows_the_figures_of_its_page_and_links_that_lead_somewhere(edition, name):
    article, tokens = article_of(edition, name), parsed(twin_of(edition, name))
    shown = [(t.attrs["src"].rpartition("/")[2], t.content) for t in tokens if t.type == "image"]
    images = [
        (i["src"].rpartition("/")[2], i["alt"]) for i in article.select("img[alt]:not([alt=''])")
    ]
    assert [(n, squeezed(a.replace("\\", ""))) for n, a in shown] == [
        (n, squeezed(a.replace("\\", ""))) for n, a in images
    ]
    for token in tokens:
        target = token.attrs.get("src") or token.attrs.get("href") or ""
        if token.type in ("image", "link_open") and not re.match(r"\w+:", target):
            assert ((SITE / edition / name).parent / re.split("[?#]", target)[0]).exists(), target


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_list_of_an_edition_leads_to_every_twin_and_says_what_it_is_about(edition):
    text = (SITE / edition / "llms.txt").read_text(encoding="utf-8")
    assert re.match(r"# .+\n\n> .+\n\n## ", text)
    found = re.findall(r"^- \[(.+)\]\((.+)\): (.*)$", text, re.MULTILINE)
    twins = {path.relative_to(SITE / edition).as_posix() for path in (SITE / edition).rglob("*.md")}
    base = "" if not published() else None
    names = [link if base == "" else link.partition(f"/{edition}/")[2] for _, link, _ in found]
    assert {*names} == twins - {"index.md"}
    assert len(twins) == len([p for e, p in PAGES if e == edition])
    assert names[: len(stems())] == [f"{stem}.md" for stem in stems()]
    assert all(title and about for title, _, about in found)
    # the English page of corrections names an article by its Chinese title
    abouts = [
        about for name, (_, _, about) in zip(names, found, strict=True) if "corrections" not in name
    ]
    chinese = [bool(re.search("[\u4e00-\u9fff]", about)) for about in abouts]
    assert all(chinese) if edition == "zh" else not any(chinese)


def test_the_list_at_the_root_leads_to_the_editions_and_their_chapters(tmp_path, monkeypatch):
    for edition in EDITIONS:
        (tmp_path / edition).mkdir()
        listed = "# Title\n\n> About\n\n## One\n\n- [A](a.md): a\n- [B](b.md): b\n\n## Two\n\n- [C](c.md): c\n"
        (tmp_path / edition / "llms.txt").write_text(listed, encoding="utf-8")
    monkeypatch.delenv("CNNGUIDE_URL", raising=False)
    write_root(tmp_path)
    text = (tmp_path / "llms.txt").read_text(encoding="utf-8")
    assert re.findall(r"\((.+?)\)", text) == [
        *("en/llms.txt", "en/a.md", "en/b.md", "zh/llms.txt", "zh/a.md", "zh/b.md")
    ]
    assert "- [Title](en/llms.txt): About" in text
    monkeypatch.setenv("CNNGUIDE_URL", "https://example.org/g")
    write_root(tmp_path)
    text = (tmp_path / "llms.txt").read_text(encoding="utf-8")
    assert "- [A](https://example.org/g/en/a.md): a" in text


def test_the_built_root_has_its_list():
    text = (SITE / "llms.txt").read_text(encoding="utf-8")
    links = re.findall(r"\]\((\S+)\): ", text)
    assert len(links) == len(EDITIONS) * (1 + len(stems()))
    if not published():
        assert all((SITE / link).is_file() for link in links)


def document(*children):
    made = nodes.document("", None)
    made += nodes.section("", nodes.title("", "Title"), *children)
    return made


def test_the_links_of_a_published_twin_are_whole_addresses():
    link = nodes.reference("", "a rule", refid="rule")
    image = nodes.image("", uri="/auto_examples/images/x.svg", alt="A cat")
    made = document(nodes.paragraph("", "", link), image, nodes.image("", uri="y.svg", alt=""))
    place = "https://example.org/en/api/conv.html"
    text = twin(
        made, page_address=place, up="../", images={"/auto_examples/images/x.svg": "x1.svg"}
    )
    assert text.startswith("# Title\n\n[a rule](https://example.org/en/api/conv.html#rule)\n\n")
    assert "![A cat](https://example.org/en/_images/x1.svg)" in text and "y.svg" not in text
    assert f"<{place}>" in text
    text = twin(made, page_address="conv.html", up="../")
    assert "[a rule](conv.html#rule)" in text and "(../_images/x.svg)" in text


def test_code_with_a_fence_gets_a_longer_one():
    code = "```{source} cnnguide.conv\n```"
    text = twin(document(nodes.literal_block(code, code, language="md")), page_address="a.html")
    (fence,) = (t for t in parsed(text) if t.type == "fence")
    assert fence.content.rstrip() == code


def test_a_line_that_begins_like_a_list_stays_a_paragraph():
    lines = ("1. Convolution", "- 2 is less", "# no heading", "3.5 pixels")
    text = twin(document(*(nodes.paragraph("", line) for line in lines)), page_address="a.html")
    tokens = parsed(text)
    assert not [t for t in tokens if t.type.endswith(("list_open", "item_open"))]
    assert [t.content for t in tokens if t.type == "text"][1:5] == list(lines)


@pytest.mark.parametrize(
    "code", ["a", "a`b", "`a`", "``", "a ``b`` c", "`a` or ``b``", " a", " a ", "  ", "```x``y`"]
)
def test_a_code_span_keeps_its_backquotes_and_spaces(code):
    (line,) = (token for token in MarkdownIt("commonmark").parse(code_span(code)) if token.children)
    assert [(t.type, t.content) for t in line.children] == [("code_inline", code)]


def test_every_page_names_its_twin():
    for edition, name in PAGES:
        made = (SITE / edition / name).read_text(encoding="utf-8")
        twin_name = name.rpartition("/")[2].replace(".html", ".md")
        assert f'<link rel="alternate" type="text/markdown" href="{twin_name}">' in made
    for edition in EDITIONS:
        assert "text/markdown" not in (SITE / edition / "search.html").read_text(encoding="utf-8")


LABELS = {"en": "Copy this page as Markdown", "zh": "复制本页的 Markdown 文本"}
COPIED = {"en": "Copied: this page as Markdown", "zh": "已复制本页的 Markdown 文本"}
FOLDER = {"en": "a browser lets no page read files", "zh": "浏览器不允许网页读取其他文件"}
FAILED = {"en": "could not be copied: open conv.md", "zh": "本页没有复制成功：请打开 conv.md"}


@pytest.fixture
def copying(chromium, server):
    """A page of a browser that lets pages write to the clipboard, and tests read it."""
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("name", ["conv.html", "auto_examples/plot_pool.html"])
def test_the_button_copies_the_twin_by_keyboard_and_says_so(copying, server, edition, name):
    copying.goto(f"{server}/{edition}/{name}")
    button = copying.get_by_role("button", name=LABELS[edition])
    tab_to(copying, button)
    copying.keyboard.press("Enter")
    status = copying.locator(".page-twin [role=status]")
    status.get_by_text(COPIED[edition]).wait_for()
    text = twin_of(edition, name)
    assert copying.evaluate("navigator.clipboard.readText()") == text
    assert f"{len(text):,}" in status.inner_text()
    copying.keyboard.press("Escape")
    assert status.inner_text() == ""
    assert button.evaluate("button => button === document.activeElement")


def test_without_a_clipboard_for_scripts_the_text_is_selected_and_copied(copying, server):
    copying.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    copying.goto(f"{server}/en/pool.html")
    copying.get_by_role("button", name=LABELS["en"]).click()
    copying.get_by_text(COPIED["en"]).wait_for()
    copying.goto(f"{server}/en/search.html")
    copying.locator("input[type=search], .search-page input").first.focus()
    copying.keyboard.press("Control+V")
    pasted = copying.locator(".search-page input").first.input_value()
    assert squeezed(pasted).startswith(squeezed(twin_of("en", "pool.html"))[:200])


@pytest.mark.parametrize("edition", EDITIONS)
def test_from_a_folder_the_button_says_why_it_cannot_copy_and_leads_to_the_file(page, edition):
    page.goto((SITE / edition / "conv.html").as_uri())
    page.get_by_role("button", name=LABELS[edition]).click()
    status = page.locator(".page-twin [role=status]")
    assert FOLDER[edition] in status.inner_text()
    link = status.get_by_role("link", name="conv.md")
    assert link.evaluate("link => link.href") == (SITE / edition / "conv.md").as_uri()


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_twin_that_is_not_there_is_told(page, server, edition):
    page.route("**/conv.md", lambda route: route.fulfill(status=404))
    page.goto(f"{server}/{edition}/conv.html")
    page.get_by_role("button", name=LABELS[edition]).click()
    page.get_by_text(FAILED[edition]).wait_for()


def test_without_javascript_a_link_leads_to_the_twin(chromium, server):
    context = chromium.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(f"{server}/zh/conv.html")
    link = opened.get_by_role("link", name="本页的 Markdown 文本")
    assert urljoin(opened.url, link.get_attribute("href")) == f"{server}/zh/conv.md"
    context.close()


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("width", [360, 390])
def test_the_button_leaves_the_title_its_whole_line_on_a_phone(chromium, server, edition, width):
    context = chromium.new_context(viewport={"width": width, "height": 700}, has_touch=True)
    opened = context.new_page()
    opened.goto(f"{server}/{edition}/norm.html")
    button = opened.get_by_role("button", name=LABELS[edition])
    box, title = button.bounding_box(), opened.locator("h1").bounding_box()
    assert box["height"] >= 24 and box["x"] + box["width"] <= width  # WCAG 2.5.8
    assert box["y"] + box["height"] <= title["y"]
    button.tap()
    opened.locator(".page-twin [role=status] >> text=/./").wait_for()
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
