"""No number in prose stands without a cell, a record or a citation; see `evidence`."""

import pytest
from evidence import Guide

from conftest import SITE

GUIDE = Guide(SITE / "en")
# Lists and tools, which say nothing of their own.
LISTS = {"bibliography", "search", "translation"}
PAGES = sorted(p.name for p in (SITE / "en").glob("*.html") if p.stem not in LISTS)

# Numbers that need no evidence on the page, each with the reason.
EXCEPTIONS = {
    ("augment.html", "95"): "a hint asks about a crop that it makes up",
    ("data.html", "98"): "a question makes up this accuracy",
    ("install.html", "5"): "the folders torch, nvidia and triton of torch 2.15, by du",
    ("mix.html", "95"): "tests/test_mix.py reads this dot of the figure from the record",
    ("selftest.html", "98"): "a question makes up this accuracy",
    ("selftest.html", "95.1"): "a question makes up this accuracy",
    ("selftest.html", "95.3"): "a question makes up this accuracy",
    ("train.html", "140"): "a made-up story of four nights",
    ("train.html", "91.0"): "a made-up story of four nights",
    ("train.html", "91.2"): "a made-up story of four nights",
}


@pytest.mark.parametrize("page", PAGES)
def test_every_number_has_evidence(page):
    missing = [
        claim for claim in GUIDE.without_evidence(page) if (page, claim.number) not in EXCEPTIONS
    ]
    assert not missing, "no cell, formula, figure, citation or linked page has\n" + "\n".join(
        f"{claim.page}: {claim.number} {claim.unit} in “… {claim.sentence} …”" for claim in missing
    )


def test_every_exception_is_needed():
    found = {(page, claim.number) for page in PAGES for claim in GUIDE.without_evidence(page)}
    assert {*EXCEPTIONS} <= found


def test_enough_numbers_are_read():
    assert sum(len(claims) for page in PAGES for claims, _ in GUIDE.blocks(page)) > 1000


FIGURE = '<figure><img alt="{}" src="{}"/></figure>'
SCRIPT = '<a href="auto_examples/plot_zoo.html">the script</a>'


def missing(tmp_path, body, other=""):
    """List the numbers without evidence on a page, beside another page and a gallery script."""
    (tmp_path / "auto_examples").mkdir()
    (tmp_path / "_images").mkdir()
    drawing = '<svg xmlns="http://www.w3.org/2000/svg"><text>12.75</text></svg>'
    (tmp_path / "_images" / "drawn.svg").write_text(drawing, encoding="utf-8")
    script = "<article><pre>accuracy: 71.26</pre></article>"
    (tmp_path / "auto_examples" / "plot_zoo.html").write_text(script, encoding="utf-8")
    for name, text in (("zoo", body), ("other", other)):
        page = f"<article>{text}</article>"
        (tmp_path / f"{name}.html").write_text(page, encoding="utf-8")
    return [claim.number for claim in Guide(tmp_path).without_evidence("zoo.html")]


@pytest.mark.parametrize(
    ("body", "numbers"),
    [
        ("<p>It reaches 93.7 % of 4,321 pictures in 12 ms.</p>", ["93.7", "4,321", "12"]),
        ("<pre>x = 0.5  <span class='c'># 93.7</span></pre><p>It reaches 93.7.</p>", ["93.7"]),
        ("<p>2 · 300 = 601</p>", ["300", "601"]),
        ("<pre>93.74</pre><p>It reaches 93.8 %.</p>", ["93.8"]),
        ("<pre>17_234</pre><p>There are 17,000.</p>", ["17,000"]),
        (FIGURE.format("at most 93.7 %", "_images/drawn.svg"), ["93.7"]),
        ("<table><tr><td>93.7 %</td></tr></table>", ["93.7"]),
        ('<p><a href="bibliography.html#id1">A</a></p><p>It reaches 93.7 %.</p>', ["93.7"]),
        ('<p>See <a href="other.html">there</a>: 93.7 %.</p>', ["93.7"]),
    ],
)
def test_a_number_without_evidence_is_refused(tmp_path, body, numbers):
    assert missing(tmp_path, body) == numbers


@pytest.mark.parametrize(
    "body",
    [
        "<div class='cell'><pre>right = 0.9374</pre></div><p>It reaches 93.7 %.</p>",
        "<pre>17_234 0.0031</pre><p>There are about 17,000, in 3.1 ms, or 0.017 million.</p>",
        "<p><math><annotation>1{,}000 \\cdot 3 = 3{,}000</annotation></math></p><p>3,000</p>",
        "<p>In all, 3 · 32 · 32 numbers, that is, 3,072.</p>",
        f"<p>{SCRIPT}</p><p>It reaches 71.3 %.</p>",
        FIGURE.format("at most 12.75 %", "_images/drawn.svg"),
        '<p>It reaches 93.7 % <a href="bibliography.html#id1">A</a>.</p>',
        '<p>All runs <a href="results.html#r">are recorded</a>:</p><ul><li>93.7 %</li></ul>',
        '<p>A found <a href="bibliography.html#id1">A</a>:</p>'
        "<table><tr><td>93.7 %</td></tr></table>",
        '<p>As <a href="other.html#there">there</a>, 812 pictures.</p>',
    ],
)
def test_a_number_with_evidence_of_each_kind_is_accepted(tmp_path, body):
    assert missing(tmp_path, body, "<pre>812</pre>") == []


@pytest.mark.parametrize(
    "text",
    [
        "ResNet-101 of 2016 on ImageNet-1k, with Python 3.12 and torch 2.11.0",
        "maps of 224 × 224 and 3×256×256, section 7.2, <code>0.125</code>, seed 123",
        "ten, 7 or 100 pictures",
    ],
)
def test_names_years_sizes_and_code_need_no_evidence(tmp_path, text):
    assert missing(tmp_path, f"<p>{text}</p>") == []
