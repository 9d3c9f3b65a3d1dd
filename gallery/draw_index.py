"""
What is in the guide, in six pictures?
======================================

The pictures of the home page, one for each part of the guide. They have no words. The code of the
chapters, or the networks that they explain, computed what they show.
"""

# %%
# A picture becomes features
# --------------------------
# A photograph, a kernel, and the feature map that the kernel makes of it. Weights and results are
# purple where they are negative, orange where they are positive, and white at zero.

import matplotlib.pyplot as plt
import skimage.data
import torch
from matplotlib.patches import FancyArrowPatch, Rectangle
from torchvision.models import resnet18
from torchvision.transforms.v2 import functional as tv

from cnnguide import data, results, show
from cnnguide.augment import crop_at, cutout_at, flip_where
from cnnguide.cam import grad_cam
from cnnguide.conv import KERNELS, apply_kernel
from cnnguide.trained import shipped

BLUE, ORANGE, GREY = (show.COLOURS[name] for name in ("blue", "orange", "grey"))


def canvas(*widths, rows=1):
    """Give axes side by side, without ticks and frames."""
    _figure, grid = plt.subplots(
        rows, len(widths), figsize=(3.6, 1.6), layout="constrained",
        width_ratios=widths, squeeze=False,
    )  # fmt: skip
    for axes in grid.flat:
        axes.set_axis_off()
    return grid.flat


def arrow(axes):
    """Point from what stands on the left to what stands on the right."""
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.add_patch(
        FancyArrowPatch((0, 0.5), (1, 0.5), arrowstyle="-|>", mutation_scale=12, color=GREY, lw=1.5)
    )


show.style()
photograph = torch.from_numpy(skimage.data.camera())[None, None].float() / 255
photograph = torch.nn.functional.avg_pool2d(photograph, 4)
kernel = KERNELS["sobel x"]
left, middle, right = canvas(4, 1.6, 4)
edges = apply_kernel(photograph, kernel)[0, 0]
left.imshow(photograph[0, 0].numpy(), cmap="gray")
middle.imshow(kernel.numpy(), cmap="PuOr_r", vmin=-3, vmax=3)
for k in range(4):
    middle.axhline(k - 0.5, color=GREY, lw=1)
    middle.axvline(k - 0.5, color=GREY, lw=1)
right.imshow(edges.numpy(), cmap="PuOr_r", vmin=-1, vmax=1)
plt.show()

# %%
# Features become a decision
# --------------------------
# A cat, and the scores that the network of the library gives to ten classes: left of the line
# below zero, right of it above, and one of them almost zero. The largest score is orange, and it is
# that of the class "cat".

network = shipped()
large = torch.from_numpy(skimage.data.chelsea()[:, 60:360].copy()).permute(2, 0, 1)[None]
cat = tv.resize(large, [32, 32], antialias=True)
normalised = data.normalise(cat, mean=network.mean, std=network.std)
with torch.no_grad():
    scores = network.model(normalised)[0]
best = int(scores.argmax())
assert network.classes[best] == "cat" and scores.abs().argmax() == best  # the longest bar
left, middle, right = canvas(4, 1.2, 4)
left.imshow(cat[0].permute(1, 2, 0).numpy())
arrow(middle)
right.barh(
    range(10), scores.numpy(), color=[ORANGE if k == best else BLUE for k in range(10)], height=0.7
)
right.axvline(0, color=GREY, lw=1)
right.invert_yaxis()
plt.show()

# %%
# Networks become deep
# --------------------
# The eight blocks of a ResNet-18, with a shortcut around each. A bar is as high as the block's
# feature maps, and wider where there are more of them; a picture sent through the network gave
# both.

resnet = resnet18()
x = resnet.maxpool(resnet.relu(resnet.bn1(resnet.conv1(torch.zeros(1, 3, 224, 224)))))
(axes,) = canvas(1)
for place, block in enumerate([*resnet.layer1, *resnet.layer2, *resnet.layer3, *resnet.layer4]):
    x = block.eval()(x)
    height, width = x.shape[-1] / 56, 0.1 + 0.55 * x.shape[1] / 512
    start, end, top = place - 0.42, place + 0.42, height / 2 + 0.14
    axes.plot([start, end], [0, 0], color=GREY, lw=1.5, zorder=0)
    axes.add_patch(Rectangle((place - width / 2, -height / 2), width, height, color=BLUE))
    axes.plot([start, start, end, end], [0, top, top, 0], color=ORANGE, lw=2)
axes.set(xlim=(-0.6, 7.6), ylim=(-0.55, 0.7))
plt.show()

# %%
# Pictures become a data set
# --------------------------
# One photograph, and seven pictures that a training could make of it: shifted, with black at the
# edge, some of them mirrored, with a black square somewhere.

generator = torch.Generator().manual_seed(2)
cup = torch.from_numpy(skimage.data.coffee()[:, 100:500].copy()).permute(2, 0, 1)[None]
small = tv.resize(cup, [96, 96], antialias=True)
copies = small.expand(8, -1, -1, -1)
rows, columns = (torch.randint(0, 25, (8,), generator=generator) for _ in range(2))
changed = crop_at(copies, rows, columns, padding=12)
changed = flip_where(changed, torch.rand(8, generator=generator) < 0.5)
y, x = (torch.randint(0, 96, (8,), generator=generator) for _ in range(2))
changed = torch.cat([small, cutout_at(changed, y, x, side=32)[1:]])
places = canvas(1, 1, 1, 1, rows=2)
for axes, picture in zip(places, changed, strict=True):
    axes.imshow(picture.permute(1, 2, 0).numpy())
plt.show()

# %%
# A network gets trained
# ----------------------
# Loss of every epoch of the recorded run of the chapter on training: on training images blue, on
# validation images orange. In training it is higher, since there the pictures are changed and the
# labels smoothed.

history = results.load("train")["runs"][0]["history"]
(axes,) = canvas(1)
for part, colour in (("train", BLUE), ("validation", ORANGE)):
    axes.plot([epoch[f"{part}_loss"] for epoch in history], color=colour, lw=2)
axes.plot([0, 0, len(history)], [2.0, 0, 0], color=GREY, lw=1.5)
plt.show()

# %%
# It becomes yours
# ----------------
# A photograph, and where the network of the library looks when it says "cat": the map of Grad-CAM,
# the more orange, the more it speaks for the class.

seen = grad_cam(network.model, network.model.layer3, normalised, torch.tensor([best]))
seen = tv.resize(seen, [300, 300], antialias=True)[0]
left, middle, right = canvas(4, 1.2, 4)
for axes in (left, right):
    axes.imshow(large[0].permute(1, 2, 0).numpy())
arrow(middle)
right.imshow(seen.numpy(), cmap="Oranges", alpha=0.75 * seen.clamp(0, 1).numpy())
plt.show()
