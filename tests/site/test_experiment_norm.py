"""The experiment with BatchNorm: its arithmetic is the library's, and every way in works."""

import re

import pytest
import torch

from cnnguide.norm import BatchNorm2d, batch_statistics
from conftest import tab_to, wait_until

PLACE = "#experiment-norm"
MODULES = ["normalisation"]
REACH = 14  # the ends of the number lines


@pytest.fixture
def experiment(opened):
    """Open the experiment, in any way, and wait until it can be used."""

    def start(*where, **options):
        page = opened(*where, **options)
        page.locator(f"{PLACE} .norm-lines").scroll_into_view_if_needed()
        return page

    return start


def channel(values):
    """Values as a batch of one channel, N 1 1 1."""
    return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1, 1)


def dots(page, height):
    """The values at which dots stand on the number line at this height."""
    places = page.locator(f".norm-lines circle[cy='{height}']").evaluate_all(
        "x => x.map(dot => parseFloat(dot.getAttribute('cx')))"
    )
    return [(percent - 50) * REACH / 50 for percent in places]


def number(text):
    return float(text.replace("−", "-"))


def values_of(page):
    """The two rows of the table of values."""
    return [
        [number(cell) for cell in line.locator("td").all_inner_texts()]
        for line in page.locator(".norm-values tr").all()
    ]


def statistics_of(page):
    """Mean and variance of each row of the table of statistics, and the names of the rows used."""
    found, used = {}, []
    for line in page.locator(".norm-statistics tr").all()[1:]:
        mean, variance, now = line.locator("td").all_inner_texts()
        name = line.locator("th").inner_text()
        found[name] = (number(mean), number(variance))
        used += [name] if now else []
    return found, used


def check(page, layer):
    """Compare all that the page shows of its batch with the library's layer in the page's mode."""
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    training = page.get_by_label("Training mode").is_checked()
    x, y = dots(page, 52), dots(page, 150)
    output = layer.train(training)(channel(x)).detach().flatten()
    layer.load_state_dict(before)  # only a new batch is remembered
    torch.testing.assert_close(torch.tensor(y, dtype=torch.float64), output, atol=1e-9, rtol=0)
    for shown, right in zip(values_of(page), (x, y), strict=True):
        assert shown == pytest.approx(right, abs=0.0501)
    statistics, used = statistics_of(page)
    assert used == ["This batch" if training else "Running statistics"]
    batch = [value.item() for value in batch_statistics(channel(x))]
    assert statistics["This batch"] == pytest.approx(batch, abs=0.00501)
    memory = (layer.running_mean.item(), layer.running_var.item())
    assert statistics["Running statistics"] == pytest.approx(memory, abs=0.00501)
    said = page.locator(".norm-result > p").inner_text()
    mean, deviation, *wanted = (number(n) for n in re.findall(r"−?\d+\.\d\d", said))
    assert mean == pytest.approx(output.mean().item(), abs=0.00501)
    assert deviation == pytest.approx(output.std(correction=0).item(), abs=0.00501)
    assert wanted == pytest.approx([layer.bias.item(), layer.weight.item()], abs=0.00501)
    return mean, deviation


def fresh(page):
    """Start again in the page, and give the library's layer that is like it."""
    page.get_by_role("button", name="New layer").click()
    return BatchNorm2d(1).double()


def press_next(page, layer):
    """Take a new batch, in the page and in the library, and compare the arithmetic shown."""
    page.get_by_role("button", name="Next batch").click()
    training = page.get_by_label("Training mode").is_checked()
    mean, variance = layer.running_mean.item(), layer.running_var.item()
    layer.train(training)(channel(dots(page, 52)))
    check(page, layer)
    if training:
        m, now = (
            layer.momentum,
            [value.item() for value in batch_statistics(channel(dots(page, 52)))],
        )
        right = [
            [1 - m, mean, m, now[0], layer.running_mean.item()],
            [1 - m, variance, m, 8, 7, now[1], layer.running_var.item()],
        ]
        for formula, wanted in zip(page.locator(".norm-parts math").all(), right, strict=True):
            shown = [number(n) for n in formula.locator("mn").all_text_contents()]
            assert shown == pytest.approx(wanted, abs=0.00501)


def test_a_fresh_layer_is_the_library_s(ask):
    layer, found = BatchNorm2d(1), ask("m.newLayer()")
    assert (found["eps"], found["momentum"]) == (layer.eps, layer.momentum)
    assert (found["gamma"], found["beta"]) == (layer.weight.item(), layer.bias.item())
    assert (found["mean"], found["variance"]) == (layer.running_mean, layer.running_var)


def test_its_statistics_are_the_library_s(ask):
    torch.manual_seed(0)
    cases = [(torch.randn(count) * 3 + 5).tolist() for count in (1, 2, 8, 100)]
    for got, case in zip(ask("x.map(m.batchStatistics)", cases), cases, strict=True):
        right = [value.item() for value in batch_statistics(channel(case))]
        assert [got["mean"], got["variance"]] == pytest.approx(right, abs=1e-9)


@pytest.mark.parametrize("momentum", [0.0, 0.1, 0.6, 1.0])
@pytest.mark.parametrize(("gamma", "beta", "eps"), [(1, 0, 1e-5), (2.5, -1.5, 0.1), (0, 3, 1e-5)])
def test_a_layer_s_life_is_the_same_as_in_the_library(ask, momentum, gamma, beta, eps):
    torch.manual_seed(0)
    layer = BatchNorm2d(1, momentum=momentum, eps=eps).double()
    torch.nn.init.constant_(layer.weight, gamma)
    torch.nn.init.constant_(layer.bias, beta)
    modes = [False, True, True, False, True, True, True, False]
    batches = [(torch.randn(count) * 3 + 5).tolist() for count in (8, 8, 2, 1, 9, 8, 8, 4)]
    settings = {"momentum": momentum, "gamma": gamma, "beta": beta, "eps": eps}
    found = ask(
        "(layer => x.batches.map((batch, k) => { const r = m.batchNorm(layer, batch, x.modes[k]);"
        " layer = r.layer; return [...r.output, layer.mean, layer.variance, r.used.mean]; }))"
        "({...m.newLayer(), ...x.settings})",
        {"batches": batches, "modes": modes, "settings": settings},
    )
    for got, batch, training in zip(found, batches, modes, strict=True):
        memory = layer.running_mean.item()
        output = layer.train(training)(channel(batch)).flatten().tolist()
        used = batch_statistics(channel(batch))[0].item() if training else memory
        right = [*output, layer.running_mean.item(), layer.running_var.item(), used]
        assert got == pytest.approx(right, abs=1e-9)


def test_it_refuses_what_the_library_refuses(ask):
    with pytest.raises(Exception, match="RangeError: training needs at least 2 values a channel"):
        ask("m.batchNorm(m.newLayer(), [1], true)")
    with pytest.raises(ValueError, match="training needs at least 2 values a channel"):
        BatchNorm2d(1)(torch.ones(1, 1, 1, 1))
    for momentum in (-0.1, 1.1):
        message = f"momentum, the new batch's weight, must lie from 0 to 1, got {momentum}"
        with pytest.raises(Exception, match=f"RangeError: {message}"):
            ask("m.batchNorm({...m.newLayer(), momentum: x}, [1, 2], true)", momentum)
        with pytest.raises(ValueError, match=message):
            BatchNorm2d(1, momentum=momentum)
    with pytest.raises(
        Exception, match="RangeError: batch statistics must have at least one value"
    ):
        ask("m.batchStatistics([])")


def test_its_noise_is_normal_and_comes_from_the_seed(ask):
    values = ask("m.normals(20000, generator(5))")
    assert values == ask("m.normals(20000, generator(5))")
    noise = torch.tensor(values, dtype=torch.float64)
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3)):
        assert noise.pow(power).mean().item() == pytest.approx(moment, abs=0.2)
    assert (noise.abs() < 1).double().mean().item() == pytest.approx(0.683, abs=0.02)


def test_a_mouse_sends_batches_through_the_layer(experiment):
    page = experiment()
    assert page.locator(f"{PLACE} .experiment-still").is_hidden()
    assert page.get_by_text("Batches in the running statistics: 3", exact=True).is_visible()
    layer = fresh(page)
    check(page, layer)
    for k in range(5):
        press_next(page, layer)
        assert page.get_by_text(
            f"Batches in the running statistics: {k + 1}", exact=True
        ).is_visible()
    wait_until(
        page,
        f"document.querySelector('{PLACE} .visually-hidden').textContent"
        ".match(/^Output: mean 0.00, deviation 1.00; .* Batches in the running statistics: 5$/)",
    )


def test_a_fresh_layer_is_wrong_in_evaluation_mode_and_right_after_twenty_batches(experiment):
    page = experiment()
    layer = fresh(page)
    page.get_by_label("Evaluation mode").check()
    mean, deviation = check(page, layer)
    assert mean > 3
    assert deviation > 2
    press_next(page, layer)
    count = page.get_by_text("Batches in the running statistics: 0", exact=True)
    assert count.is_visible()  # in evaluation mode no batch is counted
    page.get_by_label("Training mode").check()
    for _ in range(20):
        press_next(page, layer)
    page.get_by_label("Evaluation mode").check()
    mean, deviation = check(page, layer)
    assert abs(mean) < 1  # eight values are few
    assert 0.5 < deviation < 1.5


def test_twenty_batches_take_one_press(experiment):
    page = experiment()
    page.get_by_role("button", name="20 batches").click()
    assert page.get_by_text("Batches in the running statistics: 23", exact=True).is_visible()
    mean, variance = statistics_of(page)[0]["Running statistics"]
    assert mean == pytest.approx(5, abs=1)
    assert variance == pytest.approx(9, abs=3)
    line = page.locator(".norm-chart path").nth(3).get_attribute("d")
    assert line.count("L") == 23
    assert line.startswith("M0 8L1 ")  # from 0 on, in the middle of the chart
    assert 8 - float(re.findall(r"[\d.]+", line)[-2]) == pytest.approx(mean, abs=0.00501)
    for _ in range(2):
        page.get_by_role("button", name="20 batches").click()
    assert page.locator(".norm-chart path").nth(3).get_attribute("d").count("L") == 40


def history_of(page):
    """The chart's table: which batch, the running mean and the running deviation after it."""
    rows = page.locator(f"{PLACE} .experiment-numbers tr").all()[1:]
    return [[number(cell) for cell in row.locator("th, td").all_inner_texts()] for row in rows]


def test_the_chart_is_a_table_too(experiment):
    page = experiment()
    layer = fresh(page)
    page.locator(f"{PLACE} summary").press("Enter")
    right = [[0, 0, 1]]
    for k in range(5):
        page.get_by_label("Evaluation mode" if k == 3 else "Training mode").check()
        press_next(page, layer)  # in evaluation mode, nothing moves
        right.append([k + 1, layer.running_mean.item(), layer.running_var.item() ** 0.5])
    assert history_of(page) == [pytest.approx(row, abs=0.00501) for row in right]
    assert right[4][1:] == right[3][1:]
    for _ in range(2):
        page.get_by_role("button", name="20 batches").click()
    rows = history_of(page)
    assert [row[0] for row in rows] == [*range(5, 46)]  # those that the chart shows
    mean, variance = statistics_of(page)[0]["Running statistics"]
    assert rows[-1][1:] == pytest.approx([mean, variance**0.5], abs=0.011)
    drawn = page.locator(".norm-chart path").nth(4).get_attribute("d")
    heights = re.findall(r"[ML]\d+ ([\d.]+)", drawn)
    assert [8 - float(y) for y in heights] == pytest.approx([row[2] for row in rows], abs=0.00501)


def test_a_shifted_input_moves_evaluation_mode_only(experiment):
    page = experiment()
    layer = fresh(page)
    for _ in range(3):
        press_next(page, layer)
    before = dots(page, 150)
    page.get_by_label("Input mean").fill("2")
    assert check(page, layer) == (0, 1)
    assert dots(page, 150) == pytest.approx(before, abs=1e-9)
    assert "do not include this batch" in page.locator(".norm-parts .norm-formula").inner_text()
    page.get_by_label("Evaluation mode").check()
    mean, _ = check(page, layer)
    page.get_by_label("Input mean").fill("4")
    scale = (layer.running_var.item() + layer.eps) ** 0.5
    assert check(page, layer)[0] == pytest.approx(mean + 2 / scale, abs=0.011)


def test_gamma_beta_momentum_and_the_deviation_are_obeyed(experiment):
    page = experiment()
    layer = fresh(page)
    page.get_by_label("Input deviation").fill("1.5")
    for name, parameter, value in (("γ", layer.weight, 1.6), ("β", layer.bias, -2.3)):
        page.get_by_label(name, exact=True).fill(str(value))
        torch.nn.init.constant_(parameter, value)
    page.get_by_label("Momentum").fill("0.75")
    layer.momentum = 0.75
    for mode in ("Training mode", "Evaluation mode"):
        page.get_by_label(mode).check()
        press_next(page, layer)


def test_another_momentum_leaves_the_arithmetic_of_the_last_batch_as_it_was(experiment):
    page = experiment()
    press_next(page, fresh(page))
    shown = page.locator(".norm-parts .norm-formula").inner_text()
    page.get_by_label("Momentum").fill("0.75")
    assert page.locator(".norm-parts .norm-formula").inner_text() == shown
    for formula in page.locator(".norm-parts math").all():
        *_, result = numbers = [number(n) for n in formula.locator("mn").all_text_contents()]
        kept, old, share, *factors = numbers[:-1]
        factor = factors[0] / factors[1] if len(factors) == 3 else 1  # from biased to unbiased
        assert kept * old + share * factor * factors[-1] == pytest.approx(result, abs=0.02)


def test_a_value_beyond_the_line_is_marked_at_its_end(experiment):
    page = experiment()
    page.get_by_label("Input deviation").fill("0.5")
    page.get_by_label("Momentum").fill("1")
    page.get_by_role("button", name="Next batch").click()
    page.get_by_label("Evaluation mode").check()
    page.get_by_label("Input mean").fill("-6")
    x, y = values_of(page)
    assert len(dots(page, 52)) == len(x) == 8
    assert max(y) < -REACH
    assert dots(page, 150) == []
    ends = page.locator(".norm-lines svg svg").evaluate_all("x => x.map(e => e.getAttribute('x'))")
    assert ends == ["0%"] * 8


def test_all_can_be_done_by_keyboard(experiment):
    page = experiment()
    tab_to(page, page.get_by_label("Training mode"))
    assert page.get_by_label("Training mode").evaluate("e => e.matches(':focus-visible')")
    page.keyboard.press("ArrowRight")
    assert page.get_by_label("Evaluation mode").is_checked()
    page.keyboard.press("ArrowLeft")
    tab_to(page, page.get_by_role("button", name="Next batch"))
    page.keyboard.press("Enter")
    assert page.get_by_text("Batches in the running statistics: 4", exact=True).is_visible()
    tab_to(page, page.get_by_role("button", name="20 batches"))
    page.keyboard.press("Space")
    assert page.get_by_text("Batches in the running statistics: 24", exact=True).is_visible()
    tab_to(page, page.get_by_role("button", name="New layer"))
    page.keyboard.press("Enter")
    layer = BatchNorm2d(1).double()
    check(page, layer)
    for name, value in (
        *(("Input mean", "4.5"), ("Input deviation", "2.5"), ("γ", "0.9"), ("β", "-0.1")),
        ("Momentum", "0.05"),
    ):
        control = page.get_by_label(name, exact=True)
        tab_to(page, control)
        page.keyboard.press("ArrowLeft")
        assert control.input_value() == value
    torch.nn.init.constant_(layer.weight, 0.9)
    torch.nn.init.constant_(layer.bias, -0.1)
    check(page, layer)


def test_a_finger_does_it_all(experiment):
    page = experiment(width=360, height=740, has_touch=True, is_mobile=True)
    layer = BatchNorm2d(1).double()
    used = page.locator(".norm-statistics tr.used")  # a browser clicks a little after a tap
    page.get_by_role("button", name="New layer").tap()
    page.get_by_text("Batches in the running statistics: 0", exact=True).wait_for()
    page.get_by_label("Evaluation mode").tap()
    used.filter(has_text="Running statistics").wait_for()
    check(page, layer)
    page.get_by_label("Training mode").tap()
    used.filter(has_text="This batch").wait_for()
    page.get_by_role("button", name="Next batch").tap()
    page.get_by_text("Batches in the running statistics: 1", exact=True).wait_for()
    layer.train()(channel(dots(page, 52)))
    check(page, layer)
    page.get_by_label("Input mean").tap()  # in its middle
    page.locator(".norm-statistics tr", has_text="True values").filter(has_text="0.00").wait_for()
    assert page.get_by_label("Input mean").input_value() == "0"
    check(page, layer)


@pytest.mark.parametrize("width", [320, 360])
@pytest.mark.parametrize("edition", ["en", "zh"])
def test_it_fits_a_phone(experiment, edition, width):
    page = experiment(edition, width=width, height=740)
    page.locator(f"{PLACE} summary").click()
    sliders = page.locator(f"{PLACE} input[type=range]")
    for slider, value in zip(sliders.all()[:2], ("-6", "4"), strict=True):
        slider.fill(value)  # the longest numbers
    page.locator(f"{PLACE} button").nth(1).click()
    page.locator(f"{PLACE} input[type=radio]").nth(1).check()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    body = page.locator(f"{PLACE} .experiment-body").bounding_box()
    wide = page.locator(f"{PLACE} *:not(.norm-lines svg *)").evaluate_all(
        "(all, right) => all.filter(e => e.getBoundingClientRect().right > right"
        " || (e.matches('td, th, button') && e.scrollWidth > e.clientWidth + 1))"
        ".map(e => e.outerHTML.slice(0, 99))",
        body["x"] + body["width"],
    )
    assert wide == []
    controls = page.locator(
        f"{PLACE} :is(button, summary, input[type=range], label.experiment-tick)"
    )
    boxes = controls.evaluate_all(
        "all => all.map(e => Math.min(e.getBoundingClientRect().width,"
        " e.getBoundingClientRect().height))"
    )
    assert len(boxes) == 11
    assert min(boxes) >= 24


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_jumps_when_numbers_change(experiment, width):
    page = experiment(width=width)
    page.locator(f"{PLACE} summary").click()
    body = page.locator(f"{PLACE} .experiment-body")
    heights = [body.bounding_box()["height"]]
    for act in (
        lambda: page.get_by_label("Evaluation mode").check(),
        lambda: page.get_by_label("Input mean").fill("-6"),
        lambda: page.get_by_label("Input deviation").fill("4"),
        lambda: page.get_by_role("button", name="20 batches").click(),
        lambda: page.get_by_label("Training mode").check(),
        lambda: page.get_by_role("button", name="20 batches").click(),
        lambda: page.get_by_label("β").fill("-3"),
        lambda: page.get_by_role("button", name="New layer").click(),
    ):
        act()
        heights.append(body.bounding_box()["height"])
    assert heights == pytest.approx([heights[0]] * len(heights), abs=1)


def test_the_chinese_page_speaks_chinese(experiment):
    page = experiment("zh")
    said = []
    for press in (0, 2):
        page.locator(f"{PLACE} button").nth(press).click()
        said.append(page.locator(f"{PLACE} .experiment-body").text_content())
    news = page.locator(f"{PLACE} .visually-hidden").filter(has_text="：")
    said.append(news.text_content())
    english = {word for text in said for word in re.findall(r"[A-Za-z]{2,}", text)}
    assert english == set()
    assert len(re.findall("[\u4e00-\u9fff]", "".join(said))) > 150
