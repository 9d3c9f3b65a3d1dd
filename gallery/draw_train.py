"""
What changes during a training, and what has to be saved?
=========================================================

Four schedules of the learning rate, a moving average of the weights, and what a checkpoint holds.
All is drawn from the library's own functions.
"""

# %%
# Four schedules
# --------------
# The learning rate by step, as a share of the highest rate of the run.

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import diagram, show
from cnnguide.recipe import Recipe, learning_rate_at
from cnnguide.run import Training
from cnnguide.train import moving_average

show.style()
schedules = {
    "constant": (Recipe(epochs=100, milestones=()), "grey", ":"),
    "steps": (Recipe(epochs=100, milestones=(50, 75)), "orange", "--"),
    "warm-up and cosine": (Recipe(epochs=100, schedule="cosine", peak=0.1), "blue", "-"),
    "one rise and one fall": (Recipe(epochs=100, schedule="triangle", peak=0.3), "red", "-."),
}
fig, axes = plt.subplots(figsize=(4.2, 3.6), layout="constrained")
for name, (recipe, colour, line) in schedules.items():
    rates = [learning_rate_at(recipe, step, steps_per_epoch=10) for step in range(1000)]
    share = [rate / recipe.learning_rate for rate in rates]
    axes.plot(share, line, color=show.COLOURS[colour], label=name)
axes.set(xlabel="step", ylabel="share of the highest rate", ylim=(0, 1.45), yticks=(0, 0.5, 1))
axes.legend(loc="upper right", ncols=2, fontsize=8.5, columnspacing=1)
fig.suptitle("Learning-rate schedules")
plt.show()

# %%
# A weight that jumps about, and its moving average
# -------------------------------------------------
# One weight with the loss (w − 3)² / 2 and a slope that chance changes at every step, as batches
# do. The weight never settles, because its learning rate is constant. Its moving average does.

weight = nn.Linear(1, 1, bias=False)
nn.init.zeros_(weight.weight)
averages = {keep: moving_average(weight, keep=keep) for keep in (0.8, 0.98)}
visited, averaged = [], {keep: [] for keep in averages}
generator = torch.Generator().manual_seed(0)
for _ in range(300):
    with torch.no_grad():
        slope = weight.weight - 3 + 2 * torch.randn(1, 1, generator=generator)
        weight.weight -= 0.2 * slope
    visited.append(weight.weight.item())
    for keep, average in averages.items():
        average.update_parameters(weight)
        averaged[keep].append(average.module.weight.item())
fig, axes = plt.subplots(figsize=(4.2, 3.2), layout="constrained")
axes.axhline(3, color=show.COLOURS["black"], linestyle=":", linewidth=1)
axes.plot(visited, color=show.COLOURS["grey"], linewidth=0.8, label="weight")
for (keep, values), colour in zip(averaged.items(), ("orange", "blue")):
    axes.plot(values, color=show.COLOURS[colour], label=f"average, k = {keep:g}")
for name, values in (("weight", visited), *averaged.items()):
    print(f"{name}: deviation {torch.tensor(values[200:]).std():.2f} in the last 100 steps")
axes.set(xlabel="step", ylabel="weight", ylim=(-1.6, 5.2))
axes.legend(loc="lower right")
fig.suptitle("A weight and its moving average")
plt.show()

# %%
# What a checkpoint holds
# -----------------------
# The entries of a real checkpoint, grouped by what they are for. If one of them is missing, the
# run goes on, but not as if it had never stopped.

recipe = Recipe(epochs=3, average=0.9)
run = Training(nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)), recipe)
state = run.state_dict()
groups = [
    ("weights", ("model",), "weights"),
    ("momentum buffers", ("optimizer",), "weights"),
    ("moving average", ("average",), "weights"),
    ("best weights so far", ("best",), "weights"),
    ("random states", ("generator", "torch", "cuda"), "operation"),
    ("epochs done", ("history",), "maps"),
    ("all choices", ("recipe",), "maps"),
    ("digest of the pictures", ("images",), "maps"),
]
assert sorted(name for _, names, _ in groups for name in names) == sorted(state)
uses = ["the present ones", "the last moves", "what is evaluated", "what is chosen",
        "order, crops, dropout", "epoch and rate", "same recipe?", "same data?"]  # fmt: skip
axes = diagram.canvas("What a checkpoint holds", height=4.1)
diagram.label(axes, 1.05, 0.5, "in the file", weight="bold")
diagram.label(axes, 3.1, 0.5, "what for", weight="bold")
for k, ((words, _, kind), use) in enumerate(zip(groups, uses)):
    y = 0.85 + 0.4 * k
    place = diagram.box(axes, 1.05, y, words, kind=kind, width=1.75)
    diagram.arrow(axes, place.right, (2.25, y))
    diagram.label(axes, 2.32, y, use, align="left")
plt.show()

# %%
# Nine runs: a grid, and at random
# --------------------------------
# Each dot is one run with its learning rate and its weight decay. The marks below show which
# learning rates were tried: three by the grid, nine by the random pairs.

exponents = torch.tensor([-3.0, -4.0])  # of ten, for the smallest rate and the smallest decay
steps = torch.tensor([0.0, 1.0, 2.0])
drawn = torch.rand(9, 2, generator=torch.Generator().manual_seed(14))
searches = {
    "a grid": 10 ** (exponents + torch.cartesian_prod(steps, steps)),
    "at random": 10 ** (exponents + 2 * drawn),
}
fig, places = plt.subplots(
    2, 2, figsize=(4.8, 3.2), layout="constrained", height_ratios=[6, 1], sharex=True, sharey="row"
)
for (upper, lower), (name, pairs) in zip(places.T, searches.items(), strict=True):
    rates, decays = pairs.T
    upper.plot(rates, decays, "o", color=show.COLOURS["blue"])
    upper.set(xscale="log", yscale="log", title=f"{name}: {len(rates.unique())} rates")
    upper.minorticks_off()
    lower.plot(rates, torch.zeros(9), "|", ms=14, mew=1.5, color=show.COLOURS["orange"])
    lower.set(yticks=(), xlabel="learning rate")
    lower.minorticks_off()
places[0, 0].set(ylabel="weight decay")
fig.suptitle("Nine runs with two numbers to choose")
plt.show()
