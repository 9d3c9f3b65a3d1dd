"""
How does LeNet-5 read a handwritten digit?
==========================================

LeNet-5 learns from 1,442 handwritten digits, and then reads 355 that it has never seen. What
happens to one of them on its way, which does it get wrong, and what becomes of digits that stand a
little beside their place?

The page *lenet* explains the network. The digits come with the library.
"""

# %%
# A digit on its way
# ------------------
# The digits of 8 × 8 pixels are enlarged to 24 × 24 and get a border of four pixels, which makes
# the 32 × 32 that LeNet-5 expects. The network takes 500 steps of 32 digits. Above each row stands
# the shape of all its maps; of the sixteen maps of the second convolution only six are drawn. A
# large number is bright, and one below zero is dark.

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from cnnguide import data, show
from cnnguide.models import LeNet5

show.style()
torch.set_num_threads(1)  # a network so small gains nothing from a second thread
written = data.digits()
print(written)


def prepare(images):
    larger = F.interpolate(images / 16, scale_factor=3, mode="bilinear")
    return (F.pad(larger, (4, 4, 4, 4)) - 0.17) / 0.29  # mean and deviation of all pixels


train_x, unseen_x = prepare(written.train_images), prepare(written.test_images)


def train(network, rate, shift=0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9)
    for _ in range(500):
        chosen = torch.randint(len(train_x), (32,), generator=generator)
        images = train_x[chosen]
        if shift:
            down, right = torch.randint(-shift, shift + 1, (2,), generator=generator).tolist()
            images = images.roll((down, right), (2, 3))
        loss = F.cross_entropy(network(images), written.train_labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def make_linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(1024, 10))


def make_lenet():
    torch.manual_seed(0)
    return LeNet5()


network = train(make_lenet(), rate=0.03)
place = 111
with torch.no_grad():
    first = network.activation(network.conv1(unseen_x[place : place + 1]))
    first_pooled = network.pool(first)
    second = network.activation(network.conv2(first_pooled))
    second_pooled = network.pool(second)
steps = {
    "first convolution": first,
    "first pooling": first_pooled,
    "second convolution": second,
    "second pooling": second_pooled,
}
fig = plt.figure(figsize=(4.8, 6.2), layout="constrained")
top, *rows = fig.subfigures(5, 1, height_ratios=[1.15, 1, 1, 1, 1])
axes = top.subplots()
axes.imshow(unseen_x[place, 0], cmap="magma")
axes.set_axis_off()
top.suptitle("the digit: 1 × 32 × 32", fontsize=9)
for row, (name, maps) in zip(rows, steps.items()):
    row.suptitle(f"{name}: {' × '.join(map(str, maps.shape[1:]))}", fontsize=9)
    for axes, plane in zip(row.subplots(1, 6), maps[0]):
        axes.imshow(plane, cmap="magma", vmin=-1, vmax=1)
        axes.set_axis_off()
fig.suptitle("A digit on its way through LeNet-5")
plt.show()

# %%
# All its mistakes
# ----------------
# Every unseen digit that the network gets wrong, as it is in the set. The arrow points from the
# true digit to the prediction.


@torch.no_grad()
def is_right(network, images):
    return network(images).argmax(1) == written.test_labels


wrong = (~is_right(network, unseen_x)).nonzero()[:, 0]
predictions = network(unseen_x).argmax(1)
columns = 6
fig, axes = plt.subplots(
    -(-len(wrong) // columns), columns, figsize=(4.8, 1.1 * -(-len(wrong) // columns) + 0.4),
    layout="constrained", squeeze=False,
)  # fmt: skip
for cell in axes.flat:
    cell.set_axis_off()
for cell, k in zip(axes.flat, wrong.tolist()):
    cell.imshow(16 - written.test_images[k, 0], vmin=0, vmax=16)
    cell.set_title(f"{written.test_labels[k]} → {predictions[k]}")
fig.suptitle("The digits that LeNet-5 gets wrong")
print(f"wrong: {len(wrong)} of {len(unseen_x)}")
plt.show()

# %%
# Digits that stand beside their place
# ------------------------------------
# All unseen digits are shifted by 0 to 4 of the 32 pixels, to the left, to the right, up and down.
# The border is four pixels wide, so nothing is cut off. The solid lines belong to networks that
# have learned from the digits in their place, and the dashed ones to networks that have learned
# from digits shifted at random by up to four pixels.

shifts = range(5)
lines = {}
for name, make, rate in (
    ("LeNet-5", make_lenet, 0.03),
    ("a linear layer", make_linear, 0.001),  # better for shifted digits than 0.003 or 0.01
):
    for shift in (0, 4):
        learner = network if (name, shift) == ("LeNet-5", 0) else train(make(), rate, shift)
        shares = [
            torch.cat([
                is_right(learner, unseen_x.roll(move, (2, 3)))
                for move in ((-k, 0), (k, 0), (0, -k), (0, k))
            ]).double().mean().item()
            for k in shifts
        ]  # fmt: skip
        label = f"{name}, learned from shifted digits" if shift else name
        lines[label] = shares
        print(f"{label}: {', '.join(f'{share:.1%}' for share in shares)}")

fig, axes = plt.subplots(figsize=(4.8, 3.6), layout="constrained")
for k, (label, shares) in enumerate(lines.items()):
    colour = show.COLOURS["blue" if k < 2 else "orange"]
    percent = [100 * share for share in shares]
    axes.plot(shifts, percent, "o--" if k % 2 else "o-", color=colour, label=label)
axes.set(xlabel="shift (pixels)", ylabel="right on unseen digits (%)", xticks=shifts, ylim=(0, 101))
axes.legend(loc="lower left", fontsize=9)
fig.suptitle("Unseen digits, shifted")
still, linear = lines["LeNet-5"], lines["a linear layer"]
assert still[0] > 0.97 and still[0] > linear[0]
assert all(one > other for one, other in zip(still, linear))
assert still[1] > 0.95 and still[2] > 0.8 and linear[2] < 0.75 and still[4] < 0.5
taught, linear_taught = (
    lines[f"{name}, learned from shifted digits"] for name in ("LeNet-5", "a linear layer")
)
assert min(taught) > 0.85 and min(taught) > max(linear_taught) + 0.05
plt.show()
