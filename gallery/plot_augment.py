"""
How much may a picture change and still be the same?
====================================================

A mirrored cat is a cat, a shifted truck is a truck.
Each picture below is one that a network in training may be shown.
"""

# %%
# One change at a time
# --------------------

import matplotlib.pyplot as plt
import skimage.data
import torch

from cnnguide import data, show
from cnnguide.augment import (
    CLASSIC,
    IMAGENET_MEAN,
    IMAGENET_STD,
    imagenet_pipeline,
    random_crop,
    random_flip,
)

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
    changed, titles=["original", *CLASSIC], columns=3, heading="Classic changes", size=2.2
)
plt.show()

# %%
# The ImageNet recipe
# -------------------
# All at once, ten times over: the recipe crops anything from 8 % of the picture on.

mean, std = (torch.tensor(c).view(3, 1, 1) for c in (IMAGENET_MEAN, IMAGENET_STD))
coffee = torch.from_numpy(skimage.data.coffee()).permute(2, 0, 1)
shown = [imagenet_pipeline(train=True)(coffee) * std + mean for _ in range(10)]
fig = show.image_grid(shown, columns=5, heading="Ten times the same photograph", size=1.8)
plt.show()

# %%
# The CIFAR-10 recipe
# -------------------
# Pad by 4, crop at one of 81 places, mirror every second one: 162 pictures from one.

generator = torch.Generator().manual_seed(0)
horse = data.load("sample").train_images[3507].expand(15, 3, 32, 32)
shown = random_flip(random_crop(horse, generator=generator), generator=generator)
fig = show.image_grid(list(shown), columns=5, heading="Crops and flips of one photograph", size=1.5)
plt.show()

# %%
# All places alike
# ----------------
# Where 100,000 crops fell: every one of the 81 places is as likely as any other.

spot = torch.zeros(100_000, 1, 9, 9)
spot[:, :, 4, 4] = 1
fallen = random_crop(spot, padding=4, generator=generator).sum((0, 1))
fig, axes = plt.subplots(figsize=(5, 4.2), layout="constrained")
drawn = axes.imshow(fallen.numpy(), cmap="viridis", vmin=0, extent=(-4.5, 4.5, 4.5, -4.5))
fig.colorbar(drawn, label="crops")
axes.set(xlabel="shift to the right (pixels)", ylabel="shift down (pixels)")
fig.suptitle(f"100,000 crops: from {fallen.min():.0f} to {fallen.max():.0f} a place")
plt.show()
