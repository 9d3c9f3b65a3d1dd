"""Figures as small files: photographs packed, and nothing written twice that is said once."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path

import PIL
from PIL import Image, features

from gallery.kept import kept

__all__ = ["compact", "lighter", "smaller"]

# What a packed picture depends on besides the picture: this module, and what writes WebP.
PACKER = (
    Path(__file__).read_text(encoding="utf-8"),
    PIL.__version__,
    f"{features.version('webp')}",
)
METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
GROUP_NAME = re.compile(r'(<g\b[^>]*?) id="[^"]*"')  # clips and markers are referred to, groups not
OUTLINE = re.compile(r'\bd="([^"]*)"')
MARKERS = re.compile(r"<g\b([^<>]*)>((?:<use\b[^<>]*/>){3,})</g>")
# What a group hands on to what it holds, and looks the same then; its opacity would not.
HANDED_ON = re.compile(r' (fill|stroke|fill-opacity|stroke-opacity|stroke-width)="[^"]*"')


def packed(image: Image.Image, quality: int) -> str:
    """Pack a photograph with a loss, as the address of an image."""
    file = io.BytesIO()
    image.save(file, "WEBP", quality=quality, method=6)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def smaller(match: re.Match[str]) -> str:
    """Shrink a photograph in a thumbnail to a third, which is more than a thumbnail shows."""
    return once(shrunk, match[1])


def lighter(match: re.Match[str]) -> str:
    """Pack a photograph with a loss that is not seen; a picture of a few values keeps its pixels.

    A kernel or a map of features has at most 256 colours, which are those of matplotlib's maps.
    """
    return once(with_loss, match[1])


def once(pack: Callable[[str], str], picture: str) -> str:
    """Pack a picture, unless some build has packed it before."""
    return kept(lambda: pack(picture).encode(), *PACKER, pack.__name__, picture).decode()


def shrunk(picture: str) -> str:
    """Make a thumbnail's photograph of a picture in base 64."""
    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    image.thumbnail((max(32, image.width // 3), max(32, image.height // 3)))
    return packed(image, 80)


def with_loss(picture: str) -> str:
    """Pack a picture in base 64 if it has many values and gets smaller."""
    whole = f"data:image/webp;base64,{picture}"
    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    if len(picture) < 10_000 and image.getcolors(256) is not None:
        return whole
    made = packed(image, 85 if image.width > 100 else 90)  # a small one is shown enlarged
    return made if len(made) < len(whole) else whole


def compact(drawing: str) -> str:
    r"""Leave out what a browser does not need: spaces, names of groups, attributes said before.

    Examples
    --------
    >>> compact('<g id="a">\n  <path d="M 1 2 \nL 3 4 \nz\n"/>\n</g>')
    '<g><path d="M1 2L3 4z"/></g>'
    >>> compact('<g>' + '<use href="#a" x="1" fill="#ff0000"/>' * 3 + '</g>').count("fill")
    1
    """
    drawing = GROUP_NAME.sub(r"\1", METADATA.sub("", drawing))
    drawing = OUTLINE.sub(lambda outline: f'd="{shorter(outline[1])}"', drawing)
    return MARKERS.sub(hand_on, re.sub(r">\n\s*<", "><", drawing))


def shorter(outline: str) -> str:
    """Write an outline in one line, with no space at a letter."""
    return re.sub(r" ?([A-Za-z]) ?", r"\1", " ".join(outline.split()))


def hand_on(group: re.Match[str]) -> str:
    """Write once, at a group of markers, what all of them say."""
    marks = re.findall(r"<use\b[^<>]*/>", group[2])
    said = [{found[0] for found in HANDED_ON.finditer(mark)} for mark in marks]
    same = sorted(set.intersection(*said))
    if any(attribute.split("=")[0] in group[1] for attribute in same):
        return group[0]
    short = group[2]
    for attribute in same:
        short = short.replace(attribute, "")
    return f"<g{group[1]}{''.join(same)}>{short}</g>"
