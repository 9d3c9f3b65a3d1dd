"""The numbers behind the figures: read from the axes, shown as tables, and offered as files."""

import csv
import json
import re
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup
from test_access import violations

from conftest import ROOT, SITE, pages, search_index
from gallery import data_pages, figures
from gallery.data_pages import linked, number, rows_shown, shown, write_file, write_pages
from gallery.figure_data import tables, write_data
from gallery.freshness import MAKERS

EDITIONS = ("en", "zh")
SOURCES = sorted((ROOT / "docs" / "auto_examples" / "images").glob("sphx_glr_*.json"))
HAN = re.compile("[\u4e00-\u9fff]")


@pytest.fixture
def axes():
    """The axes of a new figure."""
    plt.close("all")
    yield plt.figure().subplots()
    plt.close("all")


def read(axes):
    """The only table of a figure."""
    (table,) = tables(axes.figure)
    return table


def test_curves_share_the_rows_of_their_places(axes):
    axes.plot([1, 2, 3], [0.5, 0.25, 1 / 3], label="training")
    axes.plot([2, 3], [7, 8], label="validation")
    axes.set(xlabel="epoch", ylabel="loss", title="A run")
    assert read(axes) == {
        "panel": ["A run"],
        "key": "epoch",
        "value": "loss",
        "columns": [["training"], ["validation"]],
        "rows": [[1, [0.5], []], [2, [0.25], [7]], [3, [0.33333], [8]]],
    }


def test_a_band_and_dots_stand_beside_the_curve_that_has_their_colour(axes):
    axes.plot([1, 2], [5, 6], color="#0072b2", label="mean")
    axes.fill_between([1, 2], [4, 5], [7, 8], color="#0072b2", alpha=0.2)
    axes.plot([1, 1, 1], [4, 5, 6], "o", color="#0072b2")
    table = read(axes)
    assert table["columns"] == [
        ["mean", "line"],
        ["mean", "points"],
        ["mean", "low"],
        ["mean", "high"],
    ]
    assert table["rows"] == [[1, [5], [4, 5, 6], [4], [7]], [2, [6], [], [5], [8]]]


def test_of_two_curves_of_a_colour_each_has_its_own_band(axes):
    for height, dashes in ((5, "-"), (9, ":")):
        axes.plot([1, 2], [height, height], dashes, color="#0072b2", label=f"{height} layers")
        axes.fill_between([1, 2], height - 1, height + 1, color="#0072b2", alpha=0.2)
    table = read(axes)
    assert table["columns"][:3] == [["5 layers"], ["5 layers", "low"], ["5 layers", "high"]]
    assert table["rows"][0] == [1, [5], [4], [6], [9], [8], [10]]


def test_error_bars_have_both_ends(axes):
    axes.errorbar([1, 2], [5, 6], [[1, 2], [3, 4]], label="SGD", capsize=3)
    table = read(axes)
    assert table["columns"] == [["SGD"], ["SGD", "low"], ["SGD", "high"]]
    assert table["rows"] == [[1, [5], [4], [8]], [2, [6], [4], [10]]]


def test_a_line_is_named_by_the_line_in_the_legend_that_looks_like_it(axes):
    axes.plot([1, 2, 3], [1, 2, 3], "-", color="red", label="start")
    axes.plot([1, 2, 3], [7, 8, 9], ":", color="red", label="end")
    axes.plot([1, 2, 3], [4, 5, 6], "-", color="red")
    axes.legend()
    assert read(axes)["columns"] == [["start"], ["end"]]
    assert read(axes)["rows"][0] == [1, [1, 4], [7]]


def test_a_colour_of_two_names_names_nothing(axes):
    axes.plot([1, 2, 3], [1, 2, 3], "-", color="red", label="start")
    axes.plot([1, 2, 3], [7, 8, 9], ":", color="red", label="end")
    axes.plot([1, 2, 3], [4, 5, 6], "o", color="red")
    axes.legend()
    axes.set_ylabel("loss")
    assert read(axes)["columns"] == [["start"], ["end"], ["loss"]]


@pytest.mark.parametrize("lying", [False, True])
def test_bars_and_dots_stand_at_the_words_of_their_axis(axes, lying):
    (axes.barh if lying else axes.bar)(["cat", "dog"], [3, 4], color=["red", "blue"])
    for place, values in enumerate(([2, 3, 4], [5])):
        pair = ([place] * len(values), values)
        axes.plot(*(pair[::-1] if lying else pair), "o", color=["red", "blue"][place])
    (axes.set_xlabel if lying else axes.set_ylabel)("accuracy (%)")
    table = read(axes)
    assert table["key"] == "name" and table["value"] == "accuracy (%)"
    assert table["columns"] == [["accuracy (%)", "bars"], ["accuracy (%)", "points"]]
    assert table["rows"] == [["cat", [3], [2, 3, 4]], ["dog", [4], [5]]]


def test_a_bar_that_floats_has_a_begin_and_an_end(axes):
    axes.barh(["read"], [3], left=[2])
    assert read(axes)["columns"] == [["value", "from"], ["value", "to"]]
    assert read(axes)["rows"] == [["read", [2], [5]]]


@pytest.mark.parametrize("kind", ["bar", "step", "stepfilled"])
def test_a_histogram_has_its_heights_at_the_middles(axes, kind):
    axes.hist([1, 1, 2, 4, 5, 5.5], bins=[0, 2, 3, 4, 5, 6], histtype=kind, label="trials")
    assert read(axes)["rows"] == [[1, [2]], [2.5, [1]], [3.5, [0]], [4.5, [1]], [5.5, [2]]]


def test_a_path_that_turns_back_has_a_row_for_each_step(axes):
    axes.plot([0, 2, 1], [5, 6, 7])
    axes.set(xlabel="first weight", ylabel="second weight")
    table = read(axes)
    assert table["key"] == "step" and table["columns"] == [["first weight"], ["second weight"]]
    assert table["rows"] == [[0, [0], [5]], [1, [2], [6]], [2, [1], [7]]]


def test_single_points_have_the_names_at_them(axes):
    for name, x, y in (("AlexNet", 0.7, 56.5), ("VGG-11", 7.6, 69)):
        axes.scatter(x, y)
        axes.annotate(name, (x, y))
    axes.set(xlabel="work", ylabel="accuracy")
    assert read(axes)["rows"] == [["AlexNet", [0.7], [56.5]], ["VGG-11", [7.6], [69]]]


def test_a_matrix_is_a_table_and_a_picture_is_none(axes):
    axes.imshow([[0.9, 0.1], [0.2, 0.8]])
    axes.set(ylabel="true class")
    axes.set_xticks([0, 1], ["cat", "dog"])
    assert read(axes)["columns"] == [["cat"], ["dog"]]
    assert read(axes)["rows"] == [["1", [0.9], [0.1]], ["2", [0.2], [0.8]]]
    axes.set_axis_off()  # a map of features, on which no number is written
    assert tables(axes.figure) == []
    axes.set_axis_on()
    axes.imshow(np.zeros((64, 64)))
    axes.images[0].remove()
    assert tables(axes.figure) == []


def test_what_no_axis_measures_is_no_number(axes):
    axes.plot([1, 2, 3], [4, 5, 6])
    axes.set_yticks([])  # a drawing
    assert tables(axes.figure) == []
    axes.set_yticks([4, 5, 6])
    assert len(tables(axes.figure)) == 1
    axes.set_axis_off()
    assert tables(axes.figure) == []


def test_a_mark_across_the_panel_is_no_curve(axes):
    axes.plot([1, 2, 3], [4, 5, 6])
    axes.plot([0, 9], [0, 9], "--")
    axes.axhline(10)
    axes.axvline(2)
    assert read(axes)["rows"] == [[1, [4]], [2, [5]], [3, [6]]]


def test_what_a_script_calls_a_mark_is_no_number(axes):
    axes.plot([1, 2, 3], [4, 5, 6], "o")
    axes.plot(4, 0, "x", label="_mark")  # diverged: there is no value
    assert read(axes)["rows"] == [[1, [4]], [2, [5]], [3, [6]]]


def test_a_label_at_another_panel_of_the_column_counts():
    figure, (above, below) = plt.subplots(2, 1)
    for panel in (above, below):
        panel.plot([1, 2, 3], [4, 5, 6])
    below.set_xlabel("epoch")
    assert [table["key"] for table in tables(figure)] == ["epoch", "epoch"]
    plt.close("all")


def test_a_figure_that_shows_no_numbers_any_more_loses_its_file(axes, tmp_path):
    axes.plot([1, 2, 3], [4, 5, 6])
    write_data(axes.figure, tmp_path / "a.svg")
    assert len(json.loads((tmp_path / "a.json").read_text())) == 1
    axes.set_axis_off()
    write_data(axes.figure, tmp_path / "a.svg")
    assert not (tmp_path / "a.json").exists()


def test_a_script_runs_again_when_its_numbers_are_read_otherwise():
    ours, left = set(), {"figures"}
    while left:  # what it imports of ours, and what that imports
        name = left.pop()
        ours.add(name)
        source = Path(figures.__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
        left |= {*re.findall(r"^from gallery\.(\w+) import", source, re.MULTILINE)} - ours
    assert {"figure_data", "figure_series"} < ours
    assert ours <= {*MAKERS}  # whose text is in the key of every script


def test_a_long_table_is_shown_evenly_with_both_ends():
    rows = rows_shown([*range(3000)])
    assert len(rows) == 40 and rows[0] == 0 and rows[-1] == 2999
    assert {b - a for a, b in pairwise(rows)} <= {76, 77}
    assert rows_shown([1, 2]) == [1, 2]


def test_the_file_has_a_line_for_each_of_several_numbers(tmp_path):
    path = tmp_path / "a.csv"
    rows = [["猫", [1, -2], [0.5]], ["狗", [], [3]]]
    write_file(path, {"heads": ["类", "分数", "平均"], "rows": rows})
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # or Excel reads no Chinese
    lines = [*csv.reader(path.read_text("utf-8-sig").splitlines())]
    assert lines == [
        ["类", "分数", "平均"],
        ["猫", "1", "0.5"],
        ["猫", "-2", ""],
        ["狗", "", "3"],
    ]


def test_a_minus_is_a_minus():
    assert [number(-1.5), number(1e-05), number("two-step")] == ["−1.5", "1e−05", "two-step"]


def test_only_a_figure_with_numbers_gets_a_link():
    figure = '<a class="enlarge" href="../_images/sphx_glr_{}.svg" data-close="x"><img></a>'
    body = figure.format("plot_a_001") + figure.format("draw_a_001")
    made = linked(body, {"sphx_glr_plot_a_001"}, "Numbers", 'Numbers of "this"')
    (link,) = BeautifulSoup(made, "html.parser").select("a.figure-link")
    assert link["href"] == "../_images/sphx_glr_plot_a_001.html"
    assert link["aria-label"] == 'Numbers of "this"' and link.get_text() == "Numbers"
    captioned = f"<figure>{body}\n<figcaption>A.</figcaption></figure>"
    made = linked(captioned, {"sphx_glr_draw_a_001"}, "Numbers", "Numbers of this")
    assert BeautifulSoup(made, "html.parser").select_one("figcaption > a.figure-link")


def test_a_table_speaks_as_the_figure_does(monkeypatch):
    words = {"{0} layers": "{0} 层", "loss": "损失", "start": "起点", "cat": "猫"}
    words["{0}: {1}"] = "{0}：{1}"
    monkeypatch.setattr(data_pages, "gettext", lambda app, domain, word: words.get(word, word))
    monkeypatch.setattr(data_pages, "_", lambda word: words.get(word, f"<{word}>"))
    table = {
        "panel": ["12 layers", "start"],
        "key": "name",
        "value": "loss",
        "columns": [["loss", "low"], ["x₂"]],
        "rows": [["cat", [1], [2]], [3, [4], []]],
    }
    assert shown(None, "auto_examples/plot_a", table) == {
        "caption": "12 层：起点：损失",
        "heads": ["<name>", "损失：<low>", "x₂"],  # ours are of the site's catalog
        "rows": [["猫", [1], [2]], [3, [4], []]],
    }
    assert shown(None, "", {**table, "value": "start"})["caption"] == "12 层：起点"
    assert shown(None, "", {**table, "panel": [], "value": ""})["caption"] == "损失：<low>, x₂"


def test_a_figure_that_has_lost_its_numbers_loses_their_page(tmp_path):
    images, drawn = tmp_path / "html" / "_images", tmp_path / "auto_examples" / "images"
    for folder in (images, drawn):
        folder.mkdir(parents=True)
    for name in ("sphx_glr_plot_a_001.html", "sphx_glr_plot_a_001_1.csv", "other.html"):
        (images / name).touch()
    (drawn / "sphx_glr_plot_b_001.json").write_text("[]")  # of no figure that the edition shows
    builder = SimpleNamespace(name="html")
    app = SimpleNamespace(builder=builder, outdir=images.parent, srcdir=tmp_path)
    write_pages(app, error=None)
    assert [path.name for path in images.iterdir()] == ["other.html"]


def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_figure_with_numbers_leads_to_them_wherever_it_stands(edition):
    names = {path.stem for path in SOURCES}
    assert len(names) > 50
    led = set()
    for page in pages(edition):
        text = (SITE / edition / page).read_text(encoding="utf-8")
        for figure in BeautifulSoup(text, "lxml").select("article a.enlarge"):
            name = figure["href"].rpartition("/")[2].removesuffix(".svg")
            links = (figure.find_parent("figure") or figure.parent).select(
                "a.figure-link:not([download])"
            )
            link = next((a for a in links if name in a["href"]), None)
            place = figure["href"].replace(".svg", ".html")
            assert (link is not None and link["href"] == place) == (name in names), (page, name)
            led |= {name} & names
    assert led == names


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_page_of_numbers_has_what_the_script_has_drawn(edition, source):
    folder = SITE / edition / "_images"
    page = soup(folder / f"{source.stem}.html")
    assert page.html["lang"] == {"en": "en", "zh": "zh-CN"}[edition]
    drawn = json.loads(source.read_text(encoding="utf-8"))
    shown = page.select("table")
    assert len(shown) == len(drawn)
    captions = [table.caption.get_text() for table in shown]
    assert all(captions) and len({*captions}) == len(captions)
    for table, numbers in zip(shown, drawn, strict=True):
        heads = table.select("thead th[scope=col]")
        assert len(heads) == 1 + len(numbers["columns"])
        assert all(head.get_text(strip=True) for head in heads)
        rows = table.select("tbody tr")
        assert len(rows) == min(40, len(numbers["rows"]))
        assert all(row.th["scope"] == "row" for row in rows)
        last = [", ".join(number(v) for v in cell) for cell in numbers["rows"][-1][1:]]
        assert [cell.get_text() for cell in rows[-1].select("td")] == last
        note = table.find_parent("div").find_next_sibling("p")
        assert (str(len(numbers["rows"])) in note.get_text()) == (len(rows) < len(numbers["rows"]))
        with (folder / note.a["href"]).open(encoding="utf-8-sig", newline="") as file:
            lines = [*csv.reader(file)]
        assert lines[0] == [head.get_text() for head in heads]
        assert len(lines) - 1 == sum(max(map(len, row[1:])) for row in numbers["rows"])
    text = page.select_one("figcaption").get_text()
    assert len(text) > 15 and (edition == "en" or HAN.search(text))
    for link in page.select("p a[href]"):
        assert (folder / link["href"]).resolve().exists(), link


def test_the_words_of_a_table_are_those_of_the_chinese_figure():
    page = soup(SITE / "zh" / "_images" / "sphx_glr_plot_norm_004.html")
    assert page.h1.get_text() == "图中的数据"
    assert all(HAN.search(head.get_text()) for head in page.select("thead th"))


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("name", ["plot_norm_004", "plot_lenet_003", "plot_fast_004"])
def test_everyone_can_read_a_page_of_numbers(chromium, server, edition, name):
    context = chromium.new_context(viewport={"width": 360, "height": 700})
    page = context.new_page()
    faults = []
    page.on("console", lambda m: m.type == "error" and faults.append(m.text))
    page.goto(f"{server}/{edition}/_images/sphx_glr_{name}.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    faults += violations(page)
    page.emulate_media(color_scheme="dark")
    faults += violations(page)
    assert faults == []
    context.close()


@pytest.mark.parametrize("saved", ["light", "dark"])
def test_a_page_of_numbers_has_the_theme_that_the_reader_chose(page, server, saved):
    page.emulate_media(color_scheme="light" if saved == "dark" else "dark")
    page.add_init_script(f"localStorage.setItem('theme', '{saved}')")
    page.goto(f"{server}/en/_images/sphx_glr_plot_norm_004.html")
    red = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]")
    assert (int(red) < 60) == (saved == "dark")


@pytest.mark.parametrize("edition", EDITIONS)
def test_no_search_finds_a_page_of_numbers(edition):
    index = search_index(SITE / edition)
    assert not [url for url, _ in index["pages"] if "_images/" in url]
    assert "_images/" not in (SITE / "sitemap.xml").read_text(encoding="utf-8")
