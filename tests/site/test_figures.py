"""Figures are small files, and everywhere the same words say what there is to see."""

import base64
import io
import os
import re
import time
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from PIL import Image

from conftest import ROOT, SITE, pages
from gallery import alternatives, figure_size, fonts, kept
from gallery.alternatives import described
from gallery.figure_size import compact, lighter, smaller

EDITIONS = ("en", "zh")
GALLERY = [(e, p) for e in EDITIONS for p in pages(e) if re.match("auto_examples/(plot|draw)_", p)]
TITLE = re.compile(r"image-sg:: /auto_examples/images/(\S+)\n\s+:alt: (.*)")


def images(edition, page):
    text = (SITE / edition / page).read_text(encoding="utf-8")
    found = BeautifulSoup(text, "html.parser").select("article a.enlarge > img")
    return {image["src"].rpartition("/")[2]: image["alt"] for image in found}


@pytest.mark.parametrize(("edition", "page"), GALLERY)
def test_a_figure_of_the_gallery_is_described_and_not_only_named(edition, page):
    script = ROOT / "docs" / page.replace(".html", ".rst")
    titles = dict(TITLE.findall(script.read_text(encoding="utf-8")))
    shown = images(edition, page)
    assert shown.keys() == titles.keys()
    for name, words in shown.items():
        assert words != titles[name]
        assert len(words) >= (40 if edition == "en" else 15), (name, words)


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_words_are_those_of_the_chapter(edition):
    for page in ("conv.html", "norm.html"):
        chapter = images(edition, page)
        gallery = images(edition, f"auto_examples/plot_{page}")
        both = chapter.keys() & gallery.keys()
        assert len(both) > 2
        assert {name: chapter[name] for name in both} == {name: gallery[name] for name in both}


def test_a_chapters_own_words_go_before_those_of_another_page(tmp_path):
    figure = "{{figure}} /auto_examples/images/sphx_glr_plot_zoo_001.svg\n:name: x\n:alt: {} \n"
    for page in ("ant", "zoo", "zzz"):
        (tmp_path / f"{page}.md").write_text(f":::{figure.format(page)}:::\n")
    assert described(tmp_path) == {"sphx_glr_plot_zoo_001.svg": ("zoo", "zoo")}


def test_a_cards_picture_is_described_too_in_the_language_of_the_edition(tmp_path, monkeypatch):
    card = ":img-top: /auto_examples/images/sphx_glr_draw_zoo_001.svg\n:img-alt: A cat\n"
    (tmp_path / "index.md").write_text(card)
    words = {("index", "A cat"): "一只猫"}
    monkeypatch.setattr(alternatives, "gettext", lambda app, *message: words[message])
    app = SimpleNamespace(srcdir=tmp_path)
    assert alternatives.alternative(app, "sphx_glr_draw_zoo_001.svg") == "一只猫"
    assert alternatives.alternative(app, "sphx_glr_draw_zoo_002.svg") == ""


@pytest.mark.parametrize("edition", EDITIONS)
def test_no_figure_is_larger_than_160_kb(edition):
    for path in sorted((SITE / edition / "_images").glob("sphx_glr_*.svg")):
        assert path.stat().st_size <= 160_000, path.name


def test_a_group_says_once_what_its_markers_share():
    mark = '<use xlink:href="#m" x="{}" y="2" fill="#d55e00" fill-opacity="0.4" opacity="0.5"/>'
    marks = "\n".join(mark.format(x) for x in range(3))
    made = compact(f'<g id="line2d_7">\n <g clip-path="url(#p)">\n{marks}\n</g>\n</g>')
    assert made.startswith('<g><g clip-path="url(#p)" fill-opacity="0.4" fill="#d55e00"><use ')
    assert made.count("fill=") == 1
    assert made.count(' opacity="0.5"') == 3  # of all together, it would look otherwise


def test_a_group_that_has_a_colour_of_its_own_keeps_it():
    marks = '<use x="1" fill="#000000"/>' * 3
    assert compact(f'<g fill="#ffffff">{marks}</g>') == f'<g fill="#ffffff">{marks}</g>'


def test_a_drawing_does_not_say_how_it_was_made():
    assert compact("<svg>\n <metadata>\n<a>x</a>\n </metadata>\n <g/>\n</svg>") == "<svg><g/></svg>"


def test_marks_of_two_colours_keep_them():
    marks = "".join(f'<use x="1" fill="{c}"/>' for c in ("#000000", "#000000", "#ffffff"))
    assert compact(f"<g>{marks}</g>") == f"<g>{marks}</g>"


def webp(image):
    file = io.BytesIO()
    image.save(file, "WEBP", lossless=True, exact=True)
    return base64.b64encode(file.getvalue()).decode()


def packed(image, how=lighter):
    whole = f"data:image/webp;base64,{webp(image)}"
    return whole, re.sub(r"data:image/webp;base64,([^\"]+)", how, whole)


def test_a_picture_of_a_few_values_keeps_its_pixels():
    before, after = packed(Image.linear_gradient("L").resize((60, 60), Image.NEAREST))
    assert after == before
    before, after = packed(Image.effect_noise((60, 60), 90).convert("RGB").rotate(7))
    assert after == before  # greys: 256 values at most


def test_a_large_picture_is_packed_with_a_loss_whatever_its_values():
    before, after = packed(Image.effect_noise((200, 200), 90).convert("RGB"))  # greys
    assert len(after) < len(before)


def test_a_picture_that_a_loss_makes_larger_stays_as_it_is():
    image = Image.new("RGB", (20, 20))
    image.putdata([(k % 256, k // 256, 0) for k in range(400)])  # more than 256 values
    before, after = packed(image)
    assert after == before


def test_a_thumbnail_keeps_a_third_of_the_sides():
    for sides, expected in (((300, 150), (100, 50)), ((60, 60), (32, 32))):  # 32 at least
        _, made = packed(Image.new("RGB", sides), smaller)
        file = io.BytesIO(base64.b64decode(made.partition(",")[2]))
        assert Image.open(file).size == expected


def test_a_photograph_is_packed_with_a_loss():
    for side in (40, 60):  # 6,000 and 14,000 letters
        channels = [Image.effect_noise((side, side), 60 + k) for k in range(3)]
        before, after = packed(Image.merge("RGB", channels))
        assert len(after) < len(before)


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Keep what is made in an empty folder; list what is made."""
    names = []

    def noting(module, name):
        make = getattr(module, name)

        def noted(*given, **how):
            names.append(name)
            return make(*given, **how)

        monkeypatch.setattr(module, name, noted)

    monkeypatch.setattr(kept, "KEPT", tmp_path / "kept")
    noting(figure_size, "packed")
    noting(fonts, "cut")
    return names


def test_a_picture_is_packed_and_a_font_is_cut_once_for_all_builds(made):
    noise = Image.merge("RGB", [Image.effect_noise((60, 60), 60 + k) for k in range(3)])
    said = []
    for _build in range(2):
        fonts.reduced_font.cache_clear()
        _, photograph = packed(noise)
        said.append((photograph, fonts.Fonts("卷积 3×3").style({"卷", "3"})))
    assert said[0] == said[1]
    assert sorted(made) == ["cut"] * 4 + ["packed"]  # two fonts, for all figures and for one
    packed(noise, smaller)
    packed(noise.rotate(90))
    assert made.count("packed") == 3
    fonts.Fonts("卷积 3×3").style({"积", "3"})
    assert made.count("cut") == 5  # the Latin glyphs are the same


def test_what_is_kept_is_made_anew_when_anything_that_it_depends_on_is_another(made):
    for told in (("ab", "c"), ("a", "bc"), ("abc",), (b"ab", "c", "")):
        assert kept.kept(lambda told=told: repr(told).encode(), *told) == repr(told).encode()
    assert kept.kept(lambda: b"not asked", "ab", "c") == b"('ab', 'c')"
    for text in (*figure_size.PACKER, *fonts.CUTTER):
        assert text and text != "None"


def test_what_was_not_made_to_its_end_is_not_kept(made, tmp_path):
    def fails():
        raise MemoryError

    with pytest.raises(MemoryError):
        kept.kept(fails, "a picture")
    assert [*(tmp_path / "kept").iterdir()] == []


def test_what_no_build_has_asked_for_in_a_month_is_deleted(made, tmp_path):
    for name in ("old", "used", "new"):
        kept.kept(name.encode, name)
    month = time.time() - 31 * 24 * 3600
    for path in (tmp_path / "kept").iterdir():
        if path.read_bytes() != b"new":
            os.utime(path, (month, month))
    kept.kept(b"used".decode, "used")
    kept.forget_unused()
    left = sorted(path.read_bytes() for path in (tmp_path / "kept").iterdir())
    assert left == [b"new", b"used"]


def test_a_font_that_is_cut_tomorrow_is_the_same(monkeypatch):
    data = fonts.font_files()["matplotlib"].read_bytes()
    first = fonts.cut(data, "3×", woff=True)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000)
    assert fonts.cut(data, "3×", woff=True) == first
