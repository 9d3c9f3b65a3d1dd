"""
What does batch normalisation do to activations, and what does it buy?
======================================================================

First the trouble: inputs of different scale make gradient descent slow. Then the cure: every
channel comes out with mean 0 and deviation 1, and the layer keeps running statistics for inference.
At last a measurement: what is it worth against a network without it that is trained as well as we
can?
"""

# %%
# A long valley and a round one
# -----------------------------
# A linear layer with two weights, which should both come to 0. At the top its second input varies
# five times as much as its first, so the loss rises 25 times as fast along the second weight. The
# learning rate must be small there, and the first weight hardly moves. Below, both inputs have been
# divided by their deviation.

import matplotlib.pyplot as plt
import torch

from cnnguide import results, show
from cnnguide.norm import BatchNorm2d

# sphinx_gallery_thumbnail_number = 2
show.style()
LONG, ROUND = (1, 5), (1, 1)  # the deviations of the two inputs


def descent(deviations, rate, steps):
    """Follow the two weights: a step multiplies each by 1 − rate · deviation²."""
    weights = [(-10.0, 4.0)]
    for _ in range(steps):
        weights.append(
            tuple(w * (1 - rate * d**2) for w, d in zip(weights[-1], deviations, strict=True))
        )
    return weights


first, second = torch.meshgrid(torch.linspace(-11, 3, 80), torch.linspace(-5, 5, 80), indexing="ij")
fig, grid = plt.subplots(2, 1, figsize=(4.8, 5.6), sharex=True, layout="constrained")
for axes, (deviations, rate, steps), title in zip(
    grid,
    ((LONG, 0.075, 60), (ROUND, 0.5, 7)),
    ("deviations 1 and 5: a long valley", "deviations 1 and 1: a round one"),
    strict=True,
):
    loss = ((deviations[0] * first) ** 2 + (deviations[1] * second) ** 2) / 2
    levels = [loss.max().item() * share for share in (0.01, 0.05, 0.15, 0.3, 0.5, 0.75)]
    axes.contour(first, second, loss, levels=levels, colors=show.COLOURS["grey"], linewidths=0.8)
    path = descent(deviations, rate, steps)
    axes.plot(*zip(*path, strict=True), "o-", ms=3, lw=1, color=show.COLOURS["blue"])
    axes.plot(0, 0, "*", ms=12, color=show.COLOURS["red"])
    axes.set(title=title, ylabel="second weight", aspect="equal")
    print(f"deviations {deviations}, rate {rate}: after {steps} steps {path[-1]}")
    assert abs(path[-1][0]) <= 0.1 < abs(path[-2][0])  # a hundredth of the way is left
grid[1].set_xlabel("first weight")
fig.suptitle("Gradient descent in two valleys")
plt.show()

# %%
# Before and after
# ----------------
# Four channels with different means and deviations. In training mode all of them come out alike. In
# evaluation mode they do so only when the running statistics have come close to the true ones.

torch.manual_seed(0)
scale = torch.tensor([0.5, 1, 2, 3]).view(4, 1, 1)
shift = torch.tensor([-4.0, 0, 3, 8]).view(4, 1, 1)


def batch():
    return torch.randn(32, 4, 16, 16) * scale + shift


layer = BatchNorm2d(4)
with torch.no_grad():
    outputs = {"input": batch(), "training mode": layer(batch())}
    layer.eval()
    outputs["evaluation, after 1 batch"] = layer(batch())
    layer.train()
    for _ in range(60):
        layer(batch())
    layer.eval()
    outputs["evaluation, after 61"] = layer(batch())
fig, grid = plt.subplots(2, 2, figsize=(4.8, 4.6), layout="constrained", sharex=True, sharey=True)
for axes, (title, values) in zip(grid.flat, outputs.items(), strict=True):
    for channel, colour in enumerate(("blue", "orange", "green", "red")):
        axes.hist(values[:, channel].flatten().tolist(), bins=60, density=True, alpha=0.6,
                  histtype="stepfilled", color=show.COLOURS[colour],
                  label=f"channel {channel}")  # fmt: skip
    axes.set_title(title)
    print(f"{title}: means {[round(m, 2) for m in values.mean((0, 2, 3)).tolist()]}")
for title, spread in (("training mode", 0.1), ("evaluation, after 61", 0.1)):
    assert outputs[title].mean((0, 2, 3)).abs().max() < spread
assert outputs["evaluation, after 1 batch"].mean((0, 2, 3)).abs().max() > 1
grid[0, 1].legend(loc="upper right", fontsize=9)
fig.supxlabel("activation")
fig.supylabel("density")
fig.suptitle("Four channels before and after batch normalisation")
plt.show()

# %%
# The running statistics
# ----------------------
# With momentum 0.1 a new batch counts for a tenth, so after n batches a share of 0.9ⁿ of the start
# is left.

layer, seen = BatchNorm2d(1), []
for _ in range(40):
    layer(torch.randn(32, 1, 8, 8) * 3 + 5)
    seen.append((layer.running_mean.item(), layer.running_var.item() ** 0.5))
means, deviations = zip(*seen, strict=True)
fig, axes = plt.subplots(figsize=(4.8, 3.6), layout="constrained")
for name, values, true, colour in (
    ("mean", means, 5, "blue"),
    ("deviation", deviations, 3, "orange"),
):
    label = f"running {name} (true: {true})"
    axes.plot(range(1, 41), values, color=show.COLOURS[colour], label=label)
    axes.axhline(true, linestyle=":", color=show.COLOURS[colour])
    assert abs(values[-1] - true) < 0.15 and abs(values[2] - true) > 1
axes.set(xlabel="batches seen", ylabel="activation")
axes.legend()
fig.suptitle("Running statistics on their way to the true values")
plt.show()

# %%
# What it buys
# ------------
# A small network on 1,200 pictures, without BatchNorm, with it before each ReLU, and with it after
# each ReLU. These runs take too long to be made anew with this page;
# ``python -m benchmarks.normalisation`` made and recorded them. All start with He's initialisation
# and have the same steps. A line is the mean of ten seeds, its band reaches from the lowest to the
# highest. At a cross some runs *diverged*, that is, their loss became infinite or NaN; they have no
# accuracy, and the line leaves out that rate.

record = results.load("norm")
kinds = {
    "none": ("no BatchNorm", "grey"),
    "before": ("before ReLU", "blue"),
    "after": ("after ReLU", "orange"),
}
fig, axes = plt.subplots(figsize=(4.8, 3.8), layout="constrained")
for kind, (label, colour) in kinds.items():
    runs = [r for r in record["runs"] if (r["kind"], r["batch_size"], r["epochs"]) == (kind, 32, 6)]
    rates, found = [], []  # of the rates at which no run diverged
    for rate in sorted({run["learning_rate"] for run in runs}):
        here = [run for run in runs if run["learning_rate"] == rate]
        lost = sum(run["diverged"] for run in here)
        scores = torch.tensor([100 * r["test_accuracy"] for r in here if not r["diverged"]])
        if lost:
            axes.plot(rate, 5, "x", ms=9, mew=2, color=show.COLOURS[colour], label="_mark")
            print(f"{label}, rate {rate}: {lost} of {len(here)} diverged")
            continue
        rates.append(rate)
        found.append(scores)
        print(
            f"{label}, rate {rate}: {scores.mean():.1f} ± {scores.std():.1f} %, n = {len(scores)}"
        )
    found = torch.stack(found, 1)
    axes.semilogx(rates, found.mean(0), "o-", ms=4, color=show.COLOURS[colour], label=label)
    axes.fill_between(
        rates, found.amin(0), found.amax(0), color=show.COLOURS[colour], alpha=0.2, linewidth=0
    )
axes.axhline(10, linestyle=":", color="black")
axes.annotate("guessing", (0.01, 10.6), fontsize=9)
axes.annotate("diverged", (0.8, 5), ha="right", va="center", fontsize=9)
axes.set(xlabel="learning rate", ylabel="test accuracy (%)", ylim=(0, 50))
axes.legend(loc="upper left", fontsize=9)
fig.suptitle("With BatchNorm and without it, after six epochs")
plt.show()
