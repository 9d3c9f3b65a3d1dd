"""
What does a network know of classes that it never saw?
======================================================

A small network learned six classes of CIFAR-10: airplane, bird, cat, frog, horse, truck.
Now it is shown the other four: automobile, deer, dog, ship.
"""

# %%
# Accuracy on unseen classes
# --------------------------
# A linear head on the features of the trained network, the same on those of a network with random
# weights, and a whole network from scratch. Three draws of the pictures each.

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import data, show, transfer
from cnnguide.data import only
from cnnguide.models import QuickNet
from cnnguide.recipe import Recipe
from cnnguide.run import fit
from cnnguide.train import seed_everything
from cnnguide.trained import SEEN, UNSEEN, load_backbone, make_backbone

show.style()
images = data.load("sample")
train_x, train_y = only(images.train_images, images.train_labels, UNSEEN)
test_x, test_y = only(images.test_images, images.test_labels, UNSEEN)

seed_everything(0)
untrained, trained = make_backbone().eval(), load_backbone()
untrained.whiten(data.normalise(images.train_images[::10]))
backbones = {
    "features learned on six other classes": trained,
    "features of random weights": untrained,
}
for network in backbones.values():
    network.fc = nn.Identity()


def features(network, pictures):
    return transfer.cached_features(network, (data.normalise(p) for p in pictures.split(500)))


def scratch(x, y, seed):
    seed_everything(seed)
    model = QuickNet(num_classes=4, widths=(32, 64, 128))
    model.whiten(data.normalise(x))
    recipe = Recipe(epochs=12, batch_size=32, learning_rate=0.05, nesterov=True,
                    schedule="triangle", padding=2)  # fmt: skip
    *_, run = fit(model, (x, y), (x[:20], y[:20]), recipe, seed=seed)
    return run.test(test_x, test_y)["last"]


counts = (5, 20, 100, 400)
shares = {name: torch.zeros(len(counts), 3) for name in (*backbones, "from scratch")}
cached = {name: (features(n, train_x), features(n, test_x)) for name, n in backbones.items()}
for row, count in enumerate(counts):
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        picked = torch.cat([
            members[torch.randperm(len(members), generator=generator)[:count]]
            for members in ((train_y == c).nonzero().flatten() for c in range(4))
        ])  # fmt: skip
        for name, (of_train, of_test) in cached.items():
            head = transfer.fit_head(of_train[picked], train_y[picked], num_classes=4)
            shares[name][row, seed] = (head(of_test).argmax(1) == test_y).float().mean()
        shares["from scratch"][row, seed] = scratch(train_x[picked], train_y[picked], seed)

fig, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
for (name, values), colour in zip(shares.items(), ("blue", "orange", "grey")):
    mean, spread = (100 * values).mean(1).tolist(), (100 * values).std(1).tolist()
    axes.errorbar(counts, mean, spread, fmt="o-", capsize=3, label=name, color=show.COLOURS[colour])
    print(name, *(f"{m:.1f} ± {s:.1f} %" for m, s in zip(mean, spread)), sep="  ")
axes.axhline(25, linestyle=":", color="black")
axes.annotate("guessing", (400, 26), ha="right", fontsize=9)
axes.set_xscale("log")
axes.set_xticks(counts, [str(c) for c in counts])
axes.minorticks_off()
axes.set(xlabel="training pictures a class", ylabel="test accuracy (%)", ylim=(0, 100))
axes.legend(loc="upper left")
fig.suptitle("Automobile, deer, dog or ship, to a network that never saw one")
plt.show()

# %%
# Feature maps before and after training
# --------------------------------------
# The eight strongest maps of the first group on a picture of an unseen class, with random weights
# and with learned ones.


def maps(network, x):
    x = network.stem(x)
    return network.group1(nn.functional.gelu(torch.cat([x, -x], 1)))[0]


picture = test_x[test_y == UNSEEN.index("ship")][:1]
fig = plt.figure(figsize=(9, 2.5), layout="constrained")
grid = fig.subplots(2, 9)
with torch.no_grad():
    for row, network, title in zip(grid, (untrained, trained), ("random", "learned")):
        row[0].imshow(picture[0].permute(1, 2, 0).numpy())
        row[0].set_title(title, fontsize=10)
        found = maps(network, data.normalise(picture))
        strongest = found.std((1, 2)).argsort(descending=True)[:8]
        for axes, map_ in zip(row[1:], found[strongest]):
            axes.imshow(map_.numpy(), cmap="gray")
for axes in grid.flat:
    axes.set_axis_off()
fig.suptitle("First feature maps of a ship, before and after training on other classes")
plt.show()

# %%
# Which classes are near each other, before and after
# ---------------------------------------------------
# The cosine of the angle between the classes' mean features, after the mean of all is taken away.
# The last four classes were never seen.

order = (*SEEN, *UNSEEN)
fig, grid = plt.subplots(1, 2, figsize=(10, 5), layout="constrained", sharey=True)
for axes, (name, network) in zip(grid, reversed(backbones.items())):
    means = torch.stack([features(network, only(images.train_images, images.train_labels, [c])[0])
                         .mean(0) for c in order])  # fmt: skip
    means = nn.functional.normalize(means - means.mean(0), dim=1)
    cosines = means @ means.T
    drawn = axes.imshow(cosines.numpy(), cmap="PuOr_r", vmin=-1, vmax=1)
    axes.set_xticks(range(10), order, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(10), order)
    axes.axhline(5.5, color="black", lw=1)
    axes.axvline(5.5, color="black", lw=1)
    axes.set_title(name, fontsize=11)
    for unseen in range(6, 10):
        near = cosines[unseen, :6].argmax()
        print(f"{name}: nearest to {order[unseen]} of the seen classes is {order[near]}")
fig.colorbar(drawn, ax=grid, label="cosine", shrink=0.8)
fig.suptitle("Similarity of the classes' mean features")
plt.show()
