"""
What does a convolution do with channels, borders and steps?
============================================================

Drawings of the operation itself, with numbers that can be checked by hand, and of the settings that
every library has: padding, stride, dilation and groups.
"""

# %%
# Which numbers meet
# ------------------
# Six inputs and four outputs in a row. A line joins an input with every output that depends on it,
# found by gradients. In the convolution, lines of one colour are one and the same weight.

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import conv_transpose2d, pad

from cnnguide import diagram
from cnnguide.conv import (
    DepthwiseSeparableConv2d,
    conv2d_loops,
    correlate,
    windows,
)

COLOURS_OF_WEIGHTS = ("weights", "shortcut", "mark")
rows = {
    "fully connected": nn.Linear(6, 4, bias=False),
    "convolution": nn.Conv1d(1, 1, 3, bias=False),
}
axes = diagram.canvas("Who is joined with whom?", height=3.2)
for k, (name, layer) in enumerate(rows.items()):
    left = 0.22 + 2.0 * k
    x = torch.randn(1, 6, requires_grad=True)
    slopes = [torch.autograd.grad(y, x, retain_graph=True)[0][0] for y in layer(x)[0]]
    ins = [diagram.node(axes, left + 0.3 * i, 0.95) for i in range(6)]
    outs = [diagram.node(axes, left + 0.3 * (o + 1), 2.15) for o in range(4)]
    values = list(dict.fromkeys(slope.item() for row in slopes for slope in row if slope))
    joined = [(o, i) for o, row in enumerate(slopes) for i in range(6) if row[i]]
    for o, i in joined:
        shared = len(values) == 3
        kind = COLOURS_OF_WEIGHTS[values.index(slopes[o][i].item())] if shared else "operation"
        diagram.arrow(axes, ins[i].bottom, outs[o].top, kind=kind, head=False)
    diagram.label(axes, left + 0.75, 0.55, name, weight="bold")
    diagram.label(axes, left + 0.75, 2.5, f"{len(joined)} lines")
    diagram.label(axes, left + 0.75, 2.72, f"{layer.weight.numel()} weights")
    assert len(values) == layer.weight.numel()
diagram.key(axes, 3.03, maps="numbers", weights="weight 1", shortcut="weight 2", mark="weight 3")
plt.show()

# %%
# When the picture shifts
# -----------------------
# The same picture twice, the second time two pixels further to the right, and what two layers make
# of it: a convolution with a kernel for edges, and a fully connected layer with whole numbers drawn
# at random as its weights.

edge = torch.tensor([[-1.0, 1], [-1, 1]])
picture = torch.zeros(4, 8)
picture[0:3, 1] = picture[2, 2] = 1  # the letter L
generator = torch.Generator().manual_seed(3)
dense = torch.randint(-1, 2, (3 * 7, 4 * 8), generator=generator).float()
layers = {
    "picture": lambda x: x,
    "convolution": lambda x: correlate(x, edge),
    "fully connected": lambda x: (dense @ x.flatten()).view(3, 7),
}
both = picture, picture.roll(2, 1)
axes = diagram.canvas("What a shift does", height=4.1)
for k, heading in enumerate(("at first", "shifted by 2")):
    diagram.label(axes, 1.05 + 1.95 * k, 0.5, heading, weight="bold")
top = 0.72
for name, layer in layers.items():
    made = [layer(x) for x in both]
    h, w = made[0].shape
    for k, values in enumerate(made):
        kinds = [["mark" if v else "maps" for v in row] for row in values.tolist()]
        diagram.cells(
            axes, 1.05 + 1.95 * k - w * 0.11, top + 0.22, values.tolist(), size=0.22, kinds=kinds
        )
    diagram.label(axes, 2.02, top + 0.08, name, size=8)
    top += h * 0.22 + 0.33
first, second = (layers["convolution"](x) for x in both)
assert torch.equal(second[:, 2:], first[:, :-2])
first, second = (layers["fully connected"](x) for x in both)
assert not torch.equal(second[:, 2:], first[:, :-2])
diagram.key(axes, 3.95, maps="0", mark="not 0")
plt.show()

# %%
# By hand
# -------
# A dark and a bright half, and a kernel of two columns. Where the kernel covers the edge, the sum
# is 4; elsewhere the products cancel.

image = torch.tensor([[0.0, 0, 2, 2]] * 3)
result = correlate(image, edge)
axes = diagram.canvas("Four products, one sum", height=1.75)
for heading, x in (("image", 0.75), ("kernel", 2.05), ("output", 3.3)):
    diagram.label(axes, x, 0.5, heading, weight="bold")
kinds = [["mark" if i < 2 and j in (1, 2) else "maps" for j in range(4)] for i in range(3)]
diagram.cells(axes, 0.19, 0.68, image.tolist(), size=0.28, kinds=kinds)
diagram.cells(axes, 1.77, 0.82, edge.tolist(), size=0.28, kinds="weights")
kinds = [["mark" if (i, j) == (0, 1) else "maps" for j in range(3)] for i in range(2)]
diagram.cells(axes, 2.88, 0.82, result.tolist(), size=0.28, kinds=kinds)
diagram.label(axes, 1.54, 1.1, "∗", size=12)
diagram.label(axes, 2.6, 1.1, "=", size=12)
assert result.tolist() == [[0, 4, 0], [0, 4, 0]]
diagram.key(axes, 1.63, maps="pixels", weights="weights", mark="window")
plt.show()

# %%
# Over two channels
# -----------------
# A kernel has a slice for each channel of the input. Each slice gives a sum of products at every
# place, and the sums are added, together with the bias: one kernel makes one feature map.

image = torch.tensor([[[1, 0, 2], [0, 1, 1], [2, 1, 0]], [[0, 1, 1], [1, 0, 2], [1, 1, 0]]]).float()
kernel = torch.tensor([[[1, 0], [0, 2]], [[1, -1], [0, 1]]]).float()
bias = torch.tensor([1.0])
total = conv2d_loops(image[None], kernel[None], bias)[0, 0]

axes = diagram.canvas("A kernel spans all channels", height=3.45)
for heading, x in (("input", 0.62), ("kernel", 1.8), ("sums", 2.82), ("output", 3.66)):
    diagram.label(axes, x, 0.55, heading, weight="bold")
corner = [["mark" if max(i, j) < 2 else "maps" for j in range(3)] for i in range(3)]
first = [["mark", "maps"], ["maps", "maps"]]
plus = diagram.plus(axes, 2.82, 1.77, kind="operation")
for c, y in ((0, 1.2), (1, 2.34)):
    part = conv2d_loops(image[None, c : c + 1], kernel[None, c : c + 1])[0, 0]
    diagram.cells(axes, 0.2, y - 0.42, image[c].tolist(), size=0.28, kinds=corner)
    diagram.cells(axes, 1.52, y - 0.28, kernel[c].tolist(), size=0.28, kinds="weights")
    sums = diagram.cells(axes, 2.54, y - 0.28, part.tolist(), size=0.28, kinds=first)
    diagram.label(axes, 0.62, y + 0.53, f"channel {c + 1}", size=8)
    diagram.label(axes, 1.28, y, "∗", size=12)
    diagram.label(axes, 2.31, y, "=", size=12)
    edge = (2.82, sums[-1][0].bottom[1]) if c == 0 else (2.82, sums[0][0].top[1])
    diagram.arrow(axes, edge, plus.top if c == 0 else plus.bottom)
made = diagram.cells(axes, 1.66, 1.63, [[bias.item()]], size=0.28, kinds="weights")
diagram.label(axes, 1.6, 1.77, "bias", size=8, align="right")
diagram.arrow(axes, made[0][0].right, plus.left)
result = diagram.cells(axes, 3.38, 1.49, total.tolist(), size=0.28, kinds=first)
diagram.arrow(axes, plus.right, (3.38, 1.77))
diagram.key(axes, 3.25, maps="feature maps", weights="weights", mark="first place")
plt.show()

# %%
# A kernel for each output channel
# --------------------------------
# A layer has as many kernels as it has output channels, and each kernel as many slices as the input
# has channels. So a weight has four axes: output channels, input channels, rows, columns.

layer = nn.Conv2d(3, 4, 3, padding=1)
maps = torch.zeros(1, 3, 8, 8)
outputs = layer(maps)

axes = diagram.canvas("One kernel, one feature map", height=4.1)
columns = ("input", maps.shape[1:]), ("kernels", layer.weight.shape), ("output", outputs.shape[1:])
for (heading, shape), x in zip(columns, (0.75, 2.05, 3.3)):
    diagram.label(axes, x, 0.55, heading, weight="bold")
    words = diagram.shape_words(shape)
    diagram.label(axes, x, 3.6, words, size=8, kind="maps")
whole = diagram.sheets(axes, 0.75, 2.05, maps.shape[1], side=0.8, offset=0.08)
for k in range(layer.out_channels):
    y = 1.0 + 0.7 * k
    one = diagram.sheets(axes, 2.05, y, layer.in_channels, side=0.3, offset=0.08, kind="weights")
    made = diagram.sheets(axes, 3.3, y, 1, side=0.5)
    diagram.arrow(axes, (whole.right[0], 2.05), one.left, head=False)
    diagram.arrow(axes, one.right, made.left)
diagram.key(axes, 3.9, maps="channels", weights="weights")
plt.show()

# %%
# What stands beyond the border
# -----------------------------
# A row of four pixels with two more at either end, by each of PyTorch's four modes.

row = torch.tensor([[[1.0, 2, 3, 4]]])
modes = {"zeros": [0, 0], "reflect": [3, 2], "replicate": [1, 1], "circular": [3, 4]}
axes = diagram.canvas("Padding by 2", height=2.35)
for k, (name, start) in enumerate(modes.items()):
    values = pad(row, (2, 2), mode="constant" if name == "zeros" else name)[0].tolist()
    assert values[0][:2] == start
    kinds = [["operation"] * 2 + ["maps"] * 4 + ["operation"] * 2]
    y = 0.6 + 0.38 * k
    diagram.cells(axes, 1.25, y - 0.15, values, size=0.3, kinds=kinds)
    diagram.label(axes, 0.25, y, name, align="left")
diagram.key(axes, 2.2, maps="pixels", operation="padding")
plt.show()

# %%
# Padding, stride, dilation
# -------------------------
# Where a 3 × 3 kernel stands on 5 × 5 pixels: the cells of its first place are filled, its second
# place is framed, and so are the output numbers that the two give.

settings = {
    "stride 1": {},
    "padding 1": {"padding": 1},
    "stride 2": {"stride": 2},
    "dilation 2": {"dilation": 2},
}
axes = diagram.canvas("Where a 3 × 3 kernel stands", height=5.4)
size, top = 0.17, 0.6
for words, setting in settings.items():
    padding = setting.get("padding", 0)
    side = 5 + 2 * padding
    numbers = torch.arange(side * side).view(1, 1, side, side)
    places = windows(numbers, 3, **{k: v for k, v in setting.items() if k != "padding"})[0, 0]
    read = set(places[0, 0].flatten().tolist())
    kinds = [
        [
            "mark" if i * side + j in read
            else "maps" if padding <= i < side - padding and padding <= j < side - padding
            else "operation"
            for j in range(side)
        ]
        for i in range(side)
    ]  # fmt: skip
    y = top + side * size / 2
    grid = diagram.cells(
        axes, 1.95 - side * size / 2, top, [[None] * side] * side, size=size, kinds=kinds
    )
    out = len(places)
    outputs = diagram.cells(
        axes, 3.35 - out * size / 2, y - out * size / 2, [[None] * out] * out, size=size,
        kinds=[["mark" if i == j == 0 else "maps" for j in range(out)] for i in range(out)],
    )  # fmt: skip
    if out > 1:
        ends = [divmod(places[0, 1].flatten()[k].item(), side) for k in (0, -1)]
        diagram.outline(axes, *(grid[i][j] for i, j in ends))
        diagram.outline(axes, outputs[0][1], outputs[0][1])
    diagram.arrow(axes, (2.62, y), (2.85, y))
    diagram.label(axes, 0.12, y - 0.1, words, align="left", weight="bold")
    diagram.label(axes, 0.12, y + 0.14, f"5 → {out}", align="left")
    top += side * size + 0.2
diagram.key(axes, 5.25, maps="pixels", operation="padding", mark="first place")
plt.show()

# %%
# Which channels meet
# -------------------
# Four channels in, four out. A line joins an input with every output that depends on it, found by
# gradients. In groups, channels of different groups never meet. A depthwise separable convolution
# keeps the channels apart first, and then mixes them in single pixels.

layers = {
    "1 group": [nn.Conv2d(4, 4, 3, bias=False)],
    "2 groups": [nn.Conv2d(4, 4, 3, groups=2, bias=False)],
    "4 groups: depthwise": [nn.Conv2d(4, 4, 3, groups=4, bias=False)],
    "depthwise separable": [*DepthwiseSeparableConv2d(4, 4, 3, bias=False).children()],
}


def joined(layer):
    """Tell for each output channel and each input channel whether they are joined."""
    x = torch.randn(1, 4, 3, 3, requires_grad=True)
    outputs = layer(x).sum((0, 2, 3))
    rows = [torch.autograd.grad(output, x, retain_graph=True)[0] for output in outputs]
    return torch.stack(rows).abs().sum((1, 3, 4)) > 0


axes = diagram.canvas("Which channels meet", height=4.4)
for k, (name, parts) in enumerate(layers.items()):
    left, top = 0.35 + 1.95 * (k % 2), 0.8 + 1.75 * (k // 2)
    diagram.label(axes, left + 0.62, top - 0.25, name, weight="bold")
    depth = 0.9 / len(parts)
    rows = [diagram.cells(axes, left + 0.38 * j, top, [[None]], size=0.2) for j in range(4)]
    ins = [cell[0][0] for cell in rows]
    for layer in parts:
        top += depth
        outs = [
            diagram.cells(axes, left + 0.38 * j, top, [[None]], size=0.2)[0][0] for j in range(4)
        ]
        for o, i in joined(layer).nonzero().tolist():
            diagram.arrow(axes, ins[i].bottom, outs[o].top, kind="weights", head=False)
        ins = outs
    count = sum(layer.weight.numel() for layer in parts)
    diagram.label(axes, left + 0.67, top + 0.35, f"{count} weights", size=8)
diagram.key(axes, 4.25, maps="a channel", weights="weights")
plt.show()

# %%
# Backwards through a convolution
# -------------------------------
# An image of 3 × 3 pixels, a kernel, and the slopes of the loss with respect to the four outputs.
# The kernel's slopes are the image correlated with these slopes; the image's are the slopes, with a
# border of zeros, correlated with the kernel turned by half a turn.

image = torch.tensor([[1.0, 2, 0], [0, 1, 3], [2, 0, 1]])
kernel = torch.tensor([[1.0, 0], [2, -1]])
slopes = torch.tensor([[1.0, 0], [0, 2]])
padded = pad(slopes, (1, 1, 1, 1))
turned = kernel.flip(0, 1)
steps = (
    ("for the kernel", "image", image, "slopes", slopes, correlate(image, slopes)),
    (
        "for the image",
        "slopes, padded",
        padded,
        "kernel, turned",
        turned,
        correlate(padded, turned),
    ),
)
axes = diagram.canvas("The slopes of a convolution", height=3.7)
top, kinds = 0.42, {"image": "maps", "slopes": "mark", "kernel": "weights"}
for heading, name, left, by, right, made in steps:
    diagram.label(axes, 2, top + 0.05, heading, weight="bold")
    y = top + 0.42 + len(left) * 0.13
    target = "weights" if heading == "for the kernel" else "maps"
    for words, values, x, kind in (
        (name, left, 0.75, kinds[name.split(",")[0]]),
        (by, right, 2.1, kinds[by.split(",")[0]]),
        ("gradient", made, 3.3, target),
    ):
        size = 0.26 * len(values)
        grid = diagram.cells(axes, x - size / 2, y - size / 2, values.tolist(), kinds=kind)
        diagram.label(axes, x, top + 0.28, words, size=8)
    diagram.label(axes, 1.58, y, "∗", size=12)
    diagram.label(axes, 2.68, y, "=", size=12)
    top += 0.75 + len(left) * 0.26
tensors = [t.clone().requires_grad_() for t in (image, kernel)]
(correlate(*tensors) * slopes).sum().backward()
assert all(torch.equal(t.grad, made) for t, made in zip(tensors, (steps[1][-1], steps[0][-1])))
diagram.key(axes, 3.55, maps="image", weights="kernel", mark="slopes of the output")
plt.show()

# %%
# How often each place is written
# -------------------------------
# A transposed convolution with stride 2 on 4 × 4 pixels, all of them 1, with a kernel of ones: each
# number of the output counts the stamps that reach it.

settings = {
    "kernel 3": {"kernel": torch.ones(1, 1, 3, 3), "padding": 0},
    "kernel 4": {"kernel": torch.ones(1, 1, 4, 4), "padding": 1},
}
colour = {1: "operation", 2: "maps", 4: "mark"}
axes = diagram.canvas("Stamps per place, stride 2", height=2.75)
for k, (name, setting) in enumerate(settings.items()):
    counts = conv_transpose2d(
        torch.ones(1, 1, 4, 4), setting["kernel"], stride=2, padding=setting["padding"]
    )[0, 0]
    kinds = [[colour[int(v)] for v in row] for row in counts.tolist()]
    side = 0.2 * len(counts)
    x = 1.02 + 1.96 * k
    diagram.cells(axes, x - side / 2, 1.58 - side / 2, counts.tolist(), size=0.2, kinds=kinds)
    diagram.label(axes, x, 0.5, name, weight="bold")
    inner = counts[1:-1, 1:-1].unique().tolist()
    assert inner == ([4] if name == "kernel 4" else [1, 2, 4])
diagram.key(axes, 2.62, operation="1", maps="2", mark="4")
plt.show()
