"""
How far does one neuron see?
============================

Every layer lets an output see further into the picture.
The formula gives the region that it *can* see; a gradient shows how much of that it *does* see.
"""

# %%
# Layer by layer
# --------------
# Strides multiply: after each halving, one more 3 × 3 convolution widens the field twice as much as
# before.

import matplotlib.pyplot as plt
import skimage.data
import torch
from torch import nn

from cnnguide import show
from cnnguide.models import AlexNet, LeNet5, cifar_resnet18, resnet18, vgg16
from cnnguide.receptive import effective_receptive_field, receptive_field_of

show.style()
fig, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
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
    axes.plot(range(1, len(sizes) + 1), sizes, "o-", ms=3, color=show.COLOURS[colour])
    axes.annotate(
        f"{name}: {sizes[-1]}", (len(sizes), sizes[-1]), (4, 4), textcoords="offset points"
    )
axes.axhline(224, color=show.COLOURS["grey"], linestyle=":")
axes.annotate("an ImageNet picture: 224", (0.5, 224), (0, 4), textcoords="offset points")
axes.set(xlabel="layer (convolutions and pooling)", ylabel="receptive field (pixels)", xlim=(0, 23))
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
fig, axes = plt.subplots(figsize=(5.2, 5.4), layout="constrained")
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
# The gradient of the middle output, for stacks of 3 × 3 convolutions with random weights, averaged
# over 16 random pictures. The square is the formula's field; most of the influence comes from a
# spot in its middle, and the deeper the stack, the smaller that share.

fig, grid = plt.subplots(1, 3, figsize=(9, 3.5), layout="constrained")
for axes, depth in zip(grid, (5, 10, 20)):
    torch.manual_seed(depth)
    layers = []
    for _ in range(depth):
        layers += [nn.Conv2d(8 if layers else 1, 8, 3, padding=1), nn.ReLU()]
        nn.init.kaiming_normal_(layers[-2].weight)
    net = nn.Sequential(*layers)
    generator = torch.Generator().manual_seed(0)
    seen = effective_receptive_field(net, (1, 51, 51), generator=generator, count=16)
    size = 2 * depth + 1
    axes.imshow(seen.sqrt().numpy(), cmap="magma")
    corner = 25.5 - size / 2 - 0.5
    edge = {"fill": False, "edgecolor": "white", "linewidth": 1.5}
    axes.add_patch(plt.Rectangle((corner, corner), size, size, **edge))
    half = (seen.flatten().sort(descending=True).values.cumsum(0) < seen.sum() / 2).sum() + 1
    axes.set_title(
        f"{depth} layers: field {size}²,\nhalf the influence from {half / size**2:.0%} of it"
    )
    axes.set_axis_off()
fig.suptitle("Effective receptive fields (brighter: more influence)")
plt.show()
