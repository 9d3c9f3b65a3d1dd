"""
What is VGG-16 made of?
=======================

Of one small kernel, again and again. Two of them see as far as one large kernel, a block stacks
them, and five blocks make the network. GoogLeNet of the same year has large kernels beside small
ones.
"""

# %%
# Two small kernels see as far as one large kernel
# ------------------------------------------------
# The marked pixels are those that the one number at the end depends on, found by its gradient. The
# two small kernels have fewer weights, and there is room for a ReLU between them.

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import diagram, trace
from cnnguide.models.vgg import vgg16

ways = {"two 3 × 3": (3, 3), "one 5 × 5": (5,)}
axes = diagram.canvas("What one number depends on", height=4.65)
for (heading, kernels), x in zip(ways.items(), (1.05, 2.95)):
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 1, kernel, bias=False) for kernel in kernels]
    maps = [torch.randn(1, 1, 7, 7, requires_grad=True)]
    for layer in layers:
        maps.append(layer(maps[-1]))
        maps[-1].retain_grad()
    middle = maps[-1].shape[-1] // 2
    maps[-1][0, 0, middle, middle].backward()
    diagram.label(axes, x, 0.55, heading, weight="bold")
    y = 0.75
    for k, found in enumerate(maps):
        marked = found.grad[0, 0] != 0
        kinds = [["mark" if m else "maps" for m in row] for row in marked]
        side = len(kinds)
        grid = diagram.cells(
            axes, x - 0.085 * side, y, [[None] * side] * side, size=0.17, kinds=kinds
        )
        y += 0.17 * side
        if k < len(layers):
            diagram.arrow(axes, (x, y + 0.03), (x, y + 0.27), kind="weights")
            words = diagram.words_of(layers[k]).split(",")[0]
            diagram.label(axes, x + 0.08, y + 0.14, words, size=8, align="left")
            y += 0.3
    count = sum(layer.weight.numel() for layer in layers)
    diagram.label(axes, x, y + 0.2, f"{count} weights")
diagram.key(axes, 4.5, mark="what the last number depends on", maps="other numbers")
plt.show()

# %%
# VGG-16
# ------
# The width of a box shows the side of its feature maps: each pool halves it, and the next block has
# twice the channels, up to 512. ReLU and dropout are left out, and so is a mean pool that changes
# nothing at this size.

with torch.device("meta"):  # shapes alone: no number is computed
    found = trace.forward_steps(vgg16().eval(), torch.zeros(1, 3, 224, 224))
steps = trace.without(found, nn.ReLU, nn.Dropout, nn.AdaptiveAvgPool2d, "flatten")


def width(step):
    side = step.shape[-1] if len(step.shape) == 3 else 7
    return 1.2 + 0.22 * torch.tensor(side / 7).log2().item()


axes = diagram.canvas("VGG-16", height=8.8)
boxes = diagram.flow(axes, steps, x=1.5, y=0.5, width=width, gap=0.1, shapes=False)
for k, step in enumerate(steps):
    if step.inputs and step.shape != steps[step.inputs[0]].shape:
        shape = diagram.shape_words(step.shape)
        diagram.label(axes, 3.9, boxes[k].y, shape, align="right", kind="maps")
diagram.key(axes, 8.65, maps="feature maps", weights="conv or linear", operation="max pool")
plt.show()

# %%
# One stage
# ---------
# This is the third stage of VGG-16, with the shapes of a real forward pass. Its first convolution
# doubles the channels, the others change no shape, and the max pool halves the side. The other
# stages differ in their numbers only.

with torch.device("meta"):
    stage = vgg16().features[10:17]
    steps = trace.forward_steps(stage, torch.zeros(1, 128, 56, 56))
axes = diagram.canvas("The third stage of VGG-16", height=4.4)
diagram.flow(axes, steps, x=2, y=0.45, width=1.5)
diagram.key(axes, 4.25, maps="feature maps", weights="convolution", operation="other layer")
plt.show()

# %%
# Many kernels side by side
# -------------------------
# This is the first Inception block of GoogLeNet, as the paper has it, with the shapes of a real
# forward pass. The 1 × 1 convolutions in front make few channels out of many, so that the large
# kernels stay cheap. ReLUs are left out.

with torch.device("meta"):
    branches = (
        [nn.Conv2d(192, 64, 1)],
        [nn.Conv2d(192, 96, 1), nn.Conv2d(96, 128, 3, padding=1)],
        [nn.Conv2d(192, 16, 1), nn.Conv2d(16, 32, 5, padding=2)],
        [nn.MaxPool2d(3, stride=1, padding=1), nn.Conv2d(192, 32, 1)],
    )
    image = torch.zeros(1, 192, 28, 28)
    parts = [nn.Sequential(*branch)(image) for branch in branches]
    stacked = torch.cat(parts, 1)
axes = diagram.canvas("An Inception block of GoogLeNet", height=3.9)
first = diagram.box(axes, 2, 0.6, diagram.shape_words(image.shape[1:]), kind="maps")
last = diagram.box(axes, 2, 3.2, diagram.shape_words(stacked.shape[1:]), kind="maps")
for k, branch in enumerate(branches):
    x = 0.51 + 0.993 * k
    way = [first.bottom, (2, 0.95), (x, 0.95)]
    for layer, y in zip(branch, (1.35, 2.1)[-len(branch) :], strict=True):
        words = diagram.words_of(layer).split("\n")[0].replace(", ", "\n").replace(" max", "\nmax")
        made = diagram.box(axes, x, y, words, kind=diagram.kind_of(layer), width=0.84)
        diagram.arrow(axes, *way, made.top)
        way = [made.bottom]
    diagram.arrow(axes, *way, (x, 2.65), (2, 2.65), last.top)
channels = " + ".join(str(part.shape[1]) for part in parts)
diagram.label(axes, 2.08, 2.85, channels, size=8, align="left", kind="maps")
diagram.key(axes, 3.75, maps="feature maps", weights="convolution", operation="max pool")
plt.show()
