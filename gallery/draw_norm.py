"""
Over what does each normalisation average?
==========================================

BatchNorm, LayerNorm, InstanceNorm and GroupNorm all subtract a mean and divide by a standard
deviation. They differ in the numbers that share one mean. Then one channel is normalised by hand,
in training and in evaluation mode, and the layer is put in its place.
"""

# %%
# The same numbers, five ways
# ---------------------------
# Three images with four channels each. The marked numbers are those that one output number depends
# on, found by its gradient. BatchNorm alone mixes images. The last one is LayerNorm as transformers
# and ConvNeXt have it: over the channels of one position.

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import diagram
from cnnguide.norm import BatchNorm2d, batch_statistics, standardise

images, channels, side = 3, 4, 2


class PerPosition(nn.LayerNorm):
    """LayerNorm over the channels alone, which have to be last for it."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


layers = {
    "BatchNorm": BatchNorm2d(channels),
    "LayerNorm": nn.LayerNorm((channels, side, side)),
    "InstanceNorm": nn.InstanceNorm2d(channels),
    "GroupNorm, 2 groups": nn.GroupNorm(2, channels),
    "LayerNorm per position": PerPosition(channels),
}


def reached(layer):
    """Mark the numbers that the first number of image 1, channel 1 depends on."""
    torch.manual_seed(0)
    x = torch.randn(images, channels, side, side, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(layer.double()(x)[1, 1, 0, 0], x)
    return gradient.abs() > 1e-9


axes = diagram.canvas("Numbers that share one mean", height=5.9)
for k, (name, layer) in enumerate(layers.items()):
    left, top = 0.66 + 1.7 * (k % 2), 0.92 + 1.68 * (k // 2)
    diagram.label(axes, left + 0.72, top - 0.34, name, weight="bold")
    diagram.label(axes, left + 0.72, top - 0.12, "channels", size=8)
    marked = reached(layer)
    for n in range(images):
        for c in range(channels):
            kinds = [["mark" if m else "maps" for m in row] for row in marked[n, c]]
            empty = [[None] * side] * side
            diagram.cells(axes, left + 0.375 * c, top + 0.375 * n, empty, size=0.16, kinds=kinds)
    if k % 2 == 0:
        diagram.label(axes, left - 0.07, top + 0.54, "images", size=8, align="right")
diagram.key(axes, 5.75, mark="share one mean", maps="other numbers")
plt.show()

# %%
# One channel by hand
# -------------------
# Two images, and one channel of 2 × 2 numbers in each: eight numbers with one mean and one standard
# deviation. Then γ and β, which are learned, give the channel another deviation and another mean.

x = torch.tensor([[2.0, 4, 4, 4], [5, 5, 7, 9]]).view(2, 1, 2, 2)
mean, variance = batch_statistics(x)
normal = standardise(x, mean, variance, eps=0.0)
m, d = mean.item(), variance.sqrt().item()
gamma, beta = 2, 10

axes = diagram.canvas("Batch normalisation of one channel", height=4.5)
diagram.label(axes, 0.95, 0.55, "image 1", weight="bold")
diagram.label(axes, 3.05, 0.55, "image 2", weight="bold")
rows = (
    (x, f"mean {m:g}, deviation {d:g}\n(x − {m:g}) / {d:g}"),
    (normal, f"γ = {gamma}, β = {beta}\n{gamma} x + {beta}"),
    (gamma * normal + beta, ""),
)
for k, (values, words) in enumerate(rows):
    top = 0.72 + 1.24 * k
    for n, left in enumerate((0.57, 2.67)):
        grid = diagram.cells(axes, left, top, values[n, 0].tolist(), size=0.38, words=9)
        if words:
            diagram.arrow(axes, (left + 0.38, top + 0.8), (left + 0.38, top + 1.2))
    diagram.label(axes, 2, top + 1, words)
plt.show()

# %%
# Training and evaluation
# -----------------------
# In training the numbers of the batch give the mean and the variance, and each batch moves the
# running ones a little. In evaluation the running ones are used, so an image's output does not
# depend on the images beside it.

shape = diagram.shape_words(x.shape)
layers = ("normalise", "operation"), ("times γ, plus β", "weights"), (shape, "maps")
axes = diagram.canvas("Batch normalisation in its two modes", height=4.15)
statistics = []
for mode, source, x, side in (
    ("training", "batch", 1.05, -0.8),
    ("evaluation", "running", 2.95, 0.8),
):
    diagram.label(axes, x, 0.55, mode, weight="bold")
    image = diagram.box(axes, x, 0.85, shape, kind="maps")
    statistics.append(diagram.box(axes, x, 1.55, f"{source} mean,\n{source} variance"))
    before = statistics[-1]
    for k, (words, kind) in enumerate(layers):
        made = diagram.box(axes, x, 2.3 + 0.5 * k, words, kind=kind)
        diagram.arrow(axes, before.bottom, made.top)
        before = made
        if k == 0:
            edge = made.left if side < 0 else made.right
            diagram.arrow(axes, image.bottom, (x, 1.1), (x + side, 1.1), (x + side, made.y), edge)
    if mode == "training":
        diagram.arrow(axes, image.bottom, statistics[0].top)
diagram.arrow(axes, statistics[0].right, statistics[1].left, dashed=True)
diagram.label(axes, 2, 1.43, "update", size=8)
diagram.key(axes, 3.95, maps="feature maps", weights="learned", operation="computed")
plt.show()

# %%
# Where it stands
# ---------------
# Four orders of the same layers. For inference, BatchNorm can be folded into the convolution before
# it, and then costs nothing.

orders = {
    "usual": [nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()],
    "after ReLU": [nn.Conv2d(8, 8, 3), nn.ReLU(), nn.BatchNorm2d(8)],
    "pre-activation": [nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, bias=False)],
}
folded = nn.utils.fuse_conv_bn_eval(*(layer.eval() for layer in orders["usual"][:2]))
orders["folded"] = [folded, nn.ReLU()]
axes = diagram.canvas("Four places for BatchNorm", height=2.75)
names = {nn.Conv2d: "conv", nn.BatchNorm2d: "BatchNorm", nn.ReLU: "ReLU"}
for k, (title, layers) in enumerate(orders.items()):
    x = 0.51 + 0.99 * k
    diagram.label(axes, x, 0.5, title, weight="bold", size=8)
    before = (x, 0.66)
    for j, layer in enumerate(layers):
        words = names[type(layer)]
        if isinstance(layer, nn.Conv2d):
            words += "\nno bias" if layer.bias is None else "\nwith bias"
        kind = diagram.kind_of(layer)
        made = diagram.box(axes, x, 1.0 + 0.58 * j, words, kind=kind, width=0.86)
        diagram.arrow(axes, before, made.top)
        before = made.bottom
    diagram.arrow(axes, before, (x, before[1] + 0.26))
plt.show()
