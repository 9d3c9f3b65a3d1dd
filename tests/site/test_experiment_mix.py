"""The experiment with MixUp and CutMix: its arithmetic is the library's, and every way in works."""

import re

import numpy as np
import pytest
import torch
from PIL import Image

from cnnguide import mix
from conftest import SITE, tab_to, wait_until

PLACE = "#experiment-mix"
MODULES = ["mixing", "chance"]
SWAP = torch.tensor([1, 0])


@pytest.fixture
def experiment(opened):
    """Open the experiment, in any way, and wait until it can be used."""

    def start(*where, **options):
        page = opened(*where, **options)
        page.locator(f"{PLACE} .mix-views").scroll_into_view_if_needed()
        page.locator(f"{PLACE} .mix-bars").filter(has_text="%").wait_for()  # the sprite has come
        return page

    return start


def photograph(line, column):
    """A photograph of the sprite, 3 32 32."""
    file = SITE / "en" / "_static" / "experiments" / "cifar.png"
    sprite = np.asarray(Image.open(file).convert("RGB"))
    cut = sprite[32 * line : 32 * line + 32, 32 * column : 32 * column + 32]
    return torch.from_numpy(cut.copy()).permute(2, 0, 1).double()


def chosen(page, which):
    """The sprite's line and column of the first (0) or the second (1) picture."""
    radios = page.locator(f"{PLACE} .experiment-photographs").nth(which).locator("input")
    k = radios.evaluate_all("x => x.findIndex(radio => radio.checked)")
    return (0, 2, 1, 3)[2 * which + k // 10], k % 10


def marked(page):
    """What the mark on the picture says: left, top, right, bottom, and the box's centre, if any."""
    path = page.locator(".mix-panel path").nth(1).get_attribute("d")
    numbers = [float(x) for x in re.findall(r"-?[\d.]+", path)]
    left, top, right, bottom = (int(x) for x in numbers[:4])
    cross = (int(numbers[6]), round(numbers[5] + 0.8)) if numbers[6:] else None
    return (top, bottom, left, right), cross


def check(page):
    """Compare all that the page shows with the library; give the mark, the centre and λ."""
    method = page.locator(f"{PLACE} .experiment-radios input:checked").input_value()
    asked = float(page.get_by_label("Chosen λ").input_value())
    pair = [chosen(page, which) for which in (0, 1)]
    images = torch.stack([photograph(*place) for place in pair])
    labels = torch.tensor([column for _, column in pair])
    box, centre = marked(page)
    formula = page.locator(".mix-formula math").text_content()
    if method == "cutmix":
        assert box == mix.cutmix_box(32, 32, lam=asked, centre=centre)
        made, lam = mix.cutmix(images, box=box, permutation=SWAP)
        assert float(formula.split("=")[-1]) == pytest.approx(lam, abs=0.0005)
        height, width = box[1] - box[0], box[3] - box[2]
        assert formula.startswith(f"λ=1−{height}·{width}32·32")
    else:
        made, lam = mix.mixup(images, lam=asked, permutation=SWAP), asked
        (i, _, j, _), ours, theirs = box, *images[:, 0]
        red = f"{asked:.2f}·{ours[box[0], box[2]]:.0f}+{1 - asked:.2f}·{theirs[i, j]:.0f}="
        assert formula.startswith(red)
        assert float(formula.split("=")[-1]) == pytest.approx(made[0, 0, i, j].item(), abs=0.06)
    drawn = page.locator(f"{PLACE} canvas").evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, 32, 32).data]"
    )
    drawn = torch.tensor(drawn).view(32, 32, 4)[..., :3].permute(2, 0, 1).double()
    torch.testing.assert_close(drawn, made[0], atol=0.501, rtol=0)  # whole numbers are shown
    label = mix.soft_labels(labels, lam=lam, permutation=SWAP, num_classes=10)[0]
    bars = page.locator(".mix-bars li:visible")
    assert bars.count() == len(set(labels.tolist()))
    for k in range(bars.count()):
        percent = float(re.search(r"([\d.]+) %", bars.nth(k).inner_text())[1])
        assert percent == pytest.approx(100 * label[labels[k]].item(), abs=0.051)
    return box, centre, lam


def middle(page, row, column):
    """Where on the screen a pixel of the mixed picture lies."""
    box = page.locator(".mix-panel").bounding_box()
    x, y = ((at + 0.5) * box["width"] / 32 for at in (column, row))
    return box["x"] + x, box["y"] + y


def test_its_mixture_equals_the_library_s(ask):
    torch.manual_seed(0)
    images = torch.rand(2, 3, 4, 5).double()
    for lam in (0, 0.2, 1 / 3, 0.9, 1):
        got = ask("[...m.mixup(...x)]", [*images.flatten(1).tolist(), lam])
        right = mix.mixup(images, lam=lam, permutation=SWAP)[0].flatten()
        torch.testing.assert_close(torch.tensor(got, dtype=torch.float64), right, atol=1e-9, rtol=0)


def test_its_boxes_are_those_of_the_library(ask):
    cases = [
        [height, width, lam / 50, [row, column]]
        for height, width in ((32, 32), (7, 12))
        for lam in range(51)
        for row in (0, 3, height - 1)
        for column in (0, width // 2, width - 1)
    ]
    right = [list(mix.cutmix_box(h, w, lam=lam, centre=centre)) for h, w, lam, centre in cases]
    assert ask("x.map(c => m.cutmixBox(...c))", cases) == right
    assert len(set(map(tuple, right))) > 100


def test_its_paste_and_the_lambda_that_stays_are_the_library_s(ask):
    images = torch.arange(2.0 * 3 * 8 * 5).view(2, 3, 8, 5)
    for box in ((0, 8, 0, 5), (2, 2, 1, 3), (1, 4, 2, 5), (7, 8, 0, 1)):
        pixel_by_pixel = images.permute(0, 2, 3, 1).flatten(1).tolist()
        got = ask("(r => [...r.values, r.lam])(m.cutmix(...x))", [*pixel_by_pixel, 8, 5, list(box)])
        made, lam = mix.cutmix(images, box=box, permutation=SWAP)
        assert got[:-1] == made[0].permute(1, 2, 0).flatten().tolist()
        assert got[-1] == lam


def test_its_label_is_the_library_s(ask):
    for own, partner, lam in ((3, 5, 0.75), (9, 0, 0.25), (4, 4, 0.5), (1, 2, 1)):
        labels = torch.tensor([own, partner])
        right = mix.soft_labels(labels, lam=lam, permutation=SWAP, num_classes=10)[0]
        assert ask("m.softLabel(...x, 10)", [own, partner, lam]) == right.tolist()


@pytest.mark.parametrize("lam", [-0.1, 1.1, float("nan")])
def test_it_refuses_what_the_library_refuses(ask, lam):
    for call in ("mixup([0], [1], x)", "cutmixBox(8, 8, x, [0, 0])", "softLabel(0, 1, x, 2)"):
        with pytest.raises(Exception, match="RangeError: λ must lie between 0 and 1, got"):
            ask(f"m.{call}", lam)
    with pytest.raises(ValueError, match="λ must lie between 0 and 1, got"):
        mix.cutmix_box(8, 8, lam=lam, centre=(0, 0))


def test_it_refuses_a_centre_outside_and_an_alpha_out_of_range(ask):
    for centre in ([-1, 0], [8, 0], [0, 4]):
        with pytest.raises(Exception, match="RangeError: the centre lies inside the 8×4 image"):
            ask("m.cutmixBox(8, 4, 0.5, x)", centre)
    for alpha in (-1, 6, float("nan")):
        with pytest.raises(Exception, match="RangeError: α is a number from 0 to 5"):
            ask("m.sampleLambda(x, Math.random)", alpha)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0, 3.0])
def test_its_draws_have_the_distribution_of_the_library_s(ask, alpha):
    draw = "(r => Array.from({length: 4000}, () => m.sampleLambda(x, r)))(generator(1))"
    ours = ask(draw, alpha)
    assert ours == ask(draw, alpha)  # the seed reaches every draw
    generator = torch.Generator().manual_seed(1)
    theirs = [mix.sample_lambda(alpha, generator=generator) for _ in range(4000)]
    grid = np.linspace(0, 1, 201)
    both = (np.searchsorted(np.sort(x), grid, side="right") / 4000 for x in (ours, theirs))
    assert np.abs(np.subtract(*both)).max() < 0.044  # Kolmogorov and Smirnov, one in a thousand
    assert ask("m.sampleLambda(0, Math.random)") == mix.sample_lambda(0, generator=generator) == 1


def test_its_histogram_counts_like_numpy(ask):
    values = [0, 0.049, 0.05, 0.5, 0.501, 0.99, 1]
    assert ask("m.histogram(x, 20)", values) == np.histogram(values, 20, (0, 1))[0].tolist()


def test_a_mouse_drags_the_box_and_the_border_cuts_it(experiment):
    page = experiment()
    assert page.locator(f"{PLACE} .experiment-still").is_hidden()
    box, centre, lam = check(page)
    assert box[3] == 32
    assert lam > 0.6
    page.mouse.move(*middle(page, 16, 16))  # a mouse that only passes moves nothing
    assert check(page)[1] == centre
    page.mouse.down()
    assert check(page)[:2] == ((6, 26, 6, 26), (16, 16))
    assert "The whole box was pasted" in page.locator(".mix-explanation").inner_text()
    page.mouse.move(*middle(page, 3, 30))
    assert check(page)[:2] == ((0, 13, 20, 32), (3, 30))
    assert "The border cut the box off" in page.locator(".mix-explanation").inner_text()
    page.mouse.move(1, 1)  # outside, it stays in the corner
    assert check(page)[:2] == ((0, 10, 0, 10), (0, 0))
    page.mouse.up()
    wait_until(
        page,
        f"document.querySelector('{PLACE} .visually-hidden').textContent"
        ".startsWith('Label: cat 90.2 %, dog 9.8 %. Chosen λ: 0.60.')",
    )


def test_lambda_sets_the_size_of_the_box(experiment):
    page = experiment()
    for asked in (0, 0.01, 0.3, 0.75, 0.99, 1):
        page.get_by_label("Chosen λ").fill(str(asked))
        check(page)
    assert "The box is empty" in page.locator(".mix-explanation").inner_text()


def test_mixup_shows_the_arithmetic_of_any_pixel(experiment):
    page = experiment()
    page.get_by_label("MixUp").check()
    for asked in (0.6, 0, 0.25, 1):
        page.get_by_label("Chosen λ").fill(str(asked))
        for pixel in ((3, 4), (31, 0)):
            page.mouse.move(*middle(page, *pixel))
            box, _, lam = check(page)
            assert (box[0], box[2], lam) == (*pixel, asked)
    page.get_by_label("CutMix").check()
    assert check(page)[1] == (12, 28)


def test_both_pictures_can_be_chosen_and_even_from_one_class(experiment):
    page = experiment()
    first, second = (page.get_by_role("group", name=f"{x} picture") for x in ("First", "Second"))
    first.get_by_label("ship, photograph 3").check()
    second.get_by_label("bird, photograph 4").check()
    assert [chosen(page, which) for which in (0, 1)] == [(2, 8), (3, 2)]
    check(page)
    assert page.locator(".mix-bars").inner_text().split("\n")[::2] == ["ship", "bird"]
    first.get_by_label("bird, photograph 1").check()
    check(page)
    assert "100.0 %" in page.locator(".mix-bars li:visible").inner_text()


def test_chance_draws_lambda_and_the_box(experiment):
    page = experiment()
    legend, button = page.locator(".mix-axis + p"), page.get_by_role("button", name="Draw λ")
    count, drawn, stayed = (float(x) for x in re.findall(r"\d[\d.]*\d", legend.inner_text()))
    assert count == 1000
    assert drawn == pytest.approx(0.5, abs=0.03)  # the true means, as on the page
    assert stayed == pytest.approx(0.7, abs=0.03)
    seen = set()
    for k in range(5):
        button.click()
        seen.add(check(page)[1])
        assert legend.inner_text().startswith(f"λ of {1001 + k} draws")
    assert len(seen) == 5
    shape = page.locator(".mix-draws path").nth(1).get_attribute("d")
    page.get_by_label("α").fill("0.2")
    assert page.locator(".mix-draws path").nth(1).get_attribute("d") != shape
    page.get_by_label("MixUp").check()
    assert re.fullmatch(r"λ of 1000 draws: mean 0\.\d\d\.", legend.inner_text())
    button.click()
    check(page)


def bins_of(page):
    """The chart's table: λ from and to, and how many of the draws fall there, as drawn and kept."""
    rows = page.locator(f"{PLACE} .experiment-numbers tr").all()[1:]
    return [[float(n) for n in re.findall(r"[\d.]+", row.inner_text())] for row in rows]


def heights_of(page, which):
    """How high the chart draws each bin, as shares of the highest."""
    path = page.locator(".mix-draws path").nth(which).get_attribute("d")
    return [1 - float(y) / 20 for y in re.findall(r"V([\d.]+)H", path)]


def test_the_chart_is_a_table_too(experiment):
    page = experiment()
    page.locator(f"{PLACE} summary").press("Enter")
    page.get_by_role("button", name="Draw λ").click()
    low, high, drawn, stayed = zip(*bins_of(page), strict=True)
    assert low == pytest.approx([k / 20 for k in range(20)])
    assert high == pytest.approx([k / 20 for k in range(1, 21)])
    assert sum(drawn) == sum(stayed) == 1001
    most = max(*drawn, *stayed)
    assert heights_of(page, 0) == pytest.approx([count / most for count in stayed])
    assert heights_of(page, 1) == pytest.approx([count / most for count in drawn])
    page.get_by_label("MixUp").check()
    low, _, drawn = zip(*bins_of(page), strict=True)  # here what is drawn stays
    assert sum(drawn) == 1000
    assert heights_of(page, 0) == pytest.approx([count / max(drawn) for count in drawn])
    mean = float(re.search(r"mean ([\d.]+\d)", page.locator(".mix-axis + p").inner_text())[1])
    middles = [(a + 0.025) * count for a, count in zip(low, drawn, strict=True)]
    assert sum(middles) / 1000 == pytest.approx(mean, abs=0.025)


def test_all_can_be_done_by_keyboard(experiment):
    page = experiment()
    pictures = [page.locator(f"{PLACE} .experiment-photographs").nth(k) for k in (0, 1)]
    tab_to(page, pictures[0].locator("input:checked"))
    page.keyboard.press("ArrowRight")
    tab_to(page, pictures[1].locator("input:checked"))
    page.keyboard.press("ArrowLeft")
    assert [chosen(page, which) for which in (0, 1)] == [(0, 4), (1, 4)]
    pictures[1].locator("input:checked").press("ArrowLeft")
    tab_to(page, page.get_by_label("CutMix"))
    tab_to(page, page.get_by_label("Chosen λ"))
    page.keyboard.press("ArrowLeft")
    assert page.get_by_label("Chosen λ").input_value() == "0.59"
    panel = page.locator(".mix-panel")
    tab_to(page, panel)
    assert panel.evaluate("e => e.matches(':focus-visible')")
    assert "arrow keys move the box" in panel.get_attribute("aria-label")
    for key in ("ArrowUp", "ArrowUp", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
    assert check(page)[1] == (11, 27)
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert check(page)[1] == (11, 31)
    tab_to(page, page.get_by_role("button", name="Draw λ"))
    page.keyboard.press("Enter")
    check(page)
    page.get_by_label("CutMix").press("ArrowLeft")
    assert page.get_by_label("MixUp").is_checked()
    tab_to(page, panel)
    page.keyboard.press("ArrowUp")
    assert (check(page)[0][0], check(page)[0][2]) == (14, 15)


def test_a_finger_moves_the_box_and_not_the_page(experiment):
    page = experiment(width=360, height=740, has_touch=True, is_mobile=True)
    page.get_by_label("frog, photograph 3").tap()
    wait_until(  # the click comes a little after the tap, unless another tap does
        page, "document.querySelector('.mix-bars').textContent.startsWith('frog')"
    )
    page.get_by_label("MixUp").tap()
    page.get_by_text("λ of 1000 draws: mean").wait_for()
    page.get_by_role("button", name="Draw λ").tap()
    page.get_by_text("λ of 1001 draws: mean").wait_for()
    assert chosen(page, 0) == (2, 6)
    check(page)
    page.get_by_label("CutMix").tap()
    page.get_by_text("Outline: as drawn").wait_for()
    page.touchscreen.tap(*middle(page, 20, 10))
    assert check(page)[1] == (20, 10)
    before = page.evaluate("scrollY")
    session = page.context.new_cdp_session(page)
    for kind, pixel in (("Start", (20, 10)), ("Move", (10, 15)), ("Move", (2, 25))):
        x, y = middle(page, *pixel)
        session.send(
            "Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": [{"x": x, "y": y}]}
        )
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert check(page)[1] == (2, 25)
    assert page.evaluate("scrollY") == before


@pytest.mark.parametrize("width", [320, 360])
@pytest.mark.parametrize("edition", ["en", "zh"])
def test_it_fits_a_phone(experiment, edition, width):
    page = experiment(edition, width=width, height=740)
    page.locator(f"{PLACE} summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    body = page.locator(f"{PLACE} .experiment-body").bounding_box()
    wide = page.locator(f"{PLACE} *:not(.mix-panel *)").evaluate_all(
        "(all, right) => all.filter(e => e.getBoundingClientRect().right > right)"
        ".map(e => e.outerHTML.slice(0, 99))",
        body["x"] + body["width"],
    )
    assert wide == []
    controls = page.locator(
        f"{PLACE} :is(button, summary, .experiment-control input, label, .mix-panel)"
    )
    photographs = page.locator(f"{PLACE} .experiment-photographs input")
    for found, count in ((controls, 7), (photographs, 40)):
        boxes = found.evaluate_all(
            "all => all.map(e => e.getBoundingClientRect())"
            ".filter((box, k) => all[k].className || all[k].tagName !== 'LABEL')"
            ".map(box => Math.min(box.width, box.height))"
        )
        assert len(boxes) >= count
        assert min(boxes) >= 24


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_jumps_when_numbers_change(experiment, width):
    page = experiment(width=width)
    page.locator(f"{PLACE} summary").click()
    body = page.locator(f"{PLACE} .experiment-body")
    heights = [body.bounding_box()["height"]]
    for act in (
        lambda: page.get_by_label("Chosen λ").fill("1"),
        lambda: page.get_by_role("button", name="Draw λ").click(),
        lambda: page.get_by_label("MixUp").check(),
        lambda: page.get_by_label("cat, photograph 4").check(),
        lambda: page.mouse.move(*middle(page, 31, 31)),
    ):
        act()
        heights.append(body.bounding_box()["height"])
    assert heights == pytest.approx([heights[0]] * len(heights), abs=1)


def test_the_chinese_page_speaks_chinese(experiment):
    page = experiment("zh")
    body, said = page.locator(f"{PLACE} .experiment-body"), []
    page.locator(f"{PLACE} summary").click()
    for radio in ("cutmix", "mixup"):
        page.locator(f"{PLACE} input[value={radio}]").check()
        for asked in ("0.5", "1", "0.9"):
            page.locator(".mix-lambda input").fill(asked)
            labels = body.locator("[aria-label]").evaluate_all("x => x.map(e => e.ariaLabel)")
            said.extend([body.inner_text(), *labels])
        news = page.locator(f"{PLACE} .visually-hidden").filter(has_text="：")
        said.append(news.inner_text())
        page.mouse.move(*middle(page, 16, 16))
        page.mouse.down()
        page.mouse.up()
    english = {word for text in said for word in re.findall(r"[A-Za-z]{2,}", text)}
    assert english == {"MixUp", "CutMix", "Beta"}  # names
    assert len(re.findall("[\u4e00-\u9fff]", "".join(said))) > 200
