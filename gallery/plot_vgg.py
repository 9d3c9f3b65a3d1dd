"""
Which network buys accuracy at what price?
==========================================

VGG paid for accuracy with parameters; ResNet-34 is more accurate with a sixth of VGG-16's.
"""

# %%
# Accuracy against cost
# ---------------------
# Accuracy is torchvision's, for its own weights, read from the metadata that come with them;
# parameters and multiply-adds are counted here. The area of a disc is its number of parameters.

import matplotlib.pyplot as plt
import torch
import torchvision

from cnnguide import models, show

show.style()
networks = {
    "AlexNet": (models.AlexNet, torchvision.models.AlexNet_Weights),
    "VGG-16": (models.vgg16, torchvision.models.VGG16_Weights),
    "VGG-19": (models.vgg19, torchvision.models.VGG19_Weights),
    "ResNet-18": (models.resnet18, torchvision.models.ResNet18_Weights),
    "ResNet-34": (models.resnet34, torchvision.models.ResNet34_Weights),
    "ResNet-50": (models.resnet50, torchvision.models.ResNet50_Weights),
}
colours = dict(zip(networks, ("black", "orange", "red", "sky", "blue", "green")))
fig, axes = plt.subplots(figsize=(8, 4.6), layout="constrained")
for name, (make, weights) in networks.items():
    with torch.device("meta"):
        model = make()
        work = models.count_multiply_adds(model, (3, 224, 224)) / 1e9
    parameters = models.count_parameters(model) / 1e6
    accuracy = weights.IMAGENET1K_V1.meta["_metrics"]["ImageNet-1K"]["acc@1"]
    axes.scatter(work, accuracy, s=8 * parameters, color=show.COLOURS[colours[name]], alpha=0.6)
    below = name in ("VGG-16", "ResNet-34")
    axes.annotate(
        f"{name}\n{parameters:.1f} million",
        (work, accuracy),
        (0, -20 if below else 20),
        textcoords="offset points",
        ha="center",
        va="top" if below else "bottom",
        fontsize=9,
    )
axes.set(
    xscale="log",
    xlabel="multiply-adds for one picture of 224 × 224 (billions)",
    ylabel="top-1 accuracy on ImageNet (%)",
    xlim=(0.4, 40),
    ylim=(52, 84),
)
axes.set_xticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
fig.suptitle("Six networks: accuracy, work and parameters")
plt.show()

# %%
# Two small kernels or one large one?
# -----------------------------------
# Stacks of 3 × 3 convolutions against one kernel that sees as far, for 64 channels in and out.

from cnnguide.conv import conv_parameters

sides = [3, 5, 7, 9, 11]
stacks = [(side - 1) // 2 * conv_parameters(64, 64, 3, bias=False) / 1e3 for side in sides]
single = [conv_parameters(64, 64, side, bias=False) / 1e3 for side in sides]
fig, axes = plt.subplots(figsize=(7, 3.8), layout="constrained")
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
