"""
What does a loss curve tell about a training that goes wrong?
=============================================================

First, how to find a learning rate. Then ten mistakes, each made on purpose in a short training,
beside the same training without the mistake. At the end, a comparison of optimisers and schedules.
The chapter *train* explains what to look for.
"""

# %%
# A learning-rate range test
# --------------------------
# The learning rate grows at each step by the same factor, from far too small to far too large. At
# first the loss stays where it is, then it falls, and at last it jumps up. A good rate lies clearly
# to the left of the jump.

import statistics

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from cnnguide import data, results, show
from cnnguide.pool import avg_pool2d

show.style()
torch.set_num_threads(1)  # a network so small gains nothing from a second thread
sample = data.load("sample")
pictures = avg_pool2d(data.normalise(sample.train_images), 2)  # 16 × 16 pixels
images, labels, others, other_labels = data.split(
    pictures, sample.train_labels, validation=0.2, generator=torch.Generator().manual_seed(0)
)
images, labels = images[::2], labels[::2]  # 2,000 pictures, sorted by class
others, other_labels = others[::2], other_labels[::2]


def network():
    torch.manual_seed(0)
    first = [nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*first, nn.Linear(1024, 10))


def smooth(losses, keep=0.8):
    """Average the losses with a moving average that is right from the first step on."""
    means, total, weight = [], 0.0, 0.0
    for loss in losses:
        total, weight = keep * total + (1 - keep) * loss, keep * weight + 1 - keep
        means.append(total / weight)
    return means


model, losses = network(), []
optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
rates = torch.logspace(-5, 1, 240).tolist()
order = torch.randperm(240 * 50, generator=torch.Generator().manual_seed(0)) % len(labels)
for rate, chosen in zip(rates, order.split(50)):
    optimizer.param_groups[0]["lr"] = rate
    loss = F.cross_entropy(model(images[chosen]), labels[chosen])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
curve = smooth(losses, keep=0.9)
lowest = min(range(240), key=curve.__getitem__)
print(f"the loss is lowest at a rate of {rates[lowest]:.2g}; a tenth of it is "
      f"{rates[lowest] / 10:.1g}")  # fmt: skip

fig, axes = plt.subplots(figsize=(4.2, 3.2), layout="constrained")
axes.semilogx(rates, losses, ".", color=show.COLOURS["grey"], markersize=2)
axes.semilogx(rates, curve, color=show.COLOURS["blue"])
axes.axvline(rates[lowest], color=show.COLOURS["red"], linestyle=":")
axes.axvspan(rates[lowest] / 10, rates[lowest] / 3, color=show.COLOURS["green"], alpha=0.2)
axes.text(rates[lowest] / 5.5, 3.9, "try here", ha="center", va="top")
axes.text(rates[lowest] * 1.3, 1.1, "lowest", va="bottom", color=show.COLOURS["red"])
axes.set(xlabel="learning rate", ylabel="loss of the batch", ylim=(1, 4))
axes.set_xticks([0.0001, 0.001, 0.01, 0.1, 1, 10])
fig.suptitle("Learning-rate range test")
plt.show()

# %%
# The training loss looks wrong
# -----------------------------
# Grey is the right training: SGD with momentum at a rate of 0.01, in shuffled batches of 50. The
# red one differs from it in the mistake that is named above the panel. In the last panel, both
# trainings have another rate, 0.0001.


def in_order(epochs):
    return torch.arange(len(labels)).repeat(epochs)


def shuffled(epochs, count):
    generator = torch.Generator().manual_seed(1)
    return torch.cat([torch.randperm(count, generator=generator) for _ in range(epochs)])


def train(*, rate=0.01, epochs=6, x=images, y=labels, order=None, zero=True, softmax=False,
          kind=torch.float32, forgot_eval=False, checked=others):  # fmt: skip
    """Give the losses of all steps, and the loss on other pictures after each epoch."""
    model = network().to(kind)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    order = shuffled(epochs, len(y)) if order is None else order
    losses, validation = [], []
    for step, chosen in enumerate(order.split(50), start=1):
        scores = model(x[chosen].to(kind))
        loss = F.cross_entropy(scores.softmax(1) if softmax else scores, y[chosen])
        if zero or step == 1:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % (len(y) // 50) == 0:
            model.train(forgot_eval)
            with torch.no_grad():
                scores = torch.cat([model(part.to(kind)) for part in checked.split(50)])
            validation.append(F.cross_entropy(scores.float(), other_labels).item())
            model.train()
    return losses, validation


right, right_validation = train()
slow, _ = train(rate=0.0001)
panels = {
    "rate too large": (train(rate=1.0)[0], right),
    "rate too small": (train(rate=0.00003)[0], right),
    "not shuffled": (train(order=in_order(6))[0], right),
    "zero_grad forgotten": (train(zero=False)[0], right),
    "softmax twice": (train(softmax=True)[0], right),
    "weights in bfloat16": (train(rate=0.0001, kind=torch.bfloat16)[0], slow),
}
fig, grid = plt.subplots(3, 2, figsize=(4.2, 6), sharex=True, layout="constrained")
for axes, (name, (wrong, without)) in zip(grid.flat, panels.items()):
    last = [statistics.mean(losses[-40:]) for losses in (wrong, without)]
    print(f"{name}: {last[0]:.2f} instead of {last[1]:.2f} in the last epoch")
    assert last[0] > last[1] + 0.1
    axes.plot(wrong, ".", color=show.COLOURS["red"], markersize=1, alpha=0.4)
    axes.plot(smooth(without), color=show.COLOURS["grey"])
    axes.plot(smooth(wrong), color=show.COLOURS["red"])
    axes.set(title=name, ylim=(2, 2.5) if name == "weights in bfloat16" else (0, 4))
for axes in grid[-1]:
    axes.set_xlabel("step")
for axes in grid[:, 0]:
    axes.set_ylabel("training loss")
fig.suptitle("Six mistakes in the training loss")
plt.show()

# %%
# The training loss looks right, and the validation loss does not
# ---------------------------------------------------------------
# Blue is the loss in training, the mean of each epoch; red is the loss on other pictures. Without a
# mistake the two stay together, at least in the beginning.

raw = avg_pool2d(data.to_float(sample.train_images), 2)
_, _, unnormalised, _ = data.split(
    raw, sample.train_labels, validation=0.2, generator=torch.Generator().manual_seed(0)
)
mixed = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))]
panels = {
    "labels shuffled": train(y=mixed, epochs=12),
    "too few pictures": train(x=images[::10], y=labels[::10], epochs=40),
    "eval() forgotten": train(forgot_eval=True),
    "not normalised": train(checked=unnormalised[::2]),
}
fig, grid = plt.subplots(2, 2, figsize=(4.2, 4.9), sharey=True, layout="constrained")
for axes, (name, (losses, validation)) in zip(grid.flat, panels.items()):
    per_epoch = len(losses) // len(validation)
    epochs = range(1, len(validation) + 1)
    means = torch.tensor(losses).view(-1, per_epoch).mean(1)
    axes.plot(epochs, means, color=show.COLOURS["blue"], label="training")
    axes.plot(epochs, validation, color=show.COLOURS["red"], label="validation")
    if len(epochs) == len(right_validation):  # the same training without the mistake
        axes.plot(epochs, right_validation, ":", color=show.COLOURS["grey"], label="right")
    axes.set(title=name, ylim=(0, 3.6))
    print(f"{name}: training {means[-1]:.2f}, validation {validation[-1]:.2f}")
    assert validation[-1] > max(means[-1], right_validation[-1]) + 0.1
for axes in grid[-1]:
    axes.set_xlabel("epoch")
for axes in grid[:, 0]:
    axes.set_ylabel("loss")
fig.legend(*grid[1, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
fig.suptitle("Four mistakes in the validation loss")
plt.show()

# %%
# Every optimiser at several learning rates
# -----------------------------------------
# From the recorded runs of ``benchmarks/optimisers.py``: a small network, 2,000 pictures of
# 16 × 16 pixels, eight epochs; means and standard deviations of three seeds. The best rates lie far
# apart, so a comparison at one rate for all would mislead.

record = results.load("optimisers")
colours = ("grey", "orange", "red", "sky", "blue", "purple", "green")
fig, (above, below) = plt.subplots(2, 1, figsize=(4.2, 6.6), sharey=True, layout="constrained")
for axes, what, fixed in (
    (above, "optimiser", ("schedule", "cosine")),
    (below, "schedule", ("optimiser", "momentum")),
):
    runs = [run for run in record["runs"] if run[fixed[0]] == fixed[1]]
    for name, colour in zip(dict.fromkeys(run[what] for run in runs), colours):
        scores = {}
        for run in runs:
            if run[what] == name:
                accuracy = 100 * run["validation_accuracy"]
                scores.setdefault(run["learning_rate"], []).append(accuracy)
        means = [statistics.mean(values) for values in scores.values()]
        bars = [statistics.stdev(values) for values in scores.values()]
        style = {"color": show.COLOURS[colour], "label": name, "markersize": 4, "capsize": 2}
        axes.errorbar(list(scores), means, bars, fmt="o-", **style)
        best = max(scores, key=lambda rate: statistics.mean(scores[rate]))
        print(f"{what} {name}: best at {best:g}, {max(means):.1f} % (n = {len(scores[best])})")
    axes.set(xscale="log", ylabel="validation accuracy (%)")
    axes.legend(loc="lower center", ncols=2)
above.set(title="six optimisers")
below.set(title="four schedules, SGD with momentum", xlabel="learning rate")
fig.suptitle("Accuracy at several learning rates")
plt.show()
