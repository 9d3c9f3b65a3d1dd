"""
Why could nobody train a plain network of fifty layers?
=======================================================

Two answers: what happens to the gradient before the first step, and what happens to the training
loss when one tries.
"""

# %%
# Before the first step
# ---------------------
# The gradient that reaches each layer of a network 109 convolutions deep, at its random start. The
# plain network's gradient is tiny everywhere without BatchNorm; with it, the gradient *explodes* on
# its way back to the first layers. Shortcuts keep it within two powers of ten.

import matplotlib.pyplot as plt
import torch
from torch import nn

from cnnguide import data, show
from cnnguide.models.resnet import BasicBlock, CifarResNet, PlainBlock
from cnnguide.recipe import Recipe
from cnnguide.train import fit, seed_everything

show.style()
images = data.load("sample")
pictures, labels = data.normalise(images.train_images[::160]), images.train_labels[::160]


def gradient_norms(block, norm):
    torch.manual_seed(0)
    model = CifarResNet(block, (18, 18, 18), width=16, num_classes=10)
    if not norm:
        for module in list(model.modules()):
            for name, child in module.named_children():
                if isinstance(child, nn.BatchNorm2d):
                    setattr(module, name, nn.Identity())
    nn.functional.cross_entropy(model(pictures), labels).backward()
    convolutions = [
        m for m in model.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)
    ]
    return [m.weight.grad.norm().item() for m in convolutions]


fig, axes = plt.subplots(figsize=(8, 4), layout="constrained")
for label, block, norm, colour in (
    ("plain, no BatchNorm", PlainBlock, False, "grey"),
    ("plain, BatchNorm", PlainBlock, True, "orange"),
    ("residual, BatchNorm", BasicBlock, True, "blue"),
):
    norms = gradient_norms(block, norm)
    axes.semilogy(range(1, len(norms) + 1), norms, label=label, color=show.COLOURS[colour])
    print(f"{label}: first layer {norms[0]:.2g}, last layer {norms[-1]:.2g}")
axes.set(xlabel="layer, from the picture to the scores", ylabel="gradient norm at the start")
axes.legend()
fig.suptitle("The gradient in a network of 109 convolutions")
plt.show()

# %%
# Degradation
# -----------
# Narrow networks of two depths, with and without shortcuts, trained for a few epochs on 600
# pictures; two seeds, each a line. The deeper plain network has the higher *training* loss, so this
# is no overfitting: it is a failure to optimise.

chosen = torch.arange(0, 4800, 8)
part = (images.train_images[chosen], images.train_labels[chosen])
recipe = Recipe(epochs=6, batch_size=40, learning_rate=0.05, schedule="triangle", padding=0, flip=0)
fig, axes = plt.subplots(figsize=(7.5, 4), layout="constrained")
for name, block, colour in (("plain", PlainBlock, "orange"), ("residual", BasicBlock, "blue")):
    for depth, line in ((1, "--"), (5, "-")):
        finals = []
        for seed in range(2):
            seed_everything(seed)
            model = CifarResNet(block, (depth, depth, depth), width=8, num_classes=10)
            model.conv1.stride = (2, 2)  # a quarter of the work
            *_, run = fit(model, part, part, recipe, seed=seed)
            losses = [epoch.train_loss for epoch in run.history]
            label = f"{name}, {6 * depth + 2} layers" if seed == 0 else None
            axes.plot(range(1, 7), losses, line, color=show.COLOURS[colour], label=label)
            finals.append(losses[-1])
        shown = " and ".join(f"{loss:.2f}" for loss in finals)
        print(f"{name}, {6 * depth + 2} layers: last training loss {shown}")
axes.set(xlabel="epoch", ylabel="training loss (cross-entropy)")
axes.legend()
fig.suptitle("Depth, with and without shortcuts")
plt.show()
