"""
What is in CIFAR-10, and what does normalising it mean?
=======================================================

Ten classes of photographs, 32 pixels a side.
Before they go into a network, each channel is moved to mean 0 and standard deviation 1.
How much it matters which constants this takes is measured here.
"""

# %%
# Eight of each class
# -------------------

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from cnnguide import data, show

show.style()
sample = data.load("sample")
fig, grid = plt.subplots(10, 8, figsize=(4.6, 4.9), layout="constrained")
for label, row in enumerate(grid):
    for k, axes in enumerate(row):
        show.show_image(axes, sample.train_images[500 * label + k])
    row[0].text(-0.25, 0.5, data.CLASSES[label], ha="right", va="center",
                transform=row[0].transAxes)  # fmt: skip
fig.suptitle("Eight photographs of each class")
plt.show()

# %%
# A photograph in both parts
# --------------------------
# For each test photograph we look for the training photograph whose pixels differ least, by the
# root of the mean square. Here are the three pairs that differ least: only one of them shows the
# same photograph twice, so a person has to look.

tests, trains = (
    data.to_float(part).flatten(1) for part in (sample.test_images, sample.train_images)
)
distances, nearest = (torch.cdist(tests, trains) / tests.shape[1] ** 0.5).min(1)
fig, grid = plt.subplots(2, 3, figsize=(4.6, 3.7), layout="constrained")
for column, k in zip(grid.T, distances.argsort()[:3]):
    show.show_image(column[0], sample.test_images[k], title=f"test {k}")
    show.show_image(column[1], sample.train_images[nearest[k]], title=f"train {nearest[k]}")
    print(f"{k} {nearest[k]} {distances[k]:.3f}")
fig.suptitle("The nearest training photographs")
plt.show()
assert 789 in distances.argsort()[:3] and distances.median() > 2 * distances[789]

# %%
# How much do the constants matter?
# ---------------------------------
# The same small network learns from the same photographs, made half as large to save time, with
# five seeds. Only the constants change; pixels that are not normalised also get a larger learning
# rate. The accuracy is that on the test photographs, because the last way takes its constants from
# them; nothing is chosen by it.


def small_network():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(32 * 4 * 4, 10),
    )  # fmt: skip


images, labels, *_ = data.split(
    sample.train_images,
    sample.train_labels,
    validation=0.2,
    generator=torch.Generator().manual_seed(0),
)
mean, std = (tuple(values.tolist()) for values in data.channel_statistics(images))
test_mean, test_std = (
    tuple(values.tolist()) for values in data.channel_statistics(sample.test_images)
)
ways = {
    "not normalised": (data.to_float, 0.02),
    "the same, larger rate": (data.to_float, 0.05),
    "all pixels": (lambda x: data.normalise(x, mean=mean, std=std), 0.02),
    "the smaller triplet": (lambda x: data.normalise(x, mean=mean, std=data.PER_IMAGE_STD), 0.02),
    "of the test images": (lambda x: data.normalise(x, mean=test_mean, std=test_std), 0.02),
}


def accuracy(inputs, rate, seed):
    torch.manual_seed(seed)
    network = small_network()
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9)
    order = torch.Generator().manual_seed(seed)
    x, x_test = inputs
    for _ in range(3):
        for batch, targets in data.batches(x, labels, batch_size=64, generator=order):
            optimizer.zero_grad()
            F.cross_entropy(network(batch), targets).backward()
            optimizer.step()
    with torch.no_grad():
        return (network(x_test).argmax(1) == sample.test_labels).double().mean().item()


threads = torch.get_num_threads()
torch.set_num_threads(1)  # such small layers gain nothing from more
found = {}
for name, (way, rate) in ways.items():
    inputs = [F.avg_pool2d(way(part), 2) for part in (images, sample.test_images)]
    found[name] = 100 * torch.tensor([accuracy(inputs, rate, seed) for seed in range(5)])
torch.set_num_threads(threads)

fig, axes = plt.subplots(figsize=(4.6, 3.2), layout="constrained")
for place, (name, values) in enumerate(found.items()):
    axes.plot(values, [place] * 5, "o", color=show.COLOURS["blue"], alpha=0.5, markersize=5)
    axes.plot(values.mean(), place, "|", color=show.COLOURS["red"], markersize=18)
    print(f"{name!r}: {values.mean():.1f} ± {values.std():.1f}")
axes.set_yticks(range(len(found)), found)
axes.invert_yaxis()
axes.set(xlabel="test accuracy, %", title="One network, five ways to normalise")
plt.show()
means = {name: values.mean().item() for name, values in found.items()}
assert means["all pixels"] > max(means[name] for name in list(ways)[:2]) + 3
for name, expected in zip(ways, (30, 34, 41, 41, 40)):
    assert abs(means[name] - expected) < 2, name

# %%
# The best of many guessers
# -------------------------
# A guesser names a class at random for each picture. We keep the one that is best on 500 validation
# pictures, and look how good it is on 1,000 test pictures. Both lines are means over 200
# repetitions.

counts = [1, 3, 10, 30, 100, 300, 1000]
on_validation = torch.distributions.Binomial(500, torch.tensor(0.1))
torch.manual_seed(0)
right = on_validation.sample((200, 1000)) / 500
test_right = torch.distributions.Binomial(1000, torch.tensor(0.1)).sample((200, 1000)) / 1000
chosen, tested = [], []
for count in counts:
    best = right[:, :count].argmax(1)
    chosen.append(100 * right[torch.arange(200), best])
    tested.append(100 * test_right[torch.arange(200), best])
fig, axes = plt.subplots(figsize=(4.6, 3.2), layout="constrained")
for values, name, colour in ((chosen, "validation", "orange"), (tested, "test", "blue")):
    centre = torch.stack([v.mean() for v in values])
    spread = torch.stack([v.std() for v in values])
    axes.plot(counts, centre, "o-", color=show.COLOURS[colour], label=name, markersize=4)
    axes.fill_between(
        counts, centre - spread, centre + spread, color=show.COLOURS[colour], alpha=0.2
    )
    print(name, [round(v, 1) for v in centre.tolist()])
axes.set(
    xscale="log", xlabel="guessers to choose from", ylabel="accuracy of the best, %",
    title="The best of many guessers",
)  # fmt: skip
axes.legend()
plt.show()
assert 13.8 < chosen[-1].mean() < 14.8
assert all(abs(v.mean() - 10) < 0.3 for v in tested)
