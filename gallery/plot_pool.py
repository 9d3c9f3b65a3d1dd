"""
What does pooling keep, and what does it lose?
==============================================

Pooling replaces each window by one number.
The maximum keeps the strongest response wherever in the window it stood; the mean keeps the sum.
"""

# %%
# Edges, pooled
# -------------
# A feature map of edges, pooled by windows of eight: the maximum still shows where edges are, the
# mean fades the thin ones.

import matplotlib.pyplot as plt
import skimage.data
import torch

from cnnguide import show
from cnnguide.conv import KERNELS, apply_kernel
from cnnguide.pool import avg_pool2d, max_pool2d

show.style()
photograph = torch.from_numpy(skimage.data.camera())[None, None].float() / 255
edges = apply_kernel(photograph, KERNELS["sobel x"]).abs()

fig = show.image_grid(
    [edges[0] / 2, max_pool2d(edges, 8)[0] / 2, avg_pool2d(edges, 8)[0] / 2],
    titles=["edges, 512 × 512", "maximum of 8 × 8", "mean of 8 × 8"],
    columns=3,
    size=2.9,
    heading="A feature map of edges, pooled",
)
plt.show()

# %%
# A step to the side
# ------------------
# Shift the picture by a few pixels, and compare what was pooled before with what is pooled after.
# The larger the window, the less a small step changes; how much less, the curves say.

steps = range(9)
fig, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for colour, (name, pool, size) in zip(
    ("black", "blue", "red", "sky", "orange"),
    [
        ("no pooling", None, 1),
        ("maximum of 4 × 4", max_pool2d, 4),
        ("mean of 4 × 4", avg_pool2d, 4),
        ("maximum of 16 × 16", max_pool2d, 16),
        ("mean of 16 × 16", avg_pool2d, 16),
    ],
):
    change = []
    for step in steps:
        before, after = edges, edges.roll(step, 3)
        if pool:
            before, after = pool(before, size), pool(after, size)
        change.append(((after - before).norm() / before.norm()).item())
    axes.plot(steps, change, "o-", color=show.COLOURS[colour], label=name)
axes.set(xlabel="shift (pixels)", ylabel="relative change of the features", ylim=(-0.05, 1.6))
axes.legend(loc="upper left", ncols=2)
fig.suptitle("How much a small shift changes pooled features")
plt.show()
