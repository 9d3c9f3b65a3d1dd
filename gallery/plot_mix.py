"""
What is half a cat and half a cup of coffee?
============================================

MixUp blends two pictures, CutMix pastes a box of one into the other, and the label says how much of
each is left. Then we look at what a small network learns from such pictures.
"""

# %%
# Two pictures in one
# -------------------

import matplotlib.pyplot as plt
import skimage.data
import torch

from cnnguide import results, show
from cnnguide.mix import cutmix, cutmix_box, draw_box, mixup, sample_lambda

show.style()


def square(photograph, left):
    picture = torch.from_numpy(photograph[:300, left : left + 300]).permute(2, 0, 1)[None]
    return torch.nn.functional.interpolate(picture.float() / 255, (150, 150), mode="area")


pair = torch.cat([square(skimage.data.chelsea(), 100), square(skimage.data.coffee(), 180)])
swap = torch.tensor([1, 0])
shares = (0.75, 0.5)
fig, grid = plt.subplots(4, 2, figsize=(4.4, 5.7), layout="constrained", height_ratios=(4, 1, 4, 1))
for row, lam in enumerate(shares):
    box = cutmix_box(150, 150, lam=lam, centre=(82, 84))
    for column, (method, (mixed, share)) in enumerate(
        {
            "MixUp": (mixup(pair, lam=lam, permutation=swap), lam),
            "CutMix": cutmix(pair, box=box, permutation=swap),
        }.items()
    ):
        # what the label says: of CutMix, the share that was not pasted over
        show.show_image(grid[2 * row, column], mixed[0], title=f"{method}, λ = {share:.2f}")
        bars = grid[2 * row + 1, column]
        colours = [show.COLOURS["blue"], show.COLOURS["orange"]]
        drawn = bars.barh(["cat", "coffee"], [share, 1 - share], color=colours)
        bars.bar_label(drawn, fmt="%.2f", padding=2, fontsize=9)
        bars.set(xlim=(0, 1.3), xticks=[])
        bars.invert_yaxis()
        bars.spines[["bottom", "left"]].set_visible(False)
fig.suptitle("Mixed pictures and their mixed labels")
plt.show()

# %%
# How λ is drawn
# --------------
# A small α keeps most pictures nearly pure, α = 1 makes all shares equally likely, and a large α
# mixes most pictures half and half. CutMix's box is cut off at the border, so the share that really
# stays is larger than the one drawn: its mean is not one half.

generator = torch.Generator().manual_seed(0)
fig, (above, below) = plt.subplots(2, 1, figsize=(4.4, 5.8), layout="constrained")
for alpha, colour in ((0.2, "blue"), (1.0, "green"), (4.0, "orange")):
    draws = [sample_lambda(alpha, generator=generator) for _ in range(10_000)]
    above.hist(draws, bins=40, density=True, histtype="step", linewidth=2, label=f"α = {alpha:g}",
               color=show.COLOURS[colour])  # fmt: skip
above.set(xlabel="λ drawn", ylabel="density", title="MixUp")
above.legend(loc="upper center")

drawn, stayed = [], []
for _ in range(10_000):
    lam = sample_lambda(1.0, generator=generator)
    top, bottom, first, last = draw_box(32, 32, lam=lam, generator=generator)
    drawn.append(lam)
    stayed.append(1 - (bottom - top) * (last - first) / 32**2)
for values, name, colour in ((drawn, "drawn", "green"), (stayed, "that stayed", "red")):
    mean = sum(values) / len(values)
    below.hist(values, bins=40, density=True, histtype="step", linewidth=2,
               color=show.COLOURS[colour], label=f"λ {name}: mean {mean:.2f}")  # fmt: skip
below.set(xlabel="λ", ylabel="density", title="CutMix with α = 1 on 32 × 32")
below.legend(loc="upper left")
fig.suptitle("The shares that are drawn, and those that stay")
plt.show()

# %%
# What a small network gains
# --------------------------
# The network of the chapter on augmentation, and the same 1,000 photographs, with crop and flip,
# but without them in the last panel. Accuracy is measured on 4,000 other photographs; a dot is one
# seed, a line the mean. These runs take too long to be made anew with this page; ``python -m
# benchmarks.mixing`` made and recorded them.

record = results.load("mix")
names = {
    "hard": "hard labels", "smoothing": "label smoothing", "MixUp 0.2": "MixUp, α = 0.2",
    "MixUp 1": "MixUp, α = 1", "CutMix 1": "CutMix, α = 1",
}  # fmt: skip


def runs_of(kind, epochs=60, changes="crop, flip"):
    """Find the runs of a kind, one for each seed."""
    wanted = {"kind": kind, "epochs": epochs, "changes": changes}
    return [run for run in record["runs"] if wanted.items() <= run.items()]


fig, grid = plt.subplots(
    3, 1, figsize=(4.4, 6.2), sharex=True, layout="constrained", height_ratios=(5, 5, 3)
)
panels = (
    (grid[0], list(names), 60, "crop, flip", "60 epochs"),
    (grid[1], list(names), 15, "crop, flip", "15 epochs"),
    (grid[2], ["hard", "MixUp 1", "CutMix 1"], 60, "none", "60 epochs, no crop or flip"),
)
for axes, kinds, epochs, changes, title in panels:
    for k, kind in enumerate(kinds):
        runs = runs_of(kind, epochs, changes)
        scores = 100 * torch.tensor([run["others_accuracy"] for run in runs])
        colour = show.COLOURS["grey" if k == 0 else "blue"]
        axes.plot(scores, [k] * len(scores), "o", ms=4, color=colour)
        axes.plot([scores.mean()] * 2, [k - 0.35, k + 0.35], color=colour, lw=2)
        print(f"{title}, {names[kind]}: {scores.mean():.1f} ± {scores.std():.1f} %")
    axes.set(yticks=range(len(kinds)), yticklabels=[names[kind] for kind in kinds], title=title)
    axes.invert_yaxis()
    axes.grid(axis="x", linewidth=0.4)
grid[-1].set_xlabel("accuracy (%)")
fig.suptitle("What a small network gains")
plt.show()

# %%
# Can its confidence be trusted?
# ------------------------------
# The predictions of the same networks, sorted by confidence, which is the highest probability that
# a network gives. On the dashed line it is right as often as it says; below, it is too sure, and
# above, not sure enough.

fig, grid = plt.subplots(2, 2, figsize=(4.4, 4.9), sharex=True, sharey=True, layout="constrained")
for axes, kind in zip(grid.flat, ("hard", "smoothing", "MixUp 1", "CutMix 1"), strict=True):
    axes.plot([0, 100], [0, 100], "--", color=show.COLOURS["grey"], lw=1)
    for run in runs_of(kind):
        # the mean of a few predictions says little
        sure, right, _ = zip(*(b for b in run["bins"] if b and b[2] >= 20), strict=True)
        axes.plot(100 * torch.tensor(sure), 100 * torch.tensor(right), "o-", ms=3,
                  color=show.COLOURS["blue"])  # fmt: skip
    errors = 100 * torch.tensor([run["calibration_error"] for run in runs_of(kind)])
    print(f"{names[kind]}: calibration error {errors.mean():.1f} ± {errors.std():.1f} %")
    axes.set(title=names[kind], xlim=(0, 100), ylim=(0, 100))
fig.supxlabel("confidence (%)", fontsize=10)
fig.supylabel("accuracy (%)", fontsize=10)
fig.suptitle("How sure, and how often right")
plt.show()
