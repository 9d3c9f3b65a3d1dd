"""
How much may a picture change and still teach the same?
=======================================================

A mirrored cat is a cat, and a shifted truck is a truck. First we look at such changes, then at what
a small network learns from them.
"""

# %%
# One change at a time
# --------------------

import matplotlib.pyplot as plt
import skimage.data
import torch

from cnnguide import results, show
from cnnguide.augment import CLASSIC, random_crop

# sphinx_gallery_thumbnail_number = 1
show.style()
torch.manual_seed(2)
cat = torch.from_numpy(skimage.data.chelsea()[:, 75:375]).permute(2, 0, 1)
small = torch.nn.functional.interpolate(cat[None].float() / 255, (128, 128), mode="area")[0]
changed = [small] + [transform(small) for transform in CLASSIC.values()]
# The cat has 128 pixels, not 32: its crop is as much larger.
changed[1 + list(CLASSIC).index("crop")] = random_crop(
    small[None], padding=16, generator=torch.Generator().manual_seed(4)
)[0]
fig = show.image_grid(
    changed, titles=["original", *CLASSIC], columns=3, heading="Classic changes", size=1.55
)
plt.show()

# %%
# Learnt by heart
# ---------------
# A small network learns from 4,500 photographs: once from the photographs as they are, once cropped
# and mirrored anew in each epoch. These runs, and those below, take too long to be made anew with
# this page; ``python -m benchmarks.augmented`` made and recorded them.

record = results.load("augment")


def runs_of(kind, *, pictures=1000, epochs=30, width=16, padding=4):
    """Find the runs of a kind, one for each seed."""
    wanted = {"kind": kind, "pictures": pictures, "epochs": epochs, "width": width,
              "padding": padding}  # fmt: skip
    return [run for run in record["runs"] if wanted.items() <= run.items()]


def percent(runs, name):
    """Give what was measured, in percent, one row per seed."""
    return 100 * torch.tensor([run[name] for run in runs])


fig, grid = plt.subplots(2, 1, figsize=(4.8, 5.4), sharex=True, sharey=True, layout="constrained")
for axes, (kind, title) in zip(
    grid, (("none", "as they are"), ("crop, flip", "cropped and mirrored")), strict=True
):
    runs = runs_of(kind, pictures=4500, epochs=25)
    for name, label, colour in (
        ("train_accuracy", "training", "orange"),
        ("validation_accuracies", "validation", "blue"),
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
    axes.legend(loc="lower right")
grid[1].set_xlabel("epoch")
fig.suptitle("4,500 photographs, with changes and without")
plt.show()

# %%
# Which changes help?
# -------------------
# The same network, 1,000 photographs and 600 steps each time. Accuracy is measured on the 4,000
# other photographs of the sample; a dot is one seed, a line the mean.

names = {
    "none": "none", "upside down": "upside down", "cutout": "cutout", "flip": "flip",
    "one for the batch": "one draw per batch", "crop": "crop",
    "crop, flip": "crop, flip", "crop, flip, cutout": "… and cutout",
    "crop, flip, erasing": "… and RandomErasing", "crop, flip, colour": "… and colour",
    "crop, flip, AutoAugment": "… and AutoAugment", "crop, flip, RandAugment": "… and RandAugment",
    "crop, flip, TrivialAugment": "… and TrivialAugment",
}  # fmt: skip
fig, axes = plt.subplots(figsize=(4.8, 4.9), layout="constrained")
for k, (kind, label) in enumerate(names.items()):
    scores = percent(runs_of(kind), "others_accuracy")
    colour = show.COLOURS["grey" if k == 0 else "blue" if k < 7 else "orange"]
    axes.plot(scores, [k] * len(scores), "o", ms=4, color=colour)
    axes.plot([scores.mean()] * 2, [k - 0.35, k + 0.35], color=colour, lw=2)
    print(f"{label}: {scores.mean():.1f} ± {scores.std():.1f} % (n = {len(scores)})")
axes.set(yticks=range(len(names)), yticklabels=names.values(), xlabel="accuracy (%)")
axes.invert_yaxis()
axes.grid(axis="x", linewidth=0.4)
fig.suptitle("What a small network gains from each change")
plt.show()

# %%
# How much is too much?
# ---------------------
# Above, the same changes with a third of the steps and with three times as many. Below,
# the crop reaches further and further out of the picture.

fig, (above, below) = plt.subplots(2, 1, figsize=(4.8, 5.8), layout="constrained")
for kind, label, colour, marker in (
    ("none", "none", "grey", "o"),
    ("crop, flip", "crop, flip", "blue", "s"),
    ("crop, flip, TrivialAugment", "… and TrivialAugment", "orange", "^"),
):
    found = [percent(runs_of(kind, epochs=e), "others_accuracy") for e in (10, 30, 90)]
    means, lows, highs = zip(*((f.mean(), f.min(), f.max()) for f in found), strict=True)
    above.plot((10, 30, 90), means, marker + "-", color=show.COLOURS[colour], label=label)
    above.fill_between(
        (10, 30, 90), lows, highs, color=show.COLOURS[colour], alpha=0.2, linewidth=0
    )
    print(f"{label}, 10, 30, 90 epochs: " + ", ".join(f"{m:.1f}" for m in means))
above.set(xscale="log", xlabel="epochs", ylabel="accuracy (%)")
above.set_xticks((10, 30, 90), labels=("10", "30", "90"))
above.minorticks_off()
above.legend(loc="upper left", fontsize=9)
paddings = {0: "flip", 1: "crop, flip", 4: "crop, flip", 8: "crop, flip", 12: "crop, flip"}
found = [
    percent(runs_of(kind, padding=padding or 4), "others_accuracy")
    for padding, kind in paddings.items()
]
for padding, scores in zip(paddings, found, strict=True):
    below.plot([padding] * len(scores), scores, "o", ms=4, color=show.COLOURS["blue"])
    print(f"padding {padding}: {scores.mean():.1f} ± {scores.std():.1f} %")
below.plot(list(paddings), [scores.mean() for scores in found], color=show.COLOURS["blue"])
below.set(xlabel="padding of the crop (pixels)", ylabel="accuracy (%)", xticks=list(paddings))
fig.suptitle("Longer training, and stronger crops")
plt.show()
