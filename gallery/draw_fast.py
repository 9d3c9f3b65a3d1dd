"""
Who waits for whom in a fast training step, and what is stored where?
=====================================================================

Drawings of a processor and a card that share a step, of the bits of three kinds of numbers, of a
picture's order in memory, and of operations that are merged. Each was computed, not sketched.
"""

# %%
# Processor and card
# ------------------
# A model of a step: Python needs some milliseconds to hand the jobs out, and then the card needs
# some to do them. If Python asks for the loss after each step, the two times add up. If it does
# not, it hands out the next step's jobs while the card computes.

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import Rectangle

from cnnguide import diagram, show


def schedule(python, card, *, waits, until):
    """Give begin and end of each step on both, in milliseconds."""
    steps, python_free, card_free = [], 0, 0
    while python_free + python <= until:
        handed = python_free + python
        done = max(handed, card_free) + card
        steps.append(((python_free, handed), (done - card, done)))
        python_free, card_free = (done if waits else handed), done
    return steps


axes = diagram.canvas("Who waits for whom?", height=4.1)
SCALE, LEFT, END = 0.125, 0.85, 24
rows = {
    "Python asks for each loss": schedule(5, 4, waits=True, until=END),
    "Python never asks": schedule(5, 4, waits=False, until=END),
    "recorded: one launch per step": schedule(1, 4, waits=False, until=END),
}
for k, (title, steps) in enumerate(rows.items()):
    y = 0.62 + 1.03 * k
    diagram.label(axes, 0.1, y - 0.16, title, align="left", weight="bold")
    for name, lane, kind in (("Python", 0, "weights"), ("card", 1, "maps")):
        diagram.label(axes, LEFT - 0.1, y + 0.14 + 0.3 * lane, name, align="right")
        axes.plot(
            [LEFT, LEFT + SCALE * END], [y + 0.26 + 0.3 * lane] * 2,
            color=show.COLOURS["grey"], lw=0.6,
        )  # fmt: skip
        for start, end in (step[lane] for step in steps):
            if end > END:
                continue
            axes.add_patch(
                Rectangle(
                    (LEFT + SCALE * start, y + 0.02 + 0.3 * lane), SCALE * (end - start), 0.24,
                    facecolor=diagram.FILLS[kind], edgecolor=diagram.LINES[kind], linewidth=0.9,
                )
            )  # fmt: skip
    done = sum(card[1] <= END for _, card in steps)
    print(f"{title}: {done} steps are done after {END} ms")
for ms in range(0, END + 1, 6):
    diagram.label(axes, LEFT + SCALE * ms, 3.52, str(ms), size=8)
diagram.label(axes, LEFT + SCALE * END / 2, 3.69, "milliseconds", size=8)
diagram.key(axes, 3.95, weights="hands jobs out", maps="computes")
plt.show()

# %%
# Three kinds of numbers
# ----------------------
# The bits of 1/3, as they stand in memory. bfloat16 is the first half of a 32-bit number, rounded.
# It keeps all bits of the exponent, but only seven of the digits after the leading one.


def bits(value):
    """Read the bits of a number from memory."""
    whole = value.view({2: torch.int16, 4: torch.int32}[value.element_size()]).item()
    size = 8 * value.element_size()
    return f"{whole % 2**size:0{size}b}"


third = torch.tensor(1 / 3)
kinds = {"float32": (third, 8), "bfloat16": (third.bfloat16(), 8), "float16": (third.half(), 5)}
axes = diagram.canvas("The bits of 1/3", height=2.95)
SIZE = 0.119
for k, (name, (value, exponent)) in enumerate(kinds.items()):
    y = 0.62 + 0.68 * k
    diagram.label(axes, 0.1, y - 0.14, name, align="left", weight="bold")
    diagram.label(axes, 3.9, y - 0.14, f"{value.item():.8f}", align="right")
    for place, bit in enumerate(bits(value)):
        kind = "mark" if place == 0 else "weights" if place <= exponent else "maps"
        diagram.cells(axes, 0.1 + SIZE * place, y, [[int(bit)]], size=SIZE, kinds=kind, words=8)
    print(f"{name}: {bits(value)}")
diagram.key(axes, 2.75, mark="sign", weights="exponent", maps="digits")
plt.show()

# %%
# Two orders in memory
# --------------------
# A picture of 2 × 2 pixels with three channels. Above you see its numbers, and below the order in
# which they stand in memory, read from there.

x = torch.arange(12).view(1, 3, 2, 2)
orders = {
    "usual: channel by channel": x,
    "channels last: pixel by pixel": x.contiguous(memory_format=torch.channels_last),
}
axes = diagram.canvas("Two orders in memory", height=3.2)
channels = ("mark", "shortcut", "maps")
for k, kind in enumerate(channels):
    diagram.cells(axes, 0.55 + 1.1 * k, 0.5, x[0, k].tolist(), size=0.3, kinds=kind)
for k, (name, tensor) in enumerate(orders.items()):
    y = 1.65 + 0.68 * k
    stored = tensor.as_strided((12,), (1,)).tolist()
    diagram.label(axes, 0.2, y - 0.15, name, align="left", weight="bold")
    of_each = [[channels[number // 4] for number in stored]]
    diagram.cells(axes, 0.2, y, [stored], size=0.3, kinds=of_each)
    print(f"{name}: {stored}")
diagram.key(axes, 3.0, mark="red", shortcut="green", maps="blue")
plt.show()

# %%
# One trip to memory instead of three
# -----------------------------------
# Three operations in a row, each of which reads from memory and writes to it. A compiler merges
# them: the numbers in between stay inside the processor.

axes = diagram.canvas("Merged operations", height=2.75)
for words, x in (("one by one", 1.25), ("merged", 3.3)):
    diagram.label(axes, x, 0.52, words, weight="bold")
for left, right in ((0.1, 2.4), (2.75, 3.85)):
    diagram.box(
        axes, (left + right) / 2, 2.05, "memory", kind="maps", width=right - left, height=0.3
    )
names = ("scale", "shift", "ReLU")
for k, name in enumerate(names):
    x = 0.45 + 0.8 * k
    made = diagram.box(axes, x, 1.15, name, width=0.66)
    diagram.arrow(axes, (x - 0.16, 1.9), (x - 0.16, made.bottom[1]), kind="maps")
    diagram.arrow(axes, (x + 0.16, made.bottom[1]), (x + 0.16, 1.9), kind="weights")
merged = diagram.box(axes, 3.3, 1.15, "\n".join(names), width=0.66)
diagram.arrow(axes, (3.14, 1.9), (3.14, merged.bottom[1]), kind="maps")
diagram.arrow(axes, (3.46, merged.bottom[1]), (3.46, 1.9), kind="weights")
diagram.key(axes, 2.55, maps="read", weights="write")
plt.show()
