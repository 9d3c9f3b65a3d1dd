"""
What made AlexNet possible, and which activation function learns fastest?
=========================================================================

Where the network's weights and its work are, how the errors on ImageNet fell, and a small
experiment with six activation functions.
"""

# %%
# Weights and work, layer by layer
# --------------------------------
# A convolutional layer uses each of its weights at every place of its output, a fully connected
# layer uses each of them once.

from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional as F

from cnnguide import data, show
from cnnguide.models import AlexNet, count_multiply_adds, count_parameters
from cnnguide.pool import avg_pool2d

show.style()
with torch.device("meta"):
    model = AlexNet()
    total_work = count_multiply_adds(model, (3, 224, 224)) / 1e6
    rows = []

    def record(layer, inputs, output):
        places = output.shape[2:].numel() if output.ndim == 4 else 1
        rows.append((count_parameters(layer) / 1e6, layer.weight.numel() * places / 1e6))

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(record)
    model(torch.zeros(1, 3, 224, 224))

parameters, work = zip(*rows)
assert abs(sum(parameters) - count_parameters(model) / 1e6) < 1e-6
assert abs(sum(work) - total_work) < 1e-6
names = [f"conv {k}" for k in range(1, 6)] + [f"linear {k}" for k in range(1, 4)]
colours = [show.COLOURS["blue"]] * 5 + [show.COLOURS["orange"]] * 3
fig, grid = plt.subplots(2, 1, figsize=(4.2, 5.4), layout="constrained")
for axes, values, label in (
    (grid[0], parameters, "parameters (millions)"),
    (grid[1], work, "multiply-adds (millions)"),
):
    bars = axes.barh(names, values, color=colours)
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.set(xlabel=label, xlim=(0, 1.18 * max(values)))
    axes.invert_yaxis()
fig.suptitle("AlexNet: weights and work by layer")
plt.show()
print(f"{sum(parameters[5:]) / sum(parameters):.1%} of the parameters are in the linear layers")
print(f"{sum(work[:5]) / sum(work):.1%} of the multiply-adds are in the convolutions")
assert round(sum(parameters[5:]) / sum(parameters), 2) == 0.96
assert round(sum(work[:5]) / sum(work), 2) == 0.92

# %%
# Six years of one competition
# ----------------------------
# The top-5 error of each year's winner on ImageNet, without further training pictures. Until 2011
# the features were designed by hand.

# Russakovsky et al. 2015 for 2010 to 2014, He et al. 2016 for 2015; in percent
errors = {2010: 28.2, 2011: 25.8, 2012: 16.4, 2013: 11.7, 2014: 6.7, 2015: 3.6}
designed = [year for year in errors if year < 2012]
learned = [year for year in errors if year >= 2012]
fig, axes = plt.subplots(figsize=(4.2, 3.4), layout="constrained")
for years, colour, label in (
    (designed, "grey", "features designed by hand"),
    (learned, "blue", "convolutional networks"),
):
    bars = axes.bar(years, [errors[y] for y in years], color=show.COLOURS[colour], label=label)
    axes.bar_label(bars, fmt="%.1f", padding=2)
axes.set(xlabel="year", ylabel="top-5 error (%)", ylim=(0, 33))
axes.legend(loc="upper right")
fig.suptitle("The winners' errors on ImageNet")
plt.show()

# %%
# The curves and their slopes
# ---------------------------
# Above, what each function makes of a number; below, its slope, by which the gradient is multiplied
# on the way back.

functions = {
    "sigmoid": (torch.sigmoid, "grey", ":", "o"),
    "tanh": (torch.tanh, "green", "--", "s"),
    "ReLU": (F.relu, "black", "-", "v"),
    "leaky ReLU": (lambda x: F.leaky_relu(x, 0.1), "orange", "--", "^"),
    "GELU": (F.gelu, "blue", "-", "D"),
    "SiLU": (F.silu, "red", "-.", "P"),
}
x = torch.linspace(-5, 5, 501, requires_grad=True)
fig, (above, below) = plt.subplots(2, 1, figsize=(4.2, 6), sharex=True, layout="constrained")
for name, (function, colour, line, _) in functions.items():
    y = function(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    above.plot(x.detach(), y.detach(), line, color=show.COLOURS[colour], label=name)
    below.plot(x.detach(), slope, line, color=show.COLOURS[colour])
above.set(ylabel="output", ylim=(-1.2, 3))
below.set(xlabel="input", ylabel="slope", ylim=(-0.2, 1.3))
above.legend(loc="upper left", ncols=2)
fig.suptitle("Six activation functions and their slopes")
plt.show()

# %%
# Which of them learns fastest?
# -----------------------------
# A network with four hidden layers learns 1,000 pictures of 8 × 8 pixels for 20 epochs, with each
# function at five learning rates and from five seeds. The first weights follow one rule for all:
# they are as large as it takes for each layer to hand on numbers of the same size. Lines are means,
# and bars reach from the lowest to the highest seed. Where training ended in numbers that are not
# finite, nothing is drawn.

sample = data.load("sample")
images = avg_pool2d(data.normalise(sample.train_images[::5]), 4).flatten(1)
labels = sample.train_labels[::5]
widths = [images.shape[1], 32, 32, 32, 32, 10]
rates = torch.tensor([0.01, 0.03, 0.1, 0.3, 1.0])
seeds, epochs, batch = 5, 20, 100
normal = torch.randn(100_000, generator=torch.Generator().manual_seed(0))


def first_weights(function, generator):
    """Draw weights that keep the mean square of the numbers, alike for all rates."""
    for layer, (inputs, outputs) in enumerate(pairwise(widths)):
        square = function(normal).square().mean() if layer else 1.0
        weight = torch.randn(1, seeds, inputs, outputs, generator=generator)
        yield (weight / (inputs * square) ** 0.5).repeat(len(rates), 1, 1, 1)
        yield torch.zeros(len(rates), seeds, 1, outputs)


def train(function):
    """Train with all rates and seeds at once; give the loss by epoch, rate and seed."""
    generator = torch.Generator().manual_seed(1)
    weights = [w.requires_grad_() for w in first_weights(function, generator)]
    velocities = [torch.zeros_like(w) for w in weights]
    found = []
    for _ in range(epochs):
        order = torch.stack(
            [torch.randperm(len(images), generator=generator) for _ in range(seeds)]
        )
        for chosen in order.split(batch, dim=1):
            x = images[chosen].expand(len(rates), -1, -1, -1)
            for weight, bias in zip(weights[:-2:2], weights[1:-2:2]):
                x = function(x @ weight + bias)
            scores = x @ weights[-2] + weights[-1]
            target = labels[chosen].expand(len(rates), -1, -1)
            losses = F.cross_entropy(scores.flatten(0, 2), target.flatten(), reduction="none")
            losses = losses.view(target.shape).mean(-1)
            found.append(losses.detach())
            gradients = torch.autograd.grad(losses.sum(), weights)
            with torch.no_grad():
                for weight, velocity, gradient in zip(weights, velocities, gradients):
                    velocity.mul_(0.9).add_(gradient)
                    weight.sub_(rates.view(-1, 1, 1, 1) * velocity)
    return torch.stack(found).unflatten(0, (epochs, -1)).mean(1)


fig, (above, below) = plt.subplots(2, 1, figsize=(4.2, 6.4), layout="constrained")
best, threads = {}, torch.get_num_threads()
torch.set_num_threads(1)  # products as small as these are faster on one core
for name, (function, colour, line, marker) in functions.items():
    losses = train(function)
    last = losses[-1]
    finite = last.isfinite().all(1)
    mean = last.mean(1)
    look = {"color": show.COLOURS[colour], "linestyle": line}
    ends = torch.stack([mean - last.amin(1), last.amax(1) - mean])[:, finite]
    above.errorbar(
        rates[finite], mean[finite], ends, marker=marker, markersize=4, label=name, **look
    )
    place = mean.where(finite, torch.inf).argmin()
    assert 0 < place < len(rates) - 1 or name == "sigmoid"  # the best rate is not at the edge
    best[name] = mean[place].item()
    below.plot(range(1, epochs + 1), losses[:, place].mean(1), **look)
    print(
        f"{name}: rate {rates[place]:g}, "
        f"loss {mean[place]:.2f} ± {last[place].std():.2f} (n = {seeds})"
    )
torch.set_num_threads(threads)
above.set(xscale="log", xlabel="learning rate", ylabel="training loss, last epoch", ylim=(0, 2.6))
below.legend(*above.get_legend_handles_labels(), loc="lower left", ncols=2)
below.set(xlabel="epoch", ylabel="training loss, best rate", ylim=(0, 2.6))
fig.suptitle("Six activation functions at five learning rates")
plt.show()
others = [loss for name, loss in best.items() if name != "sigmoid"]
assert best["sigmoid"] > 1.5 * max(others) and 0.5 < min(others) < max(others) < 1
assert best["tanh"] < best["ReLU"] + 0.05 and max(best["GELU"], best["SiLU"]) < best["ReLU"]
