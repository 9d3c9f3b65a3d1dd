"""
What does a network know of classes that it never saw?
======================================================

A small network learned six classes of CIFAR-10: airplane, bird, cat, frog, horse, truck.
Now it is shown the other four: automobile, deer, dog, ship.
"""

# %%
# Accuracy on unseen classes
# --------------------------
# A linear head on the features of the trained network, the same on those of a network with random
# weights, and a whole network from scratch, with the number of steps that is better on validation
# pictures. The runs take too long to be made anew with this page; ``python -m
# benchmarks.transferred`` made and recorded them. Dots are single draws of the pictures.

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import data, results, show, transfer
from cnnguide.data import only
from cnnguide.train import seed_everything
from cnnguide.trained import SEEN, UNSEEN, load_backbone, make_backbone

show.style()
record = results.load("transfer")


def percent(runs, name="test_accuracy"):
    """Give what was measured, in percent."""
    return 100 * torch.tensor([run[name] for run in runs])


def chosen(way, count):
    """Of the settings with the most draws, take the best one on the validation pictures."""
    settings = {}
    for run in record["unseen"]:
        if (run["way"], run["count"]) == (way, count):
            settings.setdefault(run.get("steps"), []).append(run)
    most = max(map(len, settings.values()))
    complete = [runs for runs in settings.values() if len(runs) == most]
    return max(complete, key=lambda runs: percent(runs, "validation_accuracy").mean())


counts = (5, 20, 80, 320)
ways = {
    "learned features": ("features learned on six other classes", "blue"),
    "random features": ("features of random weights", "orange"),
    "scratch": ("from scratch", "grey"),
}
fig, axes = plt.subplots(figsize=(4.8, 4.2), layout="constrained")
for way, (words, colour) in ways.items():
    found = [percent(chosen(way, count)) for count in counts]
    axes.plot(counts, [scores.mean() for scores in found], color=show.COLOURS[colour], label=words)
    for count, scores in zip(counts, found, strict=True):
        axes.plot([count] * len(scores), scores, "o", ms=3, color=show.COLOURS[colour])
        spread = f" ± {scores.std():.1f}" if len(scores) > 1 else ""
        print(f"{words}, {count} per class: {scores.mean():.1f}{spread} % (n = {len(scores)})")
axes.axhline(25, linestyle=":", color="black")
axes.annotate("guessing", (320, 26.5), ha="right", fontsize=9)
axes.set_xscale("log")
axes.set_xticks(counts, [str(count) for count in counts])
axes.minorticks_off()
axes.set(xlabel="training pictures per class", ylabel="test accuracy (%)", ylim=(0, 100))
axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.16), fontsize=9)
fig.suptitle("Four classes that a network never saw")
plt.show()

# %%
# Feature maps before and after training
# --------------------------------------
# A picture of an unseen class, and the five strongest maps of the first group, with random weights
# and with learned ones.

images = data.load("sample")
seed_everything(0)
untrained, trained = make_backbone().eval(), load_backbone()
untrained.whiten(data.normalise(images.train_images[::10]))
for network in (untrained, trained):
    network.fc = nn.Identity()


def maps(network, x):
    x = network.stem(x)
    return network.group1(nn.functional.gelu(torch.cat([x, -x], 1)))[0]


picture = only(images.test_images, images.test_labels, ["ship"])[0][:1]
fig, grid = plt.subplots(2, 6, figsize=(4.8, 2.3), layout="constrained")
with torch.no_grad():
    for row, network, title in zip(grid, (untrained, trained), ("random", "learned"), strict=True):
        row[0].imshow(picture[0].permute(1, 2, 0).numpy())
        row[0].set_title(title, fontsize=10)
        found = maps(network, data.normalise(picture))
        strongest = found.std((1, 2)).argsort(descending=True)[:5]
        for axes, map_ in zip(row[1:], found[strongest], strict=True):
            axes.imshow(map_.numpy(), cmap="gray")
for axes in grid.flat:
    axes.set_axis_off()
fig.suptitle("First feature maps of a ship, before and after training")
plt.show()

# %%
# Which classes are near each other, before and after
# ---------------------------------------------------
# The cosine of the angle between the classes' mean features, after the mean of all is taken away.
# The last four classes were never seen.

order = (*SEEN, *UNSEEN)
pictures, labels = only(images.train_images, images.train_labels, order)
pictures, labels = data.normalise(pictures[::4]), labels[::4]
fig, grid = plt.subplots(2, 1, figsize=(4.8, 8.4), layout="constrained", sharex=True)
for axes, title, network in zip(
    grid, ("random weights", "trained on six classes"), (untrained, trained), strict=True
):
    features = transfer.cached_features(network, pictures.split(250))
    means = torch.stack([features[labels == c].mean(0) for c in range(len(order))])
    means = nn.functional.normalize(means - means.mean(0), dim=1)
    cosines = means @ means.T
    drawn = axes.imshow(cosines.numpy(), cmap="PuOr_r", vmin=-1, vmax=1)
    axes.set_xticks(range(10), order, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(10), order)
    axes.axhline(5.5, color="black", lw=1)
    axes.axvline(5.5, color="black", lw=1)
    axes.set_title(title)
    for unseen in range(6, 10):
        near = cosines[unseen, :6].argmax()
        print(f"{title}: nearest to {order[unseen]} of the seen classes is {order[near]}, "
              f"{cosines[unseen, near]:.2f}")  # fmt: skip
    seen = cosines[:6, :6][~torch.eye(6, dtype=torch.bool)]
    print(f"{title}: cosines among the seen classes from {seen.min():.2f} to {seen.max():.2f}")
fig.colorbar(drawn, ax=grid, label="cosine", shrink=0.5)
fig.suptitle("Similarity of the classes' mean features")
plt.show()
