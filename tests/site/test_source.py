"""The directive ``{source}``: the library's own code, its essential lines first."""

import pytest
from bs4 import BeautifulSoup

from conftest import ROOT, SITE
from page.source import definition, essential

MODULE = '''
class Block(nn.Module):
    """Words."""

    size = 3

    def __init__(self, width):
        """Words."""
        for size in [width]:
            check_whole(size, "width")
        if width < 1:
            raise ValueError("width is at least 1")
        self.width = width

    @property
    def area(self):
        return self.size**2

    def forward(self, x):
        """Words."""
        checks.check_tensor(x, "x")
        if x.ndim != 4:
            raise ValueError(
                "four axes"
            )
        if self.width == 1:
            return x
        return x + self.width


def double(x):
    return 2 * x
'''
CODE = definition(MODULE, "Block")


def test_checks_are_left_out_and_a_mark_stays():
    shown = essential(CODE)
    assert "raise" not in shown and "check_" not in shown and "Words" not in shown
    assert shown.count("        ...\n") == 2
    assert "if self.width == 1:\n            return x" in shown  # this one is no check
    assert "size = 3" in shown and "def area" in shown


def test_only_the_methods_that_are_named_are_shown():
    assert essential(CODE, ["forward"]) == (
        "class Block(nn.Module):\n"
        "    ...\n"
        "\n"
        "    def forward(self, x):\n"
        "        ...\n"
        "        if self.width == 1:\n"
        "            return x\n"
        "        return x + self.width"
    )
    assert essential(CODE, ["area"]).splitlines() == [
        *("class Block(nn.Module):", "    ...", ""),
        *("    @property", "    def area(self):", "        return self.size**2", "", "    ..."),
    ]


def test_what_cannot_be_shortened_is_refused():
    with pytest.raises(ValueError, match="no method backward in 'Block'"):
        essential(CODE, ["forward", "backward"])
    with pytest.raises(ValueError, match="'double' has nothing to leave out"):
        essential(definition(MODULE, "double"))


@pytest.mark.parametrize(("edition", "words"), [("en", "Show all"), ("zh", "查看完整代码")])
def test_the_whole_definition_is_folded_below_the_essential_lines(chromium, server, edition, words):
    made = BeautifulSoup((SITE / edition / "resnet.html").read_text("utf-8"), "html.parser")
    fold = made.select_one(".source + details.fold")
    assert fold.summary.get_text() == words
    library = (ROOT / "cnnguide" / "models" / "resnet.py").read_text("utf-8")
    assert fold.select_one("pre").get_text().strip() == definition(library, "BasicBlock")

    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server}/{edition}/resnet.html")
    folded = page.locator(".source + details.fold").first
    assert not folded.locator("pre").is_visible()
    folded.locator("summary").click()
    assert folded.locator("pre").is_visible()
    context.close()
