"""
How does a network learn from its mistakes?
===========================================

Scores become probabilities, the true class's probability becomes a loss, and the slope of the loss
says which way every weight has to move.
"""

# %%
# From scores to a loss
# ---------------------
# Suppose that a network gives this photograph of a dog the scores 2, 1 and 0 for cat, dog and ship.
# Softmax turns the scores into probabilities. The loss is minus the logarithm of the probability
# that the true class got: 0 for a probability of 1, and larger and larger towards 0.

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import data, show
from cnnguide.learn import cross_entropy, sgd_step, softmax
from cnnguide.pool import avg_pool2d

show.style()
sample = data.load("sample")
photograph = sample.train_images[sample.train_labels == data.CLASSES.index("dog")][24]
classes, scores, true = ["cat", "dog", "ship"], torch.tensor([[2.0, 1.0, 0.0]]), 1
probabilities = softmax(scores)[0]
loss = cross_entropy(scores, torch.tensor([true]))

fig, axes = plt.subplots(2, 2, figsize=(4.2, 4.4), layout="constrained")
show.show_image(axes[0, 0], photograph, title="a dog")
colours = [show.COLOURS["blue" if k == true else "grey"] for k in range(3)]
for place, values, digits, title in (
    (axes[0, 1], scores[0], "%.0f", "scores"),
    (axes[1, 0], probabilities, "%.2f", "probabilities p"),
):
    bars = place.barh(classes, values.tolist(), color=colours)
    place.bar_label(bars, fmt=digits, padding=3)
    place.set(title=title, xlim=(0, 1.3 * values.max().item()))
    place.invert_yaxis()
p = torch.linspace(0.02, 1, 200)
axes[1, 1].plot(p, -p.log(), color=show.COLOURS["black"])
axes[1, 1].plot(probabilities[true], loss, "o", color=show.COLOURS["blue"])
axes[1, 1].text(probabilities[true] + 0.07, loss + 0.05, f"{loss:.2f}")
axes[1, 1].set(title="loss", xlabel="p of the true class", xlim=(0, 1), ylim=(0, 4))
fig.suptitle("Scores, probabilities and loss of a photograph")
plt.show()

# %%
# One weight goes downhill
# ------------------------
# Here the loss is (w − 3)², and its slope at w is 2(w − 3). Each step moves the weight by minus the
# learning rate times the slope. The three walks begin at the same place and differ in the learning
# rate alone.

fig, axes = plt.subplots(3, 1, figsize=(4.2, 5.8), sharex=True, layout="constrained")
bowl = torch.linspace(-2, 8, 200)
for place, (name, rate) in zip(axes, [("too small", 0.05), ("good", 0.25), ("too large", 1.05)]):
    weight, velocity, visited = torch.tensor(0.0), torch.tensor(0.0), [0.0]
    for _ in range(5):
        weight, velocity = sgd_step(weight, velocity, 2 * (weight - 3), learning_rate=rate)
        visited.append(weight.item())
    print(rate, [round(w, 2) for w in visited])
    path = torch.tensor(visited)
    place.plot(bowl, (bowl - 3) ** 2, color=show.COLOURS["grey"])
    place.plot(path, (path - 3) ** 2, "o-", color=show.COLOURS["blue"], linewidth=1, markersize=5)
    place.plot(path[0], 9, "o", color=show.COLOURS["red"], markersize=8)
    place.set(title=f"learning rate {rate}: {name}", ylabel="loss", ylim=(-1, 26))
axes[-1].set_xlabel("weight w (red: the start)")
fig.suptitle("Five steps downhill")
plt.show()

# %%
# Momentum and weight decay
# -------------------------
# Two weights now, and a loss that is steep along one of them and nearly flat along the other: a
# ravine, drawn by lines of equal loss. Above, momentum: the steps across the ravine cancel, those
# along it add up. Below, weight decay: it pulls both weights towards 0, so that the walk ends
# before the lowest place (star), and it is mainly the flat direction that gives way.

lowest, curvature = torch.tensor([4.0, 1.5]), torch.tensor([1.0, 30.0])


def walk(steps, **settings):
    weight, velocity = torch.tensor([-3.0, -0.5]), torch.zeros(2)
    visited = [weight]
    for _ in range(steps):
        gradient = curvature * (weight - lowest)
        weight, velocity = sgd_step(weight, velocity, gradient, **settings)
        visited.append(weight)
    return torch.stack(visited)


def steps_until_low(path, limit=0.1):
    losses = (curvature * (path - lowest) ** 2).sum(1) / 2
    return int((losses > limit).nonzero().max()) + 1


first, second = torch.meshgrid(
    torch.linspace(-4, 6, 100), torch.linspace(-2, 5, 100), indexing="xy"
)
height = (curvature[0] * (first - lowest[0]) ** 2 + curvature[1] * (second - lowest[1]) ** 2) / 2

fig, axes = plt.subplots(2, 1, figsize=(4.2, 6), sharex=True, layout="constrained")
for place in axes:
    place.contour(first, second, height, [2, 10, 30, 70], colors="0.7", linewidths=0.8)
    place.plot(*lowest, "*", color=show.COLOURS["black"], markersize=12)
    place.set(ylabel="second weight", xlim=(-4, 6), ylim=(-2, 5))
for momentum, colour in ((0.0, "orange"), (0.6, "blue")):
    path = walk(100, learning_rate=0.06, momentum=momentum)
    print(f"momentum {momentum:g}: {steps_until_low(path)} steps until the loss stays below 0.1")
    axes[0].plot(*path[:16].T, "o-", color=show.COLOURS[colour], markersize=4, linewidth=1,
                 label=f"momentum {momentum:g}")  # fmt: skip
for decay, colour in ((0.0, "orange"), (1.0, "blue")):
    path = walk(200, learning_rate=0.02, weight_decay=decay)
    print(f"weight decay {decay:g}: ends at {[round(w, 2) for w in path[-1].tolist()]}")
    axes[1].plot(*path.T, color=show.COLOURS[colour], label=f"weight decay {decay:.0f}")
    axes[1].plot(*path[-1], "o", color=show.COLOURS[colour])
axes[0].set_title("15 steps")
axes[1].set_title("where it ends")
axes[1].set_xlabel("first weight")
for place in axes:
    place.legend(loc="upper right")
fig.suptitle("Momentum and weight decay in a ravine")
plt.show()

# %%
# Learning, and learning by heart
# -------------------------------
# A network of two linear layers with a ReLU in between learns from 500 pictures of 16 × 16 pixels.
# To the left of the dotted line both losses fall: it has not yet learned all that it could
# (underfitting). To the right it learns its own pictures by heart, and the loss on other pictures
# rises (overfitting). Lines are means of five runs with other seeds and other pictures, bands run
# from the lowest to the highest.

pictures = avg_pool2d(data.normalise(sample.train_images), 2).flatten(1)
images, labels, other_images, other_labels = data.split(
    pictures, sample.train_labels, validation=0.2, generator=torch.Generator().manual_seed(0)
)
epochs, losses, accuracies = 40, [], []
for seed in range(5):
    torch.manual_seed(seed)
    few = torch.randperm(len(images))[:500]
    parts = ((images[few], labels[few]), (other_images, other_labels))
    model = nn.Sequential(nn.Linear(768, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(epochs + 1):
        with torch.no_grad():
            predictions = [(model(x), y) for x, y in parts]
        losses.append([cross_entropy(s, y).item() for s, y in predictions])
        accuracies.append([(s.argmax(1) == y).float().mean().item() for s, y in predictions])
        for batch in few[torch.randperm(500)].split(50):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimizer.step()
losses = torch.tensor(losses).view(5, epochs + 1, 2)
accuracies = 100 * torch.tensor(accuracies).view(5, epochs + 1, 2)
best = losses[:, :, 1].mean(0).argmin().item()
for epoch in (best, epochs):
    print(f"after {epoch} epochs (n = 5):")
    for k, name in enumerate(("the 500 pictures", "1,000 others")):
        loss, accuracy = losses[:, epoch, k], accuracies[:, epoch, k]
        print(f"  {name}: loss {loss.mean():.2f}, {accuracy.mean():.0f} ± {accuracy.std():.0f} %")

fig, axes = plt.subplots(figsize=(4.2, 3.6), layout="constrained")
for k, (name, colour) in enumerate((("the 500 pictures", "orange"), ("1,000 others", "blue"))):
    curves = losses[:, :, k]
    axes.plot(curves.mean(0), color=show.COLOURS[colour], label=name)
    axes.fill_between(
        range(epochs + 1), curves.amin(0), curves.amax(0), color=show.COLOURS[colour], alpha=0.2
    )
axes.axvline(best, color=show.COLOURS["black"], linestyle=":")
for x, side, name in ((best - 0.5, "right", "underfitting"), (best + 0.5, "left", "overfitting")):
    axes.text(x, 0.05, name, rotation=90, ha=side, va="bottom")
axes.set(xlabel="epoch", ylabel="loss", xlim=(0, epochs), ylim=(0, None))
axes.legend(loc="center right")
fig.suptitle("Losses on learned and on other pictures")
plt.show()
