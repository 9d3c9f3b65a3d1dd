"""The numbers behind a figure, read from its axes while its script runs.

A panel with curves, points or bars becomes a table: a row for each place on the axis that is read
first, and a column for each thing that has a colour or a label of its own; where several values lie
at one place, they stand in one cell.
A curve that turns back, such as the path of a descent, has a row for each step; a matrix whose
axes or cells are written on is a table already.
`figure_series` reads the curves, points and bars; here they are laid out.
Photographs, and panels without axes, hold no numbers that a reader could look up.
Words stay as the script writes them; `data_pages` shows the tables in the language of the page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

from cnnguide.show import COLOURS
from gallery.figure_series import ENDS, KINDS, Series, name_of_axis, named_series, shown, words_at

__all__ = ["AXES", "tables", "write_data"]

# What an axis without a label is called.
AXES = ("x", "y", "name", "value", "step", "row", "column")
LARGEST_MATRIX = 400  # cells; what has more is a picture
Table = dict[str, Any]
Head = tuple[str, str, str, int]  # label, kind, colour, and which of those that share them
Column = dict[float, list[float | int]]  # by place


def rounded(value: float) -> float | int:
    """Keep five digits."""
    short = float(f"{value:.5g}")
    return int(short) if short.is_integer() else short


def panel_tables(axes: Axes) -> Iterator[Table]:
    """Read one panel."""
    bars = [k.orientation for k in axes.containers if isinstance(k, BarContainer)]
    turned = "horizontal" in bars or bool(words_at(axes.yaxis) and not words_at(axes.xaxis))
    first, second = "yx" if turned else "xy"
    words = words_at(axes.yaxis if turned else axes.xaxis)
    panel = shown(axes.get_title())
    key = name_of_axis(axes, first) or ("name" if words else first)
    value = name_of_axis(axes, second) or panel or "value"
    both = [[key], [value]]
    series = [*named_series(axes, turned=turned)]
    over_a_map = any(isinstance(c, ContourSet) for c in axes.collections)
    for one in (*series,):
        if one.kind == "line" and not words and (over_a_map or one.turns_back()):
            series.remove(one)
            steps = [[n, [rounded(x)], [rounded(y)]] for n, (x, y) in enumerate(one.points)]
            yield table([panel, one.label], "step", "", both, steps)
    spots = {one.label: one for one in series if len(one.points) == 1 and one.label}
    if len(spots) > 1 and not bars:  # points with names of their own
        series = [one for one in series if spots.get(one.label) is not one]
        places = [[name, *([rounded(v)] for v in one.points[0])] for name, one in spots.items()]
        yield table([panel], "name", "", both, places)
    if over_a_map:
        return
    columns = columns_of(series, words)
    heads = [*columns]
    rows = [
        [words.get(place, rounded(place)), *(columns[head].get(place, []) for head in heads)]
        for place in sorted({place for column in columns.values() for place in column})
    ]
    if rows:
        yield table([panel], key, value, headed(heads, value), rows)


def table(
    panel: list[str], key: str, value: str, columns: list[list[str]], rows: list[Any]
) -> Table:
    """Put a table together: its name, what its rows and its cells are, its columns, and its rows.

    A row is what stands at its head, a word or a number, and a list of numbers for each cell.
    Names are lists of words, so that each can be translated as it stands in the figure.
    """
    names = [word for word in panel if word]
    return {"panel": names, "key": key, "value": value, "columns": columns, "rows": rows}


def columns_of(series: list[Series], words: dict[float, str]) -> dict[Head, Column]:
    """Sort series into columns, those of one label side by side."""
    columns: dict[Head, Column] = {}
    for one in series:
        head = (one.label, one.kind, one.colour, 1)
        while one.kind == "line" and not (one.label or words) and head in columns:
            head = (*head[:3], head[3] + 1)  # a curve of its own
        column = columns.setdefault(head, {})
        for x, y in one.points:
            place = min(words, key=lambda word: abs(word - x)) if words else x
            cell = column.setdefault(place, [])
            if one.kind == "points" or rounded(y) not in cell:
                cell.append(rounded(y))
    if words:
        columns = without_idle_colours(columns)
    order = [*dict.fromkeys(label for label, *_ in columns)]
    heads = sorted(columns, key=lambda head: (order.index(head[0]), KINDS.index(head[1])))
    return {head: columns[head] for head in heads}


def without_idle_colours(columns: dict[Head, Column]) -> dict[Head, Column]:
    """Join the columns that differ in nothing but the colours of their rows."""
    joined: dict[Head, Column] = {}
    for head, column in columns.items():
        alike = [other for other in columns if other[:2] == head[:2]]
        places = [place for other in alike for place in columns[other]]
        if head[0] or len({*places}) < len(places):
            joined[head] = column
        else:
            joined.setdefault(alike[0], {}).update(column)
    return joined


def headed(columns: list[Head], value: str) -> list[list[str]]:
    """Head each column by its label, and by its kind and colour as far as others share that."""
    names = {to_hex(colour): name for name, colour in COLOURS.items()}
    heads = []
    for label, kind, colour, number in columns:
        same = [other for other in columns if other[0] == label]
        kinds = {other[1] for other in same} - {*ENDS}
        more = [kind] if kind in ENDS or len(kinds) > 1 else []
        alike = [other for other in same if other[1] == kind]
        if len({other[2] for other in alike}) > 1 and colour in names:
            more.append(names[colour])
        if len([other for other in alike if other[2] == colour]) > 1:
            more.append(str(number))
        heads.append([label or value, *more])
    return heads


def matrices(axes: Axes) -> Iterator[Table]:
    """Read images of one channel that have words at their ticks or a number in each cell."""
    for image in axes.images:
        values = np.array(image.get_array(), dtype=float)
        if values.ndim != 2 or values.size > LARGEST_MATRIX:
            continue
        values[abs(values) < 1e-5 * abs(values).max()] = 0  # what a sum leaves over
        if not axes.axison and len(axes.texts) < values.size:
            continue
        rows, columns = (
            [words.get(k, str(k + 1)) for k in range(size)]
            for words, size in zip(
                (words_at(axes.yaxis), words_at(axes.xaxis)), values.shape, strict=True
            )
        )
        row, column = (shown(f()) for f in (axes.get_ylabel, axes.get_xlabel))
        lines = [
            [name, *([rounded(value)] for value in line)]
            for name, line in zip(rows, values, strict=True)
        ]
        heads = [[name] for name in columns]
        yield table([shown(axes.get_title())], row or "row", column or "column", heads, lines)


def tables(figure: Figure) -> list[Table]:
    """Read the tables of a figure, panel by panel; there are none if it only has pictures."""
    found: list[Table] = []
    for axes in figure.axes:
        found += matrices(axes)
        if axes.axison and not axes.images:
            found += panel_tables(axes)
    return found


def write_data(figure: Figure, drawing: Path) -> None:
    """Write the tables of a figure beside its drawing, or nothing if it has none."""
    path = drawing.with_suffix(".json")
    path.unlink(missing_ok=True)
    if found := tables(figure):
        path.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
