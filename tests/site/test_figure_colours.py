"""Figures in the dark theme: every colour stands out, and photographs stay as they are."""

import re

import pytest

from conftest import ROOT
from gallery.figure_colours import INK, PAPER, dark, is_vivid, plain, with_dark_colours

FIGURES = sorted((ROOT / "docs" / "auto_examples" / "images").glob("sphx_glr_*_0*.svg"))
IMAGE = '<image x="0" y="0" width="40" height="40" transform="scale(1 -1) translate(0 -40)" {}/>'
OPAQUE = (  # one white pixel, as WebP
    "UklGRh4AAABXRUJQVlA4TBEAAAAvAAAAAAfQ//73v/+BiOh/AAA="
)


def contrast(one, other):
    """The contrast of two colours as WCAG 2 defines it, from 1 to 21."""

    def luminance(colour):
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


@pytest.fixture(scope="module")
def drawings():
    """All figures, as `plain` writes them."""
    return {path.name: plain(path.read_text(encoding="utf-8")) for path in FIGURES}


def test_no_name_stands_twice_in_a_figure(drawings):
    for file, drawing in drawings.items():
        names = re.findall(r'\bid="([^"]*)"', drawing)
        assert len(names) == len(set(names)), file


def test_every_word_stands_out_from_the_dark_page(drawings):
    colours = {
        colour
        for drawing in drawings.values()
        for colour in re.findall(r'<text[^>]*\bfill="(#\w{6})"', drawing)
    }
    assert colours
    words = [INK, *(dark(colour) for colour in colours - {"#ffffff"})]
    assert min(contrast(word, PAPER) for word in words) >= 4.5


def test_every_line_of_a_colour_stands_out_from_the_dark_page(drawings):
    colours = {
        colour
        for drawing in drawings.values()
        for colour in re.findall(r'\bstroke="(#\w{6})"', drawing)
        if is_vivid(colour)
    }
    assert len(colours) >= 6
    assert min(contrast(dark(colour), PAPER) for colour in colours) >= 3
    assert len({dark(colour) for colour in colours}) == len(colours)


@pytest.mark.parametrize("tint", ["#d9ecf8", "#fbebc8", "#d5efe6", "#f5be9e", "#eeeeee"])
def test_words_stand_out_from_what_becomes_of_a_tint(tint):
    assert contrast(dark(tint), INK) >= 4.5
    assert contrast(dark(tint), PAPER) > 1.05  # the box is still seen


def test_no_figure_has_a_style_that_a_policy_forbids(drawings):
    for name, drawing in drawings.items():
        assert ' style="' not in drawing, name
        assert "<style" not in drawing, name


def test_what_is_written_on_a_photograph_or_a_vivid_colour_keeps_its_colour():
    image = IMAGE.format(f'xlink:href="data:image/webp;base64,{OPAQUE}"')
    box = '<path d="M 50 0 L 90 0 L 90 40 L 50 40 z" fill="{}"/>'
    word = '<text x="{}" y="20" font-size="8px">{}</text>'
    drawing = (
        '<svg viewBox="0 0 100 100">'
        f"{image}{word.format(20, 'on a photograph')}"
        f"{box.format('#e69f00')}{word.format(70, 'on orange')}"
        f"{box.format('#fbebc8')}{word.format(70, 'on a tint')}"
        f"{word.format(95, 'on the page')}</svg>"
    )
    made = with_dark_colours(drawing)
    kept = re.findall(r'<text class="kept"[^>]*>([^<]*)', made)
    assert kept == ["on a photograph", "on orange"]
    assert '[fill="#fbebc8"]:not(.kept)' in made
    assert "#e69f00]" not in made
