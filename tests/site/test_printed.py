"""Cells print numbers and names: a sentence would stay English on the Chinese pages."""

import re

import pytest
from bs4 import BeautifulSoup

from conftest import SITE, pages

WORDS = re.compile(r"(?<![(\w])(?:[A-Za-z][a-z'’]*[ ,]+){2,}[A-Za-z][a-z'’]*")


def sentences(page):
    """List what the cells of a page print in three or more words that stand in their source.

    Messages of a library or of a program do not stand in the source of a cell, and are left alone.
    """
    found = []
    for cell in BeautifulSoup(page, "html.parser").select(".cell"):
        source = "\n".join(part.get_text() for part in cell.select(".cell_input pre"))
        for printed in cell.select(".cell_output pre"):
            for line in printed.get_text().splitlines():
                found += [line for run in WORDS.findall(line) if run in source][:1]
    return found


@pytest.mark.parametrize("name", [n for n in pages("zh") if "/" not in n])
def test_no_cell_prints_an_english_sentence_on_a_chinese_page(name):
    assert sentences((SITE / "zh" / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "printed", "is_found"),
    [
        ('print(f"the loss is {loss}")', "the loss is 2", True),
        ('print(f"{loss:.2f}")', "2.30", False),
        ("print(error)", "mat1 and mat2 shapes cannot be multiplied", False),
        ('print("VGG", name)', "VGG vgg16_bn", False),
    ],
)
def test_the_check_tells_sentences_from_numbers_and_messages(source, printed, is_found):
    page = (
        f'<div class="cell"><div class="cell_input"><pre>{source}</pre></div>'
        f'<div class="cell_output"><pre>{printed}</pre></div></div>'
    )
    assert bool(sentences(page)) == is_found
