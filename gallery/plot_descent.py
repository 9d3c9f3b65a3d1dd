"""
What can you see while a network learns?
========================================

Two things: the curve of its loss, which shows whether the learning rate fits, and the weights of a
linear classifier, which are ten small pictures. The chapter *learn* explains both.
"""

# %%
# The weights as pictures
# -----------------------
# A linear classifier learns from photographs of 16 × 16 pixels. Each class has one weight for every
# pixel and colour, so its weights can be shown as a picture: grey is 0, and a bright colour is what
# speaks for the class. The mean of three trainings is shown, which differ in their batches.

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import data, show
from cnnguide.pool import avg_pool2d

show.style()
torch.set_num_threads(1)  # a network so small gains nothing from a second thread
sample = data.load("sample")
rows = avg_pool2d(data.normalise(sample.train_images), 2).flatten(1)
images, labels, *_ = data.split(
    rows, sample.train_labels, validation=0.2, generator=torch.Generator().manual_seed(0)
)


def train(model, rate, seed, steps):
    """Train by SGD with batches of 100 and give back the loss of every step."""
    generator = torch.Generator().manual_seed(seed)
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=rate), []
    for _ in range(steps):
        chosen = torch.randint(len(images), (100,), generator=generator)
        loss = nn.functional.cross_entropy(model(images[chosen]), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses)


def linear_classifier(seed):
    """Train the classifier of the chapter, which begins at 0."""
    model = nn.Linear(768, 10)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    train(model, 0.01, seed, 501)
    return model


classifiers = [linear_classifier(seed) for seed in range(3)]
weights = torch.stack([model.weight.detach() for model in classifiers]).mean(0)
fig, axes = plt.subplots(2, 5, figsize=(4.6, 2.5), layout="constrained")
for place, row, name in zip(axes.flat, weights, data.CLASSES, strict=True):
    picture = row.view(3, 16, 16)
    show.show_image(place, 0.5 + 0.5 * picture / picture.abs().max())
    place.set_title(name, fontsize=9)
fig.suptitle("Ten classes, ten templates")
plt.show()

# %%
# One network, five learning rates
# --------------------------------
# A network with a hidden layer of 64 numbers takes 400 steps at each of five rates. Each point is
# the mean of 20 steps, lines are means of three seeds, and bands run from the lowest to the
# highest. Only the red curve, which leaves the figure, is drawn step by step. The dotted line is
# the loss of guessing.

seeds, steps, group = 3, 400, 20
colours = {0.0003: "grey", 0.01: "orange", 0.1: "blue", 0.3: "green", 1.0: "red"}
ends = {}
fig, axes = plt.subplots(figsize=(4.2, 4.2), layout="constrained")
for rate, colour in colours.items():
    runs = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(768, 64), nn.ReLU(), nn.Linear(64, 10))
        runs.append(train(model, rate, seed, steps))
    every = torch.stack(runs)
    curves, place = every.view(seeds, -1, group).mean(2), torch.arange(group / 2, steps, group)
    ends[rate] = curves[:, -1].mean().item()
    if every.isnan().any():
        curves, place = every[:, :3], torch.arange(3)
    axes.plot(place, curves.mean(0), color=show.COLOURS[colour], label=f"{rate:g}")
    axes.fill_between(place, curves.amin(0), curves.amax(0), color=show.COLOURS[colour], alpha=0.2)
    print(f"{rate:g}: {every[:, 0].mean():.2f}, {ends[rate]:.2f}")
axes.axhline(torch.tensor(10.0).log(), color=show.COLOURS["black"], linestyle=":", label="_mark")
axes.set(xlabel="step", ylabel="loss", xlim=(-5, steps), ylim=(1, 3.5))
axes.legend(loc="upper right", title="learning rate")
fig.suptitle("One network, five learning rates")
plt.show()
assert ends[0.0003] > ends[0.01] > ends[0.3] > ends[0.1]
