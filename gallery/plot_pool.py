"""
What does pooling keep, and what does it lose?
==============================================

Pooling replaces each window by one number.
The maximum keeps the strongest response wherever in the window it stood; the mean
keeps the average strength.
"""

# %%
# One pixel to the right
# ----------------------
# The edges of a photograph, and the edges of the same photograph moved to the right by one pixel.
# To the eye both maps are the same, but most numbers on an edge have changed.

import matplotlib.pyplot as plt
import skimage.color
import skimage.data
import torch

from cnnguide import show
from cnnguide.conv import KERNELS, apply_kernel
from cnnguide.pool import avg_pool2d, max_blur_pool2d, max_pool2d, relative_change

PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee", "coins", "rocket")
SIDE = 256


def edges_of(name):
    """Load a photograph in grey, and respond to its upright edges."""
    pixels = getattr(skimage.data, name)()
    pixels = skimage.color.rgb2gray(pixels) if pixels.ndim == 3 else pixels / 255
    return apply_kernel(torch.from_numpy(pixels)[None, None].float(), KERNELS["sobel x"]).abs()


def moved(edges, pixels):
    """Cut a square out of the middle, as if what it shows had moved to the right."""
    top, left = (edges.shape[-2] - SIDE) // 2, (edges.shape[-1] - SIDE) // 2 - pixels
    return edges[..., top : top + SIDE, left : left + SIDE]


show.style()
maps = {name: edges_of(name) for name in PHOTOGRAPHS}
before, after = (maps["camera"][..., 110:206, 220 - pixels : 316 - pixels] for pixels in (0, 1))
fig = show.image_grid(
    [before[0] / 2, after[0] / 2, (after - before)[0].abs() / 2],
    titles=["edges", "moved by one pixel", "difference"],
    columns=3,
    size=1.55,
    heading="One pixel to the right",
)
plt.show()

# %%
# How much changes
# ----------------
# The relative change is the length of the difference, divided by the length of the map before. Each
# line is the mean of six photographs, and its band is one standard deviation wide on either side.
# To take every fourth pixel is the control: this map is as small as a pooled one, but nothing was
# pooled.

ways = {
    "no pooling": lambda x: x,
    "every fourth pixel": lambda x: x[..., ::4, ::4],
    "mean of 4 × 4": lambda x: avg_pool2d(x, 4),
    "maximum of 4 × 4": lambda x: max_pool2d(x, 4),
    "maximum and blur, twice": lambda x: max_blur_pool2d(max_blur_pool2d(x)),
}
steps = range(9)
change = {
    words: torch.tensor(
        [
            [relative_change(way(moved(x, 0)), way(moved(x, step))) for step in steps]
            for x in maps.values()
        ]
    )
    for words, way in ways.items()
}

fig, axes = plt.subplots(figsize=(4.8, 4.4), layout="constrained")
for (words, values), colour, line in zip(
    change.items(), ("black", "orange", "blue", "red", "green"), ("-", "--", "-", "-", "-")
):
    middle, spread = values.mean(0), values.std(0)
    axes.plot(steps, middle, line, marker="o", color=show.COLOURS[colour], label=words)
    axes.fill_between(
        steps, middle - spread, middle + spread, color=show.COLOURS[colour], alpha=0.12, lw=0
    )
axes.set(xlabel="shift (pixels)", ylabel="relative change", ylim=(0, 1.75))
axes.legend(loc="upper left", fontsize=9)
fig.suptitle("How much a small shift changes a map")
plt.show()

at_one = {words: values[:, 1].mean().item() for words, values in change.items()}
print({words: round(value, 2) for words, value in at_one.items()})
assert 0.65 < at_one["no pooling"] < 0.85  # about three quarters
assert abs(at_one["every fourth pixel"] - at_one["no pooling"]) < 0.1
assert 0.2 < at_one["mean of 4 × 4"] < 0.4 and 0.2 < at_one["maximum of 4 × 4"] < 0.4
assert at_one["maximum and blur, twice"] < 0.7 * at_one["maximum of 4 × 4"]
for values in change.values():
    print([round(value, 2) for value in values.mean(0).tolist()])
    assert values.mean(0)[4] > 0.45  # four pixels to the side, no map is blind to the shift

# %%
# What the maximum keeps, and what the mean keeps
# -----------------------------------------------
# The same edges in windows of 8 × 8. The maximum still shows every edge, and the mean fades the
# thin ones, because most numbers in their windows are near zero.

edges = maps["camera"]
pooled = {"maximum of 8 × 8": max_pool2d(edges, 8), "mean of 8 × 8": avg_pool2d(edges, 8)}
fig = show.image_grid(
    [edges[0] / 2, *(x[0] / 2 for x in pooled.values())],
    titles=["edges", *pooled],
    columns=3,
    size=1.55,
    heading="A feature map of edges, pooled",
)
plt.show()

brightness = [x.mean().item() for x in pooled.values()]
print([round(value, 2) for value in brightness])
assert brightness[0] > 2 * brightness[1]
