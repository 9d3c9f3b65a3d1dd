"""
How does a picture get from a file into a batch?
================================================

Drawings of pixels, of their order in memory, of the parts of a data set, and of a loader at work.
"""

# %%
# From file to batch
# ------------------
# The shapes and the numbers are those of one picture of the sample; the number is the red of its
# upper left pixel.

import matplotlib.pyplot as plt
import torch

from cnnguide import data, diagram

sample = data.load("sample")
picture = sample.test_images[0]  # 3 × 32 × 32
rows = picture.permute(1, 2, 0).contiguous()
as_float = data.to_float(picture[None])
normalised = data.normalise(picture[None])
batch = data.normalise(sample.test_images[:64])

axes = diagram.canvas("From file to batch", height=5.0)
steps = (
    ("decoded picture", tuple(rows.shape), f"byte {rows[0, 0, 0]}"),
    ("channels first", tuple(picture.shape), f"byte {picture[0, 0, 0]}"),
    ("divided by 255", tuple(as_float[0].shape), f"{as_float[0, 0, 0, 0]:.3f}"),
    ("normalised", tuple(normalised[0].shape), f"{normalised[0, 0, 0, 0]:.2f}".replace("-", "−")),
    ("batch", tuple(batch.shape), f"{batch.numel():,} floats"),
)
y = 0.7
diagram.box(axes, 1.15, y, "file", kind="operation", width=1.7)
diagram.label(axes, 2.2, y, "JPEG or PNG", align="left")
for name, shape, number in steps:
    diagram.arrow(axes, (1.15, y + 0.16), (1.15, y + 0.52))
    y += 0.7
    diagram.box(axes, 1.15, y, name, kind="maps", width=1.7)
    diagram.label(axes, 2.2, y - 0.09, " × ".join(map(str, shape)), align="left", weight="bold")
    diagram.label(axes, 2.2, y + 0.1, number, align="left", size=8)
diagram.key(axes, 4.8, maps="numbers", operation="file")
plt.show()

# %%
# The same twelve bytes in two orders
# -----------------------------------
# A picture of 2 × 2 pixels: red, green, blue and white. A file keeps the three numbers of a pixel
# together; PyTorch keeps the four numbers of a channel together.

names = [["red", "green"], ["blue", "white"]]
colours = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}
tiny = torch.tensor([[colours[name] for name in row] for row in names])  # height, width, channels
orders = {
    "height, width, channels": (tiny, names[0] + names[1], 3),
    "channels, height, width": (tiny.permute(2, 0, 1), ["red", "green", "blue"], 4),
}
axes = diagram.canvas("Twelve bytes in two orders", height=3.75)
diagram.cells(axes, 1.4, 0.5, names, size=0.6)
for k, (order, (values, parts, length)) in enumerate(orders.items()):
    y = 2.05 + 0.95 * k
    diagram.label(axes, 0.2, y - 0.18, order, align="left", weight="bold")
    flat = values.flatten().tolist()
    for start in range(0, 12, length):
        x = 0.2 + 0.285 * start + 0.06 * (start // length)
        numbers = flat[start : start + length]
        kinds = [["mark" if number else "operation" for number in numbers]]
        diagram.cells(axes, x, y, [numbers], size=0.285, kinds=kinds, words=8)
        diagram.label(axes, x + 0.1425 * length, y + 0.4, parts[start // length], size=8)
plt.show()
assert tiny.permute(2, 0, 1).flatten().tolist() == [
    255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255,
]  # fmt: skip

# %%
# Within pictures and between them
# --------------------------------
# Two pictures of two pixels each. The variance over all pixels is the mean of the variances within
# the pictures, plus the variance between their means.

pictures = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
within = pictures.var(1, correction=0).mean().item()
between = pictures.mean(1).var(correction=0).item()
everything = pictures.var(correction=0).item()
axes = diagram.canvas("Within pictures and between them", height=2.75)
left, unit = 0.6, 0.9
for k, (row, name) in enumerate(zip(pictures.tolist(), ("first picture", "second picture"))):
    kind = "maps" if k == 0 else "weights"
    places = [left + unit * value for value in row]
    middle = sum(places) / 2
    diagram.label(axes, middle, 0.55, name, weight="bold")
    diagram.cells(axes, middle - 0.34, 0.7, [row], size=0.34, kinds=[[kind, kind]])
    for place in places:
        diagram.node(axes, place, 1.4, kind=kind)
    diagram.arrow(axes, (middle, 1.62), (middle, 1.52), kind="mark")
    diagram.label(axes, middle, 1.72, f"mean {sum(row) / 2:g}", size=8)
diagram.arrow(axes, (0.3, 1.92), (3.7, 1.92), head=False)
for value in range(4):
    diagram.label(axes, left + unit * value, 2.04, str(value), size=8)
diagram.label(axes, 2.0, 2.3, f"within {within:g} + between {between:g}")
diagram.label(axes, 2.0, 2.5, f"= over all pixels {everything:g}", weight="bold")
plt.show()
assert (within, between, everything) == (0.25, 1, 1.25)

# %%
# Three parts of a data set
# -------------------------
# CIFAR-10 comes in two parts. The validation pictures are taken from the training pictures; the
# test pictures wait until everything has been decided.

full, share = 50_000, 0.1
validation = round(full * share)
axes = diagram.canvas("Three parts of CIFAR-10", height=2.9)
parts = (
    ("training", full - validation, "maps", "learn:\nthe weights", "every epoch"),
    ("validation", validation, "weights", "choose:\nrate, epochs,\nnetwork", "many times"),
    ("test", 10_000, "mark", "report:\nthe accuracy", "once"),
)
for (name, count, kind, use, often), x, width in zip(parts, (0.9, 2.18, 3.3), (1.5, 0.92, 1.1)):
    diagram.box(axes, x, 0.8, f"{name}\n{count:,}", kind=kind, width=width, height=0.5)
    diagram.arrow(axes, (x, 1.08), (x, 1.4))
    lines = use.count("\n") + 1
    diagram.label(axes, x, 1.5 + 0.08 * lines, use)
    diagram.label(axes, x, 2.25, often, weight="bold")
diagram.label(axes, 2.0, 2.65, "nothing of the test goes back into a choice", size=8)
plt.show()

# %%
# A loader at work
# ----------------
# Preparing a batch takes two units of time, and a training step takes one. Without a worker, the
# step waits for each batch. Two workers prepare while the step runs.

prepare, step, batches = 2, 1, 6


def timeline(workers):
    """List when each batch is prepared, by whom, and when its step runs."""
    prepared, steps, free = [], [], 0
    for k in range(batches):
        start = prepare * (k // workers) if workers else free
        prepared.append((k % max(workers, 1), start, start + prepare))
        free = max(free, start + prepare)
        steps.append((free, free + step))
        free += step
    return prepared, steps


axes = diagram.canvas("Six batches, with and without workers", height=4.35)
unit, height, y, ends = 0.165, 0.2, 0.55, {}
for workers in (0, 1, 2):
    prepared, steps = timeline(workers)
    ends[workers] = steps[-1][1]
    diagram.label(axes, 0.2, y, f"num_workers={workers}", align="left", weight="bold")
    diagram.label(axes, 3.8, y, f"{ends[workers]}", align="right", weight="bold")
    lines = max(workers, 1) + (workers > 0)
    for k, ((worker, start, end), (begin, stop)) in enumerate(zip(prepared, steps)):
        for kind, line, a, b in (("weights", worker, start, end), ("maps", lines - 1, begin, stop)):
            x = 0.85 + unit * (a + b) / 2
            top = y + 0.25 + 0.24 * line
            diagram.box(axes, x, top, str(k + 1), kind=kind, width=unit * (b - a), height=height)
    for line in range(lines):
        who = "main" if line == lines - 1 else f"worker {line + 1}"
        diagram.label(axes, 0.78, y + 0.25 + 0.24 * line, who, align="right", size=8)
    y += 0.5 + 0.24 * lines
diagram.label(axes, 2.0, y + 0.05, "time in units of one training step", size=8)
diagram.arrow(axes, (0.85, y - 0.12), (3.85, y - 0.12))
diagram.key(axes, 4.2, weights="prepare a batch", maps="training step")
plt.show()
assert ends == {0: 18, 1: 13, 2: 8}
assert timeline(3)[1][-1][1] == 8

# %%
# What a loader asks for
# ----------------------
# A batch of two of the six examples of a small data set: the loader shuffles their numbers, asks
# for each example, and stacks the pictures and the labels.

images, labels = sample.train_images[::900], sample.train_labels[::900]
dataset = torch.utils.data.TensorDataset(data.normalise(images), labels)
order = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(3)).tolist()
asked = order[:2]
shapes = [tuple(dataset[k][0].shape) for k in asked]
stacked = torch.stack([dataset[k][0] for k in asked])

axes = diagram.canvas("What a loader asks for", height=3.95)
size, left = 0.34, 2.0 - 0.34 * len(order) / 2
kinds = [["mark" if k in asked else "operation" for k in order]]
diagram.label(axes, 2.0, 0.42, "shuffled numbers")
diagram.cells(axes, left, 0.56, [order], size=size, kinds=kinds)
for place, (k, shape) in enumerate(zip(asked, shapes)):
    x = 1.0 + 2.0 * place
    diagram.arrow(axes, (left + size * (place + 0.5), 0.94), (x, 1.28))
    diagram.box(axes, x, 1.45, f"dataset[{k}]", kind="operation", width=1.3)
    diagram.arrow(axes, (x, 1.61), (x, 1.92))
    words = " × ".join(map(str, shape))
    diagram.box(axes, x, 2.15, f"{words}\nlabel {dataset[k][1]}", kind="maps", width=1.5)
    diagram.arrow(axes, (x, 2.39), (2.0 + 0.5 * (place - 0.5), 2.76))
diagram.box(axes, 2.0, 2.92, "stack", kind="operation", width=1.3)
diagram.arrow(axes, (2.0, 3.08), (2.0, 3.38))
numbers = ", ".join(str(int(dataset[k][1])) for k in asked)
words = " × ".join(map(str, stacked.shape))
diagram.box(axes, 2.0, 3.61, f"batch {words}\nlabels {numbers}", kind="maps", width=2.2)
plt.show()
assert sorted(order) == list(range(6)) and shapes == [(3, 32, 32)] * 2

# %%
# Five folds
# ----------
# Each of five networks leaves out another fifth of the pictures, and is measured on it.

count, folds = 120, 5
parts = torch.arange(count).chunk(folds)
validated = torch.zeros(count, dtype=torch.int64)
axes = diagram.canvas("Cross-validation with five folds", height=3.1)
width, left = 0.44, 1.3
for network in range(folds):
    y = 0.55 + 0.4 * network
    diagram.label(axes, 0.12, y, f"network {network + 1}", align="left")
    for k, part in enumerate(parts):
        left_out = k == network
        validated[part] += left_out
        words, kind = (str(len(part)), "weights") if left_out else ("", "maps")
        x = left + width * k
        diagram.box(axes, x, y, words, kind=kind, width=width - 0.06, height=0.3)
diagram.box(axes, 3.7, 1.35, "test", kind="mark", width=0.5, height=1.9)
diagram.label(axes, 2.0, 2.55, f"each of the {count} pictures is validated once", size=8)
diagram.key(axes, 2.85, maps="training", weights="validation", mark="test")
plt.show()
assert validated.tolist() == [1] * count and {len(part) for part in parts} == {24}
