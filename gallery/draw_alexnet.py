"""
Why had AlexNet two towers, and what is left of them?
=====================================================

The network of 2012 was too large for one graphics card, so half of its channels lay on each of two.
In the form that is used today there is one tower. Two of its operations follow with numbers that
can be checked by hand.
"""

# %%
# The two towers of 2012
# ----------------------
# A convolution of two groups stays within its tower; the third convolution and the linear layers
# read both. Shapes are those of one tower.

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional as F

from cnnguide import diagram, trace
from cnnguide.models.alexnet import AlexNet
from cnnguide.models.lenet import LeNet5

with torch.device("meta"):  # shapes alone: no number is computed
    paper = nn.Sequential(
        nn.Conv2d(3, 96, 11, stride=4, padding=2),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.Conv2d(384, 384, 3, padding=1, groups=2),
        nn.Conv2d(384, 256, 3, padding=1, groups=2),
        nn.MaxPool2d(3, stride=2),
        nn.Flatten(),
        nn.Linear(256 * 6 * 6, 4096),
        nn.Linear(4096, 4096),
        nn.Linear(4096, 1000),
    )
    steps = trace.forward_steps(paper, torch.zeros(1, 3, 224, 224))


def words_of_half(module):
    """Say what one tower's half of a layer is."""
    whole = diagram.words_of(module).replace("\ngroups 2", "")
    for count in ("out_channels", "out_features"):
        if hasattr(module, count):
            width = getattr(module, count)
            whole = whole.replace(f", {width}", f", {width // 2}")
    return whole


axes = diagram.canvas("AlexNet on two graphics cards", height=7.75)
picture = diagram.shape_words(steps[0].shape)
above = [diagram.box(axes, 2, 0.65, picture, kind="maps", width=1.5)]
for step in trace.without(steps, nn.Flatten)[1:]:
    layer = step.module
    last = layer is steps[-1].module
    words = diagram.words_of(layer) if last else words_of_half(layer)
    meets = not isinstance(layer, nn.MaxPool2d) and getattr(layer, "groups", 1) == 1
    height = 0.1 + 0.155 * len(words.split("\n"))
    y = above[0].bottom[1] + (0.36 if meets else 0.2) + height / 2
    kind = "operation" if isinstance(layer, nn.MaxPool2d) else "weights"
    places = (2,) if last else (0.8, 3.2)
    boxes = [diagram.box(axes, x, y, words, kind=kind, width=1.3) for x in places]
    for k, upper in enumerate(above):
        for j, lower in enumerate(boxes):
            if meets or j == k:
                diagram.arrow(axes, upper.bottom, lower.top)
    if not last and len(step.shape) == 3:
        half = step.shape[0] // 2, *step.shape[1:]
        shape = diagram.shape_words(half)
        diagram.label(axes, 2, y, shape, size=8, kind="maps")
    above = boxes
diagram.key(axes, 7.6, maps="feature maps", weights="conv or linear", operation="max pool")
plt.show()

# %%
# LeNet-5 beside one tower
# ------------------------
# The plan is the same. The shapes are those of a digit of 32 × 32 pixels and of a photograph of
# 224 × 224. Activation functions and dropout are left out, and so is a mean pool of AlexNet that
# changes nothing at this size.

left_out = (nn.ReLU, nn.Tanh, nn.Dropout, nn.AdaptiveAvgPool2d, "flatten")
axes = diagram.canvas("LeNet-5 and AlexNet side by side", height=7.4)
for network, size, name, x in (
    (LeNet5(), (1, 32, 32), "LeNet-5, 1998", 0.85),
    (AlexNet().eval(), (3, 224, 224), "AlexNet, 2012", 2.75),
):
    with torch.device("meta"):
        steps = trace.forward_steps(network.to("meta"), torch.zeros(1, *size))
    diagram.label(axes, x, 0.5, name, weight="bold")
    diagram.flow(axes, trace.without(steps, *left_out), x=x, y=0.65, width=1.3, gap=0.2)
diagram.key(axes, 7.25, maps="feature maps", weights="conv or linear", operation="pool")
plt.show()

# %%
# Local response normalisation by hand
# ------------------------------------
# Five channels at one place. Each number is divided by a root that grows with its own square and
# with those of its neighbours; here k = 1, n = 3, α = 1 and β = 1/2.

numbers = torch.tensor([2.0, 2, 4, 2, 2])
squares = F.conv1d(numbers.square().view(1, 1, -1), torch.ones(1, 1, 3), padding=1).flatten()
roots = (1 + squares).sqrt()
by_torch = F.local_response_norm(numbers.view(1, 5, 1, 1), 3, alpha=3.0, beta=0.5, k=1.0)
torch.testing.assert_close(numbers / roots, by_torch.flatten())
axes = diagram.canvas("Five channels at one place", height=2.6)
lines = (
    ("number", numbers, "maps"),
    ("sum of squares", squares, "operation"),
    ("root of 1 + sum", roots, "operation"),
    ("number / root", numbers / roots, "mark"),
)
for k, (name, values, kind) in enumerate(lines):
    y = 0.45 + 0.46 * k
    diagram.label(axes, 1.35, y + 0.17, name, align="right")
    row = [[round(value, 2) for value in values.tolist()]]
    (channels,) = diagram.cells(axes, 1.5, y, row, size=0.42, kinds=kind)
    if k == 0:
        diagram.outline(axes, channels[0], channels[2], kind="shortcut")
diagram.label(axes, 2.0, 2.42, "the green frame: what channel 2 looks at", size=8)
plt.show()

# %%
# Windows that overlap
# --------------------
# Windows of three numbers with a stride of two share every second number; windows of two do not.
# Both turn seven numbers into three. Here the 7 is the largest in two windows.

row = torch.tensor([[1.0, 3, 7, 2, 4, 0, 5]])
axes = diagram.canvas("Overlapping windows, and separate ones", height=3.3)
for size, top, name in ((3, 0.5, "window 3, stride 2"), (2, 1.95, "window 2, stride 2")):
    pooled = F.max_pool1d(row, size, stride=2)[0].tolist()
    diagram.label(axes, 2, top, name, weight="bold")
    (above,) = diagram.cells(axes, 0.73, top + 0.14, row.tolist(), size=0.36)
    for k, value in enumerate(pooled):
        window = above[2 * k : 2 * k + size]
        left = (window[0].x + window[-1].x) / 2 - 0.18
        ((result,),) = diagram.cells(axes, left, top + 0.85, [[value]], size=0.36, kinds="mark")
        for cell in window:
            diagram.arrow(axes, cell.bottom, result.top)
plt.show()
