"""Figures are small files, and everywhere the same words say what there is to see."""

import base64
import io
import re

import pytest
from bs4 import BeautifulSoup
from PIL import Image

from conftest import ROOT, SITE, pages
from gallery.alternatives import described
from gallery.figure_size import compact, lighter

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
        # the pictures of the home page are drawn without words; their titles say what is seen
        assert words != titles[name] or page.endswith("draw_index.html")
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
    figure = "{{figure}} /auto_examples/images/sphx_glr_plot_zoo_001.svg\n:name: x\n:alt: {}\n"
    for page in ("ant", "zoo"):
        (tmp_path / f"{page}.md").write_text(f":::{figure.format(page)}:::\n")
    assert described(tmp_path) == {"sphx_glr_plot_zoo_001.svg": ("zoo", "zoo")}


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


def test_marks_of_two_colours_keep_them():
    marks = "".join(f'<use x="1" fill="{c}"/>' for c in ("#000000", "#000000", "#ffffff"))
    assert compact(f"<g>{marks}</g>") == f"<g>{marks}</g>"


def webp(image):
    file = io.BytesIO()
    image.save(file, "WEBP", lossless=True, exact=True)
    return base64.b64encode(file.getvalue()).decode()


def packed(image):
    whole = f"data:image/webp;base64,{webp(image)}"
    return whole, re.sub(r"data:image/webp;base64,([^\"]+)", lighter, whole)


def test_a_picture_of_a_few_values_keeps_its_pixels():
    before, after = packed(Image.linear_gradient("L").resize((60, 60), Image.NEAREST))
    assert after == before
    before, after = packed(Image.effect_noise((60, 60), 90).convert("RGB").rotate(7))
    assert after == before  # greys: 256 values at most


def test_a_photograph_is_packed_with_a_loss():
    channels = [Image.effect_noise((60, 60), 60 + k) for k in range(3)]
    before, after = packed(Image.merge("RGB", channels))
    assert len(after) < len(before)
