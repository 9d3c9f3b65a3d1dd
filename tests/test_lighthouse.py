"""The table of `nox -s lighthouse`: which pages it has, and what it reads in Lighthouse's reports."""

import pytest

from benchmarks.lighthouse import AIMS, Measured, heaviest, median, read_report, row, weight


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_page_weighs_as_much_as_it_makes_a_browser_load_before_images(tmp_path):
    write(tmp_path / "_static" / "a.css", "x" * 100)
    write(tmp_path / "_static" / "b.js", "y" * 20)
    page = (
        '<link rel="stylesheet" type="text/css" href="../_static/a.css?v=1">'
        '<link rel="icon" href="../none.svg"><script defer src="../_static/b.js"></script><img src="c.png">'
    )
    write(tmp_path / "api" / "conv.html", page)
    assert weight(tmp_path / "api" / "conv.html") == len(page) + 120


def test_the_heaviest_pages_are_of_all_editions_and_none_is_the_search(tmp_path):
    for name, size in {
        "en/conv.html": 30,
        "zh/conv.html": 40,
        "zh/api/conv.html": 20,
        "en/pool.html": 10,
        "en/search.html": 99,
        "en/_static/x.html": 99,
        "index.html": 99,
    }.items():
        write(tmp_path / name, "x" * size)
    assert heaviest(tmp_path, 3) == ["zh/conv.html", "en/conv.html", "zh/api/conv.html"]


REPORT = {
    "categories": {
        "performance": {"score": 0.97},
        "accessibility": {"score": 1},
        "best-practices": {"score": 1},
        "seo": {"score": 0.92},
    },
    "audits": {
        "network-requests": {
            "details": {
                "items": [
                    {"resourceType": "Document", "transferSize": 200_000},
                    {"resourceType": "Font", "transferSize": 50_000},
                    {"resourceType": "Image", "transferSize": 900_000},
                ]
            }
        },
        "largest-contentful-paint": {"numericValue": 2150.0},
        "cumulative-layout-shift": {"numericValue": 0.001},
    },
}


def test_a_report_is_read_without_the_bytes_of_images():
    assert read_report(REPORT) == Measured(97, 100, 100, 92, 250.0, 2.15, 0.001)


def test_a_page_that_did_not_open_is_no_measurement():
    with pytest.raises(ValueError, match="could not open the page: no answer"):
        read_report({**REPORT, "runtimeError": {"message": "no answer"}})


def test_the_table_marks_what_misses_its_aim():
    found = read_report(REPORT)
    assert row("en/conv.html", found) == (
        "| en/conv.html | **97** | 100 | 100 | **92** | 250 | **2.15** | 0.001 |"
    )
    assert "**" not in row("aim", AIMS)


def test_the_median_of_each_figure_counts():
    runs = [
        AIMS._replace(performance=score, largest_paint=paint)
        for score, paint in ((90, 3.0), (99, 1.0), (95, 2.0))
    ]
    assert median(runs) == AIMS._replace(performance=95, largest_paint=2.0)
