"""What a page says to search engines, on a small site: with an address, and without one."""

import subprocess
import sys

import pytest
from bs4 import BeautifulSoup

from conftest import ROOT

CONF = """
import sys

sys.path.insert(0, "{extensions}")
project = "toy"
extensions = ["myst_parser", "translation"]
myst_enable_extensions = ["colon_fence"]
html_theme = "furo"
html_static_path = ["{extensions}/translation"]
templates_path = ["{extensions}/translation"]
"""
PAGE = """# A "toy"

:::{{admonition}} After this page you can
:class: tip

- count to three,
- stop.
:::

The first paragraph.

```{{toctree}}
plain
empty
```
"""
LONG = "word " * 60


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Build the small site, and give its pages."""
    root = tmp_path_factory.mktemp("toy")
    (root / "docs").mkdir()
    (root / "docs" / "conf.py").write_text(CONF.format(extensions=ROOT / "docs" / "_ext"))
    (root / "docs" / "index.md").write_text(PAGE.format())
    (root / "docs" / "empty.md").write_text("# No words\n")
    (root / "docs" / "plain.md").write_text(f"# Plain\n\n- a list\n\n{LONG}\n")

    def made(monkeypatch, address):
        monkeypatch.delenv("CNNGUIDE_URL", raising=False)
        if address:
            monkeypatch.setenv("CNNGUIDE_URL", address)
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "docs", "html"]
        subprocess.run(command, cwd=root, check=True)
        return {
            name: BeautifulSoup((root / "html" / f"{name}.html").read_text(), "html.parser")
            for name in ("index", "plain", "empty")
        }

    return made


def test_a_site_without_an_address_names_none(build, monkeypatch):
    for page in build(monkeypatch, None).values():
        assert not page.select("link[rel=canonical], link[rel=alternate], meta[property]")
        assert "127.0.0.1" not in str(page.head)


def test_a_site_with_an_address_names_each_page_and_its_sisters(build, monkeypatch):
    build(monkeypatch, None)
    page = build(monkeypatch, "https://example.org/g")[
        "plain"
    ]  # nothing but the address has changed
    assert page.select_one("link[rel=canonical]")["href"] == "https://example.org/g/en/plain.html"
    sisters = {a["hreflang"]: a["href"] for a in page.select("link[rel=alternate]")}
    assert sisters == {
        "en": "https://example.org/g/en/plain.html",
        "zh-CN": "https://example.org/g/zh/plain.html",
        "x-default": "https://example.org/g/en/plain.html",
    }
    said = {tag["property"]: tag["content"] for tag in page.select("meta[property^='og:']")}
    assert said["og:title"] == "Plain" and said["og:url"].endswith("/en/plain.html")
    assert said["og:locale"] == "en"


def test_a_page_is_described_by_its_goals_its_first_paragraph_or_its_title(build, monkeypatch):
    pages = build(monkeypatch, None)
    said = {n: p.select_one("meta[name=description]")["content"] for n, p in pages.items()}
    assert said["index"] == "After this page you can count to three, stop."
    assert said["empty"] == "No words"
    assert said["plain"] == ("word " * 39).strip() + "…"
