"""
How far does one neuron see?
============================

A network that has to compare two places needs an output that sees both of them. We first watch
networks fail that see too little. Then we follow what an output *can* see, layer by layer, and
measure with a gradient how much of that it *does* see.
"""

# sphinx_gallery_thumbnail_number = 2

# %%
# Two marks at a distance
# -----------------------
# A row of 32 pixels holds two bright marks, either 6 or 10 pixels apart; which of the two?
# Every network has four convolutions with 12 channels, then the maximum over all places, then a
# linear layer. Only the kernels differ: the first one, two, three or four are 3 pixels wide, the
# others 1 pixel. The last network has no more weights than the one that sees 5 pixels, but a
# dilation of 3 in its second convolution. Five random seeds each; a convolution with five groups
# trains them side by side.

import matplotlib.pyplot as plt
import skimage.data
import torch
from torch import nn

from cnnguide import show
from cnnguide.models import AlexNet, LeNet5, cifar_resnet18, resnet18, vgg16
from cnnguide.receptive import (
    Layer,
    effective_receptive_field,
    receptive_field_of,
    receptive_fields,
)

SEEDS, PIXELS, CHANNELS, STEPS = 5, 32, 12, 200
NEAR, FAR = 6, 10  # pixels from one mark to the other


def draw_rows(count, generator):
    """Draw rows of pixels for every seed, and whether the marks in them are near."""
    near = torch.randint(2, (count, SEEDS), generator=generator)
    first = torch.randint(PIXELS - FAR, near.shape, generator=generator)
    rows = 0.1 * torch.randn(count, SEEDS, PIXELS, generator=generator)
    for place in (first, first + torch.where(near == 1, NEAR, FAR)):
        rows.scatter_(2, place[..., None], 1.0)
    return rows, near


def make_network(layers):
    """Stack a convolution for each layer, then the maximum over all places and two scores."""
    padding = receptive_fields(layers)[-1].size // 2
    modules = [nn.ConstantPad1d(padding, 0.0)]
    for layer in layers:
        inside = SEEDS if len(modules) == 1 else SEEDS * CHANNELS
        window = {"kernel_size": layer.kernel_size, "dilation": layer.dilation}
        modules += [nn.Conv1d(inside, SEEDS * CHANNELS, groups=SEEDS, **window), nn.ReLU()]
        nn.init.kaiming_normal_(modules[-2].weight, nonlinearity="relu")
    scores = nn.Conv1d(SEEDS * CHANNELS, SEEDS * 2, 1, groups=SEEDS)
    ending = nn.AdaptiveMaxPool1d(1), scores, nn.Flatten(), nn.Unflatten(1, (SEEDS, 2))
    return nn.Sequential(*modules, *ending)


def accuracies(layers):
    """Train a network for each seed; give the share of right predictions on new rows."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    network = make_network(layers)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(STEPS):
        rows, near = draw_rows(32, generator)
        loss = nn.functional.cross_entropy(network(rows).flatten(0, 1), near.flatten())
        optimizer.zero_grad()
        (SEEDS * loss).backward()
        optimizer.step()
    rows, near = draw_rows(1000, generator)
    with torch.no_grad():
        return (network(rows).argmax(2) == near).float().mean(0)


stacks = {f"{3 + 2 * k}": [Layer(3)] * (k + 1) + [Layer(1)] * (3 - k) for k in range(4)}
stacks["9, dilated"] = [Layer(3), Layer(3, dilation=3), Layer(1), Layer(1)]
assert [k.kernel_size for k in stacks["9, dilated"]] == [k.kernel_size for k in stacks["5"]]
show.style()
fig, axes = plt.subplots(figsize=(4.8, 3.4), layout="constrained")
for place, (name, layers) in enumerate(stacks.items()):
    size = receptive_fields(layers)[-1].size
    assert size == int(name.split(",")[0])
    found = accuracies(layers)
    print(f"field {name}: {', '.join(f'{value:.3f}' for value in found)}")
    assert (found > 0.99).all() if size > NEAR else (abs(found - 0.5) < 0.06).all()
    sees = size > NEAR
    axes.bar(place, 100 * found.mean(), color=show.COLOURS["blue" if sees else "orange"])
    axes.plot([place] * SEEDS, 100 * found, "o", color=show.COLOURS["black"], ms=4, alpha=0.6)
axes.axhline(50, color=show.COLOURS["grey"], linestyle=":")
axes.set(ylabel="right predictions (%)", ylim=(0, 105), xlabel="receptive field (pixels)")
axes.set_xticks(range(len(stacks)), list(stacks))
fig.suptitle("Two marks, 6 or 10 pixels apart")
plt.show()

# %%
# Layer by layer
# --------------
# Strides multiply: after each halving, one more 3 × 3 convolution widens the field twice as much as
# before.

fig, axes = plt.subplots(figsize=(4.8, 3.9), layout="constrained")
networks = {
    "LeNet-5": LeNet5,
    "AlexNet": AlexNet,
    "VGG-16": vgg16,
    "ResNet-18": resnet18,
    "CIFAR ResNet-18": cifar_resnet18,
}
for (name, make), colour in zip(networks.items(), ("black", "orange", "green", "red", "blue")):
    with torch.device("meta"):
        fields = receptive_field_of(make())
    # A projection on a shortcut runs beside the main path and sees less.
    sizes = [f.size for f in fields if "downsample" not in f.name]
    label = f"{name}: {sizes[-1]}"
    places = range(1, len(sizes) + 1)
    axes.plot(places, sizes, "o-", ms=3, color=show.COLOURS[colour], label=label)
axes.axhline(224, color=show.COLOURS["grey"], linestyle=":")
axes.annotate("an ImageNet picture: 224", (0.5, 224), (0, 4), textcoords="offset points")
axes.set(xlabel="layer (convolutions and pooling)", ylabel="receptive field (pixels)")
axes.set(xlim=(0, 19), xticks=range(0, 19, 3), ylim=(0, 520))
axes.legend(loc="upper left", title="field of the last layer")
fig.suptitle("Receptive fields grow from layer to layer")
plt.show()

# %%
# On a photograph
# ---------------
# What one value in the middle sees after each stage of VGG-16.

with torch.device("meta"):
    fields = {field.name: field for field in receptive_field_of(vgg16())}
ends = {"features.2": "stage 1", "features.7": "stage 2", "features.14": "stage 3"}
ends |= {"features.21": "stage 4", "features.28": "stage 5"}
cat = skimage.data.chelsea()[20:244, 110:334]
fig, axes = plt.subplots(figsize=(4.6, 4.8), layout="constrained")
axes.imshow(cat)
for (name, stage), colour in zip(ends.items(), ("sky", "green", "orange", "red", "purple")):
    size = fields[name].size
    corner = 112 - size / 2
    style = {"fill": False, "linewidth": 2.5, "edgecolor": show.COLOURS[colour]}
    axes.add_patch(plt.Rectangle((corner, corner), size, size, label=f"{stage}: {size}", **style))
axes.legend(loc="lower left", frameon=True, title="side (pixels)")
axes.set_axis_off()
fig.suptitle("What VGG-16 sees of a picture of 224 × 224")
plt.show()

# %%
# Can see, and does see
# ---------------------
# The gradient of one output in the middle, for stacks of 3 × 3 convolutions with random weights,
# averaged over 8 random pictures and three random seeds. Above: the maps; their brightness is the
# *square root* of the influence, since the influence itself would leave the rim black. The white
# square is the theoretical field. Below: the influence summed over the columns of the map, and
# dotted the Gaussian curve with the same standard deviation.

fig, grid = plt.subplot_mosaic(
    [[5, 10, 20], ["sum"] * 3], figsize=(4.8, 4.6), height_ratios=(1, 1.3), layout="constrained"
)
places = torch.arange(51) - 25.0
deviations = {}
for depth, colour in ((5, "sky"), (10, "blue"), (20, "red")):
    size, maps = 2 * depth + 1, []
    for seed in range(3):
        torch.manual_seed(seed)
        layers = []
        for _ in range(depth):
            layers += [nn.Conv2d(8 if layers else 1, 8, 3, padding=1), nn.ReLU()]
            nn.init.kaiming_normal_(layers[-2].weight)
        generator = torch.Generator().manual_seed(seed)
        seen = effective_receptive_field(
            nn.Sequential(*layers), (1, 51, 51), generator=generator, count=8
        )
        maps.append(seen / seen.sum())
    axes, seen = grid[depth], torch.stack(maps).mean(0)
    axes.imshow(seen.sqrt().numpy(), cmap="magma")
    edge = {"fill": False, "edgecolor": "white", "linewidth": 1.5}
    axes.add_patch(plt.Rectangle((25 - size / 2, 25 - size / 2), size, size, **edge))
    axes.set_title(f"{depth} layers: {size}²", fontsize=10)
    axes.set_axis_off()
    halves = [
        ((m.flatten().sort(descending=True).values.cumsum(0) < 0.5).sum() + 1).item() / size**2
        for m in maps
    ]
    low, high = {5: (0.18, 0.22), 10: (0.11, 0.14), 20: (0.055, 0.08)}[depth]
    assert low < min(halves) and max(halves) < high
    profile = seen.sum(0)
    deviations[depth] = (profile * places**2).sum().sqrt().item()
    curve = torch.exp(-(places**2) / (2 * deviations[depth] ** 2))
    curve /= curve.sum()
    print(
        f"{depth} layers: half of the influence from {min(halves):.0%} to {max(halves):.0%} "
        f"of the field; standard deviation {deviations[depth]:.1f} pixels"
    )
    assert (profile - curve).abs().max() < 0.15 * profile.max()
    grid["sum"].plot(places, profile, color=show.COLOURS[colour], label=f"{depth} layers")
    grid["sum"].plot(places, curve, ":", color=show.COLOURS["black"], linewidth=1)
grid["sum"].set(xlabel="pixels from the middle", ylabel="share of the influence")
grid["sum"].legend()
fig.suptitle("Effective receptive fields")
# four times as many layers: the field is 3.7 times as wide, the spot about twice
assert 1.6 < deviations[20] / deviations[5] < 2.4
plt.show()
