"""
What is half a cat and half a cup of coffee?
============================================

MixUp blends two pictures, CutMix pastes a box of one into the other, and the label says how much of
each is left.
"""

# %%
# Two pictures in one
# -------------------

import matplotlib.pyplot as plt
import skimage.data
import torch

from cnnguide import show
from cnnguide.mix import cutmix, cutmix_box, draw_box, mixup, sample_lambda

show.style()


def square(photograph, left):
    picture = torch.from_numpy(photograph[:300, left : left + 300]).permute(2, 0, 1)[None]
    return torch.nn.functional.interpolate(picture.float() / 255, (150, 150), mode="area")


pair = torch.cat([square(skimage.data.chelsea(), 100), square(skimage.data.coffee(), 180)])
swap = torch.tensor([1, 0])
shares = (1.0, 0.75, 0.5, 0.25)
fig, grid = plt.subplots(4, 4, figsize=(9, 6.2), layout="constrained", height_ratios=(4, 1, 4, 1))
for row, method in ((0, "MixUp"), (2, "CutMix")):
    for column, lam in enumerate(shares):
        if method == "MixUp":
            picture, share = mixup(pair, lam=lam, permutation=swap)[0], lam
        else:
            box = cutmix_box(150, 150, lam=lam, centre=(60, 95))
            mixed, share = cutmix(pair, box=box, permutation=swap)
            picture = mixed[0]
        show.show_image(grid[row, column], picture, title=f"{method}, λ = {lam}")
        bars = grid[row + 1, column]
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
# A small α keeps most pictures nearly pure; 1 makes every share as likely. CutMix's box is cut off
# at the border, so the share that really stays is larger than the one drawn: its mean is not one
# half.

generator = torch.Generator().manual_seed(0)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for alpha, colour in ((0.2, "blue"), (1.0, "green"), (5.0, "orange")):
    draws = [sample_lambda(alpha, generator=generator) for _ in range(10_000)]
    left.hist(draws, bins=40, density=True, histtype="step", linewidth=2, label=f"α = {alpha}",
              color=show.COLOURS[colour])  # fmt: skip
left.set(xlabel="λ drawn", ylabel="density", title="MixUp")
left.legend()

drawn, stayed = [], []
for _ in range(10_000):
    lam = sample_lambda(1.0, generator=generator)
    top, bottom, first, last = draw_box(32, 32, lam=lam, generator=generator)
    drawn.append(lam)
    stayed.append(1 - (bottom - top) * (last - first) / 32**2)
for values, name, colour in ((drawn, "drawn", "green"), (stayed, "that stayed", "red")):
    mean = sum(values) / len(values)
    right.hist(values, bins=40, density=True, histtype="step", linewidth=2,
               color=show.COLOURS[colour], label=f"λ {name}: mean {mean:.2f}")  # fmt: skip
right.set(xlabel="λ", ylabel="density", title="CutMix with α = 1 on 32 × 32")
right.legend(loc="upper left")
fig.suptitle("The shares that are drawn, and the shares that stay")
plt.show()
