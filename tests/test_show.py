import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import skimage.data
import torch
from matplotlib.font_manager import fontManager
from matplotlib.text import Text

from cnnguide import show

GALLERY = Path(__file__).parents[1] / "gallery"


def test_a_colour_image_comes_out_with_its_channels_last():
    image = torch.rand(3, 4, 5)
    assert torch.equal(show.to_displayable(image)[1, 2], image[:, 1, 2])


def test_a_grey_image_loses_its_channel_axis():
    assert show.to_displayable(torch.rand(1, 4, 5)).shape == (4, 5)


def test_a_logarithmic_axis_is_labelled_with_plain_numbers():
    show.style()
    axes = plt.figure().subplots()
    axes.set_xscale("log")
    labels = map(axes.xaxis.get_major_formatter(), (0.0001, 0.1, 10_000))
    assert [*labels] == [rf"$\mathdefault{{{number}}}$" for number in ("0.0001", "0.1", "10000")]


@pytest.fixture
def in_chinese():
    words = {"epoch": "轮", "first": "第一", "layer": "层", "after {0} of {1}": "{1} 中的 {0}"}
    show.translate(words)
    yield
    show.translate({})


def test_every_text_of_a_figure_is_translated(in_chinese):
    axes = plt.figure().subplots()
    axes.plot([1, 2], [3, 4], label="epoch")
    axes.set_xticks([1, 2], ["epoch", "other"])
    axes.set_title("after 3 of 1,000")
    axes.annotate("first\nlayer 1", (1, 3))
    shown = [text.get_text() for text in axes.legend().get_texts()]
    shown += [label.get_text() for label in axes.get_xticklabels()]
    shown += [axes.get_title(), axes.texts[0].get_text()]
    assert shown == ["轮", "轮", "other", "1,000 中的 3", "第一\nlayer 1"]


def test_figures_get_their_own_words_back(in_chinese):
    show.translate({})
    axes = plt.figure().subplots()
    axes.set_title("epoch")
    assert axes.get_title() == "epoch"
    assert not hasattr(type(axes.title).set_text, "__wrapped__")


def test_a_translation_takes_a_font_that_is_there_for_bold_words_too(caplog, recwarn):
    with pytest.raises(ValueError, match="font must be one that matplotlib finds, got 'No Such'"):
        show.translate({}, font="No Such")
    try:
        show.translate({}, font="cmsy10")  # has one weight alone
        assert plt.rcParams["font.family"] == ["DejaVu Sans", "cmsy10"]
        figure = plt.figure()
        figure.suptitle("bold", weight="bold")
        figure.canvas.draw()
        assert not caplog.records and not recwarn.list
    finally:
        show.translate({})


def test_a_translation_is_taken_back_as_if_it_had_never_been():
    def state():
        return plt.rcParams["font.family"], [*fontManager.ttflist], Text.set_text

    before = state()
    show.translate({"epoch": "轮"}, font="cmsy10")
    once = state()
    show.translate({"epoch": "轮"}, font="cmsy10")
    assert state()[:2] == once[:2] and len(once[1]) == len(before[1]) + 1
    with pytest.raises(ValueError, match="font must be one"):
        show.translate({}, font="No Such")
    assert state()[:2] == once[:2]  # what is refused changes nothing
    show.translate({})
    assert state() == before


def test_values_outside_the_range_are_clipped():
    shown = show.to_displayable(torch.tensor([[-1.0, 0.5, 2.0]]))
    assert shown.tolist() == [[0.0, 0.5, 1.0]]


def test_showing_an_image_leaves_it_as_it_was():
    image = torch.full((3, 2, 2), 2.0)
    show.to_displayable(image)
    assert image.eq(2).all()


@pytest.mark.parametrize("shape", [(2, 4, 5), (4,), (1, 3, 4, 5)])
def test_an_image_of_another_shape_is_refused(shape):
    with pytest.raises(
        ValueError, match=r"must have shape \(3, H, W\), \(1, H, W\) or \(H, W\), got"
    ):
        show.to_displayable(torch.zeros(shape))


def test_a_grid_has_a_title_for_each_image():
    figure = show.image_grid([torch.zeros(3, 4, 4)] * 3, titles=["a", "b", "c"], columns=2)
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c", ""]


def test_a_grid_refuses_too_few_titles():
    with pytest.raises(ValueError, match="one title per image, got 1 for 2"):
        show.image_grid([torch.zeros(3, 4, 4)] * 2, titles=["a"])


def test_a_grid_refuses_no_images():
    with pytest.raises(ValueError, match="at least one image, got none"):
        show.image_grid([])


def test_bytes_and_floats_of_one_picture_look_the_same():
    byte = torch.tensor([[0, 128]], dtype=torch.uint8)
    figure = show.image_grid([byte, byte / 255])
    first, second = (axes.images[0].to_rgba(axes.images[0].get_array()) for axes in figure.axes)
    assert (first == second).all()


SCRIPT = """
import matplotlib.pyplot as plt
from cnnguide import {module}
for word in ("a", "b"):
    {begin}
    plt.show()
{end}
"""


def run_without_a_screen(path, **environment):
    kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    kept.pop("MPLBACKEND", None)
    return subprocess.run(
        [sys.executable, path.name], cwd=path.parent, env={**kept, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("module", "begin", "environment"),
    [
        ("show", "show.style(); plt.figure()", {}),
        ("diagram", "diagram.canvas(word, height=2)", {"MPLBACKEND": "Agg"}),
    ],
)
def test_a_script_without_a_screen_saves_its_figures_beside_itself(
    tmp_path, module, begin, environment
):
    path = tmp_path / "plot_mine.py"
    path.write_text(SCRIPT.format(module=module, begin=begin, end=""))
    done = run_without_a_screen(path, **environment)
    assert done.returncode == 0, done.stderr
    saved = [tmp_path / f"plot_mine_{k}.png" for k in (1, 2)]
    assert all(file.stat().st_size > 1000 for file in saved)
    assert done.stderr.splitlines() == [f"no screen: the figure is in {file}" for file in saved]


def test_a_script_that_keeps_no_figure_saves_none(tmp_path):
    path = tmp_path / "plot_mine.py"
    path.write_text(
        SCRIPT.format(module="show", begin="show.style(); plt.figure()", end='plt.close("all")')
    )
    done = run_without_a_screen(path)
    assert done.stderr == "" and [p.name for p in tmp_path.iterdir()] == ["plot_mine.py"]


def test_what_is_run_by_its_name_saves_nothing(tmp_path):
    path = tmp_path / "plot_mine.py"
    path.write_text(SCRIPT.format(module="show", begin="show.style(); plt.figure()", end=""))
    done = subprocess.run(
        [sys.executable, "-m", "plot_mine"], cwd=tmp_path, env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and not [*tmp_path.glob("*.png")]


def first_figure(changes):
    """Run the first section of a changed copy of a script; give its figure."""
    code = (GALLERY / "plot_conv.py").read_text(encoding="utf-8").split("# %%")[1]
    for old, new in changes.items():
        assert old in code
        code = code.replace(old, new)
    plt.close("all")
    exec(compile(code, "plot_conv.py", "exec"), {"__name__": "__main__"})
    return plt.gcf()


def test_a_kernel_of_ones_own_is_drawn_as_well():
    from cnnguide.conv import KERNELS

    before = dict(KERNELS)
    try:
        figure = first_figure({"show.style()": 'show.style(); KERNELS["mine"] = torch.ones(5, 5)'})
    finally:
        KERNELS.clear()
        KERNELS.update(before)
    titles = [axes.get_title() for axes in figure.axes if axes.images]
    assert titles == [*before, "mine"]


def test_a_photograph_in_colour_stays_in_colour():
    figure = first_figure({"skimage.data.camera()": "skimage.data.astronaut()"})
    shown = torch.as_tensor(figure.axes[0].images[0].get_array())  # through the identity
    photograph = torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1) / 255
    expected = torch.nn.functional.avg_pool2d(photograph, 2).permute(1, 2, 0)
    torch.testing.assert_close(shown.float(), expected)


def test_the_photograph_in_grey_is_drawn_in_grey():
    figure = first_figure({})
    assert len(figure.axes) == 8 and figure.axes[0].images[0].get_array().ndim == 2
