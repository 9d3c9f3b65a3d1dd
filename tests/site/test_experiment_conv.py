"""The experiment with one convolution: its arithmetic is the library's, and every way in works."""

import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from cnnguide import conv
from conftest import SITE, tab_to, wait_until

PLACE = "#experiment-conv"
MODULES = ["convolution", "grey"]
SETTINGS = [
    {"stride": stride, "padding": padding, "dilation": dilation}
    for stride in (1, 2, 3)
    for padding in (0, 1, 3)
    for dilation in (1, 2, 4)
]


@pytest.fixture
def experiment(opened):
    """Open the experiment, in any way, and wait until it can be used."""

    def start(*where, **options):
        page = opened(*where, **options)
        page.locator(f"{PLACE} .conv-maps").scroll_into_view_if_needed()
        wait_until(  # the photograph has come
            page,
            f"[...document.querySelectorAll('{PLACE} td')].some(td => Number(td.textContent) > 0)",
        )
        return page

    return start


def photograph():
    """The photograph of the site, 1 1 64 64."""
    file = SITE / "en" / "_static" / "experiments" / "camera.png"
    return torch.from_numpy(np.asarray(Image.open(file)).copy())[None, None].double()


def position(page):
    """The row and the column that the page names."""
    row, column = re.findall(r"\d+", page.locator(".conv-where").inner_text())[:2]
    return int(row), int(column)


def check(page, *, image=None, **settings):
    """Compare all that the page shows of its pixel with the library; give row, column and value."""
    image = photograph() if image is None else image
    settings = {"stride": 1, "padding": 1, "dilation": 1} | settings
    row, column = position(page)
    cells = [
        float(text.replace("−", "-")) if text else None
        for text in page.locator(".conv-sum td").all_inner_texts()
    ]
    inputs = page.locator(".conv-sum input").evaluate_all("x => x.map(i => i.valueAsNumber)")
    weight, divisor = torch.tensor(inputs[:9], dtype=torch.float64).view(1, 1, 3, 3), inputs[9]
    output = conv.conv2d_loops(image, weight, **settings)[0, 0]
    padded = conv.pad(image, settings["padding"])
    steps = {"stride": settings["stride"], "dilation": settings["dilation"]}
    window = conv.windows(padded, 3, **steps)[0, 0, row, column]
    assert cells[:9] == window.flatten().tolist()
    assert cells[18:27] == (window * weight[0, 0]).flatten().tolist()
    assert cells[27] == output[row, column].item()
    assert cells[29] == pytest.approx(output[row, column].item() / divisor, abs=0.005)
    assert page.locator(".conv-size mn").last.text_content() == str(len(output))
    greys = (
        page.locator(f"{PLACE} canvas")
        .nth(1)
        .evaluate(
            "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
            ".filter((_, k) => k % 4 === 0)"
        )
    )
    shown = output / divisor
    shown = (shown + 255) / 2 if weight.sum().abs() / divisor < 0.5 else shown
    drawn = torch.tensor(greys).view(len(output), -1)
    torch.testing.assert_close(drawn, shown.clamp(0, 255).long(), atol=1, rtol=0)
    return row, column, cells[29]


def middle(page, which, row, column):
    """Where on the screen a pixel of a map lies: of the padded picture (0) or the feature map (1)."""
    side = page.locator(f"{PLACE} canvas").nth(which).evaluate("c => c.width")
    box = page.locator(".conv-map").nth(which).bounding_box()
    return box["x"] + (column + 0.5) * box["width"] / side, box["y"] + (row + 0.5) * box[
        "height"
    ] / side


def test_its_kernels_are_the_library_s(ask):
    kernels = ask("m.KERNELS")
    assert list(kernels) == list(conv.KERNELS)
    for name, kernel in kernels.items():
        weights = torch.tensor(kernel["weights"])
        assert not weights.is_floating_point()
        torch.testing.assert_close(weights / kernel["divisor"], conv.KERNELS[name], rtol=0, atol=0)


def test_its_feature_maps_equal_those_of_the_library(ask):
    torch.manual_seed(0)
    cases, expected = [], []
    for k, settings in enumerate(SETTINGS):
        (h, w), kernel = ((9, 12), (10, 9))[k % 2], ((2, 3), (1, 1), (3, 2))[k % 3]
        image = torch.randint(0, 256, (h, w)).double()
        weight = torch.randint(-9, 10, kernel).double()
        for scale in (1, 1 / 7):
            values = (scale * weight).tolist()
            cases.append([image.flatten().tolist(), h, w, values, settings])
            result = conv.conv2d_loops(image[None, None], scale * weight[None, None], **settings)
            expected.append((scale, result[0, 0]))
    got = ask(
        "x.map(c => { const r = m.convolve(...c); return {...r, values: [...r.values]}; })", cases
    )
    for result, (scale, right) in zip(got, expected, strict=True):
        assert (result["height"], result["width"]) == right.shape
        close = 0 if scale == 1 else 1e-9  # whole numbers are exact, fractions round
        values = torch.tensor(result["values"], dtype=torch.float64).view(right.shape)
        torch.testing.assert_close(values, right, rtol=0, atol=close)


def test_its_sizes_and_refusals_are_the_library_s(ask):
    cases = [[size, kernel, s] for size in (1, 5, 7, 64) for kernel in (1, 2, 3) for s in SETTINGS]
    cases += [[7, 0, {}], [7, 3, {"stride": 0}], [7, 3, {"padding": -1}], [7, 3, {"dilation": 0}]]

    def library(size, kernel, settings):
        try:
            return conv.output_size(size, kernel, **settings)
        except ValueError as error:
            return f"RangeError: {error}"

    got = ask(
        "x.map(c => { try { return m.outputSize(...c); } catch (e) { return String(e); } })", cases
    )
    right = [library(*case) for case in cases]
    assert got == right
    assert {type(x) for x in right} == {int, str}
    with pytest.raises(TypeError):
        conv.output_size(7, 3, stride=1.5)
    with pytest.raises(Exception, match=r"RangeError: stride must be a whole number, got 1\.5"):
        ask("m.outputSize(7, 3, {stride: 1.5})")


def test_the_arithmetic_of_a_pixel_is_window_times_kernel(ask):
    torch.manual_seed(0)
    image = torch.randint(1, 256, (9, 12)).double()
    weight = torch.randint(-9, 10, (3, 2)).double()
    for settings in SETTINGS:
        steps = {"stride": settings["stride"], "dilation": settings["dilation"]}
        padded = conv.pad(image[None, None], settings["padding"])
        seen = conv.windows(padded, (3, 2), **steps)[0, 0]
        i, j = len(seen) - 1, seen.shape[1] // 2
        case = [image.flatten().tolist(), 9, 12, weight.tolist(), i, j, settings]
        found = ask("m.terms(...x)", case)
        assert found["values"] == seen[i, j].flatten().tolist()
        assert found["products"] == (seen[i, j] * weight).flatten().tolist()
        assert found["sum"] == sum(found["products"])
        for (y, x), value in zip(found["places"], found["values"], strict=True):
            assert (0 <= y < 9 and 0 <= x < 12 and image[y, x] == value) or value == 0


def test_the_nearest_window_is_the_nearest(ask):
    cases = [[pixel, 64, 3, s] for pixel in range(-3, 67) for s in SETTINGS]
    for got, (pixel, size, kernel, s) in zip(
        ask("x.map(c => m.nearest(...c))", cases), cases, strict=True
    ):
        count = conv.output_size(size, kernel, **s)
        away = [abs(k * s["stride"] - s["padding"] + s["dilation"] - pixel) for k in range(count)]
        assert away[got] == min(away)


def test_a_colour_picture_turns_to_the_grey_of_every_program(ask):
    colours = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    data = Image.fromarray(colours).convert("RGBA").tobytes()
    got = ask("[...m.toGrey(x)]", {"data": list(data), "width": 7, "height": 5})
    right = np.asarray(Image.fromarray(colours).convert("L")).ravel()
    np.testing.assert_allclose(got, right, atol=1)  # they round in different ways


def test_a_mouse_over_the_feature_map_shows_the_sum_behind_a_pixel(experiment):
    page = experiment()
    assert page.locator(f"{PLACE} .experiment-still").is_hidden()
    assert check(page) == (14, 33, 731)
    for pixel in ((0, 0), (20, 7), (63, 63), (63, 0)):
        page.mouse.move(*middle(page, 1, *pixel))
        assert check(page)[:2] == pixel
    wait_until(
        page,
        f"document.querySelector('{PLACE} .visually-hidden').textContent"
        ".startsWith('Row 63, column 0 of the 64 × 64')",
    )


def test_a_mouse_over_the_picture_moves_the_window_there(experiment):
    page = experiment()
    for pixel in ((20, 7), (1, 64)):
        page.mouse.move(*middle(page, 0, *pixel))
        assert check(page)[:2] == (pixel[0] - 1, pixel[1] - 1)
    page.mouse.down()
    page.mouse.move(1, 1)  # a drag that leaves the picture stays at its corner
    assert check(page)[:2] == (0, 0)


@pytest.mark.parametrize("name", list(conv.KERNELS))
def test_a_kernel_of_the_list_fills_the_table(experiment, name):
    page = experiment()
    page.get_by_label("Kernel").select_option(name)
    row, column, value = check(page)
    padded = conv.pad(photograph(), 1)
    kernel = conv.KERNELS[name].double()[None, None]
    right = conv.conv2d_loops(padded, kernel)[0, 0, row, column].item()
    assert value == pytest.approx(right, abs=0.01)  # the page shows two digits


def test_editing_a_weight_makes_the_kernel_the_reader_s_own(experiment):
    page = experiment()
    kernels = page.get_by_label("Kernel")
    page.get_by_label("Weight in row 1, column 1").fill("2.5")
    page.get_by_label("Divide the sum by").fill("4")
    assert kernels.input_value() == "own"
    check(page)
    page.get_by_label("Weight in row 1, column 1").fill("0")
    page.get_by_label("Divide the sum by").fill("1")
    assert kernels.input_value() == "sobel x"
    before = page.locator(".conv-pixel").inner_text()
    for bad in ("", "21", "-21"):
        page.get_by_label("Weight in row 1, column 1").fill(bad)
        assert "Weights: −20 to 20" in page.locator(f"{PLACE} .experiment-status").inner_text()
        assert page.locator(".conv-pixel").inner_text() == before
    page.get_by_label("Weight in row 1, column 1").fill("8")
    assert page.locator(f"{PLACE} .experiment-status").inner_text() == ""
    check(page)


@pytest.mark.parametrize("settings", SETTINGS[::4])
def test_stride_padding_and_dilation_are_obeyed(experiment, settings):
    page = experiment()
    for name, value in settings.items():
        page.get_by_label(name.capitalize(), exact=True).fill(str(value))
    check(page, **settings)
    hatched = page.locator("td.conv-padding")
    page.mouse.move(*middle(page, 1, 0, 0))
    check(page, **settings)
    assert (hatched.count() > 0) == (settings["padding"] > 0)
    formula = page.locator(".conv-size mn").all_text_contents()
    stride, padding, dilation = settings.values()
    wanted = [64, 2, padding, dilation, 3, 1, 1, stride, 1]
    assert [int(x) for x in formula[:-1]] == wanted


def test_all_can_be_done_by_keyboard(experiment):
    page = experiment()
    picture, output = (page.locator(".conv-map").nth(k) for k in (0, 1))
    tab_to(page, page.get_by_label("Kernel"))
    page.keyboard.press("ArrowDown")
    assert page.get_by_label("Kernel").input_value() == "sobel y"
    tab_to(page, page.get_by_label("Stride", exact=True))
    page.keyboard.press("ArrowRight")
    row, column, _ = check(page, stride=2)
    assert abs(2 * row - 14) <= 1
    assert abs(2 * column - 33) <= 1
    tab_to(page, picture)
    assert picture.evaluate("e => e.matches(':focus-visible')")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    tab_to(page, output)
    page.keyboard.press("ArrowUp")
    assert check(page, stride=2)[:2] == (row - 2, column - 1)
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert check(page, stride=2)[:2] == (row - 1, 31)
    tab_to(page, page.get_by_role("button", name="One pixel to the left"))
    page.keyboard.press("Enter")
    assert position(page) == (row - 1, 30)
    tab_to(page, page.get_by_role("button", name="Step"))
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert check(page, stride=2)[:2] == (row, 0)
    tab_to(page, page.get_by_label("Weight in row 0, column 0"))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("-3")
    assert page.get_by_label("Kernel").input_value() == "own"
    check(page, stride=2)
    tab_to(page, page.locator(f"{PLACE} input[type=file]"))


def test_the_play_walks_through_the_map_and_ends_with_it(experiment):
    page = experiment()
    page.get_by_label("Speed").fill("3")
    player = page.locator(".conv-walk > button").last
    player.click()
    assert player.inner_text() == "Pause"
    page.mouse.move(*middle(page, 1, 2, 2))  # a mouse that rests there does not end it
    wait_until(
        page, "parseInt(document.querySelector('.conv-where').textContent.match(/\\d+/)) > 15"
    )
    veil = page.locator(".conv-map").nth(1).locator("path").first
    assert veil.get_attribute("d") != ""
    player.click()
    assert player.inner_text() == "Play"
    assert check(page)[0] > 15
    page.mouse.move(*middle(page, 1, 63, 50))
    assert veil.get_attribute("d") == ""
    player.focus()
    page.keyboard.press("Enter")
    wait_until(page, "document.querySelector('.conv-where').textContent.includes('63, column 63')")
    assert player.inner_text() == "Play"
    check(page)
    page.keyboard.press("Enter")
    wait_until(page, "document.querySelector('.conv-where').textContent.includes('Row 0,')")


def test_a_finger_moves_the_window_and_not_the_page(experiment):
    page = experiment(width=360, height=740, has_touch=True, is_mobile=True)
    page.touchscreen.tap(*middle(page, 1, 40, 12))
    assert check(page)[:2] == (40, 12)
    page.touchscreen.tap(*middle(page, 0, 31, 21))
    assert check(page)[:2] == (30, 20)
    page.get_by_role("button", name="One pixel up").tap()
    assert check(page)[:2] == (29, 20)
    before = page.evaluate("scrollY")
    session = page.context.new_cdp_session(page)
    for kind, pixel in (("Start", (10, 10)), ("Move", (30, 20)), ("Move", (50, 40))):
        x, y = middle(page, 1, *pixel)
        session.send(
            "Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": [{"x": x, "y": y}]}
        )
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert check(page)[:2] == (50, 40)
    assert page.evaluate("scrollY") == before


@pytest.mark.parametrize("width", [320, 360])
@pytest.mark.parametrize("edition", ["en", "zh"])
def test_it_fits_a_phone(experiment, edition, width):
    page = experiment(edition, width=width, height=740)
    for k in range(9):
        page.locator(".conv-sum input").nth(k).fill("-20")  # the longest numbers
    assert page.evaluate("document.documentElement.scrollWidth") == width
    wide = page.locator(f"{PLACE} *").evaluate_all(
        "(all, width) => all.filter(e => e.getBoundingClientRect().right > width"
        " || (e.matches('td, th, button') && e.scrollWidth > e.clientWidth + 1))"
        ".map(e => e.outerHTML.slice(0, 99))",
        width,
    )
    assert wide == []
    small = page.locator(
        f"{PLACE} :is(button:not([hidden]), select, input:not([type=file]), label[class], .conv-map)"
    )
    boxes = small.evaluate_all(
        "all => all.map(e => [e.getBoundingClientRect().width, e.getBoundingClientRect().height])"
    )
    assert len(boxes) > 20
    assert min(min(box) for box in boxes) >= 24


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_jumps_when_numbers_change(experiment, width):
    page = experiment(width=width)
    body = page.locator(f"{PLACE} .experiment-body")
    before = body.bounding_box()["height"]
    heights = []
    for name in ("blur", "identity", "emboss"):
        page.get_by_label("Kernel").select_option(name)
        page.mouse.move(*middle(page, 1, 0, 0))
        heights.append(body.bounding_box()["height"])
    for name in ("Stride", "Padding", "Dilation", "Speed"):
        page.get_by_label(name, exact=True).fill("3")
        heights.append(body.bounding_box()["height"])
    page.get_by_role("button", name="Play").click()
    heights.append(body.bounding_box()["height"])
    assert heights == pytest.approx([before] * len(heights), abs=1)


def test_a_picture_of_the_reader_s_own_takes_the_photograph_s_place(experiment):
    page = experiment()
    colours = np.zeros((128, 192, 3), np.uint8)
    colours[:, 96:] = (10, 200, 30)  # black on the left, green on the right
    file = io.BytesIO()
    Image.fromarray(colours).save(file, "png")
    page.locator(f"{PLACE} input[type=file]").set_input_files(
        {"name": "own.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    page.mouse.move(*middle(page, 1, 30, 45))
    wait_until(page, "document.querySelector('.conv-sum td').textContent === '124'")
    image = torch.zeros(1, 1, 64, 64).double()
    image[..., 32:] = 124  # 0.299 · 10 + 0.587 · 200 + 0.114 · 30 = 123.8
    page.mouse.move(*middle(page, 1, 30, 32))
    assert check(page, image=image) == (30, 32, 4 * 124)
    page.locator(f"{PLACE} input[type=file]").set_input_files(
        {"name": "own.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    message = page.locator(f"{PLACE} .experiment-status")
    message.filter(has_text="cannot read this file").wait_for()
    assert check(page, image=image) == (30, 32, 4 * 124)


def test_a_new_picture_is_convolved_while_a_weight_is_missing(experiment):
    page = experiment()
    page.get_by_label("Weight in row 1, column 1").fill("")
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(file, "png")
    page.locator(f"{PLACE} input[type=file]").set_input_files(
        {"name": "own.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    wait_until(page, "document.querySelector('.conv-sum td').textContent === '255'")
    assert "Weights: −20 to 20" in page.locator(f"{PLACE} .experiment-status").inner_text()
    page.get_by_label("Weight in row 1, column 1").fill("0")  # of sobel x, as before
    page.mouse.move(*middle(page, 1, 30, 32))
    assert check(page, image=torch.full((1, 1, 64, 64), 255.0).double()) == (30, 32, 0)


def test_the_chinese_page_speaks_chinese(experiment):
    page = experiment("zh")
    said = []

    def listen():
        body = page.locator(f"{PLACE} .experiment-body")
        labels = body.locator("[aria-label]").evaluate_all("x => x.map(e => e.ariaLabel)")
        said.extend([body.inner_text(), *labels])

    page.mouse.move(*middle(page, 1, 20, 30))
    page.locator(f"{PLACE} .visually-hidden").filter(has_text="30").wait_for()
    listen()
    page.locator(".conv-walk > button").last.click()
    page.locator(".conv-sum input").first.fill("99")
    listen()
    english = [word for text in said for word in re.findall(r"[A-Za-z]{2,}", text)]
    assert set(english) == {"Sobel"}  # a name
    assert len(re.findall("[\u4e00-\u9fff]", "".join(said))) > 100
