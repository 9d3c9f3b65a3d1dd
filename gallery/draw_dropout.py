"""
What does dropout leave of a network?
=====================================

In training, another thinned network at every step; at inference, the whole one.
"""

# %%
# Thinned networks
# ----------------
# A network with two hidden layers, and what three draws at p = 0.5 leave of it. A dropped number is
# zero, so nothing goes on from it. All thinned networks share their weights.

import matplotlib.pyplot as plt
import torch

from cnnguide import diagram
from cnnguide.dropout import draw_mask, drop_where

generator = torch.Generator().manual_seed(45)
sizes = (3, 5, 5, 2)
axes = diagram.canvas("A network and three thinned ones", height=4.6)
for k in range(4):
    left, top = 0.3 + 1.95 * (k % 2), 0.85 + 1.9 * (k // 2)
    words = "whole" if k == 0 else f"step {k}"
    diagram.label(axes, left + 0.72, top - 0.28, words, weight="bold")
    before = []
    for row, size in enumerate(sizes):
        hidden = 0 < row < len(sizes) - 1 and k > 0
        drops = draw_mask(torch.zeros(size), p=0.5 if hidden else 0.0, generator=generator)
        start = left + 0.72 - 0.18 * (size - 1)
        nodes = [
            diagram.node(axes, start + 0.36 * i, top + 0.42 * row, radius=0.09, dropped=drop)
            for i, drop in enumerate(drops.tolist())
        ]
        kept = [node for node, drop in zip(nodes, drops) if not drop]
        for upper in before:
            for lower in kept:
                diagram.arrow(axes, upper.bottom, lower.top, kind="weights", head=False)
        before = kept
diagram.key(axes, 4.4, maps="kept", operation="dropped", weights="weights")
plt.show()

# %%
# Four activations
# ----------------
# The next neuron adds four activations. In three steps of training, each of them is dropped with p
# = 0.5, and those that stay are doubled. At inference nothing is dropped and nothing is doubled.

p = 0.5
x = torch.tensor([2.0, 1, 4, 3])
masks = torch.tensor([[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 1, 0]]) == 1  # true where dropped
axes = diagram.canvas("Four activations with p = 0.5", height=3.3)
size, left, first = 0.38, 1.3, 0.78
for words, place in (("activations", left + 2 * size), ("sum", left + 5.4 * size)):
    diagram.label(axes, place, first - 0.16, words, weight="bold")
rows = [(f"step {k + 1}", drop_where(x, mask, p=p), mask) for k, mask in enumerate(masks)]
rows = [("before", x, torch.zeros(4) > 0), *rows, ("inference", x, torch.zeros(4) > 0)]
for k, (words, values, mask) in enumerate(rows):
    y = first + 0.44 * k
    kinds = [["operation" if dropped else "maps" for dropped in mask]]
    diagram.label(axes, left - 0.15, y + size / 2, words, align="right")
    diagram.cells(axes, left, y, [values.tolist()], size=size, kinds=kinds, words=9)
    if k:
        total = [[values.sum().item()]]
        diagram.cells(axes, left + 4.9 * size, y, total, size=size, kinds="weights", words=9)
diagram.key(axes, 3.15, maps="kept", operation="dropped", weights="next neuron")
plt.show()

# %%
# In training, and at inference
# -----------------------------
# The same neuron twice. In training some of its inputs are zero, and the others are divided by 1 −
# p. At inference dropout does nothing: all inputs count, as they are, with the same weights.

axes = diagram.canvas("The same neuron in training and at inference", height=2.75)
for words, middle, mask in (("training", 1.05, masks[0]), ("inference", 3.0, torch.zeros(4) > 0)):
    values = drop_where(x, mask, p=p) if mask.any() else x
    diagram.label(axes, middle, 0.46, words, weight="bold")
    neuron = diagram.box(axes, middle, 2.15, f"sum {values.sum():g}", kind="weights", width=0.8)
    for i, (value, drop) in enumerate(zip(values.tolist(), mask.tolist(), strict=True)):
        place = middle + 0.44 * (i - 1.5)
        node = diagram.node(axes, place, 1.08, radius=0.15, dropped=drop)
        diagram.label(axes, place, 0.8, f"{x[i]:g}", size=8)
        if not drop:
            diagram.label(axes, place, 1.08, f"{value:g}")
            diagram.arrow(axes, node.bottom, (middle + 0.16 * (i - 1.5), neuron.top[1]))
diagram.key(axes, 2.6, maps="kept", operation="dropped")
plt.show()

# %%
# Pixels or channels
# ------------------
# Three feature maps of a photograph, made by kernels for brightness and for edges. Above, a quarter
# of the pixels is dropped: most gaps can be guessed from the pixels around them. Below, one whole
# channel is dropped, and nothing of it is left.

from cnnguide import data, show

photo = data.to_float(data.load("sample").train_images[1512:1513])  # a cat
edges = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]) / 8
kernels = torch.stack([torch.full((3, 3), 1 / 9), edges, edges.T])[:, None]
maps = torch.nn.functional.conv2d(photo.mean(1, keepdim=True), kernels)[0]
pixels = draw_mask(maps, p=0.25, generator=torch.Generator().manual_seed(0))
channels = torch.tensor([False, True, False]).view(3, 1, 1).expand(maps.shape)

axes = diagram.canvas("Drop pixels, or drop channels", height=3.35)
limits = axes.get_xlim(), axes.get_ylim()
colours = plt.get_cmap("gray").with_extremes(bad=show.COLOURS["orange"])
for k, name in enumerate(("brightness", "upright edges", "level edges")):
    diagram.label(axes, 1.22 + 1.1 * k, 0.45, name, weight="bold")
for words, mask, y in (("single\npixels", pixels, 1.1), ("whole\nchannels", channels, 2.4)):
    diagram.label(axes, 0.35, y, words, weight="bold")
    for k, plane in enumerate(maps.masked_fill(mask, float("nan"))):
        x, whole = 1.22 + 1.1 * k, maps[k]
        axes.imshow(
            plane.numpy(), extent=(x - 0.5, x + 0.5, y + 0.5, y - 0.5), cmap=colours,
            vmin=whole.min().item(), vmax=whole.max().item(), aspect="auto", zorder=3,
        )  # fmt: skip
diagram.label(axes, 2.3, 3.15, "orange: dropped", size=8)
axes.set(xlim=limits[0], ylim=limits[1])
plt.show()
