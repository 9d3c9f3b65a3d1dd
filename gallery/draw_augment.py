"""
What do crop, flip and cutout do to a picture, and where do they stand?
=======================================================================

Drawings of the usual changes, first with numbers that can be checked by hand, then with
photographs. Each was computed by the library.
"""

# %%
# Four pixels wide, and changed three times
# -----------------------------------------
# A picture of 4 × 4 numbers gets a border of zeros. A window of the old size is cut out of it, then
# mirrored, and at last a square of it is set to zero.

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import Circle, FancyArrowPatch, PathPatch, Rectangle, RegularPolygon
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D
from torchvision.transforms.v2 import functional as tv

from cnnguide import data, diagram, show
from cnnguide.augment import crop_at, cutout_at, flip_where
from cnnguide.conv import pad

picture = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8], [1, 3, 5, 7], [2, 4, 6, 8]])[None, None]
row, column = torch.tensor([0]), torch.tensor([2])
padded = pad(picture, 1)[0, 0]
crop = crop_at(picture, row, column, padding=1)
mirrored = flip_where(crop, torch.tensor([True]))
erased = cutout_at(mirrored, torch.tensor([2]), torch.tensor([3]), side=2)


def kinds_of(values):
    """Grey for the zeros of the border, blue for the picture's own numbers."""
    return [["operation" if value == 0 else "maps" for value in row] for row in values]


axes = diagram.canvas("Crop, mirror, cut out", height=4.15)
steps = [
    ("picture", picture[0, 0], 0.4, 0.94),
    ("padded by 1", padded, 2.2, 0.68),
    ("crop", crop[0, 0], 0.2, 2.82),
    ("mirror image", mirrored[0, 0], 1.5, 2.82),
    ("cutout", erased[0, 0], 2.8, 2.82),
]
for words, values, left, top in steps:
    kinds = kinds_of(values.tolist())
    if words == "cutout":  # the square that was blanked
        blank = (mirrored != erased)[0, 0]
        kinds = [
            ["mark" if b else kind for b, kind in zip(marks, line, strict=True)]
            for marks, line in zip(blank.tolist(), kinds, strict=True)
        ]
    diagram.cells(axes, left, top, values.tolist(), size=0.26, kinds=kinds)
    diagram.label(axes, left + 0.13 * len(values), top - 0.14, words, weight="bold")
window = Rectangle(
    (2.2 + 0.26 * column.item(), 0.68 + 0.26 * row.item()), 1.04, 1.04,
    fill=False, edgecolor=show.COLOURS["orange"], linewidth=2.5, zorder=6,
)  # fmt: skip
axes.add_patch(window)
diagram.arrow(axes, (1.5, 1.46), (2.12, 1.46))
diagram.arrow(axes, (3.24, 2.28), (3.24, 2.42), (0.72, 2.42), (0.72, 2.58))
for x in (1.28, 2.58):
    diagram.arrow(axes, (x, 3.34), (x + 0.18, 3.34))
diagram.key(axes, 4.0, maps="picture", operation="border", weights="window", mark="blanked")
plt.show()

# %%
# Which changes keep the label?
# -----------------------------
# The same kind of change can be right in one task and wrong in another. A cat may be mirrored. A 6
# that is turned by half a circle is a 9, a mirrored sign sends the driver to the other side, and
# without colour two kinds of tulips cannot be told apart.

RED, GREEN = torch.tensor([226, 40, 54]), torch.tensor([20, 140, 70])


def grey(colour):
    """Take the colour away as torchvision does."""
    return tv.rgb_to_grayscale(colour.view(3, 1, 1).to(torch.uint8), 3).flatten()


def as_hex(colour):
    return "#" + "".join(f"{int(value):02x}" for value in colour)


# A second colour of the same brightness: torchvision's grey of both is one number.
BLUE = torch.tensor([40, 99, 237])
assert (grey(RED).int() - grey(BLUE).int()).abs().max() <= 1


def draw_six(axes, x, y, *, turned):
    """Draw the digit 6, or the same shape turned by half a circle."""
    shape = TextPath((0, 0), "6", size=0.62)
    middle = shape.get_extents()
    move = Affine2D().translate(-middle.x0 - middle.width / 2, -middle.y0 - middle.height / 2)
    move = move.rotate_deg(180 * turned).scale(1, -1).translate(x, y)  # y grows downwards
    axes.add_patch(PathPatch(move.transform_path(shape), color=show.COLOURS["black"], lw=0))


def draw_sign(axes, x, y, *, turned):
    """Draw a round sign that says where to go."""
    axes.add_patch(Circle((x, y), 0.3, facecolor=show.COLOURS["blue"], edgecolor="none"))
    side = 1 if turned else -1
    axes.add_patch(
        FancyArrowPatch(
            (x - 0.2 * side, y), (x + 0.22 * side, y), arrowstyle="simple,head_length=0.9,"
            "head_width=1,tail_width=0.35", mutation_scale=13, color="white", linewidth=0,
        )
    )  # fmt: skip


def draw_tulip(axes, x, y, colour):
    """Draw a stem and a flower."""
    stem = as_hex(GREEN if colour.unique().numel() > 1 else grey(GREEN))
    axes.plot([x, x], [y, y + 0.3], color=stem, linewidth=2.5, zorder=2)
    for dx in (-0.07, 0, 0.07):
        petal = RegularPolygon(
            (x + dx, y - 0.08),
            3,
            radius=0.16,
            orientation=3.14159,
            color=as_hex(colour),
            linewidth=0,
        )
        axes.add_patch(petal)
    axes.add_patch(Circle((x, y + 0.02), 0.13, color=as_hex(colour), linewidth=0))


def draw_photo(axes, x, y, image, side):
    """Draw a small photograph around a point."""
    extent = (x - side / 2, x + side / 2, y + side / 2, y - side / 2)
    axes.imshow(image.permute(1, 2, 0).numpy(), extent=extent, aspect="auto", zorder=3)


axes = diagram.canvas("Which changes keep the label?", height=4.35)
limits = axes.get_xlim(), axes.get_ylim()
cat = data.load("sample").train_images[1512]
for words, x in (("picture", 0.62), ("changed", 2.1), ("label", 3.4)):
    diagram.label(axes, x, 0.5, words, weight="bold")
rows = [("mirrored", "still cat", "shortcut"), ("half a turn", "6 becomes 9", "mark"),
        ("mirrored", "left becomes\nright", "mark"), ("grey", "which tulip?", "mark")]  # fmt: skip
for k, (change, label, kind) in enumerate(rows):
    y = 1.02 + 0.86 * k
    diagram.arrow(axes, (1.15, y + 0.08), (1.6, y + 0.08))
    diagram.label(axes, 1.36, y - 0.06, change, size=8)
    diagram.box(axes, 3.4, y, label, kind=kind, width=1.0)
for turned, x in ((False, 0.62), (True, 2.1)):
    draw_photo(axes, x, 1.02, cat.flip(2) if turned else cat, 0.7)
    draw_six(axes, x, 1.88, turned=turned)
    draw_sign(axes, x, 2.74, turned=turned)
    for colour, dx in ((RED, -0.22), (BLUE, 0.22)):
        draw_tulip(axes, x + dx, 3.5, grey(colour) if turned else colour)
diagram.key(axes, 4.2, shortcut="label stays true", mark="label is wrong")
axes.set(xlim=limits[0], ylim=limits[1])
plt.show()

# %%
# The order of the steps
# ----------------------
# In training the picture is changed at random. In validation, testing and use the random steps are
# left out, and all fixed steps are the same.

axes = diagram.canvas("In training, and everywhere else", height=4.55)
fixed = {"picture": "bytes, 0 … 255", "float": "floats, 0 … 1", "norm": "normalise"}
middle = {"training": 1.05, "inference": 3.0}
heights = {
    "picture": 0.85, "crop": 1.45, "flip": 1.95, "colour": 2.45, "float": 2.95, "norm": 3.45,
    "cutout": 3.95,
}  # fmt: skip
random = {"crop": "random crop", "flip": "random flip", "colour": "colour", "cutout": "cutout"}
for name, x in middle.items():
    diagram.label(axes, x, 0.52, name, weight="bold")
    above = None
    for step, y in heights.items():
        if step in random and name == "inference":
            continue
        kind = "weights" if step in random else "maps" if step == "picture" else "operation"
        drawn = diagram.box(axes, x, y, {**fixed, **random}[step], kind=kind, width=1.4)
        if above:
            diagram.arrow(axes, above.bottom, drawn.top)
        above = drawn
diagram.key(axes, 4.4, weights="random, training only", operation="always the same")
plt.show()

# %%
# One draw per picture, and one per batch
# ---------------------------------------
# Above, four photographs. In the middle each has its own crop and its own flip. Below, one draw was
# made for all of them, a common mistake.

sample = data.load("sample")
batch = sample.train_images[torch.tensor([501, 1512, 3507, 4510])]
rows, columns = torch.tensor([0, 8, 2, 7]), torch.tensor([7, 1, 8, 0])
flips = torch.tensor([True, False, False, True])
each = flip_where(crop_at(batch, rows, columns, padding=4), flips)
everyone = torch.ones(4, dtype=torch.int64)
same = flip_where(crop_at(batch, 0 * everyone, 7 * everyone, padding=4), everyone > 0)

axes = diagram.canvas("One draw per picture, or per batch", height=3.4)
limits = axes.get_xlim(), axes.get_ylim()
lines = (("batch", batch, 0.87), ("own\ndraws", each, 1.81), ("one\ndraw", same, 2.75))
for words, images, y in lines:
    diagram.label(axes, 0.28, y, words, weight="bold")
    for k, image in enumerate(images):
        draw_photo(axes, 0.98 + 0.86 * k, y, image, 0.8)
axes.set(xlim=limits[0], ylim=limits[1])
plt.show()
