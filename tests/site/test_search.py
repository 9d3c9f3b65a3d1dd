"""The search finds every page that holds what was typed, and no other, in both languages."""

import gzip
import json
import re
import unicodedata
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup
from queries import CHINESE as CHINESE_QUERIES
from queries import ENGLISH as ENGLISH_QUERIES
from queries import queries

from conftest import ROOT, SITE, pages, search_index
from search.index import SCRIPTS, digest_of, with_versions, write_index
from search.packing import packed, squeezed
from search.sections import NOT_TEXT, article_of, sections
from translation.catalog_check import LOCALE
from translation.glossary import glossary

CHINESE = """
    卷积 卷积核 步幅 填充 膨胀 感受野 有效感受野 池化 特征图 通道 分组 偏置 激活 梯度 学习率 动量 权重衰减
    批归一化 滑动统计量 训练模式 评估模式 残差块 捷径 退化 过拟合 数据增强 标签平滑 交叉熵 混淆矩阵 类激活图
    迁移学习 微调 特征提取 主干网络 分类头 检查点 随机种子 配方 深度可分离卷积 乘加 互相关 白化 余弦 张量 卷
    归一化常数 数据划分 验证集 优化器 反向传播
""".split()
MIXED = [
    "ResNet",
    "resnet",
    "BatchNorm",
    "MixUp",
    "CutMix",
    "Dropout",
    "ReLU",
    "CIFAR-10",
    "im2col",
]
MIXED += ["conv2d_matmul", "torch.compile", "Grad-CAM", "softmax", "logit", "VGG-16", "bfloat16"]
ENGLISH = ["convolution", "receptive field", "pooling", "learning rate", "weight decay", "kernel"]
TERMS = [("zh", t) for t in CHINESE + MIXED] + [("en", t) for t in ENGLISH + MIXED]


def fold(text):
    """Fold letters as a reader would: width and case do not matter, nor does × or x."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).lower().replace("×", "x"))


@pytest.fixture(scope="module")
def texts():
    """Read the plain text of every page, less the formulas and the thumbnails of other pages."""
    found = {}
    for edition in ("en", "zh"):
        for page in pages(edition):
            made = BeautifulSoup((SITE / edition / page).read_text(encoding="utf-8"), "html.parser")
            article = made.find(role="main")
            for noise in article.select(NOT_TEXT):
                noise.decompose()
            found[edition, page] = fold(article.get_text())
    return found


@pytest.fixture(scope="module")
def same():
    """Give all names of the term that has a name."""
    groups = [
        {fold(name) for name in (term.english, term.head, *term.others)}
        for term in glossary(LOCALE / "zh_CN").values()
    ]
    return {name: group for group in groups for name in group}


INDEX = """() => {
    const parts = siteSearch.sections.map(({ anchor, title, text }) => [anchor, title, text]);
    const pages = siteSearch.pages.map(({ url, numbers }) => [url, numbers.map((n) => parts[n])]);
    return { pages: Object.fromEntries(pages), terms: searchIndex.terms };
}"""


@pytest.fixture(scope="module")
def index(chromium, server):
    """Read the index of both editions as the search page does."""
    made = {}
    context = chromium.new_context()
    page = context.new_page()
    for edition in ("en", "zh"):
        page.goto(f"{server}/{edition}/search.html")
        made[edition] = page.evaluate(INDEX)
    context.close()
    return made


@pytest.fixture(scope="module")
def results(chromium, server):
    """Ask the search page in a browser; give the pages that it shows, the best first."""
    context = chromium.new_context()
    page = context.new_page()

    def ask(edition, query, some=False):
        page.goto(f"{server}/{edition}/search.html?q={quote(query)}")
        shown = "[data-holds]" if some else "[data-holds=all]"
        return page.eval_on_selector_all(shown, "all => all.map(e => e.dataset.page)")

    yield ask
    context.close()


def test_every_page_that_holds_a_term_is_found_and_no_other(results, texts, same):
    assert len({term for _, term in TERMS}) >= 60
    right = shown = wanted = 0
    missed, wrong = [], []
    for edition, term in TERMS:
        names = same.get(fold(term), {fold(term)})
        holds = {
            page
            for (e, page), text in texts.items()
            if e == edition and page != "search.html" and any(name in text for name in names)
        }
        assert holds, f"no page holds {term}: not a term to test with"
        found = set(results(edition, term))
        right, shown, wanted = right + len(found & holds), shown + len(found), wanted + len(holds)
        missed += [(term, page) for page in holds - found]
        wrong += [(term, page) for page in found - holds]
    print(
        f"{len(TERMS)} queries, {wanted} pages: recall {right / wanted:.4f}, precision {right / shown:.4f}"
    )
    assert missed == []
    assert right / shown >= 0.99, wrong


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("3×3卷积", "conv.html"),
        ("3x3 卷积", "conv.html"),
        ("ResNet残差块", "resnet.html"),
        ("BatchNorm 推理", "norm.html"),
        ("ＢａｔｃｈＮｏｒｍ", "norm.html"),
        ("batchNORM", "norm.html"),
        ("汇聚", "pool.html"),
        ("pooling", "pool.html"),
        ("暂退法", "dropout.html"),
        ("batch normalization", "norm.html"),
        ("感受野公式", "receptive.html"),
        ("conv2d_loops", "api/conv.html"),
    ],
)
def test_a_reader_finds_the_chapter_whatever_the_words(results, query, page):
    assert page in results("zh", query, some=True)[:4]


@pytest.mark.parametrize("edition", ["en", "zh"])
@pytest.mark.parametrize(
    ("line", "page"),
    [
        ("nn.Conv2d(3, 64, 11, stride=4", "alexnet.html"),
        ("assert crop[1].tolist()", "augment.html"),
        ("theirs = nn.functional.cross_entropy(scores", "learn.html"),
    ],
)
def test_a_pasted_line_of_code_is_found(results, edition, line, page):
    assert page in results(edition, line)


@pytest.mark.parametrize("edition", ["en", "zh"])
def test_the_search_page_unpacks_every_section_as_it_was(index, edition):
    packed = index[edition]["pages"]
    assert {*packed} == {*pages(edition)} - {"search.html"}
    for name in ("train.html", "api/conv.html", "bibliography.html", "auto_examples/plot_mix.html"):
        article = article_of((SITE / edition / name).read_text(encoding="utf-8"))
        assert packed[name] == [[*part] for part in sections(article)]


def test_a_name_in_code_stands_once_in_the_index_of_a_page(index):
    text = " ".join(text for _, _, text in index["en"]["pages"]["auto_examples/plot_conv.html"])
    assert text.count("torch.manual_seed") == 1
    assert "import" in text and "(" not in text.split("import")[1][:40]


TIMES = """queries => queries.map((query) => {
    const start = performance.now();
    siteSearch.search(query);
    return performance.now() - start;
})"""
SEARCH = "query => siteSearch.search(query).results.map(({ url }) => url)"


@pytest.fixture(scope="module", params=["en", "zh"])
def found(request, chromium, server):
    """Ask the script of the search page of an edition; give the edition and the function."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{server}/{request.param}/search.html")
    yield request.param, lambda query: page.evaluate(SEARCH, query)
    context.close()


def test_a_learners_query_leads_first_to_the_page_that_answers_it(found):
    edition, search = found
    asked = queries(ENGLISH_QUERIES if edition == "en" else CHINESE_QUERIES)
    assert len(asked) >= 60
    results = {query: search(query) for query, _ in asked}
    assert all(results.values())
    wrong = [(q, page, results[q][:2]) for q, page in asked if results[q][0] != page]
    print(f"{edition}: {len(asked) - len(wrong)} of {len(asked)} first; not: {wrong}")
    assert len(wrong) <= len(asked) / 10, wrong


def test_every_name_of_a_term_leads_first_to_the_page_that_teaches_it(found, index):
    edition, search = found
    names = [(name, url) for url, _, group in index[edition]["terms"] for name in group]
    assert len(names) >= 250
    assert [(n, url, search(n)[:1]) for n, url in names if search(n)[:1] != [url]] == []


KINDS = ("chapter", "gallery", "reference")
KIND_OF = "query => siteSearch.search(query).results.map(({ kind }) => kind)"


@pytest.mark.parametrize("edition", ["en", "zh"])
def test_of_pages_that_say_the_same_a_chapter_is_first_and_the_reference_last(
    page, server, edition
):
    same = [("part", "A title", "Words about kernels, and 卷积核.")]
    others = [("part", "Another title", "Nothing of that.")]
    urls = ["api/conv.html", "auto_examples/plot_conv.html", "conv.html", "pool.html"]
    parts = [*same * 3, *others]
    text = "\n".join(line for column in zip(*parts, strict=True) for line in column)
    index = {
        "pages": [(url, 1) for url in urls],
        **packed(text),
        "terms": [],
        "simplified": ("", ""),
    }
    script = f"globalThis.searchIndex = {json.dumps(squeezed(index))};"
    page.route(re.compile("search-index.js"), lambda route: route.fulfill(body=script))
    page.goto(f"{server}/{edition}/search.html")
    for query in ("kernels", "words", "卷积核"):
        assert page.evaluate(KIND_OF, query) == [*KINDS], query


@pytest.mark.parametrize(
    ("edition", "term"),
    [
        *(("en", term) for term in ("dropout", "cutmix", "pooling")),
        *(("zh", term) for term in ("批归一化", "动量", "池化")),
    ],
)
def test_a_term_leads_to_its_chapter_before_the_gallery_before_the_reference(
    page, server, edition, term
):
    page.goto(f"{server}/{edition}/search.html")
    found = page.evaluate(KIND_OF, term)
    assert [*dict.fromkeys(found)] == [*KINDS]


@pytest.mark.parametrize(
    ("edition", "typed", "meant"),
    [
        ("en", "overfiting", "overfitting"),
        ("en", "convolusion", "convolution"),
        ("en", "kernels", "kernel"),
        ("en", "what is the receptive field?", "receptive field"),
        ("en", "Batch-Normalization", "batch normalisation"),
        ("zh", "卷積", "卷积"),
        ("zh", "遷移學習", "迁移学习"),
        ("zh", "过拟和", "过拟合"),
        ("zh", "感受野是什么", "感受野"),
    ],
)
def test_what_is_typed_leads_where_what_is_meant_does(results, edition, typed, meant):
    assert results(edition, typed, some=True)[:1] == results(edition, meant)[:1] != []


@pytest.mark.parametrize("asking", ["的区别", "是什么", "怎么办"])
def test_words_that_ask_find_nothing_without_one_that_tells(results, asking):
    assert results("zh", f"qwertz {asking}", some=True) == []
    assert {*results("zh", f"Nesterov {asking}", some=True)} <= {
        *results("zh", "Nesterov", some=True)
    }


def test_a_page_that_lacks_a_word_is_found_and_names_it(page, server):
    page.goto(f"{server}/en/search.html?q={quote('dropout checkerboard')}")
    lacking = page.locator("[data-page='dropout.html'] h2 small")
    assert "checkerboard" in lacking.inner_text()


@pytest.mark.parametrize("query", ["", "(((", "  ?! "])
def test_a_query_without_words_is_answered_with_a_sentence(page, server, query):
    page.goto(f"{server}/en/search.html?q={quote(query)}")
    assert page.locator("#search-results").inner_text() == (
        "Type a word, a question or an error message."
    )


@pytest.mark.parametrize(("edition", "lines"), [("en", ENGLISH_QUERIES), ("zh", CHINESE_QUERIES)])
def test_a_query_takes_a_twentieth_of_a_second(page, server, edition, lines):
    runs = []
    for _ in range(3):  # each from a page that has answered nothing yet
        page.goto(f"{server}/{edition}/search.html")
        runs.append(page.evaluate(TIMES, [query for query, _ in queries(lines)]))
    times = sorted(map(min, zip(*runs, strict=True)))
    print(f"{edition}: median {times[len(times) // 2]:.1f} ms, slowest {times[-1]:.1f} ms")
    assert times[len(times) // 2] < 50


def test_a_term_leads_first_to_its_section(page, server):
    page.goto(f"{server}/en/search.html?q=stride")
    first = page.locator("[data-page]").first.locator("li a").first
    assert first.get_attribute("href").endswith("#conv-stride")


def test_a_result_shows_page_section_and_the_hit(page, server):
    page.goto(f"{server}/zh/search.html?q={quote('汇聚')}")
    first = page.locator("[data-page='pool.html']")
    assert "池化" in first.locator("h2").inner_text()
    assert first.locator("li a").first.inner_text()
    assert first.locator("li p mark").first.inner_text() == "池化"
    first.locator("li a").first.click()
    page.wait_for_url(re.compile(r"/zh/pool\.html\?highlight=.*#pool"))


def test_nothing_found_is_said(page, server):
    page.goto(f"{server}/zh/search.html?q=qwertz")
    assert "qwertz" in page.locator("#search-results").inner_text()
    assert page.locator("[data-page]").count() == 0


@pytest.mark.parametrize("query", ["<img src=x onerror=alert(1)>", "<b>卷积</b>", "{0}</script>"])
def test_markup_is_shown_and_never_run(page, server, query):
    page.on("dialog", lambda dialog: pytest.fail("markup was run"))
    page.goto(f"{server}/zh/search.html?q={quote(query)}")
    page.wait_for_timeout(200)
    results = page.locator("#search-results")
    assert results.locator("img, b, script").count() == 0
    assert query in results.inner_text() or results.locator("[data-page]").count()
    page.locator(".search-page input").fill(f"{query} 池化")
    assert results.locator("img, b, script").count() == 0


def test_it_works_from_a_folder(page):
    page.goto(f"{(SITE / 'zh' / 'search.html').as_uri()}?q={quote('感受野')}")
    assert page.locator("[data-page='receptive.html'] mark").count() > 0


def test_the_sidebar_leads_to_it(page, server):
    page.goto(f"{server}/zh/index.html")
    page.locator(".sidebar-search").fill("残差块")
    page.locator(".sidebar-search").press("Enter")
    page.wait_for_url(re.compile("search.html"))
    assert page.locator("[data-page='resnet.html']").count() == 1


@pytest.mark.parametrize("edition", ["en", "zh"])
def test_the_index_is_small(edition):
    index = (SITE / edition / "search-index.js").read_bytes()
    assert len(gzip.compress(index)) <= 300_000


def test_a_script_that_holds_something_else_has_another_address(tmp_path):
    (tmp_path / "_static").mkdir()
    for name in SCRIPTS:
        (tmp_path / name).write_text(name, encoding="utf-8")
    page = "".join(f'<script src="{name}"></script>\n' for name in SCRIPTS)
    page += '<script src="_static/theme.js?v=1"></script>\n'
    first = with_versions(page, tmp_path)
    assert len(re.findall(r'src="[^"]+\.js\?v=[0-9a-f]{8}"', first)) == len(SCRIPTS)
    assert with_versions(first, tmp_path) == first
    (tmp_path / SCRIPTS[0]).write_text("another index", encoding="utf-8")
    lines = [set(text.splitlines()) for text in (first, with_versions(first, tmp_path))]
    assert len(lines[0] - lines[1]) == 1 and "search-index.js" in (lines[0] - lines[1]).pop()


@pytest.mark.parametrize("edition", ["en", "zh"])
def test_the_search_page_names_its_scripts_by_what_they_hold(edition):
    page = (SITE / edition / "search.html").read_text(encoding="utf-8")
    assert with_versions(page, SITE / edition) == page
    assert all(f'src="{name}?v=' in page for name in SCRIPTS)


def test_a_browser_that_refuses_an_address_shows_the_results_and_keeps_it_later(page, server):
    """Safari and Firefox allow a page so many addresses in a while."""
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{server}/en/search.html")
    page.evaluate("""() => {
        const replace = history.replaceState.bind(history);
        history.replaceState = (...all) => {
            if (globalThis.allowed) return replace(...all);
            throw new DOMException("too many", "SecurityError");
        };
    }""")
    page.locator(".search-page input").fill("stride")
    assert page.locator("[data-page='conv.html']").count() == 1
    page.evaluate("globalThis.allowed = true")
    page.wait_for_url(re.compile("q=stride"))
    assert faults == []


def test_a_screen_reader_hears_the_count_and_not_all_results(page, server):
    page.goto(f"{server}/en/search.html?q=stride")
    status = page.get_by_role("status")
    assert re.match(r"stride: \d+ pages", status.inner_text())
    assert page.locator("[aria-live]").count() == 0
    assert status.locator("[data-page]").count() == 0
    page.locator(".search-page input").fill("qwertz")
    assert "qwertz" in status.inner_text()


def test_a_page_is_read_for_the_search_again_when_its_article_has_changed_and_only_then(
    tmp_path, monkeypatch
):
    """Every page names the site's style sheet by a sum, which changes after the page is read."""
    page = '<head>site.css?v={}</head><article><section id="a"><h1>{}</h1></section></article>'
    read = []

    def noted(article):
        read.append(article)
        return sections(article)

    monkeypatch.setattr("search.index.sections", noted)
    monkeypatch.setattr("search.index.terms", lambda app: [])
    for name in ("search.html", *SCRIPTS):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    app = SimpleNamespace(
        builder=SimpleNamespace(name="html"),
        env=SimpleNamespace(found_docs={"conv"}),
        doctreedir=tmp_path,
        outdir=tmp_path,
    )
    for style, title, times in ((1, "Stride", 1), (2, "Stride", 1), (2, "Padding", 2)):
        (tmp_path / "conv.html").write_text(page.format(style, title))
        write_index(app, None)
        assert len(read) == times
        assert title in search_index(tmp_path)["plain"]


@pytest.mark.parametrize("language", ["en", *sorted(p.name for p in LOCALE.iterdir())])
def test_what_is_kept_of_the_pages_is_of_the_pages_as_they_are_in_the_end(language):
    kept = ROOT / "docs" / "_build" / "doctrees" / language / "sections.json"
    known = json.loads(kept.read_text(encoding="utf-8"))
    folder = SITE / language.split("_")[0]
    assert len(known) > 80
    for name, (digest, _sections) in known.items():
        assert digest == digest_of((folder / f"{name}.html").read_text(encoding="utf-8")), name
