"""Figures in the reader's language, from one run of the scripts.

matplotlib leaves the words of an SVG as text.
After a build, each figure that the edition shows is written anew from the drawing that the script
made: its words come from the catalog of the script's page, and the glyphs that they need are packed
into the file, so that it looks the same on every machine.
Its colours for the dark theme come from `figure_colours`.
A glyph that no font has is a warning, and so fails the build.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

from cnnguide.show import with_numbers, without_numbers
from gallery.figure_colours import plain, with_dark_colours
from gallery.figure_size import compact, lighter, smaller
from gallery.fonts import Fonts, width
from gallery.kept import forget_unused
from translation.catalogs import gettext

__all__ = ["centred", "messages_of", "words_of"]

logger = logging.getLogger(__name__)

TEXT = re.compile(r"(<text\b[^>]*>)([^<]*)(</text>)")


def words_of(drawing: str) -> list[str]:
    """List the texts of a drawing."""
    return [html.unescape(m[2]).strip() for m in TEXT.finditer(drawing)]


def messages_of(path: Path) -> list[str]:
    """List what is to translate in a drawing: texts with a word in them, numbers taken out."""
    if path.suffix != ".svg" or not path.exists():
        return []
    messages = (without_numbers(text)[0] for text in words_of(path.read_text(encoding="utf-8")))
    return [m for m in dict.fromkeys(messages) if re.search(r"[^\W\d_]{2}", m)]


def translated(drawing: str, words: dict[str, str]) -> str:
    """Put translations where the words stand; the numbers among them stay."""

    def translate(match: re.Match[str]) -> str:
        message, numbers = without_numbers(html.unescape(match[2]).strip())
        text = with_numbers(words.get(message, message), numbers)
        return match[1] + html.escape(text, quote=False) + match[3]

    return TEXT.sub(translate, drawing)


LINES = re.compile(r'<g id="text_\d+">(?:\s*<text [^>]*>[^<]*</text>){2,}\s*</g>')
LINE = re.compile(r'style="font-size: ([\d.]+)px([^>]*?)translate\(([\d.-]+) ([^>]*>)([^<]*)<')


def centred(drawing: str) -> str:
    """Anchor centred lines at their middles: matplotlib writes where each one begins."""

    def middle(line: re.Match[str]) -> float:
        return float(line[3]) + float(line[1]) * width(html.unescape(line[5])) / 2

    def anchor(lines: re.Match[str]) -> str:
        middles = [middle(line) for line in LINE.finditer(lines[0])]
        if len(middles) < 2 or max(middles) - min(middles) > 1:
            return lines[0]
        start = 'style="text-anchor: middle; font-size: '
        return LINE.sub(
            lambda m: f"{start}{m[1]}px{m[2]}translate({middle(m):.2f} {m[4]}{m[5]}<", lines[0]
        )

    return LINES.sub(anchor, drawing)


def characters(drawing: str) -> set[str]:
    """List the characters that a drawing shows."""
    shown = re.sub(r"(?s)<style.*?</style>|<metadata.*?</metadata>", "", drawing)
    return set("".join(html.unescape(text) for text in re.findall(r">([^<]+)<", shown)))


def translate_figures(app: Sphinx, error: Exception | None) -> None:
    """Write the edition's copies of the figures."""
    if error or app.builder.format != "html":
        return
    drawings: dict[Path, str] = {}
    images = Path(app.srcdir, "auto_examples", "images")
    for copy in sorted(Path(app.outdir, "_images").glob("sphx_glr_*.svg")):
        script = re.fullmatch(r"sphx_glr_((?:plot|draw)_\w+?)_(?:\d{3}|thumb)", copy.stem)
        source = images / ("thumb" if copy.stem.endswith("_thumb") else "") / copy.name
        if script is None or not source.exists():
            continue
        domain = f"auto_examples/{script[1]}"
        words = {message: gettext(app, domain, message) for message in messages_of(source)}
        drawing = centred(source.read_text(encoding="utf-8"))
        pack = smaller if copy.stem.endswith("_thumb") else lighter
        drawing = re.sub(r"data:image/webp;base64,([^\"]+)", pack, drawing)
        drawings[copy] = translated(drawing, words)
    fonts = Fonts(set().union(*map(characters, drawings.values())))
    for glyph in sorted(fonts.missing):
        logger.warning("no font of the figures has the glyph %r (U+%04X)", glyph, ord(glyph))
    for copy, worded in drawings.items():
        drawing = compact(with_dark_colours(plain(worded)))
        head, root, body = re.split(r"(<svg\b[^>]*>)", drawing, maxsplit=1)
        copy.write_text(f"{head}{root}{fonts.style(characters(drawing))}{body}", encoding="utf-8")
    forget_unused()


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the end of the build."""
    app.connect("build-finished", translate_figures)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
