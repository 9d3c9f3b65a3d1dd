"""
What happens to a picture on its way through LeNet-5?
=====================================================

First a network that is small enough to be computed by hand. Then LeNet-5 itself: its maps become
smaller and more, until ten scores are left. The drawings take their shapes and numbers from
pictures that go through the networks.
"""

# %%
# A network in miniature
# ----------------------
# A picture of 6 × 6 pixels shows an upright stroke. The first kernel looks for upright strokes, the
# second for lying ones. ReLU removes the negative numbers, the mean of each 2 × 2 window halves the
# side, and the eight numbers that are left are written in one row. A linear layer adds the first
# four for one score, and the last four for the other.

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, conv2d

from cnnguide import diagram, show, trace
from cnnguide.models import count_parameters
from cnnguide.models.lenet import LeNet5

show.style()
picture = torch.zeros(1, 1, 6, 6)
picture[..., 2] = 1
upright = torch.tensor([[-1.0, 2, -1]] * 3)
kernels = torch.stack([upright, upright.T])[:, None]
maps = conv2d(picture, kernels)
bent = torch.relu(maps)
pooled = avg_pool2d(bent, 2)
row = pooled.flatten(1)
weight = torch.tensor([[1.0] * 4 + [0] * 4, [0.0] * 4 + [1] * 4])
scores = row @ weight.T

axes = diagram.canvas("A network small enough for pencil and paper", height=6.3)
diagram.cells(axes, 1.22, 0.4, picture[0, 0].tolist(), size=0.26)
diagram.label(axes, 2.9, 0.75, "the picture", align="left")
diagram.label(axes, 2.9, 0.92, "1 × 6 × 6", align="left", kind="maps")
for k, x in enumerate((0.42, 2.4)):
    diagram.arrow(axes, (2.0, 2.0), (x + 0.58, 2.3))
    diagram.cells(axes, x + 0.19, 2.35, kernels[k, 0].tolist(), kinds="weights")
    diagram.arrow(axes, (x + 0.58, 3.15), (x + 0.58, 3.4))
    diagram.cells(axes, x, 3.45, bent[0, k].tolist(), size=0.29)
    diagram.arrow(axes, (x + 0.58, 4.63), (x + 0.58, 4.85))
    diagram.cells(axes, x + 0.29, 4.9, pooled[0, k].tolist(), size=0.29)
    diagram.arrow(axes, (x + 0.58, 5.5), (1.42 + 1.16 * k, 5.65))
for y, words, shape in (
    (2.2, "3 × 3 conv", ""), (3.27, "ReLU", "2 × 4 × 4"), (4.74, "mean pool", "2 × 2 × 2")
):  # fmt: skip
    diagram.label(axes, 2.0, y + (0.35 if not shape else 0), words)
    if shape:
        diagram.label(axes, 2.0, y + 0.5, shape, kind="maps")
diagram.cells(axes, 0.84, 5.68, row.tolist(), size=0.29)
diagram.label(axes, 3.24, 5.83, "flatten: 8", align="left")
diagram.label(axes, 2.0, 6.12, "linear: scores {:.0f} and {:.0f}".format(*scores[0]))
plt.show()

# %%
# From the picture to the scores
# ------------------------------
# Each square is a feature map, and its side shows how many pixels it has; at most eight are
# drawn. The two convolutions make new maps, and the two mean pools halve their sides. Then the last
# maps are written in one row, and three linear layers turn it into a score for each class. The
# lines on the right mark the two parts of the network.

steps = trace.forward_steps(LeNet5(), torch.zeros(1, 1, 32, 32))
axes = diagram.canvas("LeNet-5, from the picture to the scores", height=7.65)
edges = {}  # where the two parts begin and end
x, y, before = 2.3, 0.5, None
for step, following in zip(steps, [*steps[1:], None]):
    if isinstance(step.module, nn.Tanh):
        continue
    if before is not None:
        words = diagram.words_of(step.module) if step.module else step.name
        words += ", tanh" if following and isinstance(following.module, nn.Tanh) else ""
        kind = "weights" if isinstance(step.module, nn.Conv2d | nn.Linear) else "operation"
        diagram.arrow(axes, (x, y), (x, y + 0.32), kind=kind)
        diagram.label(axes, x + 0.1, y + 0.15, words, align="left")
        y += 0.34
    if len(step.shape) == 3:
        channels, side, _ = step.shape
        height = side / 40 + 0.05 * (min(channels, 8) - 1)
        diagram.sheets(axes, x, y + height / 2, channels, side=side / 40)
    else:
        height = 0.12
        width = 0.06 + step.shape[0] / 200
        diagram.box(axes, x, y + height / 2, "", kind="maps", width=width, height=height)
    shape = diagram.shape_words(step.shape)
    diagram.label(axes, 1.08, y + height / 2, shape, align="right", kind="maps")
    edges[step.name if step.module is None else type(step.module).__name__] = y + height
    y += height + 0.02
    before = step
for name, first, last in (
    ("backbone", 0.5, edges["AvgPool2d"]),
    ("head", edges["AvgPool2d"] + 0.1, edges["Linear"]),
):
    diagram.arrow(axes, (3.8, first), (3.8, last), kind="shortcut", head=False)
    axes.text(3.92, (first + last) / 2, name, rotation=90, fontsize=9, ha="center", va="center")
diagram.key(axes, 7.5, maps="feature maps", weights="conv or linear", operation="other layer")
plt.show()

# %%
# Where the numbers are
# ---------------------
# The two convolutions have few parameters and do most of the work, because each of their weights is
# used at every place of a map. The first linear layer has most of the parameters, and uses each of
# them once for a picture.

network = LeNet5()
places = {"conv1": 28 * 28, "conv2": 10 * 10, "fc1": 1, "fc2": 1, "fc3": 1}
parameters = [count_parameters(getattr(network, name)) / 1e3 for name in places]
work = [getattr(network, name).weight.numel() * n / 1e3 for name, n in places.items()]
fig, grid = plt.subplots(2, 1, figsize=(4.4, 4), layout="constrained")
for axes, values, words, colour in (
    (grid[0], parameters, "parameters (thousands)", "blue"),
    (grid[1], work, "multiply-adds (thousands)", "orange"),
):
    bars = axes.barh(list(places), values, color=show.COLOURS[colour])
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.set(xlabel=words, xlim=(0, 1.2 * max(values)))
    axes.invert_yaxis()
assert parameters[2] > sum(parameters) / 2 and sum(work[:2]) > sum(work) / 2
fig.suptitle("LeNet-5: parameters and work by layer")
plt.show()
