"""
Where does the time of a training step go, and how is it won back?
==================================================================

First the timeline of real steps, and how near the processor comes to its own limits. Then one step
with one technique after another, each on the very same photographs, and recipes with fewer steps.
"""

# %%
# A timeline
# ----------
# PyTorch's profiler notes when each part of a step begins and ends. Above, the photographs are
# changed one by one, and below as a whole batch. Both loops train the same network.

import statistics
import time
from itertools import repeat

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch.profiler import ProfilerActivity, profile, record_function

from cnnguide import data, results, show
from cnnguide.augment import cifar_pipeline
from cnnguide.fast import FastTraining, Techniques
from cnnguide.models import QuickNet
from cnnguide.recipe import RECIPES, Recipe, learning_rate_at
from cnnguide.run import augmented_batches
from cnnguide.train import has_fast_bfloat16, make_optimizer, train_epoch

# sphinx_gallery_thumbnail_number = 1
show.style()
sample = data.load("sample")
STEPS, BATCH, ROUNDS = 3, 128, 3
recipe = Recipe(batch_size=BATCH)
images, labels = (
    part[:: len(part) // (STEPS * BATCH)] for part in (sample.train_images, sample.train_labels)
)
images, labels = images[: STEPS * BATCH].contiguous(), labels[: STEPS * BATCH]
one_by_one = data.loader(
    images, labels, batch_size=BATCH, shuffle=True, transform=cifar_pipeline(train=True)
)
generator = torch.Generator().manual_seed(0)


def whole_batches():
    """Change the photographs of a batch together, anew in each epoch."""
    return augmented_batches(images, labels, recipe, generator=generator)


PARTS = {"data": "orange", "forward": "blue", "backward": "sky", "optimiser": "green"}


def take_steps(model, optimizer, batches):
    """Train, and name the parts of each step for the profiler."""
    batches = iter(batches)
    for _ in range(STEPS):
        with record_function("data"):
            x, y = next(batches)
            x = x.contiguous()  # the same order in memory for both loops
        with record_function("forward"):
            loss = F.cross_entropy(model(x), y)
        with record_function("backward"):
            optimizer.zero_grad()
            loss.backward()
        with record_function("optimiser"):
            optimizer.step()


def timeline(batches):
    """Give each part's name with its begin and end, in milliseconds."""
    torch.manual_seed(0)
    model = QuickNet()
    optimizer = make_optimizer(model, recipe)
    take_steps(model, optimizer, batches())  # warms up
    with profile(activities=[ProfilerActivity.CPU]) as trace:
        take_steps(model, optimizer, batches())
    spans = [
        (event.name, event.time_range.start / 1000, event.time_range.end / 1000)
        for event in trace.events()
        if event.name in PARTS
    ]
    first = min(start for _, start, _ in spans)
    return [(name, start - first, end - first) for name, start, end in spans]


fig, grid = plt.subplots(2, 1, figsize=(4.8, 4.4), sharex=True, layout="constrained")
for axes, (title, batches) in zip(
    grid,
    {"image by image": lambda: one_by_one, "whole batches": whole_batches}.items(),
    strict=True,
):
    spans = timeline(batches)
    for name, start, end in spans:
        axes.barh(name, end - start, left=start, color=show.COLOURS[PARTS[name]], height=0.7)
    total = max(end for *_, end in spans)
    shares = {
        part: sum(end - start for name, start, end in spans if name == part) / total
        for part in PARTS
    }
    print(f"{title}: " + ", ".join(f"{part} {share:.0%}" for part, share in shares.items()))
    axes.set_title(title)
    axes.invert_yaxis()
grid[1].set_xlabel("milliseconds")
fig.suptitle(f"{STEPS} training steps, by the profiler")
plt.show()

# %%
# Arithmetic or memory?
# ---------------------
# For each operation we count its floating-point operations and the bytes that it must at least
# read and write, and time it. The sloping roof is the speed of copying a large tensor, the flat
# one the fastest of these operations.


def fastest(function, rounds=5):
    """Give the seconds of the fastest round; the first one warms up."""
    taken = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return min(taken[1:])


def product(side):
    """Give the product of two matrices, with its operations and its bytes."""
    a, b = torch.randn(2, side, side)
    return lambda: a @ b, 2 * side**3, 3 * 4 * side**2


def convolution(channels, side, n=32):
    """Give a 3 × 3 convolution, with its operations and its bytes."""
    x, weight = torch.randn(n, channels, side, side), torch.randn(channels, channels, 3, 3)
    work = 2 * 9 * channels**2 * side**2 * n
    return lambda: F.conv2d(x, weight, padding=1), work, 4 * (2 * x.numel() + weight.numel())


large = torch.randn(2**23)
other, out = torch.randn_like(large), torch.empty_like(large)
maps = torch.randn(32, 64, 64, 64)
operations = {
    "add": (lambda: torch.add(large, other, out=out), large.numel(), 3 * 4 * large.numel()),
    # for each value: two sums for mean and variance (a sum and a product), then scale and shift
    "BatchNorm": (
        lambda: F.batch_norm(maps, None, None, training=True), 5 * maps.numel(), 8 * maps.numel()
    ),
    "product, 4 × 4": product(4),
    "3 × 3 conv": convolution(64, 32),
    "product, 1536 × 1536": product(1536),
}  # fmt: skip
bandwidth = 2 * 4 * large.numel() / fastest(lambda: out.copy_(large))  # bytes per second
points = {}
with torch.no_grad():
    for name, (function, work, moved) in operations.items():
        points[name] = work / moved, work / fastest(function)
peak = max(rate for _, rate in points.values())
print(f"copy {bandwidth / 1e9:.1f} GB/s, peak {peak / 1e9:.0f} GFLOP/s")
for name, (intensity, rate) in points.items():
    print(f"{name}: {intensity:.2f} FLOP/byte, {rate / 1e9:.2f} GFLOP/s, {rate / peak:.1%} of peak")
# What the page reads from this figure; the true ratios are far larger.
assert points["product, 1536 × 1536"][1] > 5 * points["add"][1]
assert points["3 × 3 conv"][1] > 2 * points["add"][1]
assert points["product, 1536 × 1536"][1] > 2 * points["product, 4 × 4"][1]

fig, axes = plt.subplots(figsize=(4.8, 3.9), layout="constrained")
span = [0.03, peak / bandwidth, 1000]
axes.plot(span, [bandwidth * span[0] / 1e9, peak / 1e9, peak / 1e9], color=show.COLOURS["black"])
places = ((8, -3, "left"), (8, 2, "left"), (8, -10, "left"), (0, 9, "right"), (28, -17, "right"))
for (name, (intensity, rate)), (right, up, side) in zip(points.items(), places, strict=True):
    axes.plot(intensity, rate / 1e9, "o", color=show.COLOURS["blue"])
    axes.annotate(
        name, (intensity, rate / 1e9), xytext=(right, up), textcoords="offset points", ha=side,
        fontsize=9,
    )  # fmt: skip
axes.set(xscale="log", yscale="log", xlabel="FLOP per byte", ylabel="GFLOP per second")
axes.text(span[2], peak / 1e9 * 1.3, "peak", fontsize=9, ha="right")
axes.text(span[0], bandwidth * span[0] / 1e9 * 8, "memory", fontsize=9, ha="left")
lowest = min(bandwidth * span[0], *(rate for _, rate in points.values()))
axes.set_ylim(lowest / 3e9, peak * 4 / 1e9)
fig.suptitle("The roofline of this computer")
plt.show()

# %%
# The same step, sooner
# ---------------------
# Each row adds one technique to the one above. All take turns, so that a busy moment of the
# computer hits them alike; a dot is one round, and a bar is their median. The 16-bit step pays
# where the processor has instructions for it.


def plain(batches):
    """One epoch of the plain loop; `batches` makes them anew each time."""
    torch.manual_seed(0)
    model = QuickNet()
    optimizer = make_optimizer(model, recipe)
    return lambda: train_epoch(
        model,
        ((x.contiguous(), y) for x, y in batches()),
        optimizer,
        learning_rates=repeat(0.01),
    )


def fast(**switches):
    """One epoch of the fast loop."""
    torch.manual_seed(0)
    off = {"channels_last": False, "bfloat16": False, "fused": False, "recorded": False}
    run = FastTraining(QuickNet(), recipe, techniques=Techniques(**{**off, **switches}))
    return lambda: run.train_once(images, labels, [0.01] * STEPS)


ways = {
    "image by image": plain(lambda: one_by_one),
    "+ whole batches": plain(whole_batches),
    "+ drawn and read once": fast(),
    "+ channels last": fast(channels_last=True),
    "+ bfloat16": fast(channels_last=True, bfloat16=True),
    "+ fused optimiser": fast(channels_last=True, bfloat16=True, fused=True),
}
times = {name: [] for name in ways}
for number in range(ROUNDS + 1):
    for name, way in ways.items():
        start = time.perf_counter()
        way()
        if number:  # the first round warms up
            times[name].append(1000 * (time.perf_counter() - start) / STEPS)
medians = {name: statistics.median(taken) for name, taken in times.items()}
slowest = medians["image by image"]
for name, median in medians.items():
    print(f"{name:22s} {median:6.1f} ms per step, {slowest / median:.2f} times as fast")
print(
    f"{len(labels)} photographs, batches of {BATCH}, {torch.get_num_threads()} threads,",
    f"bfloat16 in hardware: {has_fast_bfloat16(torch.device('cpu'))}",
)

fig, axes = plt.subplots(figsize=(4.8, 3.6), layout="constrained")
axes.barh(list(medians), list(medians.values()), color=show.COLOURS["sky"])
for name, taken in times.items():
    axes.plot(taken, [name] * len(taken), "o", ms=3, color=show.COLOURS["black"])
axes.invert_yaxis()
axes.set(xlabel="milliseconds per step")
fig.suptitle("One step of QuickNet")
plt.show()

# %%
# Fewer steps
# -----------
# Above, the learning rates of three recipes. Below, a narrow QuickNet on 2,000 photographs, with a
# rate that drops twice, and with one that rises once and falls once. For each length, the highest
# rate was chosen by validation; a band reaches from the lowest to the highest of the seeds. These
# runs were made and recorded by ``python -m benchmarks.schedules``.

fig, (above, below) = plt.subplots(2, 1, figsize=(4.8, 5.8), layout="constrained")
titles = {"article": "two drops", "modern": "modern", "quick": "quick"}
for (name, each), colour, line in zip(
    RECIPES.items(), ("black", "blue", "orange"), ("-", "--", "-.")
):
    rates = [learning_rate_at(each, step, steps_per_epoch=20) for step in range(20 * each.epochs)]
    epochs = [step / 20 for step in range(len(rates))]
    above.plot(
        epochs, rates, line, color=show.COLOURS[colour],
        label=f"{titles[name]}, {each.epochs} epochs",
    )  # fmt: skip
above.set(xlabel="epoch", ylabel="learning rate")
above.legend()

record = results.load("fast")
lengths = sorted({run["epochs"] for run in record["runs"]})


def chosen(schedule, epochs):
    """Take the runs at the rate with the best mean accuracy in validation."""
    runs = [run for run in record["runs"] if (run["schedule"], run["epochs"]) == (schedule, epochs)]
    by_rate = {
        rate: [run for run in runs if run["learning_rate"] == rate]
        for rate in sorted({run["learning_rate"] for run in runs})
    }
    return max(
        by_rate.values(),
        key=lambda same: statistics.mean(run["validation_accuracies"][-1] for run in same),
    )


for schedule, label, colour, marker in (
    ("steps", "two drops", "black", "o"),
    ("triangle", "one rise, one fall", "orange", "^"),
):
    found = [[100 * run["test_accuracy"] for run in chosen(schedule, n)] for n in lengths]
    means = [statistics.mean(accuracies) for accuracies in found]
    below.plot(lengths, means, marker + "-", color=show.COLOURS[colour], label=label)
    below.fill_between(
        lengths, [min(a) for a in found], [max(a) for a in found], color=show.COLOURS[colour],
        alpha=0.2, linewidth=0,
    )  # fmt: skip
    for n, accuracies in zip(lengths, found, strict=True):
        rate = chosen(schedule, n)[0]["learning_rate"]
        print(f"{label}, {n} epochs, rate {rate}: {statistics.mean(accuracies):.1f} ± "
              f"{statistics.stdev(accuracies):.1f} % (n = {len(accuracies)})")  # fmt: skip
below.set(xscale="log", xlabel="epochs of the whole run", ylabel="accuracy (%)")
below.set_xticks(lengths, labels=[str(n) for n in lengths])
below.minorticks_off()
below.legend()
fig.suptitle("Schedules, and what they reach")
plt.show()

# %%
# One recipe, two loops
# ---------------------
# The same network, from the same first weights, learns from 45,000 photographs by one recipe: once
# by the script that people usually write, once by the fast loop. A point is an epoch, measured on
# 5,000 other photographs. ``python -m benchmarks.usual`` made and recorded both runs.

fig, axes = plt.subplots(figsize=(4.8, 3.6), layout="constrained")
for run in results.load("usual")["runs"]:
    colour, marker = {"the usual script": ("black", "o"), "the fast loop": ("orange", "^")}[
        run["way"]
    ]
    minutes = [seconds / 60 for seconds, _ in run["history"]]
    accuracies = [100 * accuracy for _, accuracy in run["history"]]
    axes.plot(minutes, accuracies, marker + "-", ms=4, color=show.COLOURS[colour], label=run["way"])
    print(f"{run['way']}: {accuracies[-1]:.2f} % after {minutes[-1]:.1f} minutes")
axes.set(xlabel="minutes", ylabel="validation accuracy (%)", xlim=(0, None))
axes.legend()
fig.suptitle("One recipe, two loops")
plt.show()
