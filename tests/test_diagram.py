"""Drawings say what the modules do: their words are compared with what is computed here."""

import runpy
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import matplotlib
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnguide import diagram, trace
from cnnguide.models import LeNet5, cifar_resnet18, resnet18
from cnnguide.models.resnet import BasicBlock, Bottleneck, PlainBlock

matplotlib.use("Agg")
import matplotlib.pyplot as plt

GALLERY = Path(__file__).parents[1] / "gallery"
STEMS = sorted(p.stem.removeprefix("draw_") for p in GALLERY.glob("draw_*.py"))
PHONE = 328  # pixels that a phone of 360 leaves for a figure


@dataclass
class Drawing:
    """What is read of a figure before it is closed."""

    title: str
    width: float  # inches
    words: list  # of (text, points, left, bottom, right, top), in pixels at 100 per inch
    boxes: list  # of (left, bottom, right, top)
    marked: int  # cells in the colour of marks
    arrows: int

    @property
    def texts(self):
        return [text for text, *_ in self.words]


def read(figure):
    figure.canvas.draw()
    # the numbers on an axis place themselves, and need no translation
    axis_lines = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    ticks = [tick for axis in axis_lines for tick in [*axis.majorTicks, *axis.minorTicks]]
    numbers = {label for tick in ticks for label in (tick.label1, tick.label2)}
    found = figure.findobj(matplotlib.text.Text)
    texts = [text for text in found if text.get_text() and text not in numbers]
    fills = [
        matplotlib.colors.to_hex(p.get_facecolor()).upper()
        for axes in figure.axes
        for p in axes.patches
    ]
    boxes = figure.findobj(matplotlib.patches.FancyBboxPatch)
    return Drawing(
        arrows=len(figure.findobj(matplotlib.patches.FancyArrowPatch)),
        boxes=[box.get_window_extent().extents for box in boxes],
        title=figure.get_suptitle(),
        width=figure.get_figwidth(),
        words=[(t.get_text(), t.get_fontsize(), *t.get_window_extent().extents) for t in texts],
        marked=fills.count(diagram.FILLS["mark"].upper()),
    )


@pytest.fixture(scope="module")
def drawings():
    """Run a drawing script once, and give what its figures say."""
    known = {}

    def run(stem):
        if stem not in known:
            plt.close("all")
            found = []

            def show():
                found.extend(read(plt.figure(number)) for number in plt.get_fignums())
                plt.close("all")

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(plt, "show", show)
                runpy.run_path(str(GALLERY / f"draw_{stem}.py"))
            known[stem] = found
        return known[stem]

    return run


def titled(found, title):
    return next(drawing for drawing in found if drawing.title == title)


@pytest.fixture
def axes():
    yield diagram.canvas("A drawing", height=4)
    plt.close("all")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def lines_of(axes, kind):
    colour = matplotlib.colors.to_rgba(diagram.LINES[kind])
    return [p for p in axes.patches if p.get_edgecolor() == colour]


# All drawings


@pytest.mark.parametrize("stem", STEMS)
def test_a_script_has_at_most_ten_drawings_each_with_a_title_of_its_own(drawings, stem):
    found = drawings(stem)
    assert 1 <= len(found) <= 10
    if stem == "index":  # the pictures of the home page stand in cards, which have the words
        assert not any(drawing.title or drawing.words for drawing in found)
        return
    assert len({drawing.title for drawing in found}) == len(found)
    assert all(drawing.title for drawing in found)


@pytest.mark.parametrize("stem", [stem for stem in STEMS if stem != "index"])
def test_no_word_is_smaller_than_nine_pixels_on_a_phone(drawings, stem):
    for drawing in drawings(stem):
        scale = PHONE / (72 * drawing.width)
        assert min(points * scale for _, points, *_ in drawing.words) >= 9


@pytest.mark.parametrize("stem", STEMS)
def test_words_stay_inside_the_drawing_and_apart(drawings, stem):
    for drawing in drawings(stem):
        for text, _, left, _, right, _ in drawing.words:
            assert left >= 0 and right <= 100 * drawing.width, text
        for (one, _, *a), (other, _, *b) in combinations(drawing.words, 2):
            apart = a[2] <= b[0] + 1 or b[2] <= a[0] + 1 or a[3] <= b[1] + 3 or b[3] <= a[1] + 3
            assert apart, f"{one!r} lies on {other!r} in {drawing.title!r}"


@pytest.mark.parametrize("stem", STEMS)
def test_words_in_a_box_leave_a_margin(drawings, stem):
    for drawing in drawings(stem):
        for left, bottom, right, top in drawing.boxes:
            for text, _, *a in drawing.words:
                x, y = (a[0] + a[2]) / 2, (a[1] + a[3]) / 2
                if left < x < right and bottom < y < top:
                    assert left + 3 < a[0] and a[2] < right - 3, text


@pytest.mark.parametrize("stem", STEMS)
def test_words_are_texts_that_can_be_translated(drawings, stem):
    for drawing in drawings(stem):
        assert not [text for text in drawing.texts if "$" in text or "\n" in text]


# What the drawings of networks say


def shapes_by_hand(network, side):
    """Follow a picture through a ResNet, and write down each stage's shape."""
    x = torch.zeros(1, 3, side, side)
    shapes = [x.shape]
    x = network.conv1(x)
    shapes.append(x.shape)
    x = network.maxpool(network.relu(network.bn1(x)))
    shapes.append(x.shape)
    for name in network.stages:
        x = getattr(network, name)(x)
        shapes.append(x.shape)
    return {" × ".join(map(str, shape[1:])) for shape in shapes}


def test_the_drawing_of_resnet_18_has_the_shapes_of_both_forms(drawings):
    drawn = drawings("resnet")[3].texts
    with torch.no_grad():
        for make, side in ((cifar_resnet18, 32), (resnet18, 224)):
            assert shapes_by_hand(make().eval(), side) <= set(drawn)
    assert drawn.count("10") == 2 and drawn.count("1000") == 1
    convolutions = [text for text in drawn if "3 × 3 conv" in text]
    assert len(convolutions) == 17  # two in each of eight blocks, and the stem for CIFAR


def test_the_drawing_of_lenet_has_the_shapes_of_its_layers(drawings):
    network, drawing = LeNet5(), drawings("lenet")[1]
    x = torch.zeros(1, 1, 32, 32)
    expected = [x.shape]
    for layers in (
        *([network.conv1], [network.pool], [network.conv2], [network.pool], [nn.Flatten()]),
        *([network.fc1], [network.fc2], [network.fc3]),
    ):
        x = layers[0](x)
        expected.append(x.shape)
    drawn = [
        text for text in drawing.texts if text[0].isdigit() and text.replace(" × ", "").isdigit()
    ]
    assert drawn == [" × ".join(map(str, shape[1:])) for shape in expected]


@pytest.mark.parametrize(("stem", "place", "kind", "count"), [("vgg", 1, "conv", 13), ("vgg", 1, "pool", 5), ("vgg", 1, "linear", 3), ("alexnet", 1, "conv", 2 + 5), ("alexnet", 1, "linear", 3 + 3), ("alexnet", 0, "conv", 10), ("alexnet", 0, "pool", 6)])  # fmt: skip
def test_the_drawings_have_every_layer(drawings, stem, place, kind, count):
    drawn = [text for text in drawings(stem)[place].texts if "or" not in text and f"{kind}" in text]
    assert len([text for text in drawn if text[0].isdigit() or kind == "linear"]) == count


def test_alexnets_towers_meet_where_a_convolution_has_one_group(drawings):
    towers = drawings("alexnet")[0]
    assert towers.texts.count("48 × 55 × 55") == 1
    # Two arrows to each layer of both towers, and four to the third convolution and to the first
    # two linear layers, which read both; the last layer is one box.
    assert towers.arrows == 2 * 7 + 4 * 3 + 2


def test_alexnets_operations_have_pytorchs_numbers(drawings):
    *_, normalised, pooled = drawings("alexnet")
    numbers = torch.tensor([2.0, 2, 4, 2, 2]).view(1, 5, 1, 1)
    expected = F.local_response_norm(numbers, 3, alpha=3.0, beta=0.5, k=1.0).flatten()
    assert [float(text) for text in normalised.texts if text[0].isdigit()][-5:] == [
        round(value, 2) for value in expected.tolist()
    ]
    assert [text for text in pooled.texts if len(text) == 1] == [*"1372405775", *"1372405374"]


def test_the_marked_numbers_share_one_mean(drawings):
    # three images, four channels, four numbers in each map: 3·4, 4·4, 4 and 2·4; one position of
    # four channels; and the key
    assert drawings("norm")[0].marked == 12 + 16 + 4 + 8 + 4 + 1


def test_the_numbers_of_batch_normalisation_are_pytorchs(drawings):
    x = torch.tensor([2.0, 4, 4, 4, 5, 5, 7, 9]).view(2, 1, 2, 2)
    expected = F.batch_norm(x, None, None, training=True, eps=1e-12).flatten().tolist()
    drawn = [t.replace("−", "-") for t in drawings("norm")[1].texts]
    numbers = [float(t) for t in drawn if t.lstrip("-").replace(".", "").isdigit()]
    assert numbers[8:16] == pytest.approx(expected)
    assert numbers[16:] == pytest.approx([2 * v + 10 for v in expected])


def test_the_numbers_of_a_convolution_over_channels_are_pytorchs(drawings):
    drawn = [
        t.replace("−", "-") for t in titled(drawings("conv"), "A kernel spans all channels").texts
    ]
    numbers = [float(t) for t in drawn if t.lstrip("-").isdigit()]
    # for each channel nine pixels, four weights and four sums; then the bias and the result
    image = torch.tensor([numbers[0:9], numbers[17:26]]).view(1, 2, 3, 3)
    kernel = torch.tensor([numbers[9:13], numbers[26:30]]).view(1, 2, 2, 2)
    bias, result = torch.tensor(numbers[34:35]), numbers[35:]
    assert F.conv2d(image, kernel, bias).flatten().tolist() == result


def test_the_drawn_sides_are_those_of_pytorchs_convolutions(drawings):
    drawn = titled(drawings("conv"), "Where a 3 × 3 kernel stands").texts
    for words, setting in (("stride 1", {}), ("padding 1", {"padding": 1}), ("stride 2", {"stride": 2}), ("dilation 2", {"dilation": 2})):  # fmt: skip
        side = F.conv2d(torch.zeros(1, 1, 5, 5), torch.zeros(1, 1, 3, 3), **setting).shape[-1]
        assert drawn[drawn.index(words) + 1] == f"5 → {side}"


def test_what_the_rows_of_the_receptive_field_mark_is_what_they_say(drawings):
    for drawing in drawings("receptive"):
        sizes = sorted(int(text.split()[1]) for text in drawing.texts if text.startswith("sees"))
        cells = {
            (3, 5, 7): 7 + 5 + 3 + 1,
            (3, 7, 15): 15 + 7 + 3 + 1,
            (5, 9, 13): 7 + 5 + 3 + 1,  # a dilation of 2 everywhere skips every second pixel
            (3, 4, 8): 8 + 6 + 3 + 1,
        }[tuple(sizes)]
        assert drawing.marked == cells + 1  # and the key


# A forward pass


@pytest.mark.parametrize("make", [lambda: BasicBlock(8, 16, stride=2), lambda: Bottleneck(16, 4), LeNet5, cifar_resnet18])  # fmt: skip
def test_the_steps_have_the_shapes_that_hooks_see(make):
    module = make().eval()
    side, channels = 32, next(module.parameters()).shape[1]
    expected = []
    for name, child in module.named_modules():
        if not list(child.children()) and not isinstance(child, nn.Identity):
            child.register_forward_hook(
                lambda m, i, o, name=name: expected.append((name, tuple(o.shape[1:])))
            )
    steps = trace.forward_steps(module, torch.zeros(2, channels, side, side))
    assert [(step.name, step.shape) for step in steps if step.module] == expected


def test_a_shortcut_is_the_second_input_of_a_sum():
    steps = trace.forward_steps(BasicBlock(8, 16, stride=2), torch.zeros(1, 8, 4, 4))
    (total,) = (step for step in steps if step.name == "add")
    assert [steps[k].name for k in total.inputs] == ["bn2", "downsample.1"]


def test_recording_leaves_a_module_without_hooks_and_in_its_mode():
    block = BasicBlock(8, 8).eval()
    trace.forward_steps(block, torch.zeros(1, 8, 4, 4))
    assert not block.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in block.modules())


def test_hooks_are_gone_when_a_pass_fails():
    network = LeNet5()
    with pytest.raises(ValueError, match="must get images of shape"):
        trace.forward_steps(network, torch.zeros(1, 1, 28, 28))
    assert not any(m._forward_hooks for m in network.modules())


def test_what_comes_in_several_parts_is_followed():
    class Halves(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 1)

        def forward(self, x):
            first, second = x.chunk(2, 1)
            return torch.cat([self.conv(first), second], 1)

    steps = trace.forward_steps(Halves(), torch.zeros(1, 4, 3, 3))
    found = [(step.name, step.inputs) for step in steps[1:]]
    assert found == [("chunk", (0,)), ("conv", (1,)), ("cat", (2, 1))]


def test_a_module_taken_whole_is_one_step():
    steps = trace.forward_steps(
        cifar_resnet18(width=4).eval(), torch.zeros(1, 3, 8, 8), whole=(BasicBlock,)
    )
    assert sum(isinstance(step.module, BasicBlock) for step in steps) == 8
    assert not [step for step in steps if step.name == "add"]


def test_what_follows_a_step_left_out_takes_its_input():
    steps = trace.forward_steps(BasicBlock(8, 8), torch.zeros(1, 8, 4, 4))
    kept = trace.without(steps, nn.BatchNorm2d, nn.ReLU)
    assert [(step.name, step.inputs) for step in kept] == [
        ("input", ()),
        ("conv1", (0,)),
        ("conv2", (1,)),
        ("add", (2, 0)),
    ]


# Primitives


def test_the_plain_twin_is_drawn_without_a_shortcut(axes):
    maps = torch.zeros(1, 8, 4, 4)
    diagram.flow(axes, trace.forward_steps(PlainBlock(8, 8), maps), x=1, y=0.5)
    assert not lines_of(axes, "shortcut")
    diagram.flow(axes, trace.forward_steps(BasicBlock(8, 8), maps), x=3, y=0.5)
    assert len(lines_of(axes, "shortcut")) == 2  # the line and the sum


def test_a_shortcut_that_computes_shows_its_layers_or_is_dashed(axes):
    steps = trace.forward_steps(BasicBlock(8, 16, stride=2), torch.zeros(1, 8, 4, 4))
    diagram.flow(axes, steps, x=1, y=0.5)
    assert "1 × 1 conv, 16" not in texts(axes)
    line, _ = sorted(lines_of(axes, "shortcut"), key=lambda patch: patch.zorder)
    assert line.get_linestyle() != "-"
    diagram.flow(axes, steps, x=1, y=0.5, beside=1.1)
    assert "1 × 1 conv, 16" in texts(axes)


def test_a_shape_is_written_where_it_changes(axes):
    steps = trace.forward_steps(Bottleneck(16, 4), torch.zeros(1, 16, 4, 4))
    diagram.flow(axes, steps, x=1, y=0.5)
    shapes = [text for text in texts(axes) if text.count("×") == 2]
    assert shapes == ["16 × 4 × 4", "4 × 4 × 4", "16 × 4 × 4", "16 × 4 × 4"]


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.Conv2d(4, 8, 3), "3 × 3 conv, 8"),
        (nn.Conv2d(3, 64, 7, stride=2), "7 × 7 conv, 64\nstride 2"),
        (nn.Conv2d(4, 8, (1, 3), dilation=2, groups=2), "1 × 3 conv, 8\ndilation 2, groups 2"),
        (nn.AvgPool2d(2), "2 × 2 mean pool"),
        (nn.MaxPool2d(3, stride=2), "3 × 3 max pool\nstride 2"),
        (nn.AdaptiveAvgPool2d(1), "global mean"),
        (nn.AdaptiveAvgPool2d(6), "mean pool"),
        (nn.BatchNorm2d(4), "BatchNorm"),
        (nn.GELU(), "GELU"),
    ],
)
def test_a_layer_is_named_by_what_it_does(module, words):
    assert diagram.words_of(module) == words


def test_an_unknown_kind_is_refused(axes):
    for draw in (
        lambda: diagram.box(axes, 1, 1, "conv", kind="red"),
        lambda: diagram.arrow(axes, (1, 1), (2, 2), kind="red"),
        lambda: diagram.cells(axes, 1, 1, [[1]], kinds="red"),
        lambda: diagram.key(axes, 1, red="red"),
        lambda: diagram.label(axes, 1, 1, "red", kind="red"),
        lambda: diagram.node(axes, 1, 1, kind="red"),
        lambda: diagram.sheets(axes, 1, 1, 3, side=1, kind="red"),
    ):
        with pytest.raises(ValueError, match="a kind must be one of maps, .*, got 'red'"):
            draw()


def test_an_arrow_from_nowhere_is_refused(axes):
    with pytest.raises(ValueError, match="at least two points, got 1"):
        diagram.arrow(axes, (1, 1))


def test_ragged_rows_are_refused(axes):
    with pytest.raises(ValueError, match=r"the same length, got \[2, 1\]"):
        diagram.cells(axes, 1, 1, [[1, 2], [3]])


def test_a_dropped_node_is_crossed_out(axes):
    diagram.node(axes, 1, 1, dropped=True)
    assert len(axes.lines) == 2
    diagram.node(axes, 2, 1)
    assert len(axes.lines) == 2
