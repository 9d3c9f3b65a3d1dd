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
from cnnguide.trained import shipped

show.style()
pixels = torch.from_numpy(skimage.data.camera())  # in colour: skimage.data.astronaut()
photograph = pixels.view(*pixels.shape[:2], -1).permute(2, 0, 1)[None].float() / 255
photograph = torch.nn.functional.avg_pool2d(photograph, 2)

rows = -(-len(KERNELS) // 2)
fig, grid = plt.subplots(rows, 2, figsize=(4.2, 2.2 * rows), layout="constrained")
for axes in grid.flat:
    axes.set_axis_off()
for axes, (name, kernel) in zip(grid.flat, KERNELS.items()):
    result = apply_kernel(photograph, kernel)[0]
    signed = kernel.sum().abs() < 0.5  # such a kernel gives 0 on a flat area
    low, high = (-1, 1) if signed else (0, 1)
    show.show_image(axes, (result - low) / (high - low), title=name)
fig.suptitle("One photograph, kernel by kernel")
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
row, column = 2, 1

fig, (left, middle, right) = plt.subplots(1, 3, figsize=(4.8, 2.1), layout="constrained")
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
        axes.text(j, i, f"{value:.0f}", ha="center", va="center", fontsize=9)
    axes.set_title(title)
    axes.set_axis_off()
window = image[row : row + 3, column : column + 3]
terms = " + ".join(
    f"({w:.0f})·{x:.0f}" if w < 0 else f"{w:.0f}·{x:.0f}"
    for w, x in zip(kernel.flatten(), window.flatten())
    if w * x != 0
)
box = {"fill": False, "edgecolor": show.COLOURS["red"], "linewidth": 2, "clip_on": False}
left.add_patch(plt.Rectangle((column - 0.5, row - 0.5), 3, 3, **box))
right.add_patch(plt.Rectangle((column - 0.5, row - 0.5), 1, 1, **box))
fig.suptitle(f"{terms} = {result[row, column]:.0f}", color=show.COLOURS["red"])
plt.show()

# %%
# How large is the result?
# ------------------------
# One row of seven pixels, and below it every place at which the kernel fits. Each bar is one place
# and makes one output pixel, so the number of bars is the output's size. Dots are the pixels that
# the kernel reads there, hollow squares are padding.

settings = [
    {"kernel": 3},
    {"kernel": 3, "padding": 1},
    {"kernel": 5},
    {"kernel": 3, "stride": 2},
    {"kernel": 3, "stride": 2, "padding": 1},
    {"kernel": 3, "dilation": 2},
]
fig, grid = plt.subplots(3, 2, figsize=(4.8, 6.2), sharex=True, sharey=True, layout="constrained")
for axes, setting in zip(grid.flat, settings):
    padding, dilation = setting.get("padding", 0), setting.get("dilation", 1)
    kernel_size = setting["kernel"]
    for x in range(-padding, 7 + padding):
        real = 0 <= x < 7
        colour = show.COLOURS["sky"] if real else "white"
        axes.add_patch(
            plt.Rectangle((x - 0.45, 0.3), 0.9, 0.9, facecolor=colour, edgecolor="#767676")
        )
    rest = {name: value for name, value in setting.items() if name != "kernel"}
    places = output_size(7, kernel_size, **rest)
    for k in range(places):
        start = k * setting.get("stride", 1) - padding
        read = [start + dilation * u for u in range(kernel_size)]
        axes.plot([read[0], read[-1]], [-k, -k], color=show.COLOURS["grey"], linewidth=2)
        axes.plot(read, [-k] * len(read), "o", color=show.COLOURS["red"], markersize=5)
    words = ", ".join(f"{name} {value}" for name, value in setting.items())
    axes.set_title(f"{words}: {places} places", fontsize=9)
    axes.set(aspect="equal", xlim=(-1.7, 7.7), ylim=(-6.7, 1.5), yticks=[], xticks=range(7))
    axes.spines["left"].set_visible(False)
for axes in grid[-1]:
    axes.set_xlabel("pixel of the input")
fig.suptitle("Seven pixels go in: how many come out?")
plt.show()

# %%
# Kernels that nobody designed
# ----------------------------
# Above, a layer sees random pictures and what the Sobel kernel makes of them, and changes its nine
# weights until it gives the same. Below are kernels from the first layer of a network that learned
# to classify photographs: three planes of weights each, shown as red, green and blue.

teacher = KERNELS["sobel y"]
examples = torch.randn(8, 1, 16, 16, generator=torch.Generator().manual_seed(0))
answers = torch.nn.functional.conv2d(examples, teacher[None, None])
torch.manual_seed(0)
learner = torch.nn.Conv2d(1, 1, 3, bias=False)
optimizer = torch.optim.SGD(learner.parameters(), lr=0.2)
seen = {}
for step in range(61):
    if step in (0, 3, 10, 60):
        seen[step] = learner.weight.detach()[0, 0].clone()
    optimizer.zero_grad()
    torch.nn.functional.mse_loss(learner(examples), answers).backward()
    optimizer.step()
torch.testing.assert_close(seen[60], teacher, atol=0.01, rtol=0)

found = shipped().model.conv1.weight.detach()  # 32 × 3 × 3 × 3
spread = found.flatten(1).std(1)
strongest = spread.argsort(descending=True)[:8]

fig, grid = plt.subplots(3, 4, figsize=(4.8, 4.6), layout="constrained")
for axes, (step, kernel) in zip(grid[0], seen.items()):
    axes.imshow(kernel.numpy(), cmap="PuOr", vmin=-3.2, vmax=3.2)
    for (i, j), value in zip(
        torch.cartesian_prod(torch.arange(3), torch.arange(3)), kernel.flatten()
    ):
        number = f"{round(value.item(), 1) + 0:.1f}"  # + 0 makes a 0 of −0
        axes.text(j, i, number, ha="center", va="center", fontsize=9)
    axes.set_title(f"step {step}")
for axes, kernel in zip(grid[1:].flat, found[strongest]):
    axes.imshow((0.5 + kernel / (2 * kernel.abs().max())).permute(1, 2, 0).numpy())
for axes in grid.flat:
    axes.set_axis_off()
fig.suptitle("Kernels that nobody designed")
plt.show()
