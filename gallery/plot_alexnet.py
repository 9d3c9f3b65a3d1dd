"""
Where are AlexNet's parameters, and where is its work?
======================================================

Sixty million parameters and seven hundred million multiply-adds: one sits in the linear layers, the
other in the convolutions.
"""

# %%
# Layer by layer
# --------------
# A convolution uses each weight at every place; a linear layer uses it once.

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import show
from cnnguide.models import AlexNet

show.style()
with torch.device("meta"):
    model = AlexNet()
    rows = []

    def record(layer, inputs, output):
        places = output.shape[2:].numel() if output.ndim == 4 else 1
        parameters = sum(p.numel() for p in layer.parameters())
        rows.append((parameters / 1e6, layer.weight.numel() * places / 1e6))

    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for layer in layers:
        layer.register_forward_hook(record)
    model(torch.zeros(1, 3, 224, 224))

names = [f"convolution {k}" for k in range(1, 6)] + [f"linear {k}" for k in range(1, 4)]
colours = [show.COLOURS["blue"]] * 5 + [show.COLOURS["orange"]] * 3
parameters, work = zip(*rows)
fig, grid = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained", sharey=True)
for axes, values, label in (
    (grid[0], parameters, "parameters (millions)"),
    (grid[1], work, "multiply-adds (millions)"),
):
    bars = axes.barh(names, values, color=colours)
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.set(xlabel=label, xlim=(0, 1.18 * max(values)))
grid[0].invert_yaxis()
fig.suptitle("AlexNet: the linear layers hold the parameters, the convolutions do the work")
plt.show()
print(f"{sum(parameters[5:]) / sum(parameters):.1%} of the parameters are in the linear layers")
print(f"{sum(work[:5]) / sum(work):.1%} of the multiply-adds are in the convolutions")
