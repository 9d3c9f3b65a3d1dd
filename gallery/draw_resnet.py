"""
How does a residual block look, and a whole ResNet-18?
======================================================

Drawn from the blocks of the library: one input goes through each, and the drawing shows every layer
and every shape that it met. Read the drawings from top to bottom.
"""

# %%
# With a shortcut, and without
# ----------------------------
# Both blocks have the same layers. The residual block adds its input to what they give; its plain
# twin does not.

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import Ellipse
from torch import nn

from cnnguide import diagram, trace
from cnnguide.models.resnet import BasicBlock, Bottleneck, PlainBlock, cifar_resnet18, resnet18

COLOURS = {
    "maps": "feature maps",
    "weights": "convolution",
    "operation": "other layer",
    "shortcut": "shortcut",
}


def draw_block(axes, block, *, channels, words, x, **options):
    """Draw what a block does to feature maps of 8 × 8, under a heading."""
    diagram.label(axes, x, 0.52, words, weight="bold")
    steps = trace.forward_steps(block, torch.zeros(2, channels, 8, 8))
    return diagram.flow(axes, steps, x=x, y=0.68, **options)


axes = diagram.canvas("A plain block, and a residual block", height=4.8)
draw_block(axes, PlainBlock(64, 64), channels=64, words="plain", x=0.95)
boxes = draw_block(axes, BasicBlock(64, 64), channels=64, words="residual", x=2.75)
for place, words in ((0, "x"), (5, "F(x)"), (6, "F(x) + x")):
    x, y = boxes[place].bottom
    diagram.label(axes, x - 0.08, y + 0.09, words, size=8, align="right")
diagram.key(axes, 4.65, **COLOURS)
plt.show()

# %%
# When the shapes differ, and when there are many channels
# --------------------------------------------------------
# Two tensors can be added only if their shapes are the same. Where a block halves the side and
# doubles the channels, a 1 × 1 convolution with the same stride stands on the shortcut. A
# bottleneck narrows 256 channels to 64 before its 3 × 3 convolution, and widens them after it.

axes = diagram.canvas("A projection, and a bottleneck", height=6.05)
draw_block(
    axes, BasicBlock(64, 128, stride=2), channels=64, words="projection", x=0.66, width=1.12,
    side=1.22, beside=1.12,
)  # fmt: skip
draw_block(
    axes, Bottleneck(256, 64), channels=256, words="bottleneck", x=3.12, width=1.12, side=0.78
)
diagram.key(axes, 5.9, **COLOURS)
plt.show()

# %%
# The same layers in another order
# --------------------------------
# The pre-activation block puts BatchNorm and ReLU in front of each convolution. Nothing comes after
# the sum any more, so the shortcuts of all blocks together are one free path.


class PreActivationBlock(BasicBlock):
    def forward(self, x):
        residual = self.conv1(self.relu(self.bn1(x)))
        residual = self.conv2(self.relu(self.bn2(residual)))
        return residual + x


axes = diagram.canvas("Activation after the sum, and before", height=4.8)
draw_block(axes, BasicBlock(64, 64), channels=64, words="post-activation", x=0.85)
draw_block(axes, PreActivationBlock(64, 64), channels=64, words="pre-activation", x=2.85)
diagram.key(axes, 4.65, **COLOURS)
plt.show()

# %%
# ResNet-18
# ---------
# Eight basic blocks of two convolutions, with a stem before them and a linear layer behind: 18
# layers with weights on the way. A dashed shortcut holds a 1 × 1 convolution. The form for CIFAR
# pictures differs in its stem alone.


def words(module):
    if not isinstance(module, BasicBlock):
        return diagram.words_of(module)
    lines = (diagram.words_of(layer) for layer in (module.conv1, module.conv2))
    return "\n".join(line.replace("\n", ", ") for line in lines)


def steps_of(layers, shape):
    layers = nn.Sequential(*layers).eval()
    found = trace.forward_steps(layers, torch.zeros(1, *shape), whole=(BasicBlock,))
    return trace.without(found, nn.BatchNorm2d, nn.ReLU, nn.Flatten)


stems, bodies = [], []
for network, side in ((cifar_resnet18(), 32), (resnet18(), 224)):
    first = (network.conv1, network.bn1, network.relu, network.maxpool)
    stages = [getattr(network, name) for name in network.stages]
    stems.append(steps_of(first, (3, side, side)))
    last = (network.avgpool, nn.Flatten(), network.fc)
    bodies.append(steps_of((*stages, *last), stems[-1][-1].shape))

axes = diagram.canvas("ResNet-18 for CIFAR and for ImageNet", height=9.75)
ends = []
for heading, stem, x, y in (
    ("for CIFAR", stems[0], 0.98, 1.41),
    ("or for ImageNet", stems[1], 2.98, 0.67),
):
    diagram.label(axes, x, y - 0.16, heading, weight="bold")
    ends.append(diagram.flow(axes, stem, x=x, y=y, width=1.68)[-1])
meeting = diagram.Box(ends[0].x, ends[0].bottom[1] + 0.15, 0, 0)
for end in ends:
    diagram.arrow(axes, end.bottom, (end.x, meeting.y), meeting.top, head=False)

boxes = diagram.flow(
    axes, bodies[0], x=meeting.x, y=0, width=1.68, gap=0.24, words=words, first=meeting,
    shapes=False,
)  # fmt: skip
for k, step in enumerate(bodies[0]):
    (x, top), (_, bottom) = boxes[k].top, boxes[k].bottom
    if isinstance(step.module, BasicBlock):
        way = [(x, top - 0.1), (1.97, top - 0.1), (1.97, bottom + 0.07), (x + 0.05, bottom + 0.07)]
        changes = step.module.downsample is not None
        diagram.arrow(axes, *way, kind="shortcut", dashed=changes)
        diagram.plus(axes, x, bottom + 0.07, radius=0.055)
for heading, body, x in (("CIFAR", bodies[0], 2.52), ("ImageNet", bodies[1], 3.5)):
    diagram.label(axes, x, boxes[1].y, heading, weight="bold")
    for k in (2, 4, 6, 8, 9, 10):
        shape = diagram.shape_words(body[k].shape)
        diagram.label(axes, x, boxes[k].y, shape, size=8, kind="maps")
diagram.key(axes, 9.6, **COLOURS | {"weights": "conv or linear"})
plt.show()

# %%
# Where the search begins
# -----------------------
# A sketch, not a measurement. The small area stands for all functions of a shallow network, and the
# large one, in which it lies, for those of a deep network. Training begins at random weights and
# goes on in small steps.


def search(axes, x, heading, way):
    """Draw a class of functions within another, and a search from one function to another."""
    diagram.label(axes, x, 0.52, heading, weight="bold")
    for kind, place, width, height in (
        ("maps", (x, 1.75), 1.84, 2.1),
        ("shortcut", (x - 0.36, 2.02), 0.84, 0.66),
    ):
        area = Ellipse(
            place, width, height, facecolor=diagram.FILLS[kind], edgecolor=diagram.LINES[kind],
            linewidth=0.9,
        )  # fmt: skip
        axes.add_patch(area)
    diagram.label(axes, x - 0.36, 2.02, "20 layers", size=8)
    diagram.label(axes, x + 0.1, 2.58, "56 layers", size=8)
    axes.plot([x - 0.42], [1.16], "*", color=diagram.LINES["mark"], ms=11)
    diagram.label(axes, x - 0.32, 1.0, "best", size=8, align="left")
    places = [(x + right, y) for right, y in way]
    axes.plot(*zip(*places, strict=True), color=diagram.LINES["weights"], linewidth=1.4)
    axes.plot(*places[0], "o", color=diagram.LINES["weights"], ms=5)
    diagram.arrow(axes, *places[-2:], kind="weights")
    diagram.label(axes, places[0][0] + 0.05, places[0][1] + 0.16, "start", size=8)


axes = diagram.canvas("Where the search begins", height=2.95)
search(axes, 1.02, "plain network", [(0.66, 1.76), (0.52, 1.56), (0.62, 1.36), (0.36, 1.2)])
search(axes, 2.98, "residual network", [(0.2, 1.84), (0.04, 1.6), (-0.18, 1.5), (-0.33, 1.26)])
plt.show()
