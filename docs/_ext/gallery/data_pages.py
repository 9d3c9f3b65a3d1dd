"""The numbers behind a figure, as a page of tables and as files that a spreadsheet opens.

The image of a figure says nothing to those who cannot see it, and nobody reads exact values from a
curve.
So each figure that shows numbers has a link to a small page of its own beside its image, with a
table for each panel, in the language of the edition.
The page is no document of Sphinx: it makes no other page heavier, and no search finds its numbers.
"""

from __future__ import annotations

import csv
import html
import json
import re
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.typing import ExtensionMetadata

from cnnguide.show import with_numbers, without_numbers
from gallery.alternatives import alternative
from gallery.figure_data import AXES, Table
from gallery.figure_series import KINDS
from translation.catalogs import add_messages, gettext
from translation.editions import editions

__all__ = ["linked", "number", "rows_shown"]

_ = get_translation("sphinx")
LONGEST = 40  # rows of a table on the page
LINK, HEADING = "Numbers", "Numbers of this figure"
WORDS = {
    "from": "This figure stands on",
    "file": "All numbers of this table as a CSV file",
    "cut": "The table shows {0} of {1} rows, evenly chosen; the file has all of them.",
}
OWN = {*AXES, *KINDS, "blue", "orange", "green", "red", "purple", "sky", "grey", "black"}
COLON = "{0}: {1}"
FIGURE = re.compile(
    r'<a class="enlarge\b[^"]*" href="((?:\.\./)*_images/(sphx_glr_\w+)\.svg)"[^>]*>.*?</a>'
    r"(?:\s*<figcaption>)?",
    re.DOTALL,
)


def linked(body: str, names: set[str], link: str, label: str) -> str:
    """Put a link to its numbers into the caption of each figure that has some, or below it."""

    def add(match: re.Match[str]) -> str:
        if match[2] not in names:
            return match[0]
        page = match[1].removesuffix(".svg") + ".html"
        called = html.escape(label)
        return f'{match[0]}<a class="figure-link" href="{page}" aria-label="{called}">{link}</a>'

    return FIGURE.sub(add, body)


def tables_of(app: Sphinx) -> dict[str, Path]:
    """Name the files in which the scripts have left the tables of their figures."""
    folder = Path(app.srcdir, "auto_examples", "images")
    return {path.stem: path for path in sorted(folder.glob("sphx_glr_*.json"))}


def add_links(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Go through the figures of a page."""
    if "body" in context and app.builder.name == "html":
        context["body"] = linked(context["body"], {*tables_of(app)}, _(LINK), _(HEADING))


def number(value: float | str) -> str:
    """Write a number as it is read: with a sign that is no hyphen.

    Examples
    --------
    >>> number(-0.5), number(12), number("cat")
    ('−0.5', '12', 'cat')
    """
    return str(value).replace("-", "−") if not isinstance(value, str) else value


def rows_shown(rows: list[Any], longest: int = LONGEST) -> list[Any]:
    """Choose rows evenly, the first and the last among them.

    Examples
    --------
    >>> rows_shown([*range(10)], longest=4)
    [0, 3, 6, 9]
    """
    if len(rows) <= longest:
        return rows
    return [rows[round(k * (len(rows) - 1) / (longest - 1))] for k in range(longest)]


def translated(app: Sphinx, domain: str, word: str) -> str:
    """Put a word of a table into the language of the edition, as the figure says it."""
    if word in OWN:
        return str(_(word))
    message, numbers = without_numbers(word)
    if not re.search(r"[^\W\d_]{2}", message):
        return word
    return with_numbers(gettext(app, domain, message), numbers)


def shown(app: Sphinx, domain: str, table: Table) -> dict[str, Any]:
    """Put a table into the language of the edition."""
    say = partial(translated, app, domain)

    def joined(words: list[str]) -> str:
        text = say(words[0]) if words else ""
        for word in words[1:]:
            text = str(_(COLON)).format(text, say(word))
        return text

    columns = [joined(column) for column in table["columns"]]
    caption = [*table["panel"], *([table["value"]] if table["value"] not in table["panel"] else [])]
    rows = [
        [say(head) if isinstance(head, str) else head, *cells] for head, *cells in table["rows"]
    ]
    return {
        "caption": joined([word for word in caption if word]) or ", ".join(columns),
        "heads": [say(table["key"]), *columns],
        "rows": rows,
    }


def write_file(path: Path, table: dict[str, Any]) -> None:
    """Write a table for a spreadsheet: where a cell has several numbers, a line for each."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # Excel reads no other UTF-8
        lines = csv.writer(file)
        lines.writerow(table["heads"])
        for head, *cells in table["rows"]:
            for k in range(max(map(len, cells))):
                lines.writerow([head, *(cell[k] if k < len(cell) else "" for cell in cells)])


def filled(app: Sphinx, image: Path, source: Path) -> dict[str, Any]:
    """Give the page of a figure what its template asks for, and write the files of its tables."""
    domain = f"auto_examples/{image.stem.removeprefix('sphx_glr_')[:-4]}"
    tables = [shown(app, domain, one) for one in json.loads(source.read_text(encoding="utf-8"))]
    captions = [table["caption"] for table in tables]
    for k, table in enumerate(tables, start=1):
        if captions.count(table["caption"]) > 1:
            table["caption"] = f"{k}. {table['caption']}"
        table["file"] = f"{image.stem}_{k}.csv"
        write_file(image.with_name(table["file"]), table)
        lines = rows_shown(table["rows"])
        if len(lines) < len(table["rows"]):
            table["cut"] = str(_(WORDS["cut"])).format(len(lines), len(table["rows"]))
        table["lines"] = [
            [number(head), *(", ".join(map(number, cell)) for cell in cells)]
            for head, *cells in lines
        ]
    shows, _copy = app.env.images.get(f"auto_examples/images/{image.name}", (set(), ""))
    return {
        "tag": next(e.tag for e in editions() if e.language == app.config.language),
        "heading": _(HEADING),
        "words": {name: _(words) for name, words in WORDS.items()},
        "image": image.name,
        "text": alternative(app, image.name) or app.env.titles[domain].astext(),
        "pages": [
            (f"{page}.html", app.env.titles[page].astext()) for page in (*sorted(shows), domain)
        ],
        "tables": tables,
    }


def write_pages(app: Sphinx, error: Exception | None) -> None:
    """Write the pages of the figures that the edition shows."""
    if error or app.builder.name != "html":
        return
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    template = templates.get_template("data_page.html")
    images = Path(app.outdir, "_images")
    for left in [*images.glob("sphx_glr_*.html"), *images.glob("sphx_glr_*.csv")]:
        left.unlink()
    for name, source in tables_of(app).items():
        image = images / f"{name}.svg"
        if image.exists():
            text = template.render(filled(app, image, source))
            image.with_suffix(".html").write_text(text + "\n", encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the words; listen for every page, when figures have their links, and for the end."""
    add_messages(app, [LINK, HEADING, COLON, *WORDS.values(), *sorted(OWN)])
    app.connect("html-page-context", add_links, priority=600)
    app.connect("build-finished", write_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
