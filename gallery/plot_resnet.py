"""
What does a shortcut change in a deep network?
==============================================

First one block, in numbers that fit in the head. Then depth: what happens to the training loss and
to the gradient when 56 layers stand where there were 20, with shortcuts and without.
"""

# %%
# One block by hand
# -----------------
# The input is a row of six pixels. The layers of this block are a single convolution with the
# kernel 1/4, −1/2, 1/4: it lowers a pixel that is brighter than the mean of its neighbours, and
# raises one that is darker. With the shortcut, the block blurs the row a little. Without it, most
# of the row is gone.

import matplotlib.pyplot as plt
import torch
from torch.nn.functional import conv1d

from cnnguide import results, show

# sphinx_gallery_thumbnail_number = 2
show.style()
x = torch.tensor([[[0.0, 0, 4, 4, 0, 0]]])
change = conv1d(x, torch.tensor([[[0.25, -0.5, 0.25]]]), padding=1)
rows = {
    "input: x": x,
    "the layers: F(x)": change,
    "with shortcut: relu(F(x) + x)": torch.relu(change + x),
    "without: relu(F(x))": torch.relu(change),
}
colours = [show.COLOURS[name] for name in ("grey", "green", "blue", "orange")]
fig, axes = plt.subplots(2, 2, figsize=(4.8, 4.2), sharex=True, sharey=True, layout="constrained")
for axis, (title, values), colour in zip(axes.flat, rows.items(), colours, strict=True):
    heights = values.flatten().tolist()
    bars = axis.bar(range(1, 7), heights, color=colour)
    axis.bar_label(bars, [f"{height:.0f}".replace("-", "−") for height in heights], padding=2)
    axis.set(title=title, ylim=(-2, 5.2), xticks=range(1, 7))
    axis.axhline(0, color="black", linewidth=0.8)
    print(f"{title}: {[int(height) for height in heights]}")
fig.supxlabel("pixel")
fig.suptitle("A residual block on six pixels")
plt.show()

# %%
# Deeper, and worse
# -----------------
# Networks of 20 and 56 layers on the same 600 pictures, three random seeds each. These runs take
# too long to be made anew with this page; ``python -m benchmarks.degradation`` made and recorded
# them. A line is the mean of the seeds, and the band around it reaches from the lowest to the
# highest. This is the loss on the pictures that the networks learn from, so the trouble of the deep
# plain network is not overfitting.

record = results.load("resnet")


def losses(network, layers, rate=0.05, epochs=40):
    found = [
        run["train_loss"]
        for run in record["runs"]
        if (run["network"], run["layers"]) == (network, layers)
        and (run["learning_rate"], run["epochs"]) == (rate, epochs)
    ]
    return torch.tensor(found)


fig, axes = plt.subplots(figsize=(4.8, 3.8), layout="constrained")
for network, colour in (("plain", "orange"), ("residual", "blue")):
    for layers, line in ((20, "--"), (56, "-")):
        runs = losses(network, layers)
        epochs = range(1, runs.shape[1] + 1)
        label = f"{network}, {layers} layers"
        axes.plot(epochs, runs.mean(0), line, color=show.COLOURS[colour], label=label)
        axes.fill_between(
            epochs, runs.amin(0), runs.amax(0), color=show.COLOURS[colour], alpha=0.2, linewidth=0
        )
        last = runs[:, -1]
        print(f"{label}: last loss {last.mean():.3f} ± {last.std():.3f}, {len(last)} seeds")
axes.set(xlabel="epoch", ylabel="training loss (cross-entropy)", ylim=(0, 3.5))
axes.legend(loc="upper center", ncols=2)
fig.suptitle("Training loss with shortcuts and without")
plt.show()

# %%
# How deep can it be?
# -------------------
# The last training loss of every depth; each point is one seed. The residual networks have the
# learning rate of the figure above. The plain ones had three rates to choose from, and we show the
# best of the three for each depth.

depths = (8, 20, 32, 56)
fig, axes = plt.subplots(figsize=(4.8, 3.8), layout="constrained")
for network, colour, rates in (
    ("plain", "orange", (0.0125, 0.05, 0.2)),
    ("residual", "blue", (0.05,)),
):
    means = []
    for layers in depths:
        best = min(rates, key=lambda rate: losses(network, layers, rate)[:, -1].mean())
        finals = losses(network, layers, best)[:, -1]
        axes.semilogy([layers] * len(finals), finals, "o", color=show.COLOURS[colour], alpha=0.6)
        means.append(finals.mean())
        print(f"{network}, {layers} layers: rate {best:g}, last loss {means[-1]:.3f}")
    axes.semilogy(depths, means, color=show.COLOURS[colour], label=network)
axes.set(xlabel="layers", ylabel="last training loss (cross-entropy)", xticks=depths)
axes.legend()
fig.suptitle("Depth, with shortcuts and without")
plt.show()

# %%
# The gradient, at the start and one epoch later
# ----------------------------------------------
# How long is the gradient of each 3×3 convolution in the networks of 56 layers? Three random seeds
# each, from the same record. At the start, the gradient of the plain network is by far the longest
# at the first layers: it *explodes* on its way back. One epoch later, that is after 15 steps, the
# explosion is over.

fig, axes = plt.subplots(figsize=(4.8, 3.8), layout="constrained")
for network, colour in (("plain", "orange"), ("residual", "blue")):
    for moment, line in (("at_the_start", "-"), ("after_one_epoch", ":")):
        found = [r[moment] for r in record["gradients"] if r["network"] == network]
        for seed, norms in enumerate(found):
            label = f"{network}, {moment.replace('_', ' ')}" if seed == 0 else None
            layers = range(1, len(norms) + 1)
            axes.semilogy(layers, norms, line, color=show.COLOURS[colour], label=label)
        ratios = ", ".join(f"{norms[0] / norms[-1]:,.2g}" for norms in found)
        print(f"{network}, {moment.replace('_', ' ')}: first layer by last layer {ratios}")
axes.set(xlabel="layer, from the picture to the scores", ylabel="length of the gradient")
axes.legend()
fig.suptitle("The gradient of each layer, in networks of 56 layers")
plt.show()
