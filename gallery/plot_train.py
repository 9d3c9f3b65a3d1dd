"""
Can a laptop learn to see in a quarter of a minute?
===================================================

A real training run on real photographs, from random weights to a network that can be asked where it
looked.
It takes the sample of CIFAR-10 that ships with the library, and a network with a quarter of the
usual channels.
"""

# %%
# Learning
# --------
# The small network, and a linear model on the same pictures. A tenth of the training photographs is
# set aside to watch the run by; the test photographs are read once, at the end. The first line says
# how long the network's epochs took on the computer that made this page.

from dataclasses import replace

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import data, show
from cnnguide.cam import grad_cam
from cnnguide.models import QuickNet
from cnnguide.recipe import Recipe, find_recipe
from cnnguide.run import fit
from cnnguide.train import seed_everything

show.style()
images = data.load("sample")
generator = seed_everything(0)
train_x, train_y, validation_x, validation_y = data.split(
    images.train_images, images.train_labels, validation=0.1, generator=generator
)
train, validation = (train_x, train_y), (validation_x, validation_y)

model = QuickNet(widths=(16, 32, 64))
some = torch.randperm(len(train_x), generator=generator)[:2000]
model.whiten(data.normalise(train_x[some]))
recipe = replace(find_recipe("quick"), epochs=8, batch_size=64, learning_rate=0.2)
*_, run = fit(model, train, validation, recipe)

linear = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
simple = Recipe(epochs=recipe.epochs, learning_rate=0.005, schedule="triangle", padding=2)
*_, linear_run = fit(linear, train, validation, simple)

accuracy = run.test(images.test_images, images.test_labels)
linear_accuracy = linear_run.test(images.test_images, images.test_labels)
seconds = sum(epoch.seconds for epoch in run.history)
print(f"{len(train_x):,} training photographs, {recipe.epochs} epochs in {seconds:.0f} s")
print(f"QuickNet:     {accuracy['last']:.1%} of {len(images.test_labels):,} test photographs")
print(f"linear model: {linear_accuracy['last']:.1%}, guessing: 10.0%")

epochs = range(1, recipe.epochs + 1)
fig, (above, below) = plt.subplots(2, 1, figsize=(4.8, 6), sharex=True, layout="constrained")
for name, history, colour in (
    ("QuickNet", run.history, "blue"),
    ("linear", linear_run.history, "orange"),
):
    for part, line in (("train", "--"), ("validation", "-")):
        style = {"color": show.COLOURS[colour], "linestyle": line, "label": f"{name}, {part}"}
        above.plot(epochs, [getattr(e, f"{part}_loss") for e in history], **style)
        below.plot(epochs, [100 * getattr(e, f"{part}_accuracy") for e in history], **style)
below.axhline(10, linestyle=":", color=show.COLOURS["black"])
below.annotate("guessing", (recipe.epochs, 11), ha="right", fontsize=9)
above.set(ylabel="loss (cross-entropy)", ylim=(0, 2.6))
below.set(xlabel="epoch", ylabel="accuracy (%)", ylim=(0, 100))
above.legend(fontsize=9)
fig.suptitle(f"A training run on {len(train_x):,} photographs")
plt.show()

# %%
# What it looks for
# -----------------
# The first layer's filters were computed, not learned: each responds to one pattern of brightness
# or colour in 3 × 3 pixels. Below them you see, for the photograph of a frog, six feature maps
# after each of two later groups of layers.

model.eval()
filters = model.stem.weight[:14]
frog = images.test_images[images.test_labels == 6][:1]
with torch.no_grad(), torch.autocast("cpu", enabled=False):
    x = model.stem(data.normalise(frog))
    x = nn.functional.gelu(torch.cat([x, -x], 1))
    first = model.group1(x)
    second = model.group2(first)
fig, grid = plt.subplots(4, 7, figsize=(4.8, 3.9), layout="constrained")
for axes, kernel in zip(grid[:2].flat, filters):
    show.show_image(axes, 0.5 + 0.5 * kernel / kernel.abs().max())
for row, maps in ((2, first), (3, second)):
    show.show_image(grid[row, 0], frog[0])
    for axes, plane in zip(grid[row, 1:], maps[0]):
        axes.imshow(plane.numpy(), cmap="magma")
for row, words in ((0, "first layer"), (2, "after group 1, 8 × 8"), (3, "after group 2, 4 × 4")):
    # not a title, which would be part of the alternative text
    above = {"transform": grid[row, 0].transAxes, "va": "bottom", "in_layout": False}
    grid[row, 0].text(0, 1.06, words, fontsize=9, **above)
fig.get_layout_engine().set(h_pad=0.1)  # room for the words
for axes in grid.flat:
    axes.set_axis_off()
fig.suptitle("Filters of the first layer, and feature maps of a frog")
plt.show()

# %%
# Which classes it confuses
# -------------------------
# Rows are the true classes, columns the answers.

test_x, test_y = images.test_images, images.test_labels
with torch.no_grad():
    scores = torch.cat([model(data.normalise(part)) for part in test_x.split(1000)])
answers = scores.argmax(1)
confusion = (test_y * 10 + answers).bincount(minlength=100).view(10, 10)
both = confusion + confusion.T  # of two classes, either one for the other
cats_and_dogs = both[data.CLASSES.index("cat"), data.CLASSES.index("dog")]
assert cats_and_dogs > 3 * both.triu(1).sum() / 45  # there are 45 pairs of classes
percent = 100 * confusion / confusion.sum(1, keepdim=True)
fig, axes = plt.subplots(figsize=(4.8, 4.9), layout="constrained")
axes.imshow(percent.numpy(), cmap="Blues", vmin=0, vmax=100)
for i in range(10):
    for j in range(10):
        colour = "white" if percent[i, j] > 50 else "black"
        axes.text(j, i, f"{percent[i, j]:.0f}", ha="center", va="center", color=colour, fontsize=9)
axes.set_xticks(range(10), data.CLASSES, rotation=45, ha="right", rotation_mode="anchor")
axes.set_yticks(range(10), data.CLASSES)
axes.set(xlabel="answer", ylabel="true class")
fig.suptitle("Confusion matrix on the test photographs (% of a row)")
plt.show()

# %%
# Where it looked
# ---------------
# Grad-CAM: warm where the evidence for the network's answer was found. The last two are mistakes.

right_ones = [(answers.eq(test_y) & test_y.eq(c)).nonzero()[0, 0].item() for c in range(10)]
wrong_ones = answers.ne(test_y).nonzero()[:2, 0].tolist()
chosen = torch.tensor(right_ones + wrong_ones)
heat = grad_cam(model, model.group1, data.normalise(test_x[chosen]), answers[chosen])
fig, grid = plt.subplots(3, 4, figsize=(4.8, 4.7), layout="constrained")
for axes, k, warm in zip(grid.flat, chosen.tolist(), heat.numpy()):
    truth, answer = data.CLASSES[test_y[k]], data.CLASSES[answers[k]]
    show.show_image(axes, test_x[k], title=truth)
    axes.imshow(warm, cmap="inferno", alpha=0.65 * warm)
    if truth != answer:  # below the picture: a title would be part of the alternative text
        below = {"transform": axes.transAxes, "ha": "center", "va": "top"}
        axes.text(0.5, -0.05, f"taken for\n{answer}", **below)
fig.suptitle("Grad-CAM: the evidence for each answer")
plt.show()
