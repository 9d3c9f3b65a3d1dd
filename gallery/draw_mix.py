"""
How are two pictures mixed, and what do their labels say then?
==============================================================

MixUp, CutMix and smoothed labels, drawn with numbers that can be checked by hand. Each number was
computed by the library. At last, how sure a network is and how often it is right.
"""

# %%
# MixUp by hand
# -------------
# A quarter of the one picture, and three quarters of the other. The labels are mixed in the same
# way.

from statistics import mean

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import Rectangle

from cnnguide import diagram, results, show
from cnnguide.mix import cutmix, cutmix_box, mixup, smooth_labels, soft_labels

cat = torch.tensor([[8, 0, 0, 8], [8, 8, 8, 8], [8, 4, 4, 8], [0, 8, 8, 0]]).float()
dog = torch.tensor([[0, 4, 4, 0], [8, 4, 4, 8], [8, 4, 4, 8], [0, 8, 8, 0]]).float()
pair, swap = torch.stack([cat, dog])[:, None], torch.tensor([1, 0])
lam = 0.25
blended = mixup(pair, lam=lam, permutation=swap)[0, 0]
labels = soft_labels(torch.tensor([0, 1]), lam=lam, permutation=swap, num_classes=2)


def whole(values):
    """Leave the point away where nothing stands behind it."""
    return [[int(v) if v == int(v) else round(v, 3) for v in row] for row in values.tolist()]


axes = diagram.canvas("MixUp with λ = 0.25", height=3.1)
parts = [
    ("cat", cat, [[1, 0]], "maps", 0.1),
    ("dog", dog, [[0, 1]], "weights", 1.48),
    ("mixed", blended, [labels[0].tolist()], "mark", 2.86),
]
for words, numbers, label, kind, left in parts:
    diagram.label(axes, left + 0.52, 0.82, words, weight="bold")
    diagram.cells(axes, left, 0.94, whole(numbers), size=0.26, kinds=kind)
    for k, name in enumerate(("cat", "dog")):
        diagram.label(axes, left + 0.26 + 0.52 * k, 2.32, name, size=8)
    diagram.cells(axes, left, 2.42, whole(torch.tensor(label)), size=0.52, kinds=kind)
for words, x in ((f"{lam} ×", 0.62), (f"+ {1 - lam} ×", 2.0), ("=", 3.38)):
    diagram.label(axes, x, 0.56, words)
plt.show()

# %%
# CutMix, and a box that sticks out of the picture
# ------------------------------------------------
# The same λ was drawn three times. Its box has 2 × 2 pixels, and its middle is drawn too: where the
# border cuts the box, fewer pixels are pasted, and the label has to say so.

axes = diagram.canvas("CutMix with λ = 0.75 drawn", height=4.3)
for words, numbers, kind, left in (("cat", cat, "maps", 0.7), ("dog", dog, "weights", 2.26)):
    diagram.label(axes, left + 0.52, 0.56, words, weight="bold")
    diagram.cells(axes, left, 0.68, whole(numbers), kinds=kind)
for column, centre in enumerate(((2, 2), (0, 2), (0, 0))):
    left, top = 0.1 + 1.38 * column, 2.22
    box = cutmix_box(4, 4, lam=0.75, centre=centre)
    mixed, stays = cutmix(pair, box=box, permutation=swap)
    first, last, start, end = box
    kinds = [
        ["weights" if first <= i < last and start <= j < end else "maps" for j in range(4)]
        for i in range(4)
    ]
    diagram.cells(axes, left, top, whole(mixed[0, 0]), kinds=kinds)
    edge = show.COLOURS["red"]
    middle = (left + 0.26 * (centre[1] - 1), top + 0.26 * (centre[0] - 1))
    axes.add_patch(Rectangle(middle, 0.52, 0.52, fill=False, ec=edge, lw=1.8, ls="--", zorder=6))
    pasted = (last - first) * (end - start)
    diagram.label(axes, left + 0.52, 3.46, f"pasted: {pasted} of 16")
    diagram.label(axes, left + 0.52, 3.68, f"λ = {stays}", weight="bold")
diagram.key(axes, 4.1, maps="cat", weights="dog")
plt.show()

# %%
# What a target can say
# ---------------------
# Four targets for the picture of a cat. The hard label has one class. The smoothed label gives
# all others the same small share. A teacher, which is a trained network, gives a dog more than a
# truck, and a temperature T above 1 makes the small shares visible.

CLASSES = ("cat", "dog", "truck", "ship")
scores = torch.tensor([6.0, 4.0, 0.0, -1.0])  # of a teacher, made up to be easy
targets = {
    "hard label": torch.tensor([1.0, 0.0, 0.0, 0.0]),
    "smoothed, ε = 0.2": smooth_labels(torch.tensor([0]), smoothing=0.2, num_classes=4)[0],
    "teacher, T = 1": scores.softmax(0),
    "teacher, T = 4": (scores / 4).softmax(0),
}
show.style()
fig, grid = plt.subplots(2, 2, figsize=(4.4, 4.0), sharex=True, sharey=True, layout="constrained")
for axes, (words, target) in zip(grid.flat, targets.items(), strict=True):
    bars = axes.barh(CLASSES, target.tolist(), color=show.COLOURS["blue"])
    axes.bar_label(bars, fmt="%.2f", padding=2, fontsize=9)
    axes.set(title=words, xlim=(0, 1.35), xticks=[0, 0.5, 1])
grid[0, 0].invert_yaxis()
fig.supxlabel("probability", fontsize=10)
fig.suptitle("Four targets for one picture")
plt.show()

# %%
# How sure, and how often right?
# ------------------------------
# A small network was trained with hard labels, and predicts 4,000 other photographs. They are
# sorted into bins by the highest probability that the network gave. On the dashed line, it would be
# right as often as it says. ``python -m benchmarks.mixing`` made and recorded the runs.

wanted = {"kind": "hard", "epochs": 60, "changes": "crop, flip"}
runs = [run for run in results.load("mix")["runs"] if wanted.items() <= run.items()]
assert len(runs) == 3
fig, axes = plt.subplots(figsize=(4.4, 3.8), layout="constrained")
axes.plot([0, 100], [0, 100], "--", color=show.COLOURS["grey"], lw=1)
for run in runs:
    # the mean of a few predictions says little
    sure, right, _ = zip(*(b for b in run["bins"] if b and b[2] >= 20), strict=True)
    sure, right = ([100 * share for share in shares] for shares in (sure, right))
    axes.plot(sure, right, "o-", ms=4, color=show.COLOURS["blue"])
mean_sure = mean(100 * run["confidence"] for run in runs)
mean_right = mean(100 * run["others_accuracy"] for run in runs)
print(f"confidence {mean_sure:.1f} %, accuracy {mean_right:.1f} % (n = {len(runs)})")
axes.set(xlabel="confidence (%)", ylabel="accuracy (%)", xlim=(0, 100), ylim=(0, 100))
axes.text(60, 75, "as sure as right", ha="right", color=show.COLOURS["grey"])
axes.text(66, 33, "too sure", color=show.COLOURS["blue"])
fig.suptitle("How sure, and how often right?")
plt.show()
