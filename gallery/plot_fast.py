"""
How much faster can the same training be?
=========================================

One training step, made faster by one technique after another, each on the very same photographs.
Then the learning rates of recipes that need fewer steps.
"""

# %%
# The same step, sooner
# ---------------------
# Each bar adds one technique to the one above. All take turns, so that a busy moment of the
# computer hits them alike, and a bar is the median of the rounds. The 16-bit step pays where the
# processor has instructions for it.

import statistics
import time
from itertools import repeat

import matplotlib.pyplot as plt
import torch

from cnnguide import data, show
from cnnguide.augment import cifar_pipeline
from cnnguide.fast import FastTraining, Techniques
from cnnguide.models import QuickNet
from cnnguide.recipe import RECIPES, Recipe, learning_rate_at
from cnnguide.run import augmented_batches
from cnnguide.train import has_fast_bfloat16, make_optimizer, train_epoch

show.style()
sample = data.load("sample")
STEPS, BATCH, ROUNDS = 4, 128, 5
recipe = Recipe(batch_size=BATCH)
images, labels = (
    part[:: len(part) // (STEPS * BATCH)] for part in (sample.train_images, sample.train_labels)
)
images, labels = images[: STEPS * BATCH].contiguous(), labels[: STEPS * BATCH]


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


one_by_one = data.loader(
    images, labels, batch_size=BATCH, shuffle=True, transform=cifar_pipeline(train=True)
)
generator = torch.Generator().manual_seed(0)
ways = {
    "image by image": plain(lambda: one_by_one),
    "+ whole batches": plain(
        lambda: augmented_batches(images, labels, recipe, generator=generator)
    ),
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
    print(f"{name:22s} {median:6.1f} ms a step, {slowest / median:.2f} times faster")
print(
    f"{len(labels)} photographs, batches of {BATCH}, {torch.get_num_threads()} threads,",
    f"bfloat16 in hardware: {has_fast_bfloat16(torch.device('cpu'))}",
)

fig, axes = plt.subplots(figsize=(8.5, 3.8), layout="constrained")
bars = axes.barh(list(medians), list(medians.values()), color=show.COLOURS["blue"])
axes.bar_label(bars, [f"{median:.0f}" for median in medians.values()], padding=4)
axes.invert_yaxis()
axes.set(xlabel="milliseconds a step", xlim=(0, 1.12 * max(medians.values())))
fig.suptitle("One step of QuickNet, the same computation each time")
plt.show()

# %%
# Fewer steps
# -----------
# The article's recipe keeps the rate high and drops it twice. One rise and one fall get there in a
# fraction of the epochs.

fig, axes = plt.subplots(figsize=(8.5, 3.6), layout="constrained")
for (name, each), colour, line in zip(
    RECIPES.items(), ("black", "blue", "orange"), ("-", "--", "-.")
):
    rates = [learning_rate_at(each, step, steps_per_epoch=20) for step in range(20 * each.epochs)]
    epochs = [step / 20 for step in range(len(rates))]
    axes.plot(
        epochs, rates, line, color=show.COLOURS[colour], label=f"{name}, {each.epochs} epochs"
    )
axes.set(xlabel="epoch", ylabel="learning rate")
axes.legend()
fig.suptitle("The learning rate of three recipes")
plt.show()
