"""
What does LeNet-5 see, and what helps it to learn?
==================================================

First a photograph on its way through a trained network. Then its learning curve, the activation
functions of then and now, and the mistakes that it still makes.
"""

# %%
# A picture on its way
# --------------------
# The network learns from 4,000 photographs of CIFAR-10 for 300 steps, and then gets a photograph
# that it has never seen. Above each row stands the shape of all its maps; of the sixteen maps of
# the second convolution only six are drawn. Bright means a large number.

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import data, show
from cnnguide.models import LeNet5

show.style()
torch.set_num_threads(1)  # a network so small gains nothing from a second thread
sample = data.load("sample")
train_x, train_y, unseen_x, unseen_y = data.split(
    data.normalise(sample.train_images),
    sample.train_labels,
    validation=0.2,
    generator=torch.Generator().manual_seed(0),
)
test_x = data.normalise(sample.test_images)


def make(activation, seed, pool=None):
    torch.manual_seed(seed)
    network = LeNet5(in_channels=3, activation=activation)
    network.pool = pool or network.pool
    return first_weights(network, relu=isinstance(activation, nn.ReLU))


def first_weights(network, relu):
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            if relu:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            else:
                nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    return network


def train(network, x, y, rate, seed, steps, batch=32):
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9)
    losses = []
    for _ in range(steps):
        chosen = torch.randint(len(x), (batch,), generator=generator)
        loss = nn.functional.cross_entropy(network(x[chosen]), y[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@torch.no_grad()
def loss_and_accuracy(network, x, y):
    scores = torch.cat([network(part) for part in x.split(100)])
    accuracy = (scores.argmax(1) == y).float().mean().item()
    return nn.functional.cross_entropy(scores, y).item(), accuracy


network = make(nn.ReLU(), seed=0)
train(network, train_x, train_y, rate=0.01, seed=0, steps=300)
place = 702  # a horse
with torch.no_grad():
    first = network.activation(network.conv1(test_x[place : place + 1]))
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
show.show_image(axes, sample.test_images[place])
top.suptitle("the photograph: 3 × 32 × 32", fontsize=9)
for row, (name, maps) in zip(rows, steps.items(), strict=True):
    row.suptitle(f"{name}: {' × '.join(map(str, maps.shape[1:]))}", fontsize=9)
    for axes, plane in zip(row.subplots(1, 6), maps[0]):
        axes.imshow(plane.numpy(), cmap="magma", vmin=0)
        axes.set_axis_off()
fig.suptitle("A photograph on its way through LeNet-5")
plt.show()

# %%
# A learning curve
# ----------------
# LeNet-5 learns from only 500 photographs, with three random seeds. The lines are means, and the
# bands reach from the lowest to the highest of the three. The loss on its own photographs goes on
# falling, and the loss on others rises again.

epochs, few = 10, 500
few_x, few_y = train_x[::8], train_y[::8]  # the photographs are sorted by class
other_x, other_y = unseen_x[::2], unseen_y[::2]
curves = torch.zeros(3, epochs, 2, 2)  # seeds, epochs, own or others, loss or accuracy
for seed in range(3):
    learner = make(nn.ReLU(), seed)
    for epoch in range(epochs):
        train(learner, few_x, few_y, 0.02, 100 * seed + epoch, few // 25, batch=25)
        curves[seed, epoch, 0] = torch.tensor(loss_and_accuracy(learner, few_x, few_y))
        curves[seed, epoch, 1] = torch.tensor(loss_and_accuracy(learner, other_x, other_y))

fig, axes = plt.subplots(figsize=(4.8, 3.6), layout="constrained")
numbers = range(1, epochs + 1)
for which, colour, label in (
    (0, "blue", "500 training photographs"),
    (1, "orange", "500 others"),
):
    runs = curves[:, :, which, 0]
    axes.plot(numbers, runs.mean(0), color=show.COLOURS[colour], label=label)
    axes.fill_between(
        numbers, runs.amin(0), runs.amax(0), color=show.COLOURS[colour], alpha=0.2, linewidth=0
    )
others = curves[:, :, 1, 0].mean(0)
best = int(others.argmin())
axes.axvline(best + 1, linestyle=":", color="black", linewidth=1)
axes.set(xlabel="epoch", ylabel="loss (cross-entropy)", ylim=(0, 3.4))
axes.legend(loc="lower right")
fig.suptitle("LeNet-5 learns 500 photographs by heart")
for epoch in (best, epochs - 1):
    own, other = curves[:, epoch, :, 1].mean(0).tolist()
    print(f"epoch {epoch + 1}: {own:.0%} of its own, {other:.0%} of the others")
assert own > 0.6 and 0.2 < other < 1 / 3
assert best < epochs - 4 and others[-1] > others[best] + 0.2
plt.show()

# %%
# Then and now
# ------------
# The same layers with three activation functions, with maxima in place of means, and once without
# convolutions: a person chose the features, and only the three linear layers learn. Each of the
# five gets two learning rates, with one run for each. The better one, by the loss on unseen
# photographs, gets two more runs with other seeds, and all three are counted on the test pictures.
# All runs take 100 steps of 32 photographs.


def directions(images):
    """Add up the edges of 4 × 4 regions by 8 directions: features that a person designed."""
    grey = images.mean(1, keepdim=True)
    padded = nn.functional.pad(grey, (1, 1, 1, 1), mode="replicate")
    across = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
    down = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
    strength = (across**2 + down**2).sqrt()
    which = ((torch.atan2(down, across) / torch.pi + 1) * 4).long().clamp(max=7)
    one_hot = nn.functional.one_hot(which.squeeze(1), 8).permute(0, 3, 1, 2)
    rows = nn.functional.avg_pool2d(one_hot * strength, 8).flatten(1)
    return rows / rows.std(1, keepdim=True)


def head(seed):
    torch.manual_seed(seed)
    layers = nn.Linear(128, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)
    return first_weights(nn.Sequential(*layers), relu=True)


pixels = train_x, unseen_x, test_x
features = tuple(map(directions, pixels))
arms = {
    "sigmoid": (lambda seed: make(nn.Sigmoid(), seed), pixels, (0.1, 1)),
    "tanh": (lambda seed: make(nn.Tanh(), seed), pixels, (0.01, 0.03)),
    "ReLU": (lambda seed: make(nn.ReLU(), seed), pixels, (0.01, 0.03)),
    "ReLU, max pooling": (
        lambda seed: make(nn.ReLU(), seed, nn.MaxPool2d(2)), pixels, (0.01, 0.03)
    ),
    "hand-made features": (head, features, (0.03, 0.1)),
}  # fmt: skip
found = {}
for name, (build, (x, unseen, test), rates) in arms.items():
    tried = {}
    for rate in rates:
        candidate = build(seed=0)
        train(candidate, x, train_y, rate, seed=0, steps=100)
        tried[rate] = loss_and_accuracy(candidate, unseen, unseen_y)[0], candidate
    rate = min(tried, key=lambda rate: tried[rate][0])
    finals = [100 * loss_and_accuracy(tried[rate][1], test, sample.test_labels)[1]]
    for seed in (1, 2):
        candidate = build(seed=seed)
        train(candidate, x, train_y, rate, seed=seed, steps=100)
        finals.append(100 * loss_and_accuracy(candidate, test, sample.test_labels)[1])
    found[name] = torch.tensor(finals)
    print(f"{name}: rate {rate:g}, {found[name].mean():.1f} ± {found[name].std():.1f} %, n = 3")

fig, axes = plt.subplots(figsize=(4.8, 3.2), layout="constrained")
for k, (name, finals) in enumerate(found.items()):
    colour = show.COLOURS["orange" if name == "hand-made features" else "blue"]
    axes.barh(k, finals.mean(), color=colour, alpha=0.5)
    axes.plot(finals, [k] * 3, "o", color=colour)
assert found["sigmoid"].max() < 15
assert all(20 < values.mean() < 40 for name, values in found.items() if name != "sigmoid")
apart = found["ReLU"].max() - found["ReLU"].min()  # the seeds of a single network
for name in ("tanh", "ReLU, max pooling", "hand-made features"):
    assert abs(found[name].mean() - found["ReLU"].mean()) < apart
axes.axvline(10, linestyle=":", color="black", linewidth=1)  # a guess
axes.set(yticks=range(len(found)), yticklabels=list(found), xlabel="right on the test pictures (%)")
axes.invert_yaxis()
fig.suptitle("100 steps from 4,000 photographs")
plt.show()

# %%
# Which classes does it take for which?
# -------------------------------------
# The network of the first figure, on 1,000 test pictures. A row holds the 100 pictures of one true
# class, and a column those that the network took for one class. What lies on the diagonal is right.

with torch.no_grad():
    predictions = network(test_x).argmax(1)
matrix = torch.zeros(10, 10, dtype=torch.int64)
for label, prediction in zip(sample.test_labels, predictions, strict=True):
    matrix[label, prediction] += 1
fig, axes = plt.subplots(figsize=(4.8, 4.8), layout="constrained")
axes.imshow(matrix, cmap="Blues", vmin=0, vmax=100)
for row in range(10):
    for column in range(10):
        colour = "white" if matrix[row, column] > 50 else "black"
        axes.text(
            column, row, matrix[row, column].item(),
            ha="center", va="center", fontsize=9, color=colour,
        )  # fmt: skip
axes.set(xlabel="predicted class", ylabel="true class")
axes.set_xticks(range(10), data.CLASSES, rotation=90)
axes.set_yticks(range(10), data.CLASSES)
fig.suptitle("Confusion matrix of LeNet-5")
right = matrix.diag()
print(f"right: {right.sum().item() / 10:.1f} % of the test pictures")
print(f"best class: {data.CLASSES[right.argmax()]}, {right.max()} of 100")
print(f"worst class: {data.CLASSES[right.argmin()]}, {right.min()} of 100")
vehicle = torch.tensor(
    [name in ("airplane", "automobile", "ship", "truck") for name in data.CLASSES]
)
same_kind = vehicle[:, None] == vehicle
wrong = matrix.sum() - right.sum()
share = (matrix[same_kind].sum() - right.sum()) / wrong
print(f"mistakes between two animals or two vehicles: {share:.0%}")
assert share > 0.55 and right.max() > 4 * right.min()
plt.show()
