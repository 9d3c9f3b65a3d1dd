"""
What does a pool do with a window, and where does its gradient go?
==================================================================

Drawings with numbers that can be checked by hand; each was computed by the library.
"""

# %%
# One number for each window
# --------------------------
# Windows of 2 × 2 with a stride of 2 do not overlap. A max pool keeps each window's largest number,
# which is marked; a mean pool keeps the mean.

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from cnnguide import diagram, trace
from cnnguide.conv import windows
from cnnguide.pool import avg_pool2d, max_blur_pool2d, max_pool2d

image = torch.tensor([[1, 3, 2, 0], [5, 7, 4, 2], [0, 2, 8, 4], [6, 0, 3, 1]]).float()
x = image[None, None].requires_grad_()
pools = {"max pool": max_pool2d, "mean pool": avg_pool2d}


def draw_windows(axes, left, top, values, kinds):
    """Draw 4 × 4 numbers with a gap between the windows."""
    for i in (0, 2):
        for j in (0, 2):
            window = [row[j : j + 2] for row in values[i : i + 2]]
            marks = [row[j : j + 2] for row in kinds[i : i + 2]]
            corner = left + 0.31 * j, top + 0.31 * i
            diagram.cells(axes, *corner, window, size=0.29, kinds=marks)


axes = diagram.canvas("Two pools of the same numbers", height=3.6)
for (name, pool), left in zip(pools.items(), (0.4, 2.4)):
    result = pool(x, 2)
    winners = torch.autograd.grad(result.sum(), x)[0][0, 0] == 1
    kinds = [["mark" if won else "maps" for won in row] for row in winners]
    diagram.label(axes, left + 0.6, 0.55, name, weight="bold")
    draw_windows(axes, left, 0.75, image.tolist(), kinds)
    diagram.arrow(axes, (left + 0.6, 2.05), (left + 0.6, 2.35))
    kind = "mark" if name == "max pool" else "maps"
    diagram.cells(axes, left + 0.31, 2.42, result[0, 0].tolist(), size=0.29, kinds=kind)
diagram.key(axes, 3.4, mark="largest in its window", maps="other numbers")
plt.show()

# %%
# An edge that crosses the border of a window
# -------------------------------------------
# A row of eight numbers in windows of two. As long as the edge stays in its window, the max pool
# gives the same. As soon as it crosses the border, the output moves by one whole place.


def draw_row(axes, left, y, numbers, *, size, gap=0.0, every=1):
    """Draw a row of numbers, with a gap after every few; the largest ones are marked."""
    peak = max(numbers)
    for start in range(0, len(numbers), every):
        part = numbers[start : start + every]
        kinds = [["mark" if number == peak else "maps" for number in part]]
        diagram.cells(
            axes, left + start * size + start // every * gap, y, [part], size=size, kinds=kinds
        )


def pooled_row(numbers, pool):
    """Pool two equal rows, so that only the direction along the row counts."""
    return pool(torch.tensor(numbers).float().expand(1, 1, 2, -1))[0, 0, 0].tolist()


axes = diagram.canvas("An edge crosses a border", height=4.15)
outputs = []
for k, words in enumerate(("start", "moved\nby 1", "moved\nby 2")):
    row, y = [0] * 8, 0.55 + 1.12 * k
    row[2 + k] = 4
    outputs.append(pooled_row(row, lambda x: max_pool2d(x, 2)))
    diagram.label(axes, 0.4, y + 0.17, words, weight="bold")
    draw_row(axes, 0.85, y, row, size=0.34, gap=0.08, every=2)
    for j in range(4):
        middle = 0.85 + 0.34 + j * (0.68 + 0.08)
        diagram.arrow(axes, (middle, y + 0.38), (middle, y + 0.54))
    draw_row(axes, 0.85 + 0.17, y + 0.56, outputs[-1], size=0.34, gap=0.42)
diagram.key(axes, 4.0, mark="edge", maps="no edge")
plt.show()
assert outputs == [[0, 4, 0, 0], [0, 4, 0, 0], [0, 0, 4, 0]]

# %%
# Where the gradient goes
# -----------------------
# On the way back each output hands its gradient to its window. A max pool gives all of it to the
# number that won, and a mean pool gives every number the same part.

gradient = torch.tensor([[4.0, 8], [12, 16]])
axes = diagram.canvas("The gradient on its way back", height=3.6)
for (name, pool), left in zip(pools.items(), (0.4, 2.4)):
    (back,) = torch.autograd.grad(pool(x, 2), x, gradient[None, None])
    kinds = [["mark" if number else "maps" for number in row] for row in back[0, 0]]
    diagram.label(axes, left + 0.6, 0.55, name, weight="bold")
    draw_windows(axes, left, 0.75, back[0, 0].tolist(), kinds)
    diagram.arrow(axes, (left + 0.6, 2.35), (left + 0.6, 2.05))
    diagram.cells(axes, left + 0.31, 2.42, gradient.tolist(), size=0.29, kinds="mark")
diagram.key(axes, 3.4, mark="gradient", maps="no gradient")
plt.show()

# %%
# Windows that overlap, and a window as large as the map
# ------------------------------------------------------
# AlexNet's windows are wider than their stride, so they overlap. A global mean has one window, the
# whole map, and leaves one number for each channel.

axes = diagram.canvas("Windows of three pools", height=4.55)
size, top = 0.17, 0.6
for words, kernel, stride, side in (
    ("2 × 2\nstride 2", 2, 2, 6),
    ("3 × 3\nstride 2", 3, 2, 7),
    ("global mean", 5, 1, 5),
):
    places = windows(torch.arange(side * side).view(1, 1, side, side), kernel, stride=stride)[0, 0]
    read = set(places[0, 0].flatten().tolist())
    kinds = [["mark" if i * side + j in read else "maps" for j in range(side)] for i in range(side)]
    out, y = len(places), top + side * size / 2
    first = [["mark" if i == j == 0 else "maps" for j in range(out)] for i in range(out)]
    inputs = diagram.cells(
        axes, 2 - side * size / 2, top, [[None] * side] * side, size=size, kinds=kinds
    )
    outputs = diagram.cells(
        axes, 3.4 - out * size / 2, y - out * size / 2, [[None] * out] * out, size=size, kinds=first
    )
    if out > 1:
        start, end = (divmod(places[0, 1].flatten()[k].item(), side) for k in (0, -1))
        diagram.outline(axes, inputs[start[0]][start[1]], inputs[end[0]][end[1]])
        diagram.outline(axes, outputs[0][1], outputs[0][1])
    diagram.arrow(axes, (2.68, y), (2.95, y))
    diagram.label(axes, 0.12, y - 0.1, words, align="left", weight="bold")
    diagram.label(axes, 0.12, y + 0.08 * (2 + words.count("\n")), f"{side} → {out}", align="left")
    top += side * size + 0.2
diagram.key(axes, 4.4, maps="numbers", mark="first place")
plt.show()

# %%
# A small network, with two heads
# -------------------------------
# Each max pool halves the side and leaves the number of channels alone. At the end one network
# flattens its feature maps, and the other takes the mean of each.


def small_network(*head):
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), *head,
    )  # fmt: skip


heads = {
    "flattened": (nn.Flatten(), nn.Linear(32 * 8 * 8, 10)),
    "global mean": (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)),
}
axes = diagram.canvas("A small network, with two heads", height=6.0)
for (words, head), x in zip(heads.items(), (0.95, 2.9)):
    weights = sum(parameter.numel() for parameter in head[-1].parameters())
    diagram.label(axes, x, 0.5, words, weight="bold")
    steps = trace.forward_steps(small_network(*head), torch.zeros(1, 3, 32, 32))
    boxes = diagram.flow(axes, steps, x=x, y=0.65, width=1.15)
    x, y = boxes[-1].bottom
    diagram.label(axes, x, y + 0.18, f"{weights:,} parameters\nin the head", size=8)
diagram.key(axes, 5.85, maps="shapes", weights="with weights", operation="without")
plt.show()

# %%
# Blur before you leave out
# -------------------------
# A max pool with a stride of 2 is a max pool with a stride of 1, of whose results every second one
# is kept. With a blur in between, an edge that moves by one pixel changes less.

axes = diagram.canvas("A max pool, without and with a blur", height=3.75)
ways = {
    "input": lambda x: x,
    "maxima": lambda x: max_pool2d(x, 2, stride=1),
    "every\nsecond": lambda x: max_pool2d(x, 2),
    "maxima,\nblurred": lambda x: max_blur_pool2d(x, stride=1),
    "every\nsecond ": max_blur_pool2d,
}
kept = []
for column, words in enumerate(("start", "moved by 1")):
    left, row = 0.72 + 1.64 * column, [0] * 8
    row[2 + column], row[3 + column] = 4, 4
    diagram.label(axes, left + 0.76, 0.5, words, weight="bold")
    for k, (name, way) in enumerate(ways.items()):
        numbers = [round(number, 2) for number in pooled_row(row, way)]
        y = 0.65 + 0.56 * k
        if not column:
            diagram.label(axes, 0.36, y + 0.1, name.strip(), size=8)
        draw_row(axes, left, y, numbers, size=0.19, gap=0.19 if len(numbers) == 4 else 0)
        kept.append(numbers)
diagram.key(axes, 3.6, mark="largest", maps="other numbers")
plt.show()
assert kept[2::5] == [[0, 4, 0, 0], [0, 4, 4, 0]]
assert kept[4::5] == [[1, 4, 1, 0], [0, 3, 3, 0]]

# %%
# The windows of adaptive pooling
# -------------------------------
# Five numbers become three. The windows differ in width, and neighbours share numbers.

axes = diagram.canvas("Adaptive pooling: from 5 to 3", height=2.5)
row = torch.tensor([2.0, 4, 6, 8, 4])
means = F.adaptive_avg_pool1d(row[None], 3)[0].tolist()
for k, mean in enumerate(means):
    one = torch.zeros(5, requires_grad=True)
    (read,) = torch.autograd.grad(F.adaptive_avg_pool1d(one[None], 3)[0, k], one)
    kinds = [["mark" if number else "maps" for number in read]]
    y = 0.55 + 0.55 * k
    diagram.cells(axes, 0.75, y, [row.tolist()], size=0.34, kinds=kinds)
    diagram.arrow(axes, (2.55, y + 0.17), (2.85, y + 0.17))
    diagram.cells(axes, 2.95, y, [[mean]], size=0.34, kinds="mark")
diagram.key(axes, 2.35, mark="in the window", maps="other numbers")
plt.show()
assert means == [3, 6, 6]
