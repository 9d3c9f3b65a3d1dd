"""
What does dropout leave of a network?
=====================================

In training, another thinned network at every step; in evaluation, the whole one.
"""

# %%
# Thinned networks
# ----------------
# A network with two hidden layers, and what three draws at p = 0.5 leave of it. A dropped number is
# zero, so nothing goes on from it. All thinned networks share their weights.

import matplotlib.pyplot as plt
import torch

from cnnguide import diagram
from cnnguide.dropout import draw_mask, drop_where

generator = torch.Generator().manual_seed(45)
sizes = (3, 5, 5, 2)
axes = diagram.canvas("A network and three thinned ones", height=4.6)
for k in range(4):
    left, top = 0.3 + 1.95 * (k % 2), 0.85 + 1.9 * (k // 2)
    words = "whole" if k == 0 else f"step {k}"
    diagram.label(axes, left + 0.72, top - 0.28, words, weight="bold")
    before = []
    for row, size in enumerate(sizes):
        hidden = 0 < row < len(sizes) - 1 and k > 0
        drops = draw_mask(torch.zeros(size), p=0.5 if hidden else 0.0, generator=generator)
        start = left + 0.72 - 0.18 * (size - 1)
        nodes = [
            diagram.node(axes, start + 0.36 * i, top + 0.42 * row, radius=0.09, dropped=drop)
            for i, drop in enumerate(drops.tolist())
        ]
        kept = [node for node, drop in zip(nodes, drops) if not drop]
        for upper in before:
            for lower in kept:
                diagram.arrow(axes, upper.bottom, lower.top, kind="weights", head=False)
        before = kept
diagram.key(axes, 4.4, maps="kept", operation="dropped", weights="weights")
plt.show()

# %%
# Numbers
# -------
# Each number is dropped with probability p, and those that stay are divided by 1 − p, so that the
# mean stays the same over many draws. In evaluation nothing happens.

p = 0.5
x = torch.tensor([1.0, 2, 3, 4, 5, 6])
axes = diagram.canvas("Six numbers with p = 0.5", height=3.3)
rows = [("input", x, torch.zeros(6, dtype=torch.bool))]
for k in range(1, 4):
    mask = draw_mask(x, p=p, generator=generator)
    rows.append((f"training {k}", drop_where(x, mask, p=p), mask))
rows.append(("evaluation", x, rows[0][2]))
for k, (words, values, mask) in enumerate(rows):
    y = 0.6 + 0.48 * k
    kinds = [["operation" if dropped else "maps" for dropped in mask]]
    diagram.label(axes, 1.1, y + 0.17, words, align="right")
    diagram.cells(axes, 1.25, y, [values.tolist()], size=0.34, kinds=kinds, words=9)
diagram.key(axes, 3.15, maps="kept", operation="dropped")
plt.show()
