"""The site works anywhere: under the strictest policy, from a folder, and without JavaScript."""

import io
import json
import re
from itertools import pairwise

import pytest
from PIL import Image

from conftest import EXPERIMENTS, POLICY, ROOT, SITE, pages, tab_to
from page.experiments.bundle import bundle

EDITIONS = ("en", "zh")
PAGES = [*(f"{e}/{p}" for e in EDITIONS for p in pages(e)), "index.html", "404.html"]
IS_DRAWN = """() => [...document.querySelectorAll(".experiment-body canvas")].some((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(data.filter((_, k) => k % 4 === 0)).size > 8;
})"""
# A block of data is no script: browsers do not run it, and no policy asks for it.
INLINE = re.compile(
    r"""<script(?!\ type="application/ld\+json">)(?![^>]*\ssrc=)|<style\b|"""
    r"""<[^>]*\s(?:style|on\w+)=["']|href=["']javascript:"""
)


def test_what_would_be_a_script_or_a_style_in_a_page_is_found():
    for forbidden in (
        "<script>1</script>",
        '<script type="module">1</script>',
        '<script type="application/ld+json" onload="f()">{}</script>',
        "<style>",
        '<p style="color: red">',
        '<a href="javascript:f()">',
    ):
        assert INLINE.search(forbidden), forbidden
    for allowed in ('<script src="a.js">', '<script type="application/ld+json">{}</script>'):
        assert not INLINE.search(allowed), allowed


@pytest.mark.parametrize("name", PAGES)
def test_no_page_has_a_script_or_a_style_in_itself(name):
    assert not INLINE.search((SITE / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def reader(chromium):
    """A browser whose pages keep what the policy forbade them."""
    context = chromium.new_context()
    context.set_default_timeout(10_000)
    context.add_init_script(
        """globalThis.forbidden = [];
        document.addEventListener("securitypolicyviolation", (event) =>
            forbidden.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));"""
    )
    yield context
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_the_policy_forbids_a_page_nothing(reader, server, name):
    page = reader.new_page()
    page.goto(f"{server}/{name}", wait_until="load")
    page.wait_for_timeout(100)
    assert page.evaluate("forbidden") == []
    page.close()


@pytest.mark.parametrize("edition", EDITIONS)
def test_what_a_page_says_to_programs_is_there_and_is_not_run(reader, server, edition):
    page = reader.new_page()
    page.goto(f"{server}/{edition}/pool.html", wait_until="load")
    blocks = page.locator("script[type='application/ld+json']")
    assert blocks.count() == 1
    assert json.loads(blocks.text_content())["@context"] == "https://schema.org"
    # the same block is refused as soon as it is a script
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = document.querySelector("[type='application/ld+json']").textContent;
            document.head.append(script);
        }"""
    )
    page.wait_for_timeout(100)
    assert [words.split(":")[0] for words in page.evaluate("forbidden")] == ["script-src-elem"]
    page.close()


def test_the_policy_would_forbid_an_inline_style(reader, server):
    page = reader.new_page()
    page.goto(f"{server}/en/search.html")
    page.evaluate("document.querySelector('h1').setAttribute('style', 'color: red')")
    page.wait_for_timeout(100)
    assert len(page.evaluate("forbidden")) == 1
    page.close()


def test_the_guide_for_publishing_names_the_policy_of_the_tests():
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert f"Content-Security-Policy: {POLICY}\n" in guide


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_saved_theme_is_there_from_the_start(page, server, theme):
    page.add_init_script(f"localStorage.setItem('theme', '{theme}')")
    page.goto(f"{server}/en/install.html")
    assert page.evaluate("document.body.dataset.theme") == theme
    brand = page.evaluate(
        "getComputedStyle(document.body).getPropertyValue('--color-brand-primary')"
    )
    assert brand == {"light": "#005a8e", "dark": "#6cb9ee"}[theme]


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_starts_from_a_folder(page, edition, name):
    faults = []
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.goto((SITE / edition / f"{name}.html").as_uri())
    place = page.locator(f"#experiment-{EXPERIMENTS[name]}")
    place.locator(".experiment-body").wait_for()
    assert not place.locator(".experiment-still").is_visible()
    page.wait_for_timeout(300)
    assert name == "norm" or page.evaluate(IS_DRAWN)  # that one has no photograph
    assert faults == []


@pytest.mark.parametrize(
    ("edition", "sentence"), [("en", "opened from a folder"), ("zh", "从文件夹里打开")]
)
def test_the_network_says_why_it_cannot_run_from_a_folder(page, edition, sentence):
    page.goto((SITE / edition / "train.html").as_uri())
    assert page.locator("#experiment-demo").get_by_text(sentence).is_visible()
    assert page.locator("#experiment-demo button:visible").count() == 0


def test_a_readers_own_picture_is_read_from_a_folder(page):
    page.goto((SITE / "en" / "conv.html").as_uri())
    place = page.locator("#experiment-conv")
    own = place.get_by_label("Your own picture")
    own.set_input_files(SITE / "en" / "_static" / "experiments" / "cifar.png")
    place.get_by_role("button", name="Back to the first picture").wait_for()


def test_the_root_page_and_the_search_work_from_a_folder(page):
    page.goto((SITE / "index.html").as_uri())
    page.wait_for_url(re.compile("/en/index.html"))
    page.goto((SITE / "en" / "search.html").as_uri())
    page.locator(".search-page input").fill("dilation")
    page.locator(".search-page-hits").first.wait_for()
    assert "dilation" in page.locator(".search-page-hits").first.inner_text().lower()


@pytest.mark.parametrize(
    ("edition", "sentence"), [("en", "This is the still picture"), ("zh", "这里是实验的静态图")]
)
def test_without_javascript_the_still_picture_says_so(chromium, server, edition, sentence):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    for name in EXPERIMENTS:
        page.goto(f"{server}/{edition}/{name}.html")
        assert page.locator(".experiment-note", has_text=sentence).is_visible()
    context.close()


@pytest.mark.parametrize(
    ("edition", "sentence"), [("en", "its photograph could not be loaded"), ("zh", "照片加载失败")]
)
@pytest.mark.parametrize("name", ["conv", "index", "mix", "receptive"])
def test_an_experiment_that_cannot_start_says_why(page, server, edition, sentence, name):
    page.route(re.compile(r"(camera|cifar)\.png"), lambda route: route.abort())
    page.goto(f"{server}/{edition}/{name}.html")
    page.locator(".experiment-note", has_text=sentence).wait_for()
    assert page.locator(".experiment-still").locator("img, table").first.is_visible()
    assert page.locator(".experiment-body").count() == 0


def test_a_bundle_holds_each_module_once_below_what_it_needs(tmp_path):
    (tmp_path / "a.js").write_text("export const a = 1;\n")
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\nexport const b = () => a + 1;\n')
    first = tmp_path / "first.js"
    first.write_text('import { a } from "./a.js";\nimport { b } from "./b.js";\nresult(a + b());\n')
    made = bundle(first)
    assert made.count("const a = 1;") == 1
    assert made.index("const a = 1;") < made.index("const b =") < made.index("result(")
    assert not re.search("^(import|export)", made, re.MULTILINE)


def test_a_bundle_refuses_another_form_of_import(tmp_path):
    (tmp_path / "first.js").write_text('import * as all from "./a.js";\n')
    with pytest.raises(ValueError, match=r"must import as in .*, got 'import \* as all"):
        bundle(tmp_path / "first.js")


@pytest.mark.parametrize("name", EXPERIMENTS.values())
def test_a_bundle_leaves_no_name_behind(page, server, name):
    page.goto(f"{server}/en/search.html")
    before = page.evaluate("Object.keys(globalThis)")
    page.evaluate(
        """name => new Promise((resolve) => {
            const script = document.createElement("script");
            script.onload = resolve;
            script.src = `_static/experiments/${name}.js`;
            document.head.append(script);
        })""",
        name,
    )
    assert page.evaluate("Object.keys(globalThis)") == before


def test_a_figure_can_be_enlarged_by_keyboard(page, server):
    page.goto(f"{server}/en/pool.html")
    link = page.locator("article a.enlarge").first
    dialog = page.locator("dialog.enlarged")
    link.focus()
    page.keyboard.press("Enter")
    assert dialog.locator("img").is_visible()
    assert dialog.locator("img").get_attribute("alt") == link.locator("img").get_attribute("alt")
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert link.evaluate("link => link === document.activeElement")
    page.keyboard.press("Enter")
    tab_to(page, dialog.get_by_role("button", name="Close"))
    page.keyboard.press("Enter")
    assert not dialog.is_visible()


def test_a_figure_can_be_enlarged_by_touch(chromium, server):
    context = chromium.new_context(has_touch=True, viewport={"width": 360, "height": 700})
    page = context.new_page()
    page.goto(f"{server}/zh/pool.html")
    link = page.locator("article a.enlarge").first
    before = link.locator("img").bounding_box()["width"]
    link.tap()
    dialog = page.locator("dialog.enlarged")
    assert dialog.locator("img").bounding_box()["width"] > 1.5 * before
    frame = dialog.locator("div")
    assert frame.evaluate("frame => frame.scrollWidth > frame.clientWidth")  # is scrolled inside
    dialog.get_by_role("button", name="关闭").tap()
    assert not dialog.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()


def test_a_figure_leads_to_its_file_without_javascript(chromium, server):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server}/en/pool.html")
    page.locator("article a.enlarge").first.click()
    assert re.search(r"/en/_images/sphx_glr_\w+\.svg$", page.url)
    context.close()


DRAWN = [p for p in PAGES if 'class="enlarge"' in (SITE / p).read_text(encoding="utf-8")]


def test_chapters_and_the_glossary_have_figures():
    assert len(DRAWN) > 100
    assert {"en/conv.html", "zh/glossary.html", "en/auto_examples/draw_conv.html"} <= {*DRAWN}


@pytest.mark.parametrize("name", DRAWN)
def test_no_word_of_a_figure_is_smaller_than_9_pixels_on_a_phone(reader, server, name):
    page = reader.new_page()
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto(f"{server}/{name}")
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.evaluate(
        "document.querySelectorAll('.experiment-still').forEach(still => still.hidden = false)"
    )
    figures = page.locator("article a.enlarge > img")
    assert figures.count()
    figures.evaluate_all("all => Promise.all(all.map((image) => image.decode()))")
    for source, width in figures.evaluate_all("all => all.map((i) => [i.src, i.clientWidth])"):
        drawing = (SITE / source.removeprefix(f"{server}/")).read_text(encoding="utf-8")
        whole = float(re.search(r'viewBox="\S+ \S+ (\S+)', drawing)[1])
        sizes = re.findall(r'<t(?:ext|span)\b[^>]*font-size="([\d.]+)px', drawing)
        assert all(float(size) * width / whole >= 8.99 for size in sizes), source
    page.close()


@pytest.mark.parametrize(("edition", "label"), [("en", "Out:"), ("zh", "输出：")])
def test_what_a_script_prints_is_announced_in_the_language_of_the_page(
    page, server, edition, label
):
    page.goto(f"{server}/{edition}/auto_examples/plot_lenet.html")
    output = page.locator(".sphx-glr-script-out").first
    shown = output.evaluate("e => [getComputedStyle(e, '::before').content, e.dataset.label]")
    assert shown[1] == label and shown[0] in (f'"{label}"', "attr(data-label)")


@pytest.mark.parametrize("saved", ["light", "dark"])
@pytest.mark.parametrize("system", ["light", "dark"])
def test_a_figure_has_the_colours_of_the_theme(page, server, saved, system):
    page.emulate_media(color_scheme=system)
    page.add_init_script(f"localStorage.setItem('theme', '{saved}')")
    page.goto(f"{server}/en/auto_examples/draw_pool.html")
    figure = page.locator("article a.enlarge > img").first
    figure.evaluate("image => image.decode()")
    assert (darkness(figure.screenshot()) > 0.5) == (saved == "dark")


def darkness(picture):
    """How dark the most frequent colour of a PNG is, from 0 to 1."""
    shown = Image.open(io.BytesIO(picture)).convert("L")
    _, grey = max((count, grey) for grey, count in enumerate(shown.histogram()))
    return 1 - grey / 255


def test_a_figure_is_light_on_paper(page, server):
    page.emulate_media(color_scheme="dark", media="print")
    page.goto(f"{server}/en/auto_examples/draw_pool.html")
    figure = page.locator("article a.enlarge > img").first
    figure.evaluate("image => image.decode()")
    assert darkness(figure.screenshot()) < 0.1


def test_a_page_loads_each_figure_once(page, server):
    asked = []
    page.on("request", lambda r: asked.append(r.url))
    page.emulate_media(color_scheme="dark")
    page.goto(f"{server}/en/pool.html", wait_until="load")
    figures = [url for url in asked if "sphx_glr_" in url]
    shown = page.locator("article img[src*=sphx_glr_]").evaluate_all("all => all.map((i) => i.src)")
    assert sorted(figures) == sorted({*shown})


def test_a_button_to_copy_is_seen_on_focus_and_by_touch(page, chromium, server):
    page.goto(f"{server}/en/install.html")
    button = page.locator("button.copybtn").first
    page.emulate_media(reduced_motion="reduce")
    assert button.evaluate("b => getComputedStyle(b).opacity") == "0"
    tab_to(page, button)
    assert button.evaluate("b => getComputedStyle(b).opacity") == "1"
    context = chromium.new_context(has_touch=True, is_mobile=True)
    phone = context.new_page()
    phone.goto(f"{server}/en/install.html")
    button = phone.locator("button.copybtn").first
    assert button.evaluate("b => getComputedStyle(b).opacity") == "1"
    context.close()


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_controls_of_a_phones_header_do_not_touch(page, server, edition):
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto(f"{server}/{edition}/conv.html")
    boxes = page.locator(
        ".mobile-header :is(.nav-overlay-icon, .brand, .language-switch a, .theme-toggle, .toc-overlay-icon)"
    ).evaluate_all(
        "all => all.map((e) => [e.getBoundingClientRect().left, e.getBoundingClientRect().right])"
    )
    boxes = sorted(box for box in boxes if box[1] > box[0])
    assert len(boxes) == 5
    assert all(left[1] + 4 <= right[0] for left, right in pairwise(boxes))


@pytest.mark.parametrize("name", ["conv", "transfer", "auto_examples/plot_transfer"])
def test_the_sidebar_shows_the_current_page(page, server, name):
    page.set_viewport_size({"width": 1300, "height": 600})
    page.goto(f"{server}/en/{name}.html")
    box = page.locator(".sidebar-scroll .current-page > a").last.bounding_box()
    assert 0 <= box["y"] <= 600 - box["height"]


def test_a_long_signature_has_a_line_for_each_parameter(page, server):
    page.goto(f"{server}/en/api/conv.html")
    lines = page.locator("[id='cnnguide.conv.conv2d_loops'] .sig-line").all()
    assert len(lines) > 3
    assert len({line.bounding_box()["y"] for line in lines}) == len(lines)
    kernels = page.locator("[id='cnnguide.conv.KERNELS']").inner_text()
    assert "tensor" not in kernels


@pytest.mark.parametrize("term", ["term-kernel", "term-pooling", "term-stride"])
def test_the_switch_leads_from_a_term_to_that_term(page, server, term):
    page.emulate_media(reduced_motion="reduce")  # so that it stands at the term at once
    page.goto(f"{server}/en/glossary.html#{term}")
    page.wait_for_timeout(300)
    page.locator(".sidebar-drawer .language-switch a").click()
    page.wait_for_url(re.compile("/zh/"))
    assert page.url.endswith(f"/zh/glossary.html#{term}")


def test_the_switch_leads_on_from_an_address_that_cannot_be_decoded(page, server):
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{server}/en/search.html?q=stride#100%")
    page.locator(".sidebar-drawer .language-switch a").click()
    page.wait_for_url(re.compile("/zh/search.html.q=stride"))
    assert faults == []


SHOWN = """body => body.innerHTML
    + [...body.querySelectorAll("canvas")].map((canvas) => canvas.toDataURL()).join()"""


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_nothing_moves_for_readers_who_want_less_motion(page, server, name):
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{server}/en/{name}.html")
    body = page.locator(f"#experiment-{EXPERIMENTS[name]} .experiment-body")
    body.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # it has begun, and has told a screen reader so
    before = body.evaluate(SHOWN)
    page.wait_for_timeout(300)
    assert body.evaluate(SHOWN) == before
    moving = page.evaluate(
        """() => [...document.querySelectorAll("*")].filter((element) => {
            const style = getComputedStyle(element);
            return style.scrollBehavior === "smooth" || parseFloat(style.transitionDuration) > 0
                || style.animationName !== "none";
        }).map((element) => element.outerHTML.slice(0, 80))"""
    )
    assert moving == []


def test_the_first_picture_moves_for_other_readers(page, server):
    page.goto(f"{server}/en/index.html")
    body = page.locator("#experiment-home .experiment-body")
    body.locator("button", has_text="Pause").wait_for()
    before = body.evaluate(SHOWN)
    page.wait_for_timeout(300)
    assert body.evaluate(SHOWN) != before


# What would be lost if it took the colours of lines and text; `style` gives a computed style.
MEANS = {
    "home": "style('.home-window').outlineColor === 'rgb(255, 176, 0)'",
    "conv": "style('.conv-map').backgroundImage.includes('gradient')",
    "receptive": "style('.receptive-panel .lit').fill"
    " !== style('.receptive-panel rect:not(.lit, .chosen, .padding)').fill",
    "mix": "style('.mix-bars b').backgroundImage.includes('gradient')",
    "norm": "style('.norm-key .mean', '::before').borderTopColor"
    " === style('.norm-chart path:nth-child(4)').stroke",
    "demo": "style('.demo-bars button', '::before').backgroundColor"
    " !== style('.demo-bars button').backgroundColor",
}
# Elements with text of their own, and the contrast of that text with what it lies on.
CONTRASTS = r"""body => {
    const channels = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
    const light = (colour) => {
        const linear = channels(colour).slice(0, 3).map((x) =>
            x <= 10.31 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4);
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const below = (element) => {
        const colour = getComputedStyle(element).backgroundColor;
        return channels(colour)[3] === 0 ? below(element.parentElement) : colour;
    };
    return [...body.querySelectorAll("*")]
        .filter((element) => element.checkVisibility() && [...element.childNodes].some((node) =>
            node.nodeType === Node.TEXT_NODE && node.data.trim()))
        .map((element) => {
            const style = getComputedStyle(element);
            const text = element.matches("svg text") ? style.fill : style.color;
            const [low, high] = [light(text), light(below(element))].sort((a, b) => a - b);
            return [element.outerHTML.slice(0, 80), (high + 0.05) / (low + 0.05)];
        });
}"""


@pytest.mark.parametrize("saved", ["light", "dark"])  # a theme that is not the reader's colours'
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_forced_colours_leave_what_means_something(page, server, name, saved):
    system = {"light": "dark", "dark": "light"}[saved]
    page.emulate_media(forced_colors="active", color_scheme=system)
    page.add_init_script(f"localStorage.setItem('theme', '{saved}')")
    page.goto(f"{server}/en/{name}.html")
    body = page.locator(f"#experiment-{EXPERIMENTS[name]} .experiment-body")
    body.scroll_into_view_if_needed()
    if name == "train":
        body.get_by_role("button", name="Load the network").click()
        body.locator(".demo-bars button").first.wait_for()
    elif name == "mix":
        body.locator(".mix-bars").filter(has_text="%").wait_for()
    elif name == "conv":
        body.locator(".conv-pixel").filter(has_text=re.compile(r"\d")).wait_for()
    style = "const style = (which, part) => getComputedStyle(document.querySelector(which), part);"
    assert page.evaluate(f"() => {{ {style} return {MEANS[EXPERIMENTS[name]]}; }}")
    read = body.evaluate(CONTRASTS)
    assert len(read) > 5
    assert [one for one in read if one[1] < 4.5] == []


@pytest.mark.parametrize("width", [360, 1280])
def test_the_word_before_an_output_of_the_gallery_stands_on_one_line(page, server, width):
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(f"{server}/zh/auto_examples/plot_norm.html")
    height, line = page.locator(".sphx-glr-script-out").first.evaluate(
        """out => ["height", "lineHeight"].map(
            (name) => parseFloat(getComputedStyle(out, "::before")[name]))"""
    )
    assert 0 < height < 1.5 * line


def test_a_column_of_links_holds_a_few_characters_of_chinese_on_a_phone(page, server):
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto(f"{server}/zh/capstone.html")
    widths = page.locator("article td:has(> p > a)").evaluate_all(
        "cells => cells.map((c) => c.clientWidth / parseFloat(getComputedStyle(c).fontSize))"
    )
    assert len(widths) > 10 and min(widths) >= 4
