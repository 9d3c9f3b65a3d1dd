"""
What is a backbone, what is a head, and which of them learns?
=============================================================

EfficientNet-lite0 with its shapes, the parts of a ResNet-18 that learn in three strategies, and a
picture to choose a strategy by. Shapes and counts come from the networks themselves.
"""

# %%
# Backbone and head
# -----------------
# One picture of 128 × 128 pixels goes through EfficientNet-lite0. The backbone turns it into 1,280
# features. The old head, with ImageNet's 1,000 classes, is taken off, and a new one with 10 is put
# in its place.

import matplotlib.pyplot as plt
import torch
from torch import nn
from torchvision.models import resnet18

from cnnguide import diagram, transfer
from cnnguide.models import count_parameters

network = transfer.load_pretrained("package")
stages = {"stem": nn.Sequential(network.conv_stem, network.bn1)}
stages |= {f"stage {k + 1}": block for k, block in enumerate(network.blocks)}
stages |= {"1 × 1 conv": nn.Sequential(network.conv_head, network.bn2)}
stages |= {"global mean": network.global_pool}
axes = diagram.canvas("Backbone and head", height=5.4)
x, place, y = torch.zeros(1, 3, 128, 128), None, 0.72
for words, align, across in (("layers", "center", 1.15), ("output", "left", 1.9),
                             ("parameters", "right", 3.72)):  # fmt: skip
    diagram.label(axes, across, 0.5, words, align=align, weight="bold", size=8.5)
for name, stage in {"picture": nn.Identity(), **stages}.items():
    with torch.no_grad():
        x = stage(x)
    kind = "maps" if name == "picture" else "operation"
    made = diagram.box(axes, 1.15, y, name, kind=kind, width=1.15, height=0.23)
    if place:
        diagram.arrow(axes, place.bottom, made.top)
    else:
        first = made
    diagram.label(axes, 1.9, y, diagram.shape_words(x.shape[1:]), align="left", size=8)
    count = count_parameters(stage)
    if count:
        diagram.label(axes, 3.72, y, f"{count:,}", align="right", size=8)
    print(f"{name}: {diagram.shape_words(x.shape[1:])}, {count:,} parameters")
    place, y = made, y + 0.33
old = network.classifier
new = nn.Linear(old.in_features, 10)
rows = (("new head", new, "weights", y + 0.1), ("old head", old, "mark", y + 0.5))
for name, head, kind, row in rows:
    made = diagram.box(axes, 1.15, row, name, kind=kind, width=1.15, height=0.23)
    if head is new:
        diagram.arrow(axes, place.bottom, made.top, kind="weights")
    diagram.label(axes, 1.9, row, str(head.out_features), align="left", size=8)
    diagram.label(axes, 3.72, row, f"{count_parameters(head):,}", align="right", size=8)
    print(f"{name}: {head.out_features} scores, {count_parameters(head):,} parameters")
left = 0.42
axes.plot([left + 0.06, left, left, left + 0.06],
          [first.y + 0.22, first.y + 0.22, place.y + 0.1, place.y + 0.1],
          color=diagram.LINES["operation"], lw=1)  # fmt: skip
axes.text(left - 0.12, (first.y + place.y) / 2 + 0.1, "backbone", rotation=90, ha="center",
          va="center", fontsize=9)  # fmt: skip
diagram.key(axes, 5.24, operation="kept", weights="new", mark="taken off")
plt.show()

# %%
# Which part learns
# -----------------
# The seven parts of a ResNet-18 with ten classes. Grey parts are frozen, orange ones learn; the
# number below is how many parameters learn. In the last column every part has a rate of its own, a
# share of the head's.

learner = transfer.PartlyFrozen(resnet18(num_classes=10))
columns = {"features": 1, "last stage": 2, "everything": len(learner.parts)}
axes = diagram.canvas("Which part learns", height=3.95)
groups = transfer.parameter_groups(
    [learner.model.get_submodule(name) for name in learner.parts], learning_rate=1.0, decay=0.5
)
shares = [group["lr_scale"] for group in groups]
for column, (title, learning) in enumerate([*columns.items(), ("with shares", 7)]):
    learner.thaw(learning)
    across = 0.55 + 0.965 * column
    diagram.label(axes, across, 0.52, title, weight="bold", size=8.5)
    place = None
    for k, (part, share) in enumerate(zip(learner.parts, shares)):
        kind = "weights" if part in learner.learned else "operation"
        words = part if column < 3 else f"{share:.2g}"
        made = diagram.box(axes, across, 0.82 + 0.36 * k, words, kind=kind, width=0.78, height=0.25)
        if place:
            diagram.arrow(axes, place.bottom, made.top)
        place = made
    if column < 3:
        count = transfer.trainable_parameters(learner)
        diagram.label(axes, across, 3.36, f"{count:,}", size=8)
        print(f"{title}: {count:,} parameters learn")
    else:
        diagram.label(axes, across, 3.36, "of the rate", size=8)
        print("shares of the rate:", *(f"{share:.3g}" for share in shares))
diagram.key(axes, 3.72, operation="frozen", weights="learns")
plt.show()

# %%
# A picture to choose by
# ----------------------
# From left to right there are more pictures, from top to bottom they are less like ImageNet's. This
# is a rule of thumb; the dots show where this chapter has measured.

cells = [
    [("features,\nnew head", "maps"), ("features first,\nthen fine-tune", "weights"),
     ("fine-tune,\ncompare with\nscratch", "weights")],
    [("features of an\nearlier stage", "maps"), ("fine-tune\nall stages", "weights"),
     ("from scratch\nis a rival", "shortcut")],
]  # fmt: skip
axes = diagram.canvas("How to start", height=3.15)
for column, words in enumerate(("tens", "hundreds", "thousands")):
    diagram.label(axes, 1.16 + 1.12 * column, 2.57, words)
diagram.label(axes, 2.28, 2.76, "training pictures per class", size=8.5)
for row, (words, contents) in enumerate(zip(("like ImageNet", "unlike it"), cells)):
    axes.text(0.36, 1.0 + 1.0 * row, words, rotation=90, ha="center", va="center", fontsize=9)
    for column, (text, kind) in enumerate(contents):
        diagram.box(axes, 1.16 + 1.12 * column, 1.0 + 1.0 * row, text, kind=kind, width=1.04,
                    height=0.92)  # fmt: skip
for across in (0.8, 1.16, 1.52, 2.28):  # 5, 20, 80 and 320 pictures per class
    diagram.node(axes, across, 1.35, kind="mark", radius=0.05)
diagram.node(axes, 1.5, 2.97, kind="mark", radius=0.05)
diagram.label(axes, 1.6, 2.97, "measured here", align="left", size=8)
plt.show()
