"""Figures in the reader's language, from one run of the scripts.

matplotlib leaves the words of an SVG as text.
After a build, each figure that the edition shows is written anew from the drawing that the script
made: its words come from the catalog of the script's page, and the glyphs that they need are packed
into the file, so that it looks the same on every machine.
A glyph that no font has is a warning, and so fails the build.
"""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from itertools import count
from logging import getLogger
from pathlib import Path

from PIL import Image
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

__all__ = ["centred", "messages_of", "width", "with_numbers", "without_numbers", "words_of"]

logger = logging.getLogger(__name__)
# It tells of every table that it cuts, and a kernel in the same process has logs shown.
getLogger("fontTools").setLevel("WARNING")

TEXT = re.compile(r"(<text\b[^>]*>)([^<]*)(</text>)")
# A number that a run may change; not one that belongs to a name, as in ResNet-18 or conv1.
NUMBER = re.compile(r"(?<![\w-])[-−]?\d+(?:[.,]\d+)*")


def without_numbers(text: str, number: re.Pattern[str] = NUMBER) -> tuple[str, list[str]]:
    """Split ``kernel 3: 5 places`` into ``kernel {0}: {1} places`` and the numbers."""
    place = count()
    return number.sub(lambda _: f"{{{next(place)}}}", text), number.findall(text)


def with_numbers(message: str, numbers: list[str]) -> str:
    """Put numbers back in their places."""
    for place, number in enumerate(numbers):
        message = message.replace(f"{{{place}}}", number)
    return message


def words_of(drawing: str) -> list[str]:
    """List the texts of a drawing."""
    return [html.unescape(m[2]).strip() for m in TEXT.finditer(drawing)]


def messages_of(path: Path) -> list[str]:
    """List what is to translate in a drawing: texts with a word in them, numbers taken out."""
    if path.suffix != ".svg" or not path.exists():
        return []
    found = (without_numbers(text)[0] for text in words_of(path.read_text(encoding="utf-8")))
    return [m for m in dict.fromkeys(found) if re.search(r"[^\W\d_]{2}", m)]


# Fonts


def font_files() -> dict[str, Path]:
    """Name the fonts of the figures: matplotlib's own, and one with Chinese glyphs."""
    fonts = {}
    for package, file in (
        ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf"),
        ("zhplot", "fonts/NotoSansSC-Regular.ttf"),
    ):
        spec = find_spec(package)  # found, not imported: zhplot changes matplotlib's settings
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"figures need the font of the package {package}")
        fonts[package] = Path(spec.origin).parent / file
    return fonts


@cache
def reduced_font(path: Path | bytes, glyphs: str, *, woff: bool) -> bytes:
    """Cut a font down to some glyphs."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    options = subset.Options(layout_features=[], hinting=False, notdef_outline=True)
    options.drop_tables += ["FFTM", "GDEF", "GPOS", "GSUB", "MATH", "kern"]
    cutter = subset.Subsetter(options)
    cutter.populate(text=glyphs)
    out = io.BytesIO()
    with TTFont(io.BytesIO(path) if isinstance(path, bytes) else path) as font:
        cutter.subset(font)
        font.flavor = "woff2" if woff else None
        font.save(out)
    return out.getvalue()


@cache
def covered(path: Path) -> frozenset[str]:
    """List the characters of a font."""
    from fontTools.ttLib import TTFont

    with TTFont(path, lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))


def width(text: str) -> float:
    """Measure a text in matplotlib's font, in units of the font's size."""
    advances = advances_of(font_files()["matplotlib"])
    return sum(advances.get(character, 0.6) for character in text)


@cache
def advances_of(path: Path) -> dict[str, float]:
    """List how wide each character of a font is."""
    from fontTools.ttLib import TTFont

    with TTFont(path, lazy=True) as font:
        metrics, size = font["hmtx"], font["head"].unitsPerEm
        return {chr(code): metrics[name][0] / size for code, name in font.getBestCmap().items()}


class Fonts:
    """The fonts of an edition's figures, cut down once to all that its figures say."""

    def __init__(self, characters: Iterable[str]) -> None:
        self.parts: list[tuple[str, frozenset[str], bytes]] = []
        left = frozenset(characters) - {"\n", "\t"}
        for name, path in font_files().items():
            glyphs = left & covered(path)
            if glyphs:
                text = "".join(sorted(glyphs))
                self.parts.append((name, glyphs, reduced_font(path, text, woff=False)))
            left -= glyphs
        self.missing = left

    def style(self, characters: set[str]) -> str:
        """Write the style sheet that carries the glyphs of one figure."""
        rules, names = [], []
        for name, glyphs, font in self.parts:
            if wanted := "".join(sorted(glyphs & characters)):
                packed = base64.b64encode(reduced_font(font, wanted, woff=True)).decode()
                rules.append(
                    f"@font-face{{font-family:'cnnguide-{name}';"
                    f"src:url(data:font/woff2;base64,{packed}) format('woff2')}}"
                )
                names.append(f"'cnnguide-{name}'")
        family = f"text,tspan{{font-family:{','.join(names)}!important}}"
        return f"<style>{''.join(rules)} {family}</style>"


# After the build


def translated(drawing: str, words: dict[str, str]) -> str:
    """Put translations where the words stand; the numbers among them stay."""

    def say(match: re.Match[str]) -> str:
        message, numbers = without_numbers(html.unescape(match[2]).strip())
        said = with_numbers(words.get(message, message), numbers)
        return match[1] + html.escape(said, quote=False) + match[3]

    return TEXT.sub(say, drawing)


LINES = re.compile(r'<g id="text_\d+">(?:\s*<text [^>]*>[^<]*</text>){2,}\s*</g>')
LINE = re.compile(r'style="font-size: ([\d.]+)px([^>]*?)translate\(([\d.-]+) ([^>]*>)([^<]*)<')


def centred(drawing: str) -> str:
    """Say of lines that are centred that they are: matplotlib says where its own words begin."""

    def middle(line: re.Match[str]) -> float:
        return float(line[3]) + float(line[1]) * width(html.unescape(line[5])) / 2

    def say(lines: re.Match[str]) -> str:
        middles = [middle(line) for line in LINE.finditer(lines[0])]
        if len(middles) < 2 or max(middles) - min(middles) > 1:
            return lines[0]
        start = 'style="text-anchor: middle; font-size: '
        return LINE.sub(
            lambda m: f"{start}{m[1]}px{m[2]}translate({middle(m):.2f} {m[4]}{m[5]}<", lines[0]
        )

    return LINES.sub(say, drawing)


def characters(drawing: str) -> set[str]:
    """List the characters that a drawing shows."""
    shown = re.sub(r"(?s)<style.*?</style>|<metadata.*?</metadata>", "", drawing)
    return set("".join(html.unescape(text) for text in re.findall(r">([^<]+)<", shown)))


def smaller(match: re.Match[str]) -> str:
    """Shrink a photograph in a thumbnail to a third, which is more than a thumbnail shows."""
    image = Image.open(io.BytesIO(base64.b64decode(match[1])))
    packed = io.BytesIO()
    image.thumbnail((max(32, image.width // 3), max(32, image.height // 3)))
    image.save(packed, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(packed.getvalue()).decode()}"


def translate_figures(app: Sphinx, error: Exception | None) -> None:
    """Write the edition's copies of the figures."""
    if error or app.builder.format != "html":
        return
    from translatable import say

    drawings: dict[Path, str] = {}
    images = Path(app.srcdir, "auto_examples", "images")
    for copy in sorted(Path(app.outdir, "_images").glob("sphx_glr_plot_*.svg")):
        found = re.fullmatch(r"sphx_glr_(plot_\w+?)_(?:\d{3}|thumb)", copy.stem)
        source = images / ("thumb" if copy.stem.endswith("_thumb") else "") / copy.name
        if found is None or not source.exists():
            continue
        domain = f"auto_examples/{found[1]}"
        words = {message: say(app, domain, message) for message in messages_of(source)}
        drawing = centred(source.read_text(encoding="utf-8"))
        if copy.stem.endswith("_thumb"):
            drawing = re.sub(r"data:image/webp;base64,([^\"]+)", smaller, drawing)
        drawings[copy] = translated(drawing, words)
    fonts = Fonts(set().union(*map(characters, drawings.values())))
    for glyph in sorted(fonts.missing):
        logger.warning("no font of the figures has the glyph %r (U+%04X)", glyph, ord(glyph))
    for copy, drawing in drawings.items():
        head, root, body = re.split(r"(<svg\b[^>]*>)", drawing, maxsplit=1)
        copy.write_text(f"{head}{root}{fonts.style(characters(drawing))}{body}", encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the end of the build."""
    app.connect("build-finished", translate_figures)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
