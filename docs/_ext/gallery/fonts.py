"""The fonts of the figures, cut down to the glyphs that the figures show."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from logging import getLogger
from pathlib import Path

from gallery.kept import kept

__all__ = ["Fonts", "width"]

# It logs every table that it cuts, and a kernel in the same process would show the log.
getLogger("fontTools").setLevel("WARNING")
# What a cut font depends on besides the font and its glyphs: this module, and what writes fonts.
CUTTER = (Path(__file__).read_text(encoding="utf-8"), *map(version, ("fonttools", "brotli")))


def font_files() -> dict[str, Path]:
    """Name the fonts of the figures: matplotlib's own, and one with Chinese glyphs."""
    fonts = {}
    for package, file in (
        ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf"),
        ("zhplot", "fonts/NotoSansSC-Regular.ttf"),
    ):
        spec = find_spec(package)  # not imported: zhplot changes matplotlib's settings
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"figures need the font of the package {package}")
        fonts[package] = Path(spec.origin).parent / file
    return fonts


@cache
def reduced_font(font: Path | bytes, glyphs: str, *, woff: bool) -> bytes:
    """Cut a font down to some glyphs, unless some build has done it before."""
    data = font if isinstance(font, bytes) else font.read_bytes()
    return kept(lambda: cut(data, glyphs, woff=woff), *CUTTER, data, glyphs, f"woff={woff}")


def cut(data: bytes, glyphs: str, *, woff: bool) -> bytes:
    """Cut a font down; it keeps its date, so that the same is made of the same."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    options = subset.Options(layout_features=[], hinting=False, notdef_outline=True)
    options.drop_tables += ["FFTM", "GDEF", "GPOS", "GSUB", "MATH", "kern"]
    cutter = subset.Subsetter(options)
    cutter.populate(text=glyphs)
    out = io.BytesIO()
    with TTFont(io.BytesIO(data), recalcTimestamp=False) as font:
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
    """The fonts of an edition's figures, cut down once to all that its figures show."""

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
