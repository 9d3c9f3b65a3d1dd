"""
What is in CIFAR-10, and what does normalising it mean?
=======================================================

Ten classes of photographs, 32 pixels a side.
Before they go into a network, each channel is moved to mean 0 and deviation 1; which deviation that
should be is a famous mistake.
"""

# %%
# Ten of each class
# -----------------

import matplotlib.pyplot as plt
import torch

from cnnguide import data, show

show.style()
images = data.load("sample")
fig, grid = plt.subplots(10, 10, figsize=(7.2, 6.2), layout="constrained")
for label, row in enumerate(grid):
    for k, axes in enumerate(row):
        show.show_image(axes, images.train_images[500 * label + k])
    row[0].text(-0.25, 0.5, data.CLASSES[label], ha="right", va="center",
                transform=row[0].transAxes)  # fmt: skip
fig.suptitle("The first ten photographs of each class in the sample")
plt.show()

# %%
# The mean photograph
# -------------------
# Averaging 500 photographs of a class leaves what they share: the sky above a ship, the ground
# under a horse.

means = [data.to_float(images.train_images[500 * c : 500 * (c + 1)]).mean(0) for c in range(10)]
fig = show.image_grid(
    [((m - m.amin()) / (m.amax() - m.amin())) for m in means],
    titles=list(data.CLASSES),
    columns=5,
    heading="The mean photograph of each class, contrast stretched",
)
plt.show()

# %%
# Two triplets of deviations
# --------------------------
# Normalised by the deviations over all pixels, each channel has deviation 1. The triplet that many
# projects print is the mean of each photograph's own deviation: it leaves out how photographs
# differ from one another, so it is too small, and what comes out is too wide.

fig, grid = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
for axes, std, title in (
    (grid[0], data.STD, "over all pixels"),
    (grid[1], data.PER_IMAGE_STD, "mean over photographs of their own"),
):
    x = data.normalise(images.train_images[::5], std=std)
    for channel, colour in enumerate(("red", "green", "blue")):
        values = x[:, channel].flatten()
        heights, edges = torch.histogram(values, bins=60, density=True)
        label = f"{colour}: deviation {values.std():.2f}"
        axes.stairs(
            heights.numpy(), edges.numpy(), color=show.COLOURS[colour], label=label, linewidth=1.5
        )
    axes.set(title=f"deviations {title}", xlabel="normalised value")
    axes.legend(fontsize=9)
grid[0].set_ylabel("density")
fig.suptitle("The sample's pixels, normalised by two triplets")
plt.show()
