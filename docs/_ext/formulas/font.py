"""The font of the formulas: Latin Modern Math, cut down to what formulas of such a guide need.

Usage: ``python -m formulas.font latinmodern-math.otf`` writes the font of the site anew; the whole
font is in Debian's package fonts-lmodern.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

__all__ = ["FONT", "lacking"]

FONT = Path(__file__).parents[2] / "_static" / "mathfont" / "cnnguide-math.woff2"
# Ranges of Unicode, by what they hold; an alphabet lacks the letters that Unicode has elsewhere.
RANGES = {
    "ASCII": "20-7e",
    "signs": "a0 ac b0-b1 b7 d7 f7 2013-2014 2016 2026 2032-2034 2061-2063 22ee-22f1",
    "accents": "af 2c6-2c7 2d8-2dc 20d7 131 237",
    "Greek": "393-394 398 39b 39e 3a0 3a3 3a6 3a8-3a9 3b1-3c9 3d1 3d5-3d6 3f1 3f5",
    "italic": "1d434-1d467 210e 1d6e2-1d71b 1d6a4-1d6a5",
    "bold": "1d400-1d433 1d468-1d49b 1d7ce-1d7d7 1d6a8-1d6e1 1d71c-1d755",
    "script": "1d49c-1d4b5 210b 2110 2112-2113 211b 212c 2130-2131 2133",
    "double-struck": "1d538-1d551 2102 210d 2115 2119-211a 211d 2124",
    "arrows": "2190-2195 21a6 21d0-21d4 27f5-27f7",
    "operators": "2200-220d 220f 2211-2213 2216-221a 221d-221e 2223-222b 223c 2243-2248 2250 2254 "
    "2260-2265 226a-226b 2282-2287 2295-2299 22a4-22a5 22c0-22c6 2a00-2a02",
    "brackets": "2308-230b 23b4-23b5 23de-23df 27e8-27e9",
}
# Browsers do not take the large form that the font has for a prime above the line.
PRIMES = (0x2032, 0x2033, 0x2034)
# Browsers move a script with its letter's height, which TeX does only with larger things; by the
# drops of TeX's own font cmsy10 the indices of x and y stand in one line.
DROPS = {"SubscriptBaselineDropMin": 50, "SuperscriptBaselineDropMax": 386}


def code_points() -> set[int]:
    """List the characters of the ranges."""
    codes: set[int] = set()
    for part in " ".join(RANGES.values()).split():
        first, _, last = part.partition("-")
        codes.update(range(int(first, 16), int(last or first, 16) + 1))
    return codes


@cache
def covered() -> frozenset[str]:
    """List the characters of the site's font."""
    from fontTools.ttLib import TTFont

    with TTFont(FONT, lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))


def lacking(text: str) -> str:
    """Give the characters that the site's font lacks; words in other scripts need none of it.

    Examples
    --------
    >>> lacking("Σ x² 像素")
    '²'
    """
    shown = {c for c in text if (c < "\u2e80" or c > "\uffff") and not c.isspace()}
    return "".join(sorted(shown - covered()))


def write_font(source: str) -> None:
    """Cut the whole font down and write it."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    options = subset.Options(layout_features=["dtls"], hinting=False, notdef_outline=True)
    options.drop_tables += ["FFTM", "GDEF", "GPOS", "kern"]
    with TTFont(source) as font:
        names, large = font.getBestCmap(), large_forms(font)
        primes = {code: large[names[code]] for code in PRIMES}
        for table in font["cmap"].tables:
            table.cmap.update(primes)
        for name, value in DROPS.items():
            getattr(font["MATH"].table.MathConstants, name).Value = value
        for record in font["name"].names:
            if record.nameID in (1, 4, 6):  # its makers ask for another name of what is changed
                record.string = "cnnguideMath"
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=code_points())
        cutter.subset(font)
        font.flavor = "woff2"
        font.save(FONT)
    print(f"{FONT.name}: {FONT.stat().st_size / 1000:.0f} kB")


def large_forms(font: object) -> dict[str, str]:
    """Name the form above and below the line of every glyph that has one."""
    forms: dict[str, str] = {}
    table = font["GSUB"].table  # type: ignore[index]
    for record in table.FeatureList.FeatureRecord:
        if record.FeatureTag == "ssty":
            for index in record.Feature.LookupListIndex:
                for part in table.LookupList.Lookup[index].SubTable:
                    part = getattr(part, "ExtSubTable", part)
                    for name, found in (getattr(part, "alternates", None) or part.mapping).items():
                        forms[name] = found[0] if isinstance(found, list) else found
    return forms


if __name__ == "__main__":
    write_font(sys.argv[1])
