"""
What does batch normalisation do to activations, and where should it stand?
===========================================================================

It moves every channel to mean 0 and deviation 1, remembers what it saw, and uses the memory later.
Whether it belongs before or after the ReLU is asked of an experiment.
"""

# %%
# Before and after
# ----------------
# Four channels with different means and deviations. In training mode all of them come out alike;
# in evaluation mode they do only when the running statistics have caught up.

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import data, show
from cnnguide.norm import BatchNorm2d
from cnnguide.recipe import Recipe
from cnnguide.train import fit, seed_everything

show.style()
torch.manual_seed(0)
scale = torch.tensor([0.5, 1, 2, 3]).view(4, 1, 1)
shift = torch.tensor([-4.0, 0, 3, 8]).view(4, 1, 1)


def batch():
    return torch.randn(32, 4, 16, 16) * scale + shift


layer = BatchNorm2d(4)
fig, grid = plt.subplots(1, 4, figsize=(9.5, 3), layout="constrained", sharey=True)
with torch.no_grad():
    results = {"input": batch(), "training mode": layer(batch())}
    layer.eval()
    results["evaluation, after 1 batch"] = layer(batch())
    layer.train()
    for _ in range(60):
        layer(batch())
    layer.eval()
    results["evaluation, after 61"] = layer(batch())
for axes, (title, values) in zip(grid, results.items()):
    for channel, colour in enumerate(("blue", "orange", "green", "red")):
        axes.hist(values[:, channel].flatten().tolist(), bins=60, density=True, alpha=0.6,
                  color=show.COLOURS[colour], label=f"channel {channel}")  # fmt: skip
    axes.set(title=title, xlabel="activation")
grid[0].set_ylabel("density")
grid[0].legend(fontsize=8)
fig.suptitle("Four channels before and after batch normalisation")
plt.show()

# %%
# The memory
# ----------
# With momentum 0.1 a new batch counts for a tenth, so after n batches a share of 0.9ⁿ of the start
# is left.

layer, seen = BatchNorm2d(1), []
for _ in range(40):
    layer(torch.randn(32, 1, 8, 8) * 3 + 5)
    seen.append((layer.running_mean.item(), layer.running_var.item() ** 0.5))
means, deviations = zip(*seen)
fig, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
axes.plot(range(1, 41), means, color=show.COLOURS["blue"], label="running mean (true: 5)")
axes.plot(
    range(1, 41), deviations, color=show.COLOURS["orange"], label="running deviation (true: 3)"
)
for value, colour in ((5, "blue"), (3, "orange")):
    axes.axhline(value, linestyle=":", color=show.COLOURS[colour])
axes.set(xlabel="batches seen", ylabel="activation")
axes.legend()
fig.suptitle("Running statistics on their way to the truth")
plt.show()

# %%
# Before the ReLU, after it, or not at all
# ----------------------------------------
# The same small network on 1,200 pictures, at three learning rates, three seeds each. Bars are
# means, dots single runs.

images = data.load("sample")
chosen = torch.arange(0, 4800, 4)
train = (images.train_images[chosen], images.train_labels[chosen])
validation = (images.train_images[chosen + 1], images.train_labels[chosen + 1])


def network(place):
    layers, channels = [], 3
    for width in (16, 32, 64):
        steps = {"none": [nn.ReLU()], "before": [nn.BatchNorm2d(width), nn.ReLU()]}
        steps["after"] = steps["before"][::-1]
        layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1), *steps[place]]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


rates, places = (0.02, 0.1, 0.5), ("none", "before", "after")
fig, axes = plt.subplots(figsize=(7.5, 4), layout="constrained")
for k, (place, colour) in enumerate(zip(places, ("grey", "blue", "orange"))):
    for j, rate in enumerate(rates):
        scores = []
        for seed in range(3):
            seed_everything(seed)
            recipe = Recipe(epochs=6, batch_size=64, learning_rate=rate, schedule="triangle")
            try:
                *_, run = fit(network(place), train, validation, recipe, seed=seed)
                scores.append(100 * run.history[-1].validation_accuracy)
            except FloatingPointError:
                scores.append(10.0)  # diverged: no better than guessing
        scores, x = torch.tensor(scores).numpy(), j + 0.27 * (k - 1)
        label = {"none": "no BatchNorm", "before": "before ReLU", "after": "after ReLU"}[place]
        axes.bar(
            x, scores.mean(), 0.25, color=show.COLOURS[colour], label=label if j == 0 else None
        )
        axes.plot([x] * 3, scores, "o", ms=4, color="black", mfc="white")
        print(f"{label}, rate {rate}: {scores.mean():.1f} % ± {scores.std(ddof=1):.1f} (n = 3)")
axes.axhline(10, linestyle=":", color="black")
axes.annotate("guessing", (2.42, 10.6), ha="right", fontsize=9)
axes.set_xticks(range(3), [str(r) for r in rates])
axes.set(xlabel="learning rate", ylabel="validation accuracy (%)", ylim=(0, 50))
axes.legend(loc="upper left", ncols=3)
fig.suptitle("Where BatchNorm stands, on a small network after 6 epochs")
plt.show()
