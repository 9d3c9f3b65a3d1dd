"""
What does a convolution do to a photograph?
===========================================

A kernel of nine numbers slides over a picture and writes down one sum of products at each place.
Which numbers they are decides what the result shows: edges, blur, relief.
"""

# %%
# Nine numbers, eight pictures
# ----------------------------
# Where the result can be negative, grey is zero: an edge from dark to bright and one from bright
# to dark have opposite signs.

import matplotlib.pyplot as plt
import skimage.data
import torch

from cnnguide import show
from cnnguide.conv import KERNELS, apply_kernel, conv2d_loops, output_size

show.style()
photograph = torch.from_numpy(skimage.data.camera())[None, None].float() / 255
photograph = torch.nn.functional.avg_pool2d(photograph, 2)

fig, grid = plt.subplots(2, 4, figsize=(9, 5.2), layout="constrained")
for axes, (name, kernel) in zip(grid.flat, KERNELS.items()):
    result = apply_kernel(photograph, kernel)[0, 0]
    signed = kernel.sum().abs() < 0.5  # such a kernel gives 0 on a flat area
    low, high = (-1, 1) if signed else (0, 1)
    axes.imshow(result.numpy(), cmap="gray", vmin=low, vmax=high)
    axes.set_title(name)
    axes.set_axis_off()
fig.suptitle("One photograph through eight kernels")
plt.show()

# %%
# The sum behind one pixel
# ------------------------
# The marked window is multiplied by the kernel number by number, and the nine products are added.

image = torch.tensor(
    [[0, 0, 0, 9, 9], [0, 0, 0, 9, 9], [0, 0, 9, 9, 9], [0, 0, 9, 9, 9], [0, 9, 9, 9, 9]]
).float()
kernel = KERNELS["sobel x"]
result = conv2d_loops(image[None, None], kernel[None, None])[0, 0]
row, column = 1, 1

fig, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3.6), layout="constrained")
for axes, values, title in (
    (left, image, "image, 5 × 5"),
    (middle, kernel, "kernel, 3 × 3"),
    (right, result, "result, 3 × 3"),
):
    limit = values.abs().max() * 1.6
    axes.imshow(values.numpy(), cmap="PuOr", vmin=-limit, vmax=limit)
    for (i, j), value in zip(
        torch.cartesian_prod(*map(torch.arange, values.shape)), values.flatten()
    ):
        axes.text(j, i, f"{value:.0f}", ha="center", va="center", fontsize=12)
    axes.set_title(title)
    axes.set_axis_off()
window = image[row : row + 3, column : column + 3]
terms = " + ".join(
    f"({w:.0f})·{x:.0f}" for w, x in zip(kernel.flatten(), window.flatten()) if w * x != 0
)
box = {"fill": False, "edgecolor": show.COLOURS["red"], "linewidth": 3}
left.add_patch(plt.Rectangle((column - 0.5, row - 0.5), 3, 3, **box))
right.add_patch(plt.Rectangle((column - 0.5, row - 0.5), 1, 1, **box))
fig.suptitle(f"{terms} = {result[row, column]:.0f}", color=show.COLOURS["red"])
plt.show()

# %%
# How large is the result?
# ------------------------
# Padding moves the line up, a stride divides what is left. The dotted line is the input's own
# size: only padding 1 with stride 1 keeps it for a 3 × 3 kernel.

sizes = range(4, 33)
fig, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for colour, (stride, padding) in zip(
    ("blue", "orange", "green", "red"), [(1, 1), (1, 0), (2, 1), (2, 0)]
):
    result = [output_size(n, 3, stride=stride, padding=padding) for n in sizes]
    label = f"stride {stride}, padding {padding}"
    axes.plot(sizes, result, drawstyle="steps-mid", color=show.COLOURS[colour], label=label)
axes.plot(sizes, sizes, ":", color=show.COLOURS["grey"], linewidth=3, zorder=0)
axes.set(xlabel="input size (pixels)", ylabel="output size (pixels)")
axes.legend()
fig.suptitle("Output size of a 3 × 3 convolution")
plt.show()
