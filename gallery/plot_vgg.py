"""
What do depth and small kernels cost, and what do they buy?
===========================================================

Accuracy against work for eight networks, the price of seeing far, the cost of VGG-16 stage by
stage, and why thirteen layers without normalisation need first weights of the right size.
"""

# %%
# Accuracy against work
# ---------------------
# Accuracy is torchvision's, for its own weights, read from the metadata that come with them;
# parameters and multiply-adds are counted here. The area of a disc is its number of parameters. The
# four VGGs form a staircase: each step down in depth saves work. ResNet-34 stands above all of
# them, and far to the left.

import matplotlib.pyplot as plt
import torch
import torchvision
from torch import nn
from torch.nn.functional import cross_entropy, interpolate

from cnnguide import data, models, show
from cnnguide.conv import conv_parameters
from cnnguide.models.vgg import plain_conv
from cnnguide.pool import avg_pool2d

show.style()
networks = {
    "AlexNet": (models.AlexNet, "black"),
    "VGG-11": (lambda: models.VGG((1, 1, 2, 2, 2)), "orange"),
    "VGG-13": (lambda: models.VGG((2, 2, 2, 2, 2)), "orange"),
    "VGG-16": (models.vgg16, "orange"),
    "VGG-19": (models.vgg19, "orange"),
    "ResNet-18": (models.resnet18, "blue"),
    "ResNet-34": (models.resnet34, "blue"),
    "ResNet-50": (models.resnet50, "blue"),
}
# where a name stands, seen from its disc
PLACES = {
    "AlexNet": (0, 12, "center", "bottom"),
    "VGG-11": (-14, 0, "right", "center"),
    "VGG-13": (4, -14, "center", "top"),
    "VGG-16": (-14, 4, "right", "bottom"),
    "VGG-19": (0, 14, "center", "bottom"),
}
fig, axes = plt.subplots(figsize=(4.8, 4.4), layout="constrained")
for name, (make, colour) in networks.items():
    with torch.device("meta"):
        model = make()
        work = models.count_multiply_adds(model, (3, 224, 224)) / 1e9
    parameters = models.count_parameters(model) / 1e6
    weights = torchvision.models.get_model_weights(name.lower().replace("-", "")).IMAGENET1K_V1
    accuracy = weights.meta["_metrics"]["ImageNet-1K"]["acc@1"]
    axes.scatter(work, accuracy, s=4 * parameters, color=show.COLOURS[colour], alpha=0.6)
    x, y, side, height = PLACES.get(name, (-8, 0, "right", "center"))
    axes.annotate(name, (work, accuracy), (x, y), textcoords="offset points", ha=side, va=height)
    print(f"{name}: {accuracy:.1f} %, {work:.2f} billion, {parameters:.1f} million parameters")
axes.set(
    xscale="log",
    xlabel="multiply-adds per picture (billions)",
    ylabel="top-1 accuracy on ImageNet (%)",
    xlim=(0.4, 40),
    ylim=(54, 80),
)
axes.set_xticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
axes.minorticks_off()
fig.suptitle("Eight networks: accuracy, work and parameters")
plt.show()

# %%
# Several small kernels or one large one?
# ---------------------------------------
# Stacks of 3 × 3 convolutions against one kernel that sees as far, for 64 channels in and out.

sides = [3, 5, 7, 9, 11]
stacks = [(side - 1) // 2 * conv_parameters(64, 64, 3, bias=False) / 1e3 for side in sides]
single = [conv_parameters(64, 64, side, bias=False) / 1e3 for side in sides]
assert all(few <= many for few, many in zip(stacks, single, strict=True))
fig, axes = plt.subplots(figsize=(4.8, 3.6), layout="constrained")
places = torch.arange(len(sides)).numpy()
for offset, values, label, colour in (
    (-0.2, single, "one kernel", "orange"),
    (0.2, stacks, "a stack of 3 × 3", "blue"),
):
    bars = axes.bar(places + offset, values, 0.4, label=label, color=show.COLOURS[colour])
    axes.bar_label(bars, fmt="%.0f", fontsize=9)
axes.set_xticks(places, [f"{s} × {s}" for s in sides])
axes.set(xlabel="receptive field", ylabel="weights (thousands)")
axes.legend()
fig.suptitle("What it costs to see as far")
plt.show()

# %%
# Where VGG-16 spends
# -------------------
# One picture of 224 × 224 goes through the module, without any numbers, and each convolution and
# linear layer is counted: its parameters, its multiply-adds, and how many numbers it gives.

with torch.device("meta"):
    network, x = models.vgg16().eval(), torch.zeros(1, 3, 224, 224)
names = ["stage 1", "stage 2", "stage 3", "stage 4", "stage 5", "linear"]
costs = torch.zeros(3, len(names), dtype=torch.float64)  # parameters, multiply-adds, activations
place = 0
for layer in (*network.features, network.avgpool, nn.Flatten(), *network.classifier):
    x = layer(x)
    if isinstance(layer, nn.Conv2d | nn.Linear):
        positions = x[0, 0].numel() if isinstance(layer, nn.Conv2d) else 1
        own = [models.count_parameters(layer), layer.weight.numel() * positions, x.numel()]
        costs[:, place] += torch.tensor(own, dtype=torch.float64)
    place += isinstance(layer, nn.MaxPool2d)
assert costs[0].sum() == models.count_parameters(network)
assert costs[1].sum() == models.count_multiply_adds(network, (3, 224, 224))
assert costs[0].argmax() == 5 and costs[0, 5] > 0.89 * costs[0].sum()
assert costs[1, 2] == costs[1, 3] == costs[1].max() and costs[2].diff().max() < 0

fig, grid = plt.subplots(3, 1, figsize=(4.8, 6.6), sharex=True, layout="constrained")
titles = ["parameters (millions)", "multiply-adds (billions)", "activations (millions)"]
for axis, title, values, unit, colour in zip(
    grid, titles, costs, (1e6, 1e9, 1e6), ("orange", "blue", "green"), strict=True
):
    bars = axis.bar(names, values / unit, color=show.COLOURS[colour])
    axis.bar_label(bars, fmt="%.2f", fontsize=9)
    axis.set(ylabel=title, ylim=(0, 1.15 * values.max() / unit))
    print(f"{title}: {', '.join(f'{value / unit:.2f}' for value in values)}")
grid[2].tick_params(axis="x", labelsize=9)
fig.suptitle("VGG-16, stage by stage, for one picture")
plt.show()

# %%
# The first weights of thirteen layers
# ------------------------------------
# Above: the thirteen convolutions of VGG-16, before any training, get four photographs. How large
# are the numbers that come out of each layer, and how large is the gradient that comes back to
# them? Three seeds each. The lowest panel shows a training: thirteen convolutions of 16 channels
# learn from the photographs at 8 × 8 pixels, for 120 steps of SGD with momentum. Each way may
# choose among three learning rates, by runs of 60 steps that are not shown. Then come three seeds
# each, of which we draw the mean of ten steps, and a band from the lowest to the highest.

sample = data.load("sample")
WAYS = {
    "PyTorch": (lambda weight: None, "grey", ":"),
    "Xavier": (nn.init.xavier_normal_, "orange", "--"),
    "He": (lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"), "blue", "-"),
}


def initialise(network, way):
    """Draw the convolutions' weights; their biases begin at zero."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.reset_parameters()
            WAYS[way][0](layer.weight)
            nn.init.zeros_(layer.bias)


def sizes(features, pictures):
    """Measure the root mean square behind each ReLU, and that of its gradient."""
    found, x = [], pictures
    for layer in features:
        x = torch.relu(x) if isinstance(layer, nn.ReLU) else layer(x)
        if isinstance(layer, nn.ReLU):
            x.retain_grad()
            found.append(x)
    (x * torch.randn_like(x)).sum().backward()  # a gradient of size one at the end
    forward = [kept.square().mean().sqrt().item() for kept in found]
    return forward, [kept.grad.square().mean().sqrt().item() for kept in found]


def small_network(way, seed):
    torch.manual_seed(seed)
    layers, channels = [], 3
    for count in (4, 4, 5):
        for _ in range(count):
            layers += plain_conv(channels, 16)
            channels = 16
        layers.append(nn.MaxPool2d(2))
    network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16, 10))
    initialise(network, way)
    return network


def train(way, rate, seed, steps=120):
    network, generator = small_network(way, seed), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9)
    losses = []
    for _ in range(steps):
        chosen = torch.randint(len(small), (32,), generator=generator)
        loss = cross_entropy(network(small[chosen]), sample.train_labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses).view(-1, 10).mean(1)


pictures = interpolate(data.normalise(sample.train_images[:4]), scale_factor=2)
small = avg_pool2d(data.normalise(sample.train_images), 4)
with torch.device("meta"):
    features = models.vgg16().features
features = features.to_empty(device="cpu").requires_grad_(False)
pictures.requires_grad_()  # only the gradients of the numbers are measured
fig, grid = plt.subplots(3, 1, figsize=(4.8, 8.2), layout="constrained")
lasts, firsts, ends = {}, {}, {}
for way, (_, colour, line) in WAYS.items():
    style = {"color": show.COLOURS[colour], "linestyle": line, "label": way}
    measured = []
    for seed in range(3):
        torch.manual_seed(seed)
        initialise(features, way)
        measured.append(sizes(features, pictures))
    means = torch.tensor(measured).log().mean(0).exp()  # forward and backward, by layer
    for axis, numbers in zip(grid, means, strict=False):
        axis.semilogy(range(1, 14), numbers, **style)
    lasts[way], firsts[way] = means[0, -1], means[1, 0]
    rate = min((0.01, 0.03, 0.1), key=lambda rate: train(way, rate, seed=3, steps=60)[-2:].mean())
    runs = torch.stack([train(way, rate, seed) for seed in range(3)])
    steps = torch.arange(5, 120, 10)
    grid[2].plot(steps, runs.mean(0), **style)
    grid[2].fill_between(
        steps, runs.amin(0), runs.amax(0), color=show.COLOURS[colour], alpha=0.2, linewidth=0
    )
    ends[way] = runs[:, -2:].mean(1)
    print(f"{way}: rate {rate}, loss of the last 20 steps {ends[way].mean():.3f} "
          f"± {ends[way].std():.3f} (n = 3)")  # fmt: skip
assert min(ends["PyTorch"].min(), ends["Xavier"].min()) > ends["He"].max() + 0.02
assert 0.5 < lasts["He"] < 2 and lasts["Xavier"] < 0.01 and lasts["PyTorch"] < 1e-4
assert firsts["He"] > 10 * firsts["Xavier"] > 100 * firsts["PyTorch"]
for axis, words in ((grid[0], "size behind the ReLU"), (grid[1], "size of the gradient")):
    axis.set(ylabel=words, yticks=[0.0001, 0.001, 0.01, 0.1, 1])
    axis.set(xlabel="layer", xticks=range(1, 14, 2))
grid[2].set(ylabel="training loss", xlabel="step")
grid[0].legend(loc="lower left")
fig.suptitle("Three ways to choose the first weights")
plt.show()
