"""The experiment with the receptive field: its arithmetic is the library's, every way in works."""

import itertools
import re
from dataclasses import asdict

import pytest
import torch
from torch import nn

from cnnguide.conv import output_size
from cnnguide.models import LeNet5, vgg16
from cnnguide.receptive import Layer, receptive_field_of, receptive_fields
from conftest import tab_to, wait_until

PLACE = "#experiment-receptive"
MODULES = ["fields"]
PANEL = f"{PLACE} .receptive-panel"
STACKS = [
    [Layer(3), Layer(3)],
    [Layer(5)],
    [Layer(3, stride=2, padding=1)] * 3,
    [Layer(3, padding=1), Layer(3, dilation=2, padding=2), Layer(3, dilation=4, padding=4)],
    [Layer(5), Layer(2, stride=2), Layer(5), Layer(2, stride=2)],
    [Layer(3, dilation=3), Layer(3, stride=4, padding=4), Layer(2)],
    [Layer(2, stride=4), Layer(3)],
    [Layer(1, padding=2), Layer(3, dilation=2), Layer(1, stride=3)],
    [Layer(3, dilation=2)] * 3,
    [Layer(4, stride=3, padding=1), Layer(3, padding=3)],
]


@pytest.fixture
def experiment(opened):
    """Open the experiment, in any way, and wait until it can be used."""

    def start(*where, **options):
        page = opened(*where, **options)
        middle_of_screen = "{behavior: 'instant', block: 'center'}"
        page.locator(PANEL).evaluate(f"e => e.scrollIntoView({middle_of_screen})")
        wait_until(page, f"document.querySelector('{PLACE} canvas').width > 1")
        return page

    return start


def plain(layers):
    """Give layers, or fields, as the module has them."""
    return [
        {k.removesuffix("_size"): v for k, v in asdict(layer).items() if k != "name"}
        for layer in layers
    ]


def row_sizes(size, layers):
    """Count the outputs of the input and of every layer."""
    sizes = [size]
    for layer in plain(layers):
        sizes.append(output_size(sizes[-1], layer.pop("kernel"), **layer))
    return sizes


def reached(layers, size):
    """Ask gradients which places of every row each output of the last layer depends on."""
    image = torch.ones(1, 1, size, dtype=torch.float64, requires_grad=True)
    rows = [image]
    for layer in plain(layers):
        kernel = layer.pop("kernel")
        made = nn.Conv1d(1, 1, kernel, bias=False, dtype=torch.float64, **layer)
        nn.init.ones_(made.weight)
        rows.append(made(rows[-1]))
    found = []
    for output in rows[-1][0, 0]:
        gradients = torch.autograd.grad(output, rows, retain_graph=True, allow_unused=True)
        found.append([g[0, 0].nonzero().flatten().tolist() for g in gradients])
    return found


def stack_of(page):
    """Read the layers and the size of the input from the page's controls."""
    names = ("kernel", "stride", "dilation", "padding")
    values = {
        name: page.locator(f"{PLACE} select[aria-label$='{name.capitalize()}']").evaluate_all(
            "all => all.map(e => Number(e.value))"
        )
        for name in names
    }
    layers = [Layer(*each) for each in zip(*(values[name] for name in names), strict=True)]
    return layers, int(page.get_by_label("Input size").input_value())


def check(page):
    """Compare all that the page shows of its output with the library; give layer and output."""
    layers, size = stack_of(page)
    sizes = row_sizes(size, layers)
    fields = receptive_fields(layers)
    rows = page.locator(f"{PLACE} .experiment-body table").nth(1).locator("tr").all_inner_texts()
    numbers = [[float(x.replace("−", "-")) for x in row.split("\t")[1:]] for row in rows[1:]]
    assert numbers[0] == [size, 1, 1, 0.5]
    for line, count, field in zip(numbers[1:], sizes[1:], fields, strict=True):
        assert line == [count, field.size, field.jump, field.start]
    said = page.locator(f"{PLACE} .receptive-where").inner_text()
    output, layer = (int(x) for x in re.findall(r"\d+", said)[:2])
    field = fields[layer - 1]
    first = int(field.start + output * field.jump - field.size / 2)
    last = first + field.size - 1
    right = reached(layers[:layer], size)[output]
    assert lit(page) == [*right, *([[]] * (len(layers) - layer))]
    inside = [x for x in range(first, last + 1) if 0 <= x < size]
    words = {int(x.replace("−", "-")) for x in re.findall(r"−?\d+", said.split("layer")[1])}
    wanted = {layer}
    if right[0] and field.size == 1:
        wanted |= {first}
    elif right[0]:
        wanted |= {first, last, field.size}
        wanted |= {field.size - len(inside)} if len(inside) < field.size else set()
        wanted |= {len(inside) - len(right[0])} if len(inside) > len(right[0]) else set()
        assert ("skips" in said) == (len(inside) > len(right[0]))
        assert ("padding" in said) == (len(inside) < field.size)
    else:
        assert "nothing but padding" in said
    assert words == wanted
    formula = [int(x) for x in page.locator(f"{PLACE} math mn").all_text_contents()]
    before = fields[layer - 2] if layer > 1 else receptive_fields([Layer(1)])[0]
    one = layers[layer - 1]
    assert formula == [before.size, one.dilation, one.kernel_size, 1, before.jump, field.size]
    rows_in_picture = reached(layers[:layer], size)[(sizes[layer] - 1) // 2][0]
    caption = page.locator(f"{PLACE} .experiment-body figcaption").inner_text()
    assert re.findall(r"\d+", caption) == [str(len(rows_in_picture)), str(len(right[0]))]
    return layer, output


def lit(page):
    """List the places of each row, from the input up, that are lit and are no padding."""
    rows = page.locator(f"{PANEL} rect:not(.padding)").evaluate_all(
        "all => all.map(e => ['y', 'x', 'width'].map(k => Number(e.getAttribute(k)))"
        ".concat([e.classList.contains('lit')]))"
    )
    found = []
    for _, row in itertools.groupby(sorted(rows, reverse=True), lambda r: r[0]):
        in_order = sorted(row, key=lambda r: r[1])
        found.append([k for k, square in enumerate(in_order) if square[3]])
    return found


def middle(page, layer, output):
    """Where on the screen an output lies; layer 0 is the input."""
    layers, _ = stack_of(page)
    squares = page.locator(f"{PANEL} rect:not(.padding)").evaluate_all(
        "all => all.map(e => { const b = e.getBoundingClientRect();"
        " return [Number(e.getAttribute('y')), b.x + b.width / 2, b.y + b.height / 2]; })"
    )
    row = sorted(s for s in squares if s[0] == len(layers) - layer + 0.25)
    return row[output][1:]


def test_its_fields_are_the_library_s(ask):
    for layers, got in zip(
        STACKS, ask("x.map(m.receptiveFields)", [plain(s) for s in STACKS]), strict=True
    ):
        assert got[0] == {"size": 1, "jump": 1, "start": 0.5}
        assert got[1:] == plain(receptive_fields(layers))


def test_it_refuses_what_the_library_refuses(ask):
    for bad in ({"kernel": 0}, {"stride": 0}, {"dilation": 0}, {"padding": -1}):
        settings = {"kernel": 3, "stride": 1, "dilation": 1, "padding": 0} | bad
        with pytest.raises(ValueError, match="at least 1 and padding of at least 0") as library:
            Layer(
                settings["kernel"], *(settings[name] for name in ("stride", "dilation", "padding"))
            )
        with pytest.raises(Exception, match="RangeError") as module:
            ask("m.receptiveFields([x])", settings)
        assert str(library.value).split(", got")[0] in str(module.value)
    with pytest.raises(Exception, match="all whole numbers"):
        ask("m.receptiveFields([{kernel: 3, stride: 1.5, padding: 0, dilation: 1}])")
    for index in (-1, 14, 0.5):
        with pytest.raises(Exception, match=f"the last layer has no output {index}"):
            ask("m.dependencies([{kernel: 3, stride: 1, padding: 0, dilation: 1}], 16, x)", index)


def test_its_sizes_are_the_library_s_and_end_before_a_layer_without_output(ask):
    cases = [[size, plain(layers)] for layers in STACKS for size in range(1, 40)]
    ended = 0
    for (size, layers), got in zip(cases, ask("x.map(c => m.sizes(...c))", cases), strict=True):
        wanted = [size]
        for layer in layers:
            rest = {k: v for k, v in layer.items() if k != "kernel"}
            try:
                wanted.append(output_size(wanted[-1], layer["kernel"], **rest))
            except ValueError:
                ended += 1
                break
        assert got == wanted
    assert ended > 10


@pytest.mark.parametrize("layers", STACKS, ids=str)
def test_it_lights_what_a_gradient_reaches(ask, layers):
    size = 31
    sizes = row_sizes(size, layers)
    got = ask(
        "Array.from({length: x[2]}, (_, k) => m.dependencies(x[0], x[1], k))",
        [plain(layers), size, sizes[-1]],
    )
    for rows, right in zip(got, reached(layers, size), strict=True):
        inside = [[at for at in row if 0 <= at < n] for row, n in zip(rows, sizes, strict=True)]
        assert inside == right
        for row, n, above in zip(rows[:-1], sizes[:-1], plain(layers), strict=True):
            assert all(-above["padding"] <= at < n + above["padding"] for at in row)


def test_it_names_the_first_and_the_last_pixel_of_a_field(ask):
    for layers in STACKS:
        field = receptive_fields(layers)[-1]
        for output in range(4):
            first, last = ask(
                "m.endsOf(m.receptiveFields(x[0]).at(-1), x[1])", [plain(layers), output]
            )
            assert last - first + 1 == field.size
            assert (first + last + 1) / 2 == field.start + output * field.jump


def test_its_stacks_are_what_they_are_called(ask):
    fields = ask(
        "Object.fromEntries(Object.entries(m.STACKS)"
        ".map(([name, stack]) => [name, m.receptiveFields(stack.layers)]))"
    )
    assert [f["size"] for f in fields["two"]] == [1, 3, 5]
    assert [f["size"] for f in fields["one"]] == [1, 5]
    for name, network in (("lenet", LeNet5()), ("vgg", vgg16())):
        own = [(f["size"], f["jump"], f["start"]) for f in fields[name][1:]]
        whole = [(f.size, f.jump, f.start) for f in receptive_field_of(network)]
        assert own == whole[: len(own)]
        assert len(own) == {"lenet": len(whole), "vgg": 6}[name]


@pytest.mark.parametrize("name", ["two", "one", "strides", "dilated", "lenet", "vgg"])
def test_every_stack_shows_the_library_s_numbers(experiment, name):
    page = experiment()
    assert page.locator(f"{PLACE} .experiment-still").is_hidden()
    page.get_by_label("Stack of layers").select_option(name)
    layers, _ = stack_of(page)
    assert check(page)[0] == len(layers)
    page.locator(PANEL).focus()
    page.keyboard.press("Home")
    assert check(page) == (len(layers), 0)


def test_a_mouse_over_an_output_lights_all_that_it_sees(experiment):
    page = experiment()
    assert check(page) == (3, 9)
    for layer, output in ((3, 0), (3, 23), (2, 4), (1, 12)):
        page.mouse.move(*middle(page, layer, output))
        assert check(page) == (layer, output)
    page.mouse.move(*middle(page, 0, 15))  # the input: the layer stays
    assert check(page) == (1, 15)
    told = page.locator(f"{PLACE} .visually-hidden")
    told.filter(has_text="Output 15 of layer 1 sees input pixels 14 to 16").wait_for()


def test_a_mouse_that_leaves_goes_back_to_the_layer_that_was_clicked(experiment):
    page = experiment()
    page.mouse.move(*middle(page, 1, 5))
    page.mouse.move(1, 1)
    assert check(page) == (3, 5)
    page.mouse.click(*middle(page, 2, 7))
    page.mouse.move(*middle(page, 3, 8))
    page.mouse.move(1, 1)
    assert check(page) == (2, 8)


def test_settings_and_layers_are_obeyed(experiment):
    page = experiment()
    stacks = page.get_by_label("Stack of layers")
    stacks.select_option("two")
    for label, value in (
        ("Layer 1: Kernel", 2),
        ("Layer 1: Stride", 3),
        ("Layer 2: Padding", 1),
        ("Layer 2: Dilation", 2),
        ("Input size", 31),
    ):
        page.get_by_label(label).select_option(str(value))
        check(page)
    assert stacks.input_value() == "own"
    assert stack_of(page) == ([Layer(2, 3), Layer(3, 1, 2, 1)], 31)
    assert "skips" in page.locator(f"{PLACE} .receptive-where").inner_text()
    page.get_by_role("button", name="Add a layer").click()
    assert check(page)[0] == 3
    page.get_by_role("button", name="Remove layer 1").click()
    assert stack_of(page) == ([Layer(3, 1, 2, 1), Layer(3, padding=1)], 31)
    assert check(page)[0] == 2
    page.get_by_label("Layer 1: Dilation").select_option("1")
    for label in ("Layer 1: Padding", "Layer 2: Padding"):
        page.get_by_label(label).select_option("0")
    page.get_by_label("Input size").select_option("16")
    assert stacks.input_value() == "two"


def test_an_output_may_see_a_pixel_alone_or_nothing_but_padding(experiment):
    page = experiment()
    page.get_by_label("Stack of layers").select_option("one")
    page.get_by_label("Layer 1: Kernel").select_option("1")
    check(page)
    where = page.locator(f"{PLACE} .receptive-where")
    assert "alone" in where.inner_text()
    page.get_by_label("Layer 1: Padding").select_option("2")
    page.locator(PANEL).press("Home")
    check(page)
    assert where.inner_text() == "Output 0 of layer 1 sees nothing but padding."


def test_a_layer_without_output_is_named_and_the_rest_goes_on(experiment):
    page = experiment()
    page.get_by_label("Stack of layers").select_option("lenet")
    page.get_by_label("Layer 3: Dilation").select_option("4")
    status = page.locator(f"{PLACE} .experiment-status")
    assert "Layer 3 has no output: its window spans 17 places, and there are only 14" in (
        status.inner_text()
    )
    assert page.locator(f"{PLACE} tr.broken th").all_inner_texts() == ["Layer 3"]
    rows = page.locator(f"{PLACE} .experiment-body table").nth(1).locator("tr").all_inner_texts()
    assert [row.split("\t")[1] for row in rows[1:]] == ["32", "28", "14", "–", "–"]
    assert "of layer 2 sees" in page.locator(f"{PLACE} .receptive-where").inner_text()
    page.mouse.move(*middle(page, 1, 3))
    assert "Output 3 of layer 1" in page.locator(f"{PLACE} .receptive-where").inner_text()
    page.locator(PANEL).press("ArrowUp")
    page.locator(PANEL).press("ArrowUp")
    page.get_by_label("Layer 1: Dilation").select_option("8")  # now no layer has an output
    assert "Layer 1 has no output" in status.inner_text()
    page.mouse.move(*middle(page, 0, 3))
    page.locator(PANEL).press("ArrowLeft")
    page.get_by_label("Stack of layers").select_option("lenet")
    assert status.inner_text() == ""
    assert check(page)[0] == 4


def test_all_can_be_done_by_keyboard(experiment):
    page = experiment()
    tab_to(page, page.get_by_label("Stack of layers"))
    page.keyboard.press("ArrowUp")
    assert page.get_by_label("Stack of layers").input_value() == "strides"
    tab_to(page, page.get_by_role("button", name="One output to the right"))
    _, output = check(page)
    page.keyboard.press("Enter")
    assert check(page) == (3, output + 1)
    panel = page.locator(PANEL)
    tab_to(page, panel)
    assert panel.evaluate("e => e.matches(':focus-visible')")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert check(page) == (3, 0)
    page.keyboard.press("ArrowRight")
    assert check(page) == (3, 1)
    page.keyboard.press("ArrowDown")
    assert check(page) == (2, 2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    assert check(page) == (1, 15)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert check(page) == (3, 3)
    tab_to(page, page.get_by_label("Layer 1: Kernel"))
    page.keyboard.press("ArrowDown")
    assert stack_of(page)[0][0].kernel_size == 4
    tab_to(page, page.get_by_role("button", name="Add a layer"))
    for _ in range(3):
        page.keyboard.press("Enter")
    assert len(stack_of(page)[0]) == 6
    check(page)
    # The button can add no more, and the focus has gone on to the last layer's.
    for left in (5, 4, 3, 2, 1):
        assert page.evaluate("document.activeElement.ariaLabel") == f"Remove layer {left + 1}"
        page.keyboard.press("Enter")
        assert len(stack_of(page)[0]) == left
        check(page)
    assert page.evaluate("document.activeElement.textContent") == "Add a layer"


def test_a_finger_points_at_an_output(experiment):
    page = experiment(width=360, height=740, has_touch=True, is_mobile=True)
    page.touchscreen.tap(*middle(page, 3, 4))
    assert check(page) == (3, 4)
    page.touchscreen.tap(*middle(page, 2, 20))
    assert check(page) == (2, 20)
    page.get_by_role("button", name="One layer down").tap()
    page.get_by_role("button", name="One output to the left").tap()
    assert check(page) == (1, 19)
    before = page.evaluate("scrollY")
    session = page.context.new_cdp_session(page)
    for kind, output in (("Start", 5), ("Move", 9), ("Move", 14)):
        x, y = middle(page, 1, output)
        session.send(
            "Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": [{"x": x, "y": y}]}
        )
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert check(page) == (1, 14)
    assert page.evaluate("scrollY") == before


@pytest.mark.parametrize("width", [320, 360])
@pytest.mark.parametrize("edition", ["en", "zh"])
def test_it_fits_a_phone(experiment, edition, width):
    page = experiment(edition, width=width, height=740)
    page.locator(f"{PLACE} select").first.select_option("vgg")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    wide = page.locator(f"{PLACE} .experiment-body *:not(svg *)").evaluate_all(
        "(all, width) => all.filter(e => e.getBoundingClientRect().right > width"
        " || (e.matches('td, th, button, .receptive-names span')"
        " && e.scrollWidth > e.clientWidth + 1))"
        ".map(e => e.outerHTML.slice(0, 99))",
        width,
    )
    assert wide == []
    boxes = page.locator(f"{PLACE} :is(button, select)").evaluate_all(
        "all => all.map(e => [e.getBoundingClientRect().width, e.getBoundingClientRect().height])"
    )
    assert len(boxes) > 30
    assert min(min(box) for box in boxes) >= 24


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_jumps_when_another_output_is_looked_from(experiment, width):
    page = experiment(width=width)
    body = page.locator(f"{PLACE} .experiment-body")
    page.get_by_label("Layer 2: Dilation").select_option("6")
    page.get_by_label("Layer 3: Dilation").select_option("8")
    page.get_by_label("Layer 3: Kernel").select_option("2")
    before = body.bounding_box()["height"]
    page.locator(PANEL).focus()
    said = []
    for key in ("Home", "End", "ArrowLeft", "ArrowDown", "Home", "ArrowDown", "Home"):
        page.keyboard.press(key)
        said.append(check(page))
        assert body.bounding_box()["height"] == pytest.approx(before, abs=1)
    assert len(set(said)) > 4


def test_the_picture_is_bright_where_the_output_sees_it(experiment):
    page = experiment()
    page.get_by_label("Stack of layers").select_option("two")
    page.get_by_label("Layer 1: Dilation").select_option("4")
    check(page)
    veil = page.locator(f"{PLACE} .receptive-photograph path").first
    holes = re.findall(r"M(\d+) (\d+)h1v1h-1z", veil.get_attribute("d"))
    columns = lit(page)[0]
    layers, size = stack_of(page)
    rows = reached(layers, size)[(row_sizes(size, layers)[-1] - 1) // 2][0]
    assert sorted((int(x), int(y)) for x, y in holes) == sorted(itertools.product(columns, rows))
    page.get_by_label("Input size").select_option("20")
    wait_until(page, f"document.querySelector('{PLACE} canvas').width === 20")
    greys = page.locator(f"{PLACE} canvas").evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, 20, 20).data].filter((_, k) => k % 4 === 0)"
    )
    assert len(set(greys)) > 50


def test_the_chinese_page_speaks_chinese(experiment):
    page = experiment("zh")
    said = []

    def listen():
        body = page.locator(f"{PLACE} .experiment-body")
        labels = body.locator("[aria-label]").evaluate_all("x => x.map(e => e.ariaLabel)")
        said.extend([body.inner_text(), *labels])

    listen()
    page.locator(PANEL).press("Home")
    page.locator(f"{PLACE} .visually-hidden").filter(has_text="填充").wait_for()
    listen()
    page.locator(f"{PLACE} select[aria-label$='卷积核']").last.select_option("1")
    page.locator(f"{PLACE} select[aria-label$='膨胀']").first.select_option("8")
    page.locator(f"{PLACE} select[aria-label$='填充']").first.select_option("4")
    listen()
    page.locator(f"{PLACE} select[aria-label$='填充']").first.select_option("0")
    page.locator(f"{PLACE} select[aria-label$='卷积核']").first.select_option("5")
    page.locator(f"{PLACE} .experiment-status").filter(has_text="没有输出").wait_for()
    listen()
    english = [word for text in said for word in re.findall(r"[A-Za-z]{2,}", text)]
    assert set(english) == {"LeNet", "VGG"}  # names
    assert len(re.findall("[\u4e00-\u9fff]", "".join(said))) > 100
