"""Figures for the dark theme, from the same run of the scripts and in the same file.

A figure holds both: the colours that its script chose, and a style sheet that takes their place
where the page around it is dark; so a page has one image, and no second file is loaded.
White becomes the page's background, black a light grey, tints turn dark, and vivid colours keep
their hue and become bright enough to stand out.
Photographs stay as they are, and so does what is written or drawn on them or on a vivid colour.

Colours become attributes, because a style sheet can replace those, and because a strict content
policy shows them where a figure is opened by itself.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator

from PIL import Image

__all__ = ["dark", "plain", "with_dark_colours"]

Box = tuple[float, float, float, float]  # left, top, right, bottom

STYLE = re.compile(r' style="([^"]*)"')
LINE_ENDS = re.compile(r"<style[^>]*>\*\{([^}]*)\}</style>")
PLACE = re.compile(r'\b(?:d|x|y|points|transform|width|height|clip-path)="[^"]*"')
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
SHAPE = re.compile(r"<(?:text|image|path)\b[^>]*>")
NAME = re.compile(r' id="[^"]*"')
PICTURE = re.compile(r"<image\b[^>]*>")
COLOUR = re.compile(r'\b(fill|stroke)="(#[0-9a-f]{6})"')
INK = "#e8e8e8"  # black in the dark theme
PAPER = "#131416"  # white: the background of Furo's dark theme


def attributes(match: re.Match[str]) -> str:
    """Write the declarations of a style as attributes; the font is the style sheet's."""
    pairs = (part.split(":", 1) for part in match[1].split(";") if part.strip())
    named = ((name.strip(), value.strip()) for name, value in pairs)
    return "".join(f' {name}="{value}"' for name, value in named if name != "font-family")


def plain(drawing: str) -> str:
    """Write matplotlib's styles as attributes, and places to a hundredth of a point.

    A picture that is drawn twice has one name in both places, which no file may have; nothing
    refers to it.

    Examples
    --------
    >>> plain('<svg><path d="M 1.23456 2" style="fill: #ffffff; opacity: 0.5"/></svg>')
    '<svg><path d="M 1.23 2" fill="#ffffff" opacity="0.5"/></svg>'
    """
    ends = LINE_ENDS.search(drawing)
    drawing = PICTURE.sub(lambda tag: NAME.sub("", tag[0]), drawing)
    drawing = STYLE.sub(attributes, LINE_ENDS.sub("", drawing))
    if ends:
        drawing = drawing.replace("<svg", "<svg" + attributes(ends), 1)

    def shorter(place: re.Match[str]) -> str:
        return LONG_NUMBER.sub(lambda number: f"{float(number[0]):.2f}", place[0])

    return PLACE.sub(shorter, drawing)


def oklab(colour: str) -> tuple[float, float, float]:
    """Give lightness from 0 to 1, and the two axes of hue, of a colour such as ``#0072b2``."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    r, g, b = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def from_oklab(lightness: float, a: float, b: float) -> str:
    """Write a colour as matplotlib does."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    parts = [min(max(p, 0), 1) for p in linear]
    coded = [12.92 * p if p <= 0.0031308 else 1.055 * p ** (1 / 2.4) - 0.055 for p in parts]
    return "#" + "".join(f"{round(255 * p):02x}" for p in coded)


def is_vivid(colour: str) -> bool:
    """Whether a colour stands for something by its hue, and is no grey and no tint."""
    lightness, a, b = oklab(colour)
    return (a**2 + b**2) ** 0.5 > 0.03 and lightness < 0.8


def dark(colour: str) -> str:
    """Give the colour that takes the place of one on white where the page is dark.

    Examples
    --------
    >>> dark("#ffffff"), dark("#000000")
    ('#131416', '#e8e8e8')
    >>> dark("#e69f00")  # bright enough already
    '#e69f00'
    """
    if colour in ("#ffffff", "#000000"):
        return PAPER if colour == "#ffffff" else INK
    lightness, a, b = oklab(colour)
    if is_vivid(colour):
        return from_oklab(max(lightness, 0.6), a, b) if lightness < 0.6 else colour
    is_grey = (a**2 + b**2) ** 0.5 < 0.02
    return from_oklab(0.19 + 0.75 * (1 - lightness) ** (0.7 if is_grey else 1), a, b)


def numbers(text: str) -> list[float]:
    """Read the numbers in a text."""
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]


def attribute(tag: str, name: str) -> str:
    """Read an attribute of a tag, or nothing."""
    found = re.search(rf'\s{name}="([^"]*)"', tag)
    return found[1] if found else ""


def box_of(tag: str) -> Box:
    """Give the box around an image or a path, or the middle of a text's first letter."""
    if tag.startswith("<image"):  # scale(1 -1) translate(0 -h) turns it upside down
        x, y, width, height = (float(attribute(tag, n)) for n in ("x", "y", "width", "height"))
        top = height - y - height if "scale(1 -1)" in tag else y
        return x, top, x + width, top + height
    if tag.startswith("<text"):
        moved = re.search(r"translate\(([^)]*)\)", attribute(tag, "transform"))
        places = moved[1] if moved else f"{attribute(tag, 'x')} {attribute(tag, 'y')}"
        x, y, *_ = [*numbers(places), -1e9, -1e9]
        y -= numbers(attribute(tag, "font-size") or "10")[0] / 3
        return x, y, x, y
    places = numbers(attribute(tag, "d"))
    xs, ys = places[::2] or [0.0], places[1::2] or [0.0]
    return min(xs), min(ys), max(xs), max(ys)


def holds(outer: Box, inner: Box) -> bool:
    """Whether a box lies inside another, and not along its border."""
    return (
        outer[0] + 0.5 < inner[0] <= inner[2] < outer[2] - 0.5
        and outer[1] + 0.5 < inner[1] <= inner[3] < outer[3] - 0.5
    )


def kept(drawing: str) -> Iterator[re.Match[str]]:
    """Yield the texts and shapes that keep their colours, because what is below them does."""
    grounds: list[tuple[Box, bool]] = []  # what was painted, and whether it keeps its colour
    for match in SHAPE.finditer(drawing):
        tag, box = match[0], box_of(match[0])
        below = next((stays for ground, stays in reversed(grounds) if holds(ground, box)), False)
        if below and not tag.startswith("<image"):
            yield match
        fill = attribute(tag, "fill")
        opacity = float(attribute(tag, "fill-opacity") or attribute(tag, "opacity") or 1)
        if tag.startswith("<image"):
            grounds.append((box, True))
        elif tag.startswith("<path") and fill.startswith("#") and opacity > 0.5:
            grounds.append((box, is_vivid(fill) or below))


def on_white(match: re.Match[str]) -> str:
    """Lay a picture that is transparent somewhere on white, as it was when it was drawn."""
    coded = match[0].partition("base64,")[2].partition('"')[0]
    if Image.open(io.BytesIO(base64.b64decode(coded))).mode != "RGBA":
        return match[0]
    place = "".join(
        f' {name}="{attribute(match[0], name)}"'
        for name in ("x", "y", "width", "height", "transform")
    )
    return f'<rect class="kept" fill="#ffffff"{place}/>{match[0]}'


def with_dark_colours(drawing: str) -> str:
    """Give a plain drawing the style sheet for the dark theme."""
    drawing = PICTURE.sub(on_white, drawing)
    end, parts = 0, []
    for match in kept(drawing):
        parts += [drawing[end : match.start()], re.sub(r"^<\w+", r'\g<0> class="kept"', match[0])]
        end = match.end()
    drawing = "".join([*parts, drawing[end:]])
    rules = [f"text:not([fill],.kept){{fill:{INK}}}"]
    for name, colour in sorted({*COLOUR.findall(drawing)}):
        if dark(colour) != colour:
            rules.append(f'[{name}="{colour}"]:not(.kept){{{name}:{dark(colour)}}}')
    sheet = f"<style>@media (prefers-color-scheme:dark){{{''.join(rules)}}}</style>"
    head, root, body = re.split(r"(<svg\b[^>]*>)", drawing, maxsplit=1)
    return f"{head}{root}{sheet}{body}"
