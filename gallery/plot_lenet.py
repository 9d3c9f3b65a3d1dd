"""
What does LeNet-5 reach on photographs, and what helps it to learn?
===================================================================

LeNet-5 beside networks without a convolution, then with other activation functions, other pooling
and hand-made features, all from 4,000 photographs of CIFAR-10. At the end, the mistakes that it
makes.

``python -m benchmarks.lenet`` trained and recorded the networks of the first two figures; it takes
ten minutes or more. The page *lenet* reads them.
"""

# %%
# Against networks without a convolution
# --------------------------------------
# One linear layer, a network with one hidden layer of 64 numbers, and LeNet-5, each at the best of
# three or four learning rates, which was chosen on the unseen photographs of this figure. The lines
# are means of five seeds, and the bands reach from the lowest to the highest of them.

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import data, results, show
from cnnguide.models import LeNet5

show.style()
torch.set_num_threads(1)  # a network so small gains nothing from a second thread
record = results.load("lenet")["runs"]


def best_runs(network):
    rates = {}
    for run in record:
        if run["network"] == network:
            rates.setdefault(run["learning_rate"], []).append(run)
    return max(rates.values(), key=lambda runs: sum(run["validation_accuracy"][-1] for run in runs))


fig, axes = plt.subplots(figsize=(4.8, 3.4), layout="constrained")
for name, label, colour in (
    ("LeNet-5, ReLU", "LeNet-5", "blue"),
    ("hidden layer", "one hidden layer", "green"),
    ("linear", "one linear layer", "orange"),
):
    curves = 100 * torch.tensor([run["validation_accuracy"] for run in best_runs(name)])
    epochs = range(1, curves.shape[1] + 1)
    axes.plot(epochs, curves.mean(0), color=show.COLOURS[colour], label=label)
    axes.fill_between(
        epochs, curves.amin(0), curves.amax(0), color=show.COLOURS[colour], alpha=0.2, linewidth=0
    )
axes.set(xlabel="epoch", ylabel="right on unseen photographs (%)", ylim=(0, 50))
axes.legend(loc="lower right")
fig.suptitle("Three networks learn from 4,000 photographs")
plt.show()

# %%
# Then and now
# ------------
# LeNet-5 with three activation functions and with maxima in place of means, and once without its
# convolutions: a person chose the features, and only the three linear layers learn. Each has the
# best of three learning rates. A bar is the mean on 1,000 test pictures, and a dot one seed.

fig, axes = plt.subplots(figsize=(4.8, 3.2), layout="constrained")
arms = {
    "sigmoid": "LeNet-5, sigmoid",
    "tanh": "LeNet-5, tanh",
    "ReLU": "LeNet-5, ReLU",
    "ReLU, max pooling": "LeNet-5, ReLU, max pooling",
    "hand-made features": "hand-made features",
}
for k, (label, name) in enumerate(arms.items()):
    runs = best_runs(name)
    shares = 100 * torch.tensor([run["test_accuracy"] for run in runs])
    colour = show.COLOURS["orange" if name == "hand-made features" else "blue"]
    axes.barh(k, shares.mean(), color=colour, alpha=0.5)
    axes.plot(shares, [k] * len(shares), "o", color=colour)
    print(
        f"{label}: rate {runs[0]['learning_rate']:g}, "
        f"{shares.mean():.1f} ± {shares.std():.1f} %, n = {len(shares)}"
    )
axes.axvline(10, linestyle=":", color="black", linewidth=1)  # a guess
axes.set(yticks=range(len(arms)), yticklabels=list(arms), xlabel="right on the test pictures (%)")
axes.invert_yaxis()
fig.suptitle("Ten epochs of 4,000 photographs")
plt.show()

# %%
# Which classes does it take for which?
# -------------------------------------
# LeNet-5 with ReLU takes 500 steps of 32 photographs, with a learning rate that falls to zero, and
# then gets 1,000 test pictures. A row holds the 100 pictures of one true class, and a column those
# that the network took for one class. What lies on the diagonal is right.

sample = data.load("sample")
x, y, *_ = data.split(
    data.normalise(sample.train_images),
    sample.train_labels,
    validation=0.2,
    generator=torch.Generator().manual_seed(0),
)
torch.manual_seed(0)
network = LeNet5(in_channels=3, activation=nn.ReLU())
for parameter in network.parameters():
    if parameter.ndim > 1:  # a weight, not a bias
        nn.init.kaiming_normal_(parameter, nonlinearity="relu")
generator = torch.Generator().manual_seed(0)
optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
for step in range(500):
    optimizer.param_groups[0]["lr"] = 0.01 * (1 - step / 500)
    chosen = torch.randint(len(x), (32,), generator=generator)
    loss = nn.functional.cross_entropy(network(x[chosen]), y[chosen])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    predictions = network(data.normalise(sample.test_images)).argmax(1)
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
assert matrix.sum() == 1000
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
assert share > 0.55 and right.max() > 2 * right.min()
plt.show()
