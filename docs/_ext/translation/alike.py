"""Compare a translated page with its English, as both were written: formulas, links, code, images.

The catalogs are compared message by message; what is lost between a catalog and its page shows only
here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

from cnnguide.checkpoint import replacing

__all__ = ["article_in", "differences"]

logger = logging.getLogger(__name__)
OWN_TEXT = Path(__file__).read_text(encoding="utf-8")
KEPT = {"annotation": "formula", "code": "code"}  # elements whose text must be the same


def article_in(page: str) -> str:
    """Cut the article out of a page.

    What surrounds it names style sheets and scripts by sums that change with any of them.

    Examples
    --------
    >>> article_in("<head>…</head><article><p>A.</p></article><aside>…")
    '<article><p>A.</p></article>'
    """
    end = "</article>"
    return page[page.index("<article") : page.rindex(end) + len(end)]


class Contents(HTMLParser):
    """Count the formulas, links, code spans and images in a page's article."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()
        self.blocks = 0  # how many <pre> are open
        self.text: list[str] | None = None  # of the element that is read now
        self.feed(article_in(page))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what begins."""
        self.blocks += tag == "pre"
        values = dict(attrs)
        if tag == "a" and values.get("href"):
            self.found[f"link {without_edition(values['href'] or '')}"] += 1
        elif tag == "img":
            self.found[f"image {Path(values.get('src') or '').name}"] += 1
        elif tag in KEPT and not self.blocks and "download" not in (values.get("class") or ""):
            self.text = []  # sphinx-gallery writes its words for a download as code

    def handle_data(self, data: str) -> None:
        """Read the text of an element."""
        if self.text is not None:
            self.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Count what has ended."""
        self.blocks -= tag == "pre"
        if tag in KEPT and self.text is not None:
            text = re.sub(r"\\text\{[^}]*\}", r"\\text{}", " ".join("".join(self.text).split()))
            self.found[f"{KEPT[tag]} {text}"] += 1
            self.text = None


def without_edition(address: str) -> str:
    """Leave out of an address what depends on the edition: a file's digest, a notebook's folder.

    Examples
    --------
    >>> without_edition("_downloads/1a2b/plot_conv.py")
    '_downloads/plot_conv.py'
    >>> without_edition("https://example.org/blob/notebooks/zh/conv.ipynb")
    'https://example.org/blob/notebooks/conv.ipynb'
    """
    return re.sub(r"(_downloads|/blob/notebooks)/\w+/", r"\1/", address)


def differences(english: str, translated: str) -> list[str]:
    r"""List what a translated page lost or gained.

    Words of a formula may differ.

    Examples
    --------
    >>> math = "<annotation>x \\text{{{}}}</annotation>".format
    >>> differences(f"<article>{math('if')}</article>", f"<article>{math('如果')}</article>")
    []
    >>> differences("<article><code>x</code></article>", "<article>:math:</article>")
    ['lost: code x']
    """
    before, after = Contents(english).found, Contents(translated).found
    return [
        *(f"lost: {what}" for what in (before - after).elements()),
        *(f"added: {what}" for what in (after - before).elements()),
    ]


def compare_editions(app: Sphinx, error: Exception | None) -> None:
    """Warn of every page that differs from its English in more than words.

    Two articles that were found alike are not compared again.
    """
    if error or app.config.language == "en" or app.builder.name != "html":
        return
    kept = Path(app.doctreedir, "alike.json")
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    alike = {}
    for page in sorted(app.env.found_docs):
        paths = [Path(app.outdir.parent, "en", f"{page}.html"), Path(app.outdir, f"{page}.html")]
        if not all(path.exists() for path in paths):
            continue
        texts = [path.read_text(encoding="utf-8") for path in paths]
        told = "\0".join([OWN_TEXT, *map(article_in, texts)])
        digest = hashlib.sha256(told.encode()).hexdigest()
        faults = [] if before.get(page) == digest else differences(*texts)
        for fault in faults:
            logger.warning("%s, unlike the English page", fault, location=page)
        if not faults:
            alike[page] = digest
    with replacing(kept) as file:
        file.write(json.dumps(alike, indent=1).encode())


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the end of the build."""
    app.connect("build-finished", compare_editions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
