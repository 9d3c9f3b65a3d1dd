"""
What does dropout change, and does it help?
===========================================

Dropout makes it harder to learn pictures by heart. Whether the network then does better on other
pictures is a question for an experiment.
"""

# %%
# Learnt by heart
# ---------------
# A network with 790,000 parameters and 1,000 photographs, with and without dropout. Training
# accuracy is measured in evaluation mode, like the other, so that the two can be compared. These
# runs, and those below, take too long to be made anew with this page; ``python -m
# benchmarks.dropped`` made and recorded them.

import matplotlib.pyplot as plt
import torch

from cnnguide import results, show
from cnnguide.dropout import dropout

# sphinx_gallery_thumbnail_number = 1
show.style()
record = results.load("dropout")


def runs_of(p=0.0, weight_decay=0.0, flip=0.0, *, width=256, rate=0.02, epochs=30):
    """Find the runs of one kind, one for each seed."""
    wanted = {"p": p, "weight_decay": weight_decay, "flip": flip, "width": width,
              "learning_rate": rate, "epochs": epochs}  # fmt: skip
    return [run for run in record["runs"] if wanted.items() <= run.items()]


def percent(runs, name="test_accuracy"):
    """Give what was measured, in percent, one row per seed."""
    return 100 * torch.tensor([run[name] for run in runs])


fig, grid = plt.subplots(2, 1, figsize=(4.8, 5.4), sharex=True, sharey=True, layout="constrained")
for axes, (p, title) in zip(grid, ((0.0, "no dropout"), (0.5, "dropout, p = 0.5")), strict=True):
    runs = runs_of(p)
    for name, label, colour in (
        ("train_accuracy", "training", "orange"),
        ("validation_accuracy", "other pictures", "blue"),
    ):
        curves = percent(runs, name)
        epochs = range(1, curves.shape[1] + 1)
        axes.plot(epochs, curves.mean(0), color=show.COLOURS[colour], label=label)
        axes.fill_between(
            epochs, curves.amin(0), curves.amax(0), color=show.COLOURS[colour], alpha=0.25,
            linewidth=0,
        )  # fmt: skip
        print(f"{title}, {label}: {curves[:, -1].mean():.1f} % (n = {len(runs)})")
    axes.set(title=title, ylabel="accuracy (%)", ylim=(0, 102))
    axes.legend(loc="upper left" if p else "center right")
grid[1].set_xlabel("epoch")
fig.suptitle("1,000 photographs, without dropout and with it")
plt.show()

# %%
# The same mean, more spread
# --------------------------
# The sum of 100 activations, each of which is 1, with dropout at three rates. Scaling by 1 / (1 −
# p) keeps the mean at 100.

generator = torch.Generator().manual_seed(0)
fig, axes = plt.subplots(figsize=(4.8, 3.4), layout="constrained")
for p, colour in ((0.1, "green"), (0.5, "blue"), (0.8, "orange")):
    sums = dropout(torch.ones(20_000, 100), p=p, generator=generator).sum(1)
    step = 1 / (1 - p)  # the sums are multiples of it, and each has a bar of its own
    edges = torch.arange(sums.min() - step / 2, sums.max() + step, step)
    axes.hist(sums.tolist(), bins=edges.tolist(), density=True, alpha=0.6, label=f"p = {p}",
              color=show.COLOURS[colour])  # fmt: skip
    print(f"p = {p}: mean {sums.mean():.1f}, deviation {sums.std():.1f}")
axes.axvline(100, color=show.COLOURS["black"], linestyle=":")
axes.set(xlabel="sum of 100 activations of 1", ylabel="share of 20,000 trials per unit")
axes.legend()
fig.suptitle("Dropout keeps the mean and adds spread")
plt.show()

# %%
# One thinned network, fifty, and the whole one
# ---------------------------------------------
# Each trained network looks at 3,000 other photographs in three ways: as one thinned network, by
# the mean probabilities of 50 thinned networks, and as a whole, in evaluation mode.

ways = {"thinned_accuracy": "one thinned", "averaged_accuracy": "mean of 50",
        "test_accuracy": "whole"}  # fmt: skip
fig, axes = plt.subplots(figsize=(4.8, 3.2), layout="constrained")
for k, (p, colour) in enumerate(((0.2, "green"), (0.5, "blue"), (0.8, "orange"))):
    for j, (name, words) in enumerate(ways.items()):
        scores, place = percent(runs_of(p), name), j + 0.22 * (k - 1)
        axes.plot([place] * len(scores), scores, "o", ms=4, color=show.COLOURS[colour],
                  label=f"p = {p}" if j == 0 else None)  # fmt: skip
        axes.plot([place - 0.09, place + 0.09], [scores.mean()] * 2, color=show.COLOURS[colour])
        print(f"p = {p}, {words}: {scores.mean():.1f} ± {scores.std():.1f} % (n = {len(scores)})")
axes.set(xticks=range(len(ways)), xticklabels=ways.values(), ylabel="accuracy (%)")
axes.grid(axis="y", linewidth=0.4)
axes.legend(loc="lower right")
fig.suptitle("The whole network and the mean of its parts")
plt.show()

# %%
# What helps?
# -----------
# The same network, 1,000 photographs and 600 steps each time; a dot is one seed, a line the mean.

kinds = {
    "nothing": runs_of(), "dropout, p = 0.2": runs_of(0.2), "dropout, p = 0.5": runs_of(0.5),
    "dropout, p = 0.8": runs_of(0.8), "weight decay 0.01": runs_of(weight_decay=0.01),
    "weight decay 0.03": runs_of(weight_decay=0.03), "weight decay 0.1": runs_of(weight_decay=0.1),
    "weight decay 0.3": runs_of(weight_decay=0.3), "flip": runs_of(flip=0.5),
    "flip and dropout, 0.5": runs_of(0.5, flip=0.5),
    "flip and decay 0.1": runs_of(flip=0.5, weight_decay=0.1),
}  # fmt: skip
fig, axes = plt.subplots(figsize=(4.8, 4.6), layout="constrained")
for k, (words, runs) in enumerate(kinds.items()):
    scores = percent(runs)
    colour = show.COLOURS["grey" if k == 0 else "blue" if k < 4 else "orange" if k < 8 else "green"]
    axes.plot(scores, [k] * len(scores), "o", ms=4, color=colour)
    axes.plot([scores.mean()] * 2, [k - 0.35, k + 0.35], color=colour, lw=2)
    print(f"{words}: {scores.mean():.1f} ± {scores.std():.1f} % (n = {len(scores)})")
axes.set(yticks=range(len(kinds)), yticklabels=kinds, xlabel="accuracy (%)")
axes.invert_yaxis()
axes.grid(axis="x", linewidth=0.4)
fig.suptitle("What helps at one learning rate")
plt.show()
