"""
What do layers do to the numbers that pass through them?
========================================================

A linear layer mixes all its inputs, an activation function bends the result, and the size of the
first weights decides whether anything is left after twenty layers.
"""

# %%
# A linear layer and a ReLU, number by number
# -------------------------------------------
# Every output of a linear layer is the sum of all inputs times the output's own weights, plus its
# bias. The ReLU then replaces negative numbers by 0.

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from cnnguide import diagram, show
from cnnguide.learn import linear, relu

show.style()
inputs = torch.tensor([[2.0, 1.0, 3.0]])
weight = torch.tensor([[1.0, 2.0, -1.0], [-1.0, 1.0, -1.0]])
bias = torch.tensor([1.0, 1.0])
sums = linear(inputs, weight, bias)


def signed(number):
    return f"{number:.0f}".replace("-", "−")


fig, axes = plt.subplots(figsize=(4.2, 3.4), layout="constrained")
columns = [(0.0, inputs[0], "inputs"), (2.0, sums[0], "linear layer"), (3.2, relu(sums)[0], "ReLU")]
heights, centred = {3: (2.0, 1.0, 0.0), 2: (1.6, 0.4)}, {"ha": "center", "va": "center"}
for o, y in enumerate(heights[2]):
    colour = show.COLOURS[("blue", "red")[o]]
    for i, start in enumerate(heights[3]):
        axes.plot([0, 2], [start, y], color=colour, linewidth=1, zorder=0)
        x = (0.5, 0.85)[o]  # each output's weights stand in a column of their own
        axes.text(x, start + (y - start) * x / 2, signed(weight[o, i]), color=colour, **centred,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})  # fmt: skip
    axes.annotate("", (2.95, y), (2.25, y), arrowprops={"arrowstyle": "->"})
    axes.text(2, y - 0.36, f"bias {bias[o]:.0f}", color=colour, **centred)
for x, values, name in columns:
    axes.text(x, 2.55, name, **centred)
    for value, y in zip(values, heights[len(values)]):
        axes.text(x, y, signed(value), fontsize=12, **centred,
                  bbox={"boxstyle": "circle,pad=0.35", "facecolor": "white"})  # fmt: skip
axes.set(xlim=(-0.4, 3.6), ylim=(-0.4, 2.75))
axes.set_axis_off()
fig.suptitle("Three inputs, two outputs")
plt.show()

# %%
# ReLU and its relatives
# ----------------------
# Above, what each function makes of a number; below, its slope, by which the gradient is multiplied
# on the way back. The sigmoid is nearly flat on both sides, so little of a gradient gets through.

x = torch.linspace(-4, 4, 401, requires_grad=True)
functions = {
    "sigmoid": (torch.sigmoid, "grey", ":"),
    "ReLU": (F.relu, "black", "-"),
    "leaky ReLU": (lambda x: F.leaky_relu(x, 0.1), "orange", "--"),
    "GELU": (F.gelu, "blue", "-"),
    "SiLU": (F.silu, "red", "-."),
}
fig, (above, below) = plt.subplots(2, 1, figsize=(4.2, 6), sharex=True, layout="constrained")
for name, (function, colour, line) in functions.items():
    y = function(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    above.plot(x.detach(), y.detach(), line, color=show.COLOURS[colour], label=name)
    below.plot(x.detach(), slope, line, color=show.COLOURS[colour])
above.set(ylabel="output", ylim=(-0.7, 3))
below.set(xlabel="input", ylabel="slope", ylim=(-0.2, 1.3))
above.legend(loc="upper left")
fig.suptitle("Five activation functions and their slopes")
plt.show()

# %%
# Twenty layers, four sizes of first weights
# ------------------------------------------
# Random numbers pass through twenty linear layers of 256 outputs, each with a ReLU. The curves show
# how large the numbers are behind each layer. Only He's initialisation keeps them; Xavier's was
# made for layers without a ReLU.

width, depth, seeds = 256, 20, 5
ways = {
    "deviation 0.2": (lambda w: nn.init.normal_(w, std=0.2), "red", "o"),
    "He": (lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"), "blue", "s"),
    "Xavier": (nn.init.xavier_normal_, "orange", "^"),
    "deviation 0.01": (lambda w: nn.init.normal_(w, std=0.01), "grey", "v"),
}
fig, axes = plt.subplots(figsize=(4.2, 4), layout="constrained")
for name, (initialise, colour, marker) in ways.items():
    sizes = torch.empty(seeds, depth + 1)
    for seed in range(seeds):
        torch.manual_seed(seed)
        numbers = torch.randn(200, width)
        for layer in range(depth + 1):
            sizes[seed, layer] = numbers.square().mean().sqrt()
            weight = initialise(torch.empty(width, width))
            numbers = relu(linear(numbers, weight, torch.zeros(width)))
    axes.semilogy(sizes.mean(0), marker + "-", color=show.COLOURS[colour], markersize=4, label=name)
    print(f"{name}: {sizes[:, -1].mean():.2g} behind {depth} layers, "
          f"from {sizes[:, -1].min():.2g} to {sizes[:, -1].max():.2g} (n = {seeds})")  # fmt: skip
axes.set(xlabel="layer", ylabel="root of the mean square", xticks=range(0, 21, 5),
         yticks=[10.0**k for k in range(-18, 7, 6)])  # fmt: skip
axes.tick_params(axis="y", labelsize=12)  # for the exponents, which are smaller
axes.legend(loc="lower left")
fig.suptitle("How large the numbers are, layer by layer")
plt.show()

# %%
# Two layers, there and back
# --------------------------
# One pixel, three hidden numbers with a ReLU, and a score that should be 5. Above stand the numbers
# and, on the lines, the weights. Below stands in each place the slope of the loss with respect to
# that number or weight, as autograd finds it.

numbers = {"pixel": torch.tensor([[2.0]], requires_grad=True)}
weights = [torch.tensor([[1.0], [2.0], [-1.0]]), torch.tensor([[1.0, 1.0, 3.0]])]
for values in weights:
    values.requires_grad_()
numbers["sums"] = linear(numbers["pixel"], weights[0], torch.zeros(3))
numbers["ReLU"] = relu(numbers["sums"])
numbers["score"] = linear(numbers["ReLU"], weights[1], torch.zeros(1))
numbers["loss"] = (numbers["score"] - 5) ** 2
for values in numbers.values():
    values.retain_grad()
numbers["loss"].sum().backward()

axes = diagram.canvas("Numbers forward, slopes back", height=4.7)
places = dict(zip(numbers, (0.36, 1.5, 2.2, 3.02, 3.66), strict=True))
for top, kind, heading in (
    (0.5, "maps", "forward: the numbers"),
    (2.7, "mark", "back: the slopes"),
):
    shown = {name: values.grad if top > 1 else values.detach() for name, values in numbers.items()}
    beside = [values.grad if top > 1 else values.detach() for values in weights]
    diagram.label(axes, 2, top, heading, weight="bold", kind=kind)
    boxes = {}
    for name, x in places.items():
        column = shown[name].flatten().tolist()
        diagram.label(axes, x, top + 0.24, name)
        boxes[name] = [
            diagram.box(axes, x, top + 1.1 + 0.6 * (k - (len(column) - 1) / 2), signed(value),
                        kind=kind, width=0.36)
            for k, value in enumerate(column)
        ]  # fmt: skip
    for k in range(3):
        # the lines that carry a weight, with the place of the weight on the line
        for start, end, weight, part in (
            (boxes["pixel"][0], boxes["sums"][k], beside[0][k, 0], 0.5),
            (boxes["ReLU"][k], boxes["score"][0], beside[1][0, k], 0.4),
            (boxes["sums"][k], boxes["ReLU"][k], None, 0),
        ):
            ends = (start.right, end.left) if top < 1 else (end.left, start.right)
            diagram.arrow(axes, *ends, kind=kind)
            if weight is not None:
                (x, y), (to_x, to_y) = start.right, end.left
                axes.text(x + part * (to_x - x), y + part * (to_y - y), signed(weight), fontsize=8,
                          **centred, zorder=4,
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})  # fmt: skip
    ends = boxes["score"][0].right, boxes["loss"][0].left
    diagram.arrow(axes, *(ends if top < 1 else ends[::-1]), kind=kind)
plt.show()
