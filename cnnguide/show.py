"""Drawing helpers that the gallery scripts share: one look, and images in rows.

Colours are Okabe and Ito's, which readers with any common colour blindness can tell apart.
Words stay text in SVG files, so that a reader can select, search and translate them.
"""

from __future__ import annotations

import atexit
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import wraps
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from cnnguide.checks import check_range, check_tensor, check_type, check_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "check_axes",
    "image_grid",
    "show_image",
    "style",
    "to_displayable",
    "translate",
]

#: Okabe and Ito's colours by name.
COLOURS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "grey": "#767676",
    "black": "#000000",
}
# A number that a run may change; not one that belongs to a name, as in ResNet-18 or conv1.
NUMBER = re.compile(r"(?<![\w-])[-−]?\d+(?:[.,]\d+)*")
CHANGED = ExitStack()  # closing it takes back what `translate` has changed in matplotlib


def without_numbers(text: str, number: re.Pattern[str] = NUMBER) -> tuple[str, list[str]]:
    """Split ``kernel 3: 5 places`` into ``kernel {0}: {1} places`` and the numbers."""
    place = count()
    return number.sub(lambda _: f"{{{next(place)}}}", text), number.findall(text)


def with_numbers(message: str, numbers: list[str]) -> str:
    """Put numbers back in their places."""
    for place, number in enumerate(numbers):
        message = message.replace(f"{{{place}}}", number)
    return message


def script() -> Path | None:
    """Give the file that Python was started with, if it was with one: ``python plot_conv.py``."""
    main = sys.modules["__main__"]
    name = getattr(main, "__file__", None)
    by_name = getattr(main, "__spec__", None) is not None  # python -m
    ours = "sphinx_gallery" in sys.modules  # the site keeps its figures itself
    if by_name or ours or not name or Path(name).suffix != ".py":
        return None
    return Path(name).absolute()


def save_unseen(path: Path) -> None:
    """Save a script's figures, which no screen has shown, beside it, and print where they are.

    Where there is no screen, matplotlib's `show` shows nothing and says nothing.
    """
    import matplotlib.pyplot as plt

    if plt.get_backend().lower() not in ("agg", "cairo", "pdf", "pgf", "ps", "svg"):
        return
    for k, number in enumerate(plt.get_fignums(), start=1):
        saved = path.with_name(f"{path.stem}_{k}.png")
        try:
            plt.figure(number).savefig(saved)
        except OSError as error:
            print(f"no screen, and {saved} cannot be written: {error}", file=sys.stderr)
            return
        print(f"no screen: the figure is in {saved}", file=sys.stderr)


def style() -> None:
    """Set the look that all figures of the guide share.

    A script that has called it and finds no screen saves its figures beside itself when it ends.

    Examples
    --------
    >>> import matplotlib
    >>> style()
    >>> matplotlib.rcParams["svg.fonttype"]
    'none'
    """
    import matplotlib as mpl
    from cycler import cycler

    mpl.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "cnnguide",  # the same figure gives the same file
            "figure.facecolor": "white",
            "figure.dpi": 100,
            "savefig.dpi": 150,
            "font.size": 10,
            "axes.titlesize": 10.5,
            "figure.titlesize": 12,
            "figure.constrained_layout.h_pad": 0.08,  # inches; room under the title of a figure
            "axes.formatter.min_exponent": 5,  # 0.001; in 10⁻³ the exponent is too small
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=list(COLOURS.values())),
            "image.cmap": "gray",
            "image.interpolation": "nearest",
            "legend.frameon": False,
        }
    )
    atexit.unregister(save_unseen)  # once is enough
    if path := script():
        atexit.register(save_unseen, path)


def translate(words: Mapping[str, str], *, font: str = "") -> None:
    """Have figures show other words than those that a script gives to matplotlib.

    The Chinese notebooks begin with it: their code is the one of the English pages, and their
    figures are Chinese.

    Parameters
    ----------
    words : mapping of str to str
        What a line of text says, and what it shall say; ``{0}``, ``{1}`` … stand for numbers.
        It takes the place of the one before, and an empty one gives the script its words back.
    font : str
        A font that matplotlib finds and that has characters which its own font lacks, if any.
        Without it, the fonts are again those from before the first call.

    Raises
    ------
    TypeError
        For something else.
    ValueError
        For a font that matplotlib does not find.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> translate({"epoch": "轮", "after {0} epochs": "{0} 轮之后"})
    >>> figure, axes = plt.subplots()
    >>> axes.set(xlabel="epoch", title="after 20 epochs")[0].get_text()
    '轮'
    >>> axes.get_title()
    '20 轮之后'
    >>> translate({})
    """
    import matplotlib as mpl
    from matplotlib.font_manager import fontManager
    from matplotlib.text import Text

    check_type(words, Mapping, "words", "a mapping of texts to texts")
    for pair in words.items():
        for text in pair:
            check_type(text, str, "a text of words", "a string")
    check_type(font, str, "font", "a font's name")
    if font and not any(face.name == font for face in fontManager.ttflist):
        raise ValueError(f"font must be one that matplotlib finds, got {font!r}")
    known = dict(words)

    def other(line: str) -> str:
        message, numbers = without_numbers(line.strip())
        said = known.get(message)
        return line if said is None else with_numbers(said, numbers)

    CHANGED.close()
    plain = Text.set_text

    @wraps(plain)
    def set_text(self: Text, s: Any) -> None:
        plain(self, "\n".join(map(other, s.split("\n"))) if isinstance(s, str) else s)

    if known:
        CHANGED.callback(setattr, Text, "set_text", plain)
        Text.set_text = set_text  # type: ignore[method-assign]
    if font:
        CHANGED.callback(mpl.rcParams.__setitem__, "font.family", mpl.rcParams["font.family"])
        mpl.rcParams["font.family"] = ["DejaVu Sans", font]
        faces = [face for face in fontManager.ttflist if face.name == font]
        if not any(face.weight in (700, "bold") for face in faces):
            # bold words are drawn in it, too; without an entry matplotlib would warn of each
            bold = replace(faces[0], weight=700)
            fontManager.ttflist.append(bold)
            CHANGED.callback(fontManager.ttflist.remove, bold)


def to_displayable(image: Tensor) -> Tensor:
    """Turn an image in PyTorch's layout into one that matplotlib can draw.

    Parameters
    ----------
    image : Tensor
        ``C H W`` with one or three channels, or ``H W``; uint8, or float in [0, 1].
        Floats outside the range are clipped.

    Returns
    -------
    Tensor
        ``H W 3`` for colour, ``H W`` for grey, on the CPU and detached.

    Raises
    ------
    ValueError
        For another number of axes or channels.

    Examples
    --------
    >>> tuple(to_displayable(torch.zeros(3, 4, 5)).shape)
    (4, 5, 3)
    >>> tuple(to_displayable(torch.zeros(1, 4, 5)).shape)
    (4, 5)
    """
    check_tensor(image, "image")
    if image.ndim == 3 and image.shape[0] == 1:
        image = image[0]
    if image.ndim != 2 and not (image.ndim == 3 and image.shape[0] == 3):
        raise ValueError(
            "an image to show must have shape (3, H, W), (1, H, W) or (H, W), "
            f"got {tuple(image.shape)}"
        )
    if image.numel() == 0:
        raise ValueError(f"an image to show must have a pixel, got {tuple(image.shape)}")
    if image.dtype not in (torch.uint8, torch.bool) and not image.is_floating_point():
        raise TypeError(f"an image to show must be uint8, or float from 0 to 1, got {image.dtype}")
    image = image.detach().cpu()
    if image.is_floating_point():
        image = image.float().clamp(0, 1)
    return image.permute(1, 2, 0) if image.ndim == 3 else image


def check_axes(axes: object) -> None:
    """Refuse what cannot be drawn into.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        What was got.

    Raises
    ------
    TypeError
        For something else, such as a figure.

    Examples
    --------
    >>> check_axes(None)
    Traceback (most recent call last):
    TypeError: axes must be matplotlib's axes, got None
    """
    from matplotlib.axes import Axes

    check_type(axes, Axes, "axes", "matplotlib's axes")


def show_image(axes: Axes, image: Tensor, *, title: str = "") -> None:
    """Draw one image into axes, without ticks.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    image : Tensor
        ``C H W`` with one or three channels, or ``H W``; uint8, or float in [0, 1].
        Floats outside the range are clipped.
    title : str
        Written above the image.

    Raises
    ------
    ValueError
        For another number of axes or channels, or an image without a pixel.
    TypeError
        For axes that are not matplotlib's, or another dtype.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> figure, axes = plt.subplots()
    >>> show_image(axes, torch.zeros(3, 4, 5), title="black")
    >>> axes.get_title()
    'black'
    """
    check_axes(axes)
    check_type(title, str, "title", "a string")
    axes.imshow(
        to_displayable(image).numpy(), vmin=0, vmax=255 if image.dtype == torch.uint8 else 1
    )
    axes.set_title(title)
    axes.set_axis_off()


def image_grid(
    images: Sequence[Tensor],
    *,
    titles: Sequence[str] | None = None,
    columns: int = 5,
    heading: str = "",
    size: float = 1.6,
) -> Figure:
    """Draw images row by row in one figure.

    Parameters
    ----------
    images : sequence of Tensor
        At least one. Each is ``C H W`` with one or three channels, or ``H W``; uint8, or float in
        [0, 1]. Floats outside the range are clipped.
    titles : sequence of str, optional
        One per picture.
    columns : int
        Pictures in a row.
    heading : str
        The figure's title.
    size : float
        Side of one picture in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        Without an image, or with another number of titles than images.

    Examples
    --------
    >>> figure = image_grid([torch.zeros(3, 8, 8)] * 3, columns=2)
    >>> len(figure.axes)
    4
    """
    import matplotlib.pyplot as plt

    check_type(images, Sequence | Tensor, "images", "a list of tensors, or one tensor of several")
    if isinstance(images, Tensor) and images.ndim == 0:
        raise ValueError("images must hold several, got a single number")
    for image in images:
        to_displayable(image)  # refuses what is none
    check_whole(columns, "columns", 1)
    check_range(size, "size", 0, above=True)
    check_type(heading, str, "heading", "a string")
    if titles is not None:
        check_type(titles, list | tuple, "titles", "a list of strings")
    if len(images) == 0:
        raise ValueError("there must be at least one image, got none")
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"there must be one title per image, got {len(titles)} for {len(images)}")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=(size * columns, (size + (0.3 if titles else 0)) * rows + 0.4 * bool(heading)),
        squeeze=False,
        layout="constrained",
    )
    for axes in grid.flat:
        axes.set_axis_off()
    for k, image in enumerate(images):
        show_image(grid.flat[k], image, title=titles[k] if titles else "")
    figure.suptitle(heading)
    return figure
