"""
How does the receptive field grow from layer to layer?
======================================================

The top row holds pixels, and each row below it the numbers that one more layer makes of them. Every
number stands under the middle of what it sees. Marked is all that one number at the bottom depends
on.
"""

# %%
# Layer upon layer
# ----------------
# Each 3 × 3 convolution with a stride of 1 lets the next number see two pixels more.

import matplotlib.pyplot as plt

from cnnguide import diagram
from cnnguide.receptive import Field, Layer, receptive_fields

PIXELS, SIZE = 15, 0.19


def draw_rows(title, layers):
    """Draw a row for the pixels and one for each layer, from top to bottom."""
    fields = [Field(), *receptive_fields(layers)]
    axes = diagram.canvas(title, height=3.3)
    rows = []
    for k, field in enumerate(fields):
        count = 1 + int((PIXELS - field.size) // field.jump)
        places = [0.15 + SIZE * (field.start + field.jump * i) for i in range(count)]
        rows.append([(x, 0.65 + 0.68 * k) for x in places])
    wanted = {len(rows[-1]) // 2}
    for k in reversed(range(len(fields))):
        for i, (x, y) in enumerate(rows[k]):
            kind = "mark" if i in wanted else "maps"
            corner = x - SIZE / 2, y - SIZE / 2
            diagram.cells(axes, *corner, [[None]], size=SIZE, kinds=kind)
        words = "pixels" if k == 0 else f"sees {fields[k].size}"
        diagram.label(axes, 3.2, rows[k][0][1], words, align="left")
        if k:
            layer, above = layers[k - 1], set()
            for i in wanted:
                window = [i * layer.stride + j * layer.dilation for j in range(layer.kernel_size)]
                above |= set(window)
                for j in window:
                    (x0, y0), (x1, y1) = rows[k - 1][j], rows[k][i]
                    ends = (x0, y0 + SIZE / 2), (x1, y1 - SIZE / 2)
                    diagram.arrow(axes, *ends, kind="mark", head=False)
            wanted = above
    diagram.key(axes, 3.12, mark="what one number depends on", maps="other numbers")
    plt.show()


draw_rows("Three convolutions with stride 1", [Layer(3)] * 3)

# %%
# With a stride
# -------------
# A 3 × 3 convolution, a 2 × 2 maximum with stride 2, and a second 3 × 3 convolution. The stride
# puts the numbers two pixels apart, so the second convolution adds twice as much as the first.

draw_rows("Convolution, pooling, convolution", [Layer(3), Layer(2, stride=2), Layer(3)])

# %%
# With dilation
# -------------
# Kernels whose weights stand 1, 2 and 4 pixels apart see as far as strides do, and still give a
# number for every place.

draw_rows("Dilation 1, 2 and 4", [Layer(3, dilation=d) for d in (1, 2, 4)])

# %%
# With gaps that stay
# -------------------
# With a dilation of 2 in every layer, every second pixel is skipped.

draw_rows("Dilation 2, 2 and 2", [Layer(3, dilation=2)] * 3)
