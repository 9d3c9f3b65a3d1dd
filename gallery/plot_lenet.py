"""
What passes through LeNet-5?
============================

A picture goes in, ten scores come out.
On the way the sides shrink and the channels multiply, until nothing of the picture's layout is
left.
"""

# %%
# A picture on its way
# --------------------
# The first six feature maps after each step, for a LeNet-5 trained for a moment on the sample of
# CIFAR-10.

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import data, show
from cnnguide.models import LeNet5
from cnnguide.recipe import Recipe
from cnnguide.train import fit, seed_everything

show.style()
images = data.load("sample")
generator = seed_everything(0)
train_x, train_y, val_x, val_y = data.split(
    images.train_images, images.train_labels, validation=0.2, generator=generator
)
model = LeNet5(in_channels=3, activation=nn.ReLU())
recipe = Recipe(epochs=4, batch_size=64, learning_rate=0.05, schedule="triangle")
*_, run = fit(model, (train_x, train_y), (val_x, val_y), recipe)
print(
    f"validation accuracy after {recipe.epochs} epochs: {run.history[-1].validation_accuracy:.1%}"
)

model.eval()
picture = images.test_images[702:703]  # a horse
with torch.no_grad():
    x = data.normalise(picture)
    first = model.activation(model.conv1(x))
    first_pooled = model.pool(first)
    second = model.activation(model.conv2(first_pooled))
    second_pooled = model.pool(second)
steps = {
    "convolution 1": first,
    "average 1": first_pooled,
    "convolution 2": second,
    "average 2": second_pooled,
}
fig, grid = plt.subplots(4, 7, figsize=(9, 6), layout="constrained")
for row, (name, maps) in zip(grid, steps.items()):
    show.show_image(row[0], picture[0] if name == "convolution 1" else torch.ones(1, 1))
    row[0].text(
        0.5, -0.12 if name == "convolution 1" else 0.5,
        f"{name}\n{tuple(maps.shape[1:])}",
        ha="center", va="top" if name == "convolution 1" else "center",
        transform=row[0].transAxes, fontsize=9,
    )  # fmt: skip
    for axes, plane in zip(row[1:], maps[0]):
        axes.imshow(plane.numpy(), cmap="magma")
        axes.set_axis_off()
fig.suptitle("Feature maps of LeNet-5, from the picture to 5 × 5")
plt.show()

# %%
# Where the numbers are
# ---------------------
# The convolutions do most of the work and hold few of the parameters; the first linear layer holds
# most of them.

shapes = {"conv1": 28 * 28, "conv2": 10 * 10, "fc1": 1, "fc2": 1, "fc3": 1}
names = list(shapes)
parameters = [sum(p.numel() for p in getattr(model, n).parameters()) / 1e3 for n in names]
work = [getattr(model, n).weight.numel() * places / 1e3 for n, places in shapes.items()]
fig, grid = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained", sharey=True)
for axes, values, label, colour in (
    (grid[0], parameters, "parameters (thousands)", "blue"),
    (grid[1], work, "multiply-adds (thousands)", "orange"),
):
    bars = axes.barh(names, values, color=show.COLOURS[colour])
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.set(xlabel=label, xlim=(0, 1.2 * max(values)))
grid[0].invert_yaxis()
fig.suptitle("LeNet-5 on a colour picture of 32 × 32")
plt.show()
