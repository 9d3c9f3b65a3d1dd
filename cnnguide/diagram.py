"""Diagrams of operations, blocks and networks: boxes, feature maps, arrows, cells with numbers.

`flow` draws the steps of a forward pass, which `trace` lists, so that its shapes cannot be wrong.
All positions are in inches, from the top left.

Drawn by matplotlib, because words have to stay words: the site translates them in the file.
visualtorch draws modules well, but gives pixels; torchview needs Graphviz, and draws each tensor
and call in Graphviz's own layout, which no phone can show; neither draws an operation, such as a
convolution's window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from torch import nn

from cnnguide.checks import check_flag, check_module, check_range, check_type, check_whole
from cnnguide.show import COLOURS, check_axes, style
from cnnguide.trace import Step

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "FILLS",
    "LINES",
    "Box",
    "arrow",
    "box",
    "canvas",
    "cells",
    "flow",
    "key",
    "label",
    "node",
    "outline",
    "plus",
    "shape_words",
    "sheets",
    "words_of",
]

#: The colour that each kind of thing is drawn in.
LINES = {
    "maps": COLOURS["blue"],
    "weights": COLOURS["orange"],
    "operation": COLOURS["grey"],
    "shortcut": COLOURS["green"],
    "mark": COLOURS["red"],
}

#: The same colours, but light, for what fills a shape.
FILLS = {
    "maps": "#D9ECF8",
    "weights": "#FBEBC8",
    "operation": "#EEEEEE",
    "shortcut": "#D5EFE6",
    "mark": "#F5BE9E",
}

# Sizes in points. A figure 4 inches wide is shown 328 pixels wide on a phone of 360: 8 points are
# then 9 pixels.
WORDS, SHAPES = 9.0, 8.0
LINE = 0.155  # inches from one line of words in a box to the next

Inches: TypeAlias = float | int
Point: TypeAlias = tuple[Inches, Inches]


# Words


def shape_words(shape: Sequence[int]) -> str:
    """Write a shape as a drawing does.

    Parameters
    ----------
    shape : sequence of int
        Without the batch.

    Returns
    -------
    str

    Examples
    --------
    >>> shape_words((64, 8, 8))
    '64 × 8 × 8'
    """
    check_type(shape, tuple | list, "shape", "a tuple of whole numbers")
    for size in shape:
        check_whole(size, "a size")
    return " × ".join(map(str, shape))


def side_words(size: int | tuple[int, ...]) -> str:
    """Write a window's sides."""
    return shape_words((size, size) if isinstance(size, int) else size)


def only(size: int | tuple[int, ...]) -> int:
    """Give the one number of a stride or a dilation that is alike in both directions."""
    return size if isinstance(size, int) else size[0]


def words_of(module: nn.Module) -> str:
    r"""Say in a few words what a layer is; a second line holds what is not usual about it.

    Parameters
    ----------
    module : nn.Module
        A layer; of an unknown one the name of its type is given.

    Returns
    -------
    str

    Examples
    --------
    >>> words_of(nn.Conv2d(3, 64, 7, stride=2, padding=3))
    '7 × 7 conv, 64\nstride 2'
    >>> words_of(nn.Linear(512, 10))
    'linear, 10'
    >>> words_of(nn.MaxPool2d(2))
    '2 × 2 max pool'
    """
    check_module(module, "module")
    if isinstance(module, nn.Conv2d):
        words = f"{side_words(module.kernel_size)} conv, {module.out_channels}"
        unusual = [
            f"{name} {value}"
            for name, value in (
                ("stride", only(module.stride)),
                ("dilation", only(module.dilation)),
                ("groups", module.groups),
            )
            if value != 1
        ]
        return "\n".join([words, ", ".join(unusual)]) if unusual else words
    if isinstance(module, nn.Linear):
        return f"linear, {module.out_features}"
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        name = "max" if isinstance(module, nn.MaxPool2d) else "mean"
        words = f"{side_words(module.kernel_size)} {name} pool"
        apart = module.stride != module.kernel_size
        return f"{words}\nstride {only(module.stride)}" if apart else words
    if isinstance(module, nn.AdaptiveAvgPool2d):
        return "global mean" if module.output_size == 1 else "mean pool"
    names = {"BatchNorm2d": "BatchNorm", "Dropout": "dropout", "Tanh": "tanh"}
    return names.get(type(module).__name__, type(module).__name__)


def kind_of(module: nn.Module | None) -> str:
    """Tell what convolves or multiplies by a matrix from all else."""
    parts = module.modules() if module else []
    return "weights" if any(isinstance(m, nn.Conv2d | nn.Linear) for m in parts) else "operation"


def colours(kind: str) -> tuple[str, str]:
    """Give the colours that fill and frame a kind of thing."""
    check_type(kind, str, "a kind", "a string")
    if kind not in LINES:
        raise ValueError(f"a kind must be one of {', '.join(LINES)}, got {kind!r}")
    return FILLS[kind], LINES[kind]


# What is drawn


def check_inches(**values: object) -> None:
    """Refuse a place or a size that is not a finite number."""
    for name, value in values.items():
        check_range(value, name)


def check_sizes(**values: object) -> None:
    """Refuse a size that is not above 0."""
    for name, value in values.items():
        check_range(value, name, 0, above=True)


@dataclass(frozen=True)
class Box:
    """A place in a drawing, in inches: its centre and its size.

    Parameters
    ----------
    x, y : float
        Centre, from the drawing's left and top.
    width, height : float
        Size.

    Examples
    --------
    >>> Box(1, 2, 0.5, 1).bottom
    (1, 2.5)
    """

    x: Inches
    y: Inches
    width: Inches
    height: Inches

    def __post_init__(self) -> None:
        """Refuse what is not a place."""
        check_inches(x=self.x, y=self.y, width=self.width, height=self.height)

    @property
    def top(self) -> Point:
        """Give the middle of the upper edge."""
        return self.x, self.y - self.height / 2

    @property
    def bottom(self) -> Point:
        """Give the middle of the lower edge."""
        return self.x, self.y + self.height / 2

    @property
    def left(self) -> Point:
        """Give the middle of the left edge."""
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> Point:
        """Give the middle of the right edge."""
        return self.x + self.width / 2, self.y


def canvas(title: str, *, height: Inches, width: Inches = 4.0) -> Axes:
    """Begin a figure whose coordinates are inches, from the top left.

    Parameters
    ----------
    title : str
        Stands above the drawing, and is its alternative text.
    height, width : float
        In inches; a phone shows the width of 4 at 328 pixels.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> axes = canvas("A block", height=3)
    >>> tuple(map(float, axes.get_ylim()))
    (3.0, 0.0)
    """
    import matplotlib.pyplot as plt

    check_type(title, str, "title", "a string")
    check_sizes(height=height, width=width)
    style()
    figure = plt.figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    figure.suptitle(title, fontsize=11, y=1 - 0.08 / height)
    return axes


def label(
    axes: Axes,
    x: Inches,
    y: Inches,
    words: str,
    *,
    size: float | int = WORDS,
    align: str = "center",
    kind: str = "",
    weight: str = "normal",
) -> None:
    r"""Write words; each line is a text of its own, which a translation keeps in its place.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        From `canvas`.
    x, y : float
        Where: the middle of the height, and the side that `align` names.
    words : str
        One line, or several with line breaks.
    size : float
        In points.
    align : str
        ``"left"``, ``"center"`` or ``"right"``.
    kind : str
        A key of `LINES`, which gives the colour; without one the words are black.
    weight : str
        ``"normal"`` or ``"bold"``.

    Examples
    --------
    >>> axes = canvas("A block", height=3)
    >>> label(axes, 2, 1, "two\nlines")
    >>> [text.get_text() for text in axes.texts]
    ['two', 'lines']
    """
    check_axes(axes)
    check_inches(x=x, y=y)
    check_sizes(size=size)
    for value, name in ((words, "words"), (align, "align"), (kind, "kind"), (weight, "weight")):
        check_type(value, str, name, "a string")
    if align not in ("left", "center", "right"):
        raise ValueError(f"align must be 'left', 'center' or 'right', got {align!r}")
    if weight not in ("normal", "bold"):
        raise ValueError(f"weight must be 'normal' or 'bold', got {weight!r}")
    lines = words.split("\n")
    first = y - LINE * size / WORDS * (len(lines) - 1) / 2
    for k, line in enumerate(lines):
        axes.text(
            x,
            first + k * LINE * size / WORDS,
            line,
            fontsize=size,
            ha=align,
            va="center_baseline",
            color=colours(kind)[1] if kind else COLOURS["black"],
            fontweight=weight,
            zorder=5,
        )


def height_of(words: str) -> float:
    """Give the height of a box with these words."""
    return 0.095 + LINE * len(words.split("\n"))


def box(
    axes: Axes,
    x: Inches,
    y: Inches,
    words: str,
    *,
    kind: str = "operation",
    width: Inches = 1.3,
    height: Inches | None = None,
) -> Box:
    """Draw a box with words in it.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        From `canvas`.
    x, y : float
        Centre.
    words : str
        One line, or several with line breaks.
    kind : str
        A key of `LINES`, which gives the colour.
    width : float
        In inches.
    height : float, optional
        In inches; by default what the lines need.

    Returns
    -------
    Box

    Raises
    ------
    ValueError
        For an unknown kind.

    Examples
    --------
    >>> box(canvas("A block", height=3), 2, 1, "conv", kind="weights").bottom
    (2, 1.125)
    """
    from matplotlib.patches import FancyBboxPatch

    check_axes(axes)
    check_inches(x=x, y=y)
    check_type(words, str, "words", "a string")
    check_sizes(width=width, **({} if height is None else {"height": height}))
    fill, line = colours(kind)
    made = Box(x, y, width, height or height_of(words))
    axes.add_patch(
        FancyBboxPatch(
            (made.left[0], made.top[1]),
            made.width,
            made.height,
            boxstyle="round,pad=0,rounding_size=0.05",
            facecolor=fill,
            edgecolor=line,
            linewidth=0.9,
            zorder=3,
        )
    )
    label(axes, x, y, words)
    return made


def arrow(
    axes: Axes,
    *points: Point,
    kind: str = "operation",
    head: bool = True,
    dashed: bool = False,
) -> None:
    """Draw a line through points, with a head at its end.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        From `canvas`.
    *points : pair of float
        At least two.
    kind : str
        A key of `LINES`, which gives the colour.
    head, dashed : bool
        How it looks.

    Raises
    ------
    ValueError
        For fewer than two points.

    Examples
    --------
    >>> axes = canvas("A block", height=3)
    >>> arrow(axes, (2, 1), (2, 2))
    >>> len(axes.patches)
    1
    """
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    check_axes(axes)
    check_flag(head, "head")
    check_flag(dashed, "dashed")
    for point in points:
        check_type(point, tuple | list, "a point", "a pair (x, y)")
        if len(point) != 2:
            raise ValueError(f"a point must be a pair (x, y), got {len(point)} numbers")
        check_inches(x=point[0], y=point[1])
    if len(points) < 2:
        raise ValueError(f"an arrow must go through at least two points, got {len(points)}")
    axes.add_patch(
        FancyArrowPatch(
            path=Path(points),
            arrowstyle="-|>,head_length=4,head_width=2" if head else "-",
            color=colours(kind)[1],
            linewidth=1.1,
            linestyle=(0, (3, 2)) if dashed else "-",
            capstyle="butt",
            joinstyle="round",
            shrinkA=0,
            shrinkB=0,
            mutation_scale=1,
            zorder=2,
        )
    )


def node(
    axes: Axes,
    x: Inches,
    y: Inches,
    *,
    kind: str = "maps",
    radius: Inches = 0.1,
    dropped: bool = False,
) -> Box:
    """Draw a circle: one number of a layer.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        From `canvas`.
    x, y : float
        Centre.
    kind : str
        A key of `LINES`, which gives the colour.
    radius : float
        In inches.
    dropped : bool
        Whether it is crossed out.

    Returns
    -------
    Box

    Examples
    --------
    >>> node(canvas("A layer", height=3), 2, 1, radius=0.25).right
    (2.25, 1)
    """
    from matplotlib.patches import Circle

    check_axes(axes)
    check_inches(x=x, y=y)
    check_sizes(radius=radius)
    check_flag(dropped, "dropped")
    fill, line = ("white", LINES["operation"]) if dropped else colours(kind)
    style = ":" if dropped else "-"
    axes.add_patch(
        Circle(
            (x, y), radius, facecolor=fill, edgecolor=line, linewidth=1.1, linestyle=style, zorder=3
        )
    )
    if dropped:
        arm = 0.7 * radius
        for slope in (-1, 1):
            strokes = [x - arm, x + arm], [y - slope * arm, y + slope * arm]
            axes.plot(*strokes, color=line, linewidth=1.1, zorder=4)
    return Box(x, y, 2 * radius, 2 * radius)


def plus(axes: Axes, x: Inches, y: Inches, *, kind: str = "shortcut", radius: Inches = 0.1) -> Box:
    """Draw a sum: a circle with a plus sign.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        From `canvas`.
    x, y : float
        Centre.
    kind : str
        A key of `LINES`, which gives the colour.
    radius : float
        In inches.

    Returns
    -------
    Box

    Examples
    --------
    >>> plus(canvas("A block", height=3), 2, 1).right
    (2.1, 1)
    """
    check_axes(axes)
    check_inches(x=x, y=y)
    check_sizes(radius=radius)
    arm = 0.55 * radius
    for dx, dy in ((arm, 0), (0, arm)):
        axes.plot(
            [x - dx, x + dx], [y - dy, y + dy], color=colours(kind)[1], linewidth=1.3, zorder=4
        )
    return node(axes, x, y, kind=kind, radius=radius)


def number_words(value: object) -> str:
    """Write what stands in a cell: numbers short and with a true minus, words as they are."""
    if isinstance(value, str):
        return value
    if value is not None:
        check_range(value, "what stands in a cell")
    return "" if value is None else f"{float(value):g}".replace("-", "−")  # type: ignore[arg-type]


def check_rows(rows: object, name: str) -> None:
    """Refuse what holds no rows."""
    check_type(rows, list | tuple, name, "a list of rows")
    for row in rows:  # type: ignore[attr-defined]
        check_type(row, list | tuple, f"a row of {name}", "a list")


def cells(
    axes: Axes,
    x: Inches,
    y: Inches,
    values: Sequence[Sequence[object]],
    *,
    size: Inches = 0.26,
    kinds: str | Sequence[Sequence[str]] = "maps",
    words: float | int = SHAPES,
) -> list[list[Box]]:
    """Draw a grid of cells, with a number, a word or nothing in each.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        From `canvas`.
    x, y : float
        Upper left corner.
    values : sequence of sequences
        Rows of numbers, words, or None for an empty cell.
    size : float
        Side of a cell in inches.
    kinds : str or sequence of sequences of str
        Keys of `LINES`: one for all cells, or one for each.
    words : float
        Size of what stands in a cell, in points.

    Returns
    -------
    list of lists of Box
        The cells.

    Raises
    ------
    ValueError
        For rows of different lengths.

    Examples
    --------
    >>> axes = canvas("A window", height=3)
    >>> grid = cells(axes, 1, 1, [[0, -1], [2, 3]], size=0.5)
    >>> [text.get_text() for text in axes.texts]
    ['0', '−1', '2', '3']
    >>> grid[1][0].left
    (1.0, 1.75)
    """
    from matplotlib.patches import Rectangle

    check_axes(axes)
    check_inches(x=x, y=y)
    check_sizes(size=size, words=words)
    check_rows(values, "values")
    if not isinstance(kinds, str):
        check_rows(kinds, "kinds")
        if [len(row) for row in kinds] != [len(row) for row in values]:
            raise ValueError("kinds must be one string, or a string for each cell, got others")
    if len({len(row) for row in values}) != 1:
        raise ValueError(f"rows must have the same length, got {[len(row) for row in values]}")
    grid = []
    for i, row in enumerate(values):
        grid.append(
            [Box(x + (j + 0.5) * size, y + (i + 0.5) * size, size, size) for j in range(len(row))]
        )
        for j, (value, place) in enumerate(zip(row, grid[-1], strict=True)):
            kind = kinds if isinstance(kinds, str) else kinds[i][j]
            fill, line = colours(kind)
            axes.add_patch(
                Rectangle(
                    (place.left[0], place.top[1]),
                    size,
                    size,
                    facecolor=fill,
                    edgecolor=line,
                    linewidth=0.7,
                    zorder=3.5 if kind == "mark" else 3,
                )
            )
            if said := number_words(value):
                label(axes, place.x, place.y, said, size=words)
    return grid


def sheets(
    axes: Axes,
    x: Inches,
    y: Inches,
    count: int,
    *,
    side: Inches,
    offset: Inches = 0.05,
    most: int = 8,
    kind: str = "maps",
) -> Box:
    """Draw maps that lie behind one another, such as the channels of an image.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        From `canvas`.
    x, y : float
        Centre of the whole.
    count : int
        How many there are.
    side : float
        Of one map, in inches.
    offset : float
        How far each one stands out behind the one before it.
    most : int
        How many are drawn at most.
    kind : str
        A key of `LINES`, which gives the colour.

    Returns
    -------
    Box

    Examples
    --------
    >>> axes = canvas("Channels", height=3)
    >>> whole = sheets(axes, 2, 1, 3, side=0.5)
    >>> len(axes.patches), round(whole.width, 2)
    (3, 0.6)
    """
    from matplotlib.patches import Rectangle

    check_axes(axes)
    check_inches(x=x, y=y)
    check_sizes(side=side)
    check_range(offset, "offset", 0)
    check_whole(count, "count", 1)
    check_whole(most, "most", 1)
    fill, line = colours(kind)
    drawn = min(count, most)
    whole = side + offset * (drawn - 1)
    for k in reversed(range(drawn)):
        axes.add_patch(
            Rectangle(
                (x - whole / 2 + k * offset, y + whole / 2 - side - k * offset),
                side,
                side,
                facecolor=fill,
                edgecolor=line,
                linewidth=0.8,
                zorder=3,
            )
        )
    return Box(x, y, whole, whole)


def outline(axes: Axes, first: Box, last: Box, *, kind: str = "mark") -> Box:
    """Draw a frame around the cells between two corners.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        From `canvas`.
    first, last : Box
        The upper left cell and the lower right one.
    kind : str
        A key of `LINES`, which gives the colour.

    Returns
    -------
    Box

    Examples
    --------
    >>> axes = canvas("A window", height=3)
    >>> grid = cells(axes, 1, 1, [[0, 1], [2, 3]], size=0.5)
    >>> outline(axes, grid[0][0], grid[1][0]).height
    1.0
    """
    from matplotlib.patches import Rectangle

    check_axes(axes)
    check_type(first, Box, "first", "a Box")
    check_type(last, Box, "last", "a Box")
    left, top = first.left[0], first.top[1]
    width, height = last.right[0] - left, last.bottom[1] - top
    axes.add_patch(
        Rectangle(
            (left, top),
            width,
            height,
            fill=False,
            edgecolor=colours(kind)[1],
            linewidth=2,
            zorder=4,
        )
    )
    return Box(left + width / 2, top + height / 2, width, height)


def key(axes: Axes, y: Inches, **meanings: str) -> None:
    """Say in a row what the colours mean.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        From `canvas`.
    y : float
        Middle of the row.
    **meanings : str
        Words for keys of `LINES`.

    Examples
    --------
    >>> axes = canvas("A block", height=3)
    >>> key(axes, 2.8, maps="feature maps", weights="conv")
    >>> [text.get_text() for text in axes.texts]
    ['feature maps', 'conv']
    """
    from matplotlib.patches import Rectangle

    check_axes(axes)
    check_inches(y=y)
    if not meanings:
        raise ValueError("a key must have at least one colour, got none")
    for kind in meanings:
        colours(kind)
    swatch, space = 0.14, 0.13
    inch = axes.figure.dpi
    for words in meanings.values():
        label(axes, 0, y, words, size=SHAPES, align="left")
    texts = axes.texts[-len(meanings) :]
    widths = [swatch + 0.05 + text.get_window_extent().width / inch for text in texts]
    x = (axes.get_xlim()[1] - sum(widths) - space * (len(widths) - 1)) / 2
    for kind, text, width in zip(meanings, texts, widths, strict=True):
        fill, line = colours(kind)
        axes.add_patch(
            Rectangle(
                (x, y - 0.055),
                swatch,
                0.11,
                facecolor=fill,
                edgecolor=line,
                linewidth=0.9,
            )
        )
        text.set_x(x + swatch + 0.05)
        x += width + space


# A whole pass, from top to bottom


def main_path(steps: Sequence[Step]) -> tuple[list[int], dict[int, list[int]]]:
    """Find the longest way through the steps, and the ways beside it, by the sum that they reach.

    A way beside it is a list of places: where it leaves the main one, then its own steps.
    """
    depth: list[int] = []
    for step in steps:
        depth.append(1 + max((depth[k] for k in step.inputs), default=0))
    main = [len(steps) - 1]
    while steps[main[-1]].inputs:
        main.append(max(steps[main[-1]].inputs, key=depth.__getitem__))
    main.reverse()
    beside = {}
    for before, place in pairwise(main):
        for start in steps[place].inputs:
            if start != before:
                way = [start]
                while way[-1] not in main:
                    way.append(steps[way[-1]].inputs[0])
                beside[place] = way[::-1]
    return main, beside


def flow(
    axes: Axes,
    steps: Sequence[Step],
    *,
    x: Inches,
    y: Inches,
    width: Inches | Callable[[Step], Inches] = 1.3,
    gap: Inches = 0.18,
    side: Inches = 0.85,
    beside: Inches | None = None,
    words: Callable[[nn.Module], str] = words_of,
    first: Box | None = None,
    shapes: bool = True,
) -> dict[int, Box]:
    """Draw the steps of a forward pass from top to bottom, each sum with its shortcut.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        From `canvas`.
    steps : sequence of Step
        From `trace.forward_steps`.
    x, y : float
        Middle of the column, and its upper end.
    width : float, or callable
        Of the boxes, in inches; a function gives each step's.
    gap : float
        Between the boxes.
    side : float
        How far right of the column's middle a shortcut runs.
    beside : float, optional
        Width of the boxes that stand on a shortcut; without it, such a shortcut is dashed.
    words : callable
        Says what a layer is.
    first : Box, optional
        What stands for the input already; without it the input's shape is drawn.
    shapes : bool
        Whether a shape stands beside the arrow after every layer that changes it.

    Returns
    -------
    dict of int to Box
        Where each step stands, by its place in the list; under -1 the shape of the output.

    Examples
    --------
    >>> import torch
    >>> from cnnguide.models.resnet import BasicBlock
    >>> from cnnguide.trace import forward_steps
    >>> steps = forward_steps(BasicBlock(8, 8), torch.zeros(2, 8, 4, 4))
    >>> axes = canvas("A block", height=4)
    >>> boxes = flow(axes, steps, x=2, y=0.5)
    >>> [text.get_text() for text in axes.texts][:4]
    ['8 × 4 × 4', '3 × 3 conv, 8', 'BatchNorm', 'ReLU']
    """
    check_axes(axes)
    check_type(steps, list | tuple, "steps", "a list of Step")
    for step in steps:
        check_type(step, Step, "a step", "a Step")
    if not steps:
        raise ValueError("steps must hold at least one, got none")
    check_inches(x=x, y=y, side=side)
    check_range(gap, "gap", 0)
    if not callable(width):
        check_sizes(width=width)
    if beside is not None:
        check_sizes(beside=beside)
    check_type(words, Callable, "words", "callable")
    if first is not None:
        check_type(first, Box, "first", "a Box")
    check_flag(shapes, "shapes")
    main, ways = main_path(steps)
    widths = [width(step) if callable(width) else width for step in steps]
    boxes = {main[0]: first or maps_box(axes, steps[0], x, y, widths[0])}
    for k, place in enumerate(main[1:], start=1):
        before = boxes[main[k - 1]]
        top = before.bottom[1] + gap
        boxes[place] = step_box(axes, steps[place], x, top, widths[place], words)
        arrow(axes, before.bottom, boxes[place].top)
        if shapes and k > 1 and steps[main[k - 1]].shape != steps[main[k - 2]].shape:
            shape = shape_words(steps[main[k - 1]].shape)
            beside_arrow(axes, boxes[place], gap, shape)
    last = main[-1]
    boxes[-1] = maps_box(axes, steps[last], x, boxes[last].bottom[1] + gap, widths[last])
    arrow(axes, boxes[last].bottom, boxes[-1].top)
    for place, (start, *layers) in ways.items():
        leaves = (x, boxes[start].bottom[1] + gap / 2)
        chain = [steps[k] for k in layers]
        shortcut(axes, chain, leaves, boxes[place].right, x + side, beside, words)
    return boxes


def beside_arrow(axes: Axes, box: Box, gap: Inches, words: str) -> None:
    """Write at the right of the arrow that comes into a box."""
    x, y = box.top
    label(axes, x + 0.07, y - gap / 2, words, size=SHAPES, align="left", kind="maps")


def maps_box(axes: Axes, step: Step, x: Inches, top: Inches, width: Inches) -> Box:
    """Draw what a step gives, as its shape."""
    words = shape_words(step.shape)
    return box(axes, x, top + height_of(words) / 2, words, kind="maps", width=width)


def step_box(
    axes: Axes,
    step: Step,
    x: Inches,
    top: Inches,
    width: Inches,
    words: Callable[[nn.Module], str] = words_of,
) -> Box:
    """Draw a layer, a function or a sum."""
    if step.module is None and len(step.inputs) > 1:
        return plus(axes, x, top + 0.1)
    said = step.name if step.module is None else words(step.module)
    return box(axes, x, top + height_of(said) / 2, said, kind=kind_of(step.module), width=width)


def shortcut(
    axes: Axes,
    layers: Sequence[Step],
    start: Point,
    end: Point,
    x: Inches,
    width: Inches | None,
    words: Callable[[nn.Module], str],
) -> None:
    """Draw the way beside a block, with its layers if there is room for them."""
    dashed = bool(layers) and width is None
    arrow(axes, start, (x, start[1]), (x, end[1]), end, kind="shortcut", dashed=dashed)
    if width is None:
        return
    heights = [height_of(words(step.module)) for step in layers if step.module]
    y = (start[1] + end[1] - sum(heights) - 0.2 * (len(layers) - 1)) / 2
    for step, height in zip(layers, heights, strict=True):
        step_box(axes, step, x, y, width, words)
        y += height + 0.2
