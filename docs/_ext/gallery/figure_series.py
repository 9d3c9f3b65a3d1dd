"""What the axes of a figure hold: curves, points and bars, each with its name in the figure.

A name stands at the thing itself, in a legend, or as a word of its colour.
`figure_data` makes tables of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import FillBetweenPolyCollection, PathCollection
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.text import Annotation
from matplotlib.ticker import LogFormatter, ScalarFormatter

from cnnguide.show import COLOURS

__all__ = ["ENDS", "KINDS", "Series", "name_of_axis", "named_series", "shown", "words_at"]

# What a series is beside its label, where that does not tell it from the others.
KINDS = ("bars", "line", "points", "low", "high", "from", "to")
ENDS = KINDS[3:]
MARK = "_mark"  # the label of what stands where it does for another reason than a number


@dataclass(frozen=True)
class Series:
    """Points of one colour: places on the first axis, and values at them."""

    label: str
    kind: str
    colour: str
    points: list[tuple[float, float]]
    dashes: str = ""  # how a line is drawn

    def turned(self) -> Series:
        """Exchange the axes."""
        return replace(self, points=[(y, x) for x, y in self.points])

    def turns_back(self) -> bool:
        """Tell whether a line goes both ways along the first axis."""
        steps = {math.copysign(1, b - a) for (a, _), (b, _) in pairwise(self.points) if a != b}
        return self.kind == "line" and len(steps) > 1


def shown(label: object) -> str:
    """Give a label as one line; those that begin with an underscore are matplotlib's own."""
    text = " ".join(str(label).split())
    return "" if text.startswith("_") else text


def pairs(xs: Any, ys: Any) -> list[tuple[float, float]]:
    """Pair numbers, without those that are not drawn."""
    both = zip(np.ravel(xs).astype(float), np.ravel(ys).astype(float), strict=True)
    return [(x, y) for x, y in both if math.isfinite(x) and math.isfinite(y)]


def colour_of(artist: Any) -> str:
    """Give the colour of a line, a marker or an area."""
    colours = to_rgba_array((getattr(artist, "get_color", None) or artist.get_facecolor)())
    return to_hex(colours[0]) if len(colours) else ""


def curves(axes: Axes) -> Iterator[Series]:
    """Read lines and markers, with their error bars, bands, and clouds of points."""
    for container in axes.containers:
        if isinstance(container, ErrorbarContainer):
            _line, _caps, bars = container.lines
            colour = colour_of(bars[0])
            ends = np.concatenate(bars[0].get_segments()).reshape(-1, 2, 2)
            for kind, end in (("low", ends.min(1)), ("high", ends.max(1))):
                yield Series(shown(container.get_label()), kind, colour, pairs(*end.T))
    caps = {c for k in axes.containers if isinstance(k, ErrorbarContainer) for c in k.lines[1]}
    before = Series("", "", "", [])  # a band belongs to the line that was drawn before it
    for artist in axes.get_children():
        label = shown(artist.get_label())
        if artist.get_label() == MARK:
            continue
        if isinstance(artist, Line2D):
            across = artist.get_transform().contains_branch_seperately(axes.transData)
            if artist not in caps and all(across):
                dashes = str(artist.get_linestyle())
                kind = "points" if dashes in ("None", "none", "", " ") else "line"
                points = pairs(artist.get_xdata(orig=False), artist.get_ydata(orig=False))
                before = Series(label, kind, colour_of(artist), points, dashes)
                yield before
        elif isinstance(artist, FillBetweenPolyCollection):
            xs, ys = np.asarray(artist.get_paths()[0].vertices).T
            colour = colour_of(artist)
            label = label or (before.label if before.colour == colour else "")
            at = {float(x): ys[xs == x] for x in xs}
            for kind, end in (("low", np.min), ("high", np.max)):
                points = [(x, float(end(found))) for x, found in at.items()]
                yield Series(label, kind, colour, points)
        elif isinstance(artist, PathCollection):
            yield Series(
                label, "points", colour_of(artist), pairs(*np.asarray(artist.get_offsets()).T)
            )


def bars_of(axes: Axes) -> Iterator[Series]:
    """Read bars, those of a histogram too, as places along the first axis and values at them."""
    containers = [c for c in axes.containers if isinstance(c, BarContainer)]
    floating = [bar for container in containers for bar in container.patches]
    for container in containers:
        upright = container.orientation == "vertical"
        begin = any(bar.get_y() if upright else bar.get_x() for bar in floating)
        for bar in container.patches:
            (x, y), (width, height) = bar.get_xy(), (bar.get_width(), bar.get_height())
            place, start, size = (
                (x + width / 2, y, height) if upright else (y + height / 2, x, width)
            )
            ends = [("from", start), ("to", start + size)] if begin else [("bars", size)]
            for kind, end in ends:
                colour = colour_of(bar)
                yield Series(shown(container.get_label()), kind, colour, pairs(place, end))
    for patch in axes.patches:
        if isinstance(patch, Polygon):  # a histogram as one line, which climbs at each edge
            xs, ys = np.asarray(patch.get_xy()).T
            edges = np.unique(xs)
            heights = ys[1 : 2 * len(edges) - 2 : 2]
            if len(edges) > 4 and (xs[: 2 * len(edges) - 2 : 2] == edges[:-1]).all():
                colour = colour_of(patch) if patch.get_fill() else to_hex(patch.get_edgecolor())
                points = pairs((edges[1:] + edges[:-1]) / 2, heights)
                yield Series(shown(patch.get_label()), "bars", colour, points)


def says_something(word: str) -> bool:
    """Tell a word from a number."""
    return bool(re.search(r"[^\W\d_]{2}", word))


def names_of_looks(axes: Axes, series: list[Series]) -> dict[tuple[str, str], str]:
    """Give what a colour, and a kind of line in it, stand for: by a label, a legend, or a word.

    A word stands for its colour; a colour that has two names stands for none by itself.
    """
    texts = [(colour_of(text), "", text.get_text()) for text in axes.texts]
    named = [one for one in texts if one[0] != COLOURS["black"] and says_something(one[2])]
    panels = [*(panel for panel in axes.figure.axes if panel is not axes), axes]
    legends = [*axes.figure.legends, *(panel.get_legend() for panel in panels)]
    for legend in filter(None, legends):
        for handle, text in zip(legend.legend_handles, legend.texts, strict=True):
            if hasattr(handle, "get_color") or hasattr(handle, "get_facecolor"):
                dashes = str(getattr(handle, "get_linestyle", str)())
                named.append((colour_of(handle), dashes, text.get_text()))
    named += [(one.colour, one.dashes, one.label) for one in series if one.label]
    names = {(colour, dashes): shown(name) for colour, dashes, name in named}
    for colour, _ in [*names]:
        here = {name for look, name in names.items() if look[0] == colour}
        if len(here) == 1:
            names[colour, ""] = next(iter(here))
        else:
            names.pop((colour, ""), None)
    return names


def words_at(axis: Axis) -> dict[float, str]:
    """Give the words at the ticks of an axis; nothing if they are only its numbers."""
    formatter = axis.get_major_formatter()
    places = [float(place) for place in axis.get_ticklocs()]
    words = [shown(word) for word in formatter.format_ticks(places)]
    if isinstance(formatter, ScalarFormatter | LogFormatter) or not any(words):
        return {}
    try:
        if np.allclose([float(word) for word in words], places):
            return {}
    except ValueError:
        pass
    return {place: word for place, word in zip(places, words, strict=True) if word}


def name_of_axis(axes: Axes, name: str) -> str:
    """Give the label of an axis, which may stand at another panel of its column or row."""

    def line(panel: Axes) -> Any:
        place = panel.get_subplotspec()
        return place and (place.colspan if name == "x" else place.rowspan)

    def kind(panel: Axes) -> tuple[Any, ...]:
        return line(panel), len(panel.patches) > 0

    panels = [axes, *(panel for panel in axes.figure.axes if kind(panel) == kind(axes))]
    labels = [getattr(panel, f"get_{name}label")() for panel in panels]
    labels.append(getattr(axes.figure, f"get_sup{name}label")())
    return next(filter(None, map(shown, labels)), "")


def named_series(axes: Axes, *, turned: bool) -> Iterator[Series]:
    """Read what a panel holds, values upwards, and name each by what the figure says of it."""
    lines = [one.turned() if turned else one for one in curves(axes)]
    places, values = (axes.yaxis, axes.xaxis) if turned else (axes.xaxis, axes.yaxis)
    if not len(values.get_ticklocs()):
        lines = []  # nobody can read their values
    series = [one for one in (*bars_of(axes), *lines) if one.points]
    names = names_of_looks(axes, series)
    notes = {
        (note.xy[::-1] if turned else note.xy): shown(note.get_text())
        for note in axes.texts
        if isinstance(note, Annotation) and says_something(note.get_text())
    }
    for one in series:
        label = one.label or names.get((one.colour, one.dashes)) or names.get((one.colour, ""))
        label = label or notes.get(one.points[0], "")
        if label or one.kind != "line" or len(one.points) > 2 or words_at(places):
            yield replace(one, label=label)  # other lines of two points are marks
