"""What Temml writes, made ready for our pages: styles become classes, and spaces are TeX's.

A page may forbid styles inside its elements (the policy ``style-src 'self'``), so each of them is
a class of ``formulas.css`` here, and one that has no class there is an error.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

__all__ = ["tidy", "visible"]

STYLES = Path(__file__).parent / "formulas.css"
DECLARATIONS = {
    "display:block math": "",  # what browsers do with a formula in a block
    "padding-left:0em": "no-left",
    "padding-left:0pt": "no-left",
    "padding-left:0.1389em": "thin-left",
    "padding-left:5.9776pt": "half-left",
    "padding-left:1em": "wide-left",
    "padding-right:0em": "no-right",
    "padding-right:0pt": "no-right",
    "padding-right:0.1389em": "thin-right",
    "padding-right:5.9776pt": "half-right",
    "margin-left:-0.1667em": "thin-back",
    "math-depth:0": "full-size",
    "math-depth:2": "smallest",
}
# Classes of Temml that ask for nothing here.
NEEDLESS = {"tml-display", "tml-prime", "mathcal", "mathscr"}
# What stands below, above or beside another part: TeX puts no spaces around its signs.
SCRIPTS = {"msub": 1, "msup": 1, "msubsup": 1, "munder": 1, "mover": 1, "munderover": 1}
OVERLINE, MACRON = "\u203e", "\u00af"  # the first of them our font lacks
FIXED = {*SCRIPTS, "mfrac", "mroot"}  # each child has its place, and no other may stand among them
FACTORS = {"mi", "mn", "msub", "msup", "msubsup", "mfrac"}
APPLIED = "\u2061"  # between a function such as log and what it is applied to


@cache
def classes() -> frozenset[str]:
    """List the classes that the style sheet has rules for."""
    return frozenset(re.findall(r"\.([a-z][\w-]*)", STYLES.read_text(encoding="utf-8")))


def tidy(mathml: str, tex: str) -> str:
    """Make Temml's MathML ready, with the TeX as it was written.

    Raises
    ------
    ValueError
        If the style sheet lacks what the formula asks for, such as a colour.

    Examples
    --------
    >>> tidy('<math style="display:block math;"><mi style="math-depth:2;">x</mi></math>', "x")
    '<math><mi class="smallest">x</mi></math>'
    """
    root = ET.fromstring(mathml)
    for element in [*root.iter()]:
        name_styles(element)
        space_signs(element)
        space_functions(element)
        if element.tag == "annotation":
            element.text = tex
        elif element.text == OVERLINE:
            element.text = MACRON
    return ET.tostring(root, encoding="unicode", short_empty_elements=False)


def name_styles(element: ET.Element) -> None:
    """Put classes into the place of styles."""
    names = element.attrib.pop("class", "").split()
    for declaration in filter(None, element.attrib.pop("style", "").split(";")):
        if declaration not in DECLARATIONS:
            raise ValueError(f"{STYLES.name} has no class for {declaration!r}")
        names.append(DECLARATIONS[declaration])
    names = [name for name in names if name and name not in NEEDLESS]
    if unknown := [name for name in names if name not in classes()]:
        raise ValueError(f"{STYLES.name} has no class {unknown[0]!r}")
    if names:
        element.set("class", " ".join(names))


def space_signs(element: ET.Element) -> None:
    r"""Take the spaces from around signs in scripts, and from around delimiters like ``\big(``."""
    if element.tag in SCRIPTS:
        for script in element[SCRIPTS[element.tag] :]:
            for sign in script.iter("mo"):
                sign.set("lspace", "0")
                sign.set("rspace", "0")
    if element.tag == "mo" and element.get("fence") == "false" and "minsize" in element.attrib:
        element.set("lspace", "0")
        element.set("rspace", "0")


def space_functions(element: ET.Element) -> None:
    """Put a thin space between a factor and a function such as log that follows it."""
    if element.tag in FIXED:
        return
    for place, (before, part) in reversed([*enumerate(pairwise(element), 1)]):
        named = part.tag == "mrow" and len(part) > 1 and part[0].tag == "mi"
        if named and part[1].text == APPLIED and before.tag in FACTORS:
            element.insert(place, ET.Element("mspace", width="0.1667em"))


def visible(mathml: str) -> str:
    """Give the characters that a formula shows."""
    parts = ET.fromstring(mathml).iter()
    return "".join(e.text or "" for e in parts if e.tag in ("mi", "mn", "mo", "mtext"))
