"""Which numbers on a built page need evidence, and what counts as evidence.

A number in running text, in a table, a caption, an alternative text, a hint or a solution needs
evidence if it has a decimal point, a unit (%, points, times, seconds, MB, million, …) or is a whole
number above 100.  Years, numbers of sections and versions, names such as ResNet-18, shapes such as
3 × 224 × 224, code, and the wrong answers of a question need none.

Evidence is one of these:

(a) a number in a cell, its output, other code or a formula of the same page, or the result of
    arithmetic that is written out there; a comment in code is prose and shows nothing;
(b) a number in a gallery script that the page shows or leads to, in what it prints, or, for an
    alternative text, in the drawing itself;
(c) a citation, a link to another site or to the records, in the same paragraph, item of a list or
    row of a table, in the caption of the figure, or in the paragraph before the table or list; and
    such a number may be repeated on the page;
(d) a link, in the same places, to another page of the guide that has evidence for the number.

A number with d decimals is supported by one that rounds to it at d decimals, also in another unit:
61 % by 0.61, 1.2 million by 1,200,000.  After "about" and the like, zeros at the end of a whole
number are taken as rounded.  A number says nothing of its meaning: that the right one is named is
for the reader of a change to see.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bs4 import BeautifulSoup, Tag

__all__ = ["Claim", "Guide"]

# Blocks of text that hold a sentence, a cell of a table or a label; the innermost one counts.
BLOCKS = ["p", "li", "td", "th", "dt", "dd", "figcaption", "summary", "h1", "h2", "h3", "h4"]
# What shows how a number came about, and is not prose.
SHOWN = "div.cell, pre, math"
# What a page has for finding one's way, which claims nothing.
AROUND = (
    ".page-facts, .section-number, .headerlink, .figure-link, .bibtex-citation, .question-progress,"
    " .question-count, .toctree-wrapper, .experiment, code, kbd, script, style"
)

NUMBER = re.compile(r"(?<![\w.,/#×-])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\w/]|[.,]\d|-[a-z])")
# Numbers that are names, places in a text, dates or addresses.
NAMES = re.compile(
    r"\b(?:Python|PyTorch|torch|torchvision|NumPy|CUDA|GTX|[Ss]ections?|[Cc]hapters?|[Tt]ables?"
    r"|[Ff]igures?|Equations?|equations?|[Pp]ages?|[Pp]arts?|[Ss]teps?|[Ee]xercises?|Seeds?|seeds?|CC BY"
    r"|arXiv:)\s*\d[\d.]*(?:(?:, | and | to |–)\d[\d.]*)*"
    r"|\d+(?:\.\d+){2,}"
)
# Shapes and sizes such as 3 × 224 × 224 or 1280 × 8.
SIZES = re.compile(r"\d[\d,]*(?: ?× ?\d[\d,]*)+(?![.\d])")
UNIT = re.compile(
    r"\s*(%|percent|points?|percentage points?|times|GB|MB|KB|KiB|MiB|GiB|s|ms|µs|seconds?|"
    r"milliseconds?|minutes?|min|hours?|h|days?|million|billion|thousand|M|G|"
    r"(?:images|pictures|photographs) (?:a|per) second)(?![\w-])"
)
ROUGHLY = re.compile(
    r"(?:about|around|almost|nearly|roughly|over|(?:more|less|fewer) than|≈|some|well over"
    r"|at (?:least|most)|up to)\s*$"
)
# What a number in prose may be multiplied by to find it in code: 61 % is 0.61, 3 ms is 0.003 s.
SCALES = {
    "%": [1, 100], "percent": [1, 100], "point": [1, 100], "percentage point": [1, 100],
    "ms": [1, 1e3], "millisecond": [1, 1e3], "µs": [1, 1e6],
    "s": [1, 1e-3], "second": [1, 1e-3], "minute": [1, 1 / 60], "min": [1, 1 / 60],
    "hour": [1, 1 / 60, 1 / 3600], "h": [1, 1 / 60, 1 / 3600], "day": [1, 1 / 24, 1 / 86400],
    "thousand": [1, 1e-3], "KB": [1, 1e-3], "KiB": [1, 2**-10],
    "million": [1, 1e-6], "M": [1, 1e-6], "MB": [1, 1e-6, 1e-3], "MiB": [1, 2**-20],
    "billion": [1, 1e-9, 1e-3], "G": [1, 1e-9], "GB": [1, 1e-9, 1e-3], "GiB": [1, 2**-30],
}  # fmt: skip

TEX = re.compile(r"(?<=\d)(?:\{,\}|\\,)(?=\d)")
ARITHMETIC = re.compile(
    r"(?<![\w.,^_{])\d[\d,]*(?:\.\d+)?(?: +[·×+−/-] +[1-9][\d,]*(?:\.\d+)?)+(?![\w.,]*\d)"
)
OPERATORS = str.maketrans({"·": "*", "×": "*", "−": "-"})
SHOWN_NUMBER = re.compile(
    r"(?<![A-Za-z_\d.])(?:\d{1,3}(?:[,_]\d{3})+(?!\d)|\d+)?(?:\.?\d+)?(?:e[+-]?\d+)?(?![\d_])"
)


class Claim(NamedTuple):
    """A number that needs evidence, and the sentence or cell in which it stands."""

    page: str
    number: str
    unit: str
    is_rough: bool
    sentence: str


@dataclass
class Evidence:
    """Numbers that are shown, in order."""

    values: list[float] = field(default_factory=list)

    def holds(self, claim: Claim) -> bool:
        """Tell whether one of the numbers, rounded as the claim is, equals it."""
        value = float(claim.number.replace(",", ""))
        decimals = len(claim.number.partition(".")[2])
        step = 10.0**-decimals
        if claim.is_rough and not decimals and value:
            digits = claim.number.replace(",", "")
            step = 10.0 ** min(len(digits) - len(digits.rstrip("0")), len(digits) - 1)
        scales = SCALES.get(claim.unit) or SCALES.get(claim.unit.removesuffix("s"), [1])
        for scale in scales:
            slack = 0.5 * step / scale * (1 + 1e-9) + 1e-12
            place = bisect.bisect_left(self.values, value / scale - slack)
            if place < len(self.values) and self.values[place] <= value / scale + slack:
                return True
        return False


def shown_numbers(text: str) -> list[float]:
    """List the numbers of code, of its output, or of a formula in TeX."""
    found = []
    for match in SHOWN_NUMBER.finditer(TEX.sub("", text.replace("−", "-"))):
        digits = match.group().replace(",", "").replace("_", "")
        if any(c.isdigit() for c in digits):
            found.append(float(digits))
    return found


def results_of(text: str) -> list[float]:
    """Compute what is written as arithmetic, such as 3 · 224 · 224 or 1 − 0.75."""
    text = TEX.sub("", text.replace(r"\cdot", "·").replace(r"\times", "×"))
    found = []
    for match in ARITHMETIC.finditer(text):
        steps = re.sub(r"(?<![\d.])0+(?=\d)", "", match.group().replace(",", "")).translate(
            OPERATORS
        )
        found.append(float(eval(steps)))  # digits and the four operators, nothing else
    return found


def soup(path: Path) -> Tag:
    """Read the text of a page, without its frame."""
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "lxml")
    article = page.find("article") or page
    for comment in article.select("pre .c, pre .c1"):
        comment.decompose()  # a comment is prose, and shows nothing
    return article


def claims_in(text: str, page: str) -> list[Claim]:
    """Find the numbers of a text that need evidence."""
    text = " ".join(text.split())
    names = [match.span() for rule in (NAMES, SIZES) for match in rule.finditer(text)]
    claims = []
    for match in NUMBER.finditer(text):
        number, start, end = match.group(), *match.span()
        if any(a <= start < b for a, b in names):
            continue
        # In "10 and 20 %" and "1.5 ± 0.2 points", the unit belongs to both numbers.
        series = re.compile(r"(?:(?: ±|,| and| or| to|–|, and| against) ?−?\d[\d.,]*\d|–\d)*")
        unit = UNIT.match(text, end) or UNIT.match(text, series.match(text, end).end())
        value = float(number.replace(",", ""))
        is_year = "," not in number and unit is None and 1900 <= value <= 2100
        if is_year or not (unit or "." in number or value > 100):
            continue
        rough = ROUGHLY.search(text[:start]) is not None
        around = text[max(0, start - 70) : end + 50]
        claims.append(Claim(page, number, unit[1] if unit else "", rough, around))
    return claims


class Guide:
    """The built pages of an edition."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own = cache(self._own)
        self.script = cache(self._script)
        self.blocks = cache(self._blocks)
        self.supported = cache(self._supported)

    def _script(self, stem: str) -> list[float]:
        """List the numbers of a gallery script and of what it prints."""
        path = self.folder / "auto_examples" / f"{stem}.html"
        shown = soup(path).select("pre") if path.exists() else []
        return [value for part in shown for value in shown_numbers(part.get_text())]

    def words(self, figure: str) -> list[float]:
        """List the numbers that are written in a figure."""
        if not figure.endswith(".svg"):
            return []
        drawing = BeautifulSoup((self.folder / figure).read_text(encoding="utf-8"), "xml")
        return [
            value for text in drawing.select("text") for value in shown_numbers(text.get_text())
        ]

    def _own(self, name: str) -> Evidence:
        """Collect what a page itself shows: cells, code, formulas, and its gallery scripts."""
        article = soup(self.folder / name)
        values = []
        for part in article.select(SHOWN):
            if part.name == "math":
                part = part.find("annotation") or part
            values += shown_numbers(part.get_text())
            values += results_of(part.get_text()) if part.name == "annotation" else []
        values += results_of(article.get_text(" "))
        linked = r"(?:sphx_glr_|auto_examples/)((?:plot|draw)_[a-z]+?)(?:_\d{3}|\.html)"
        for stem in {*re.findall(linked, str(article))}:
            values += self.script(stem)
        return Evidence(sorted(values))

    def _blocks(self, name: str):
        """List the claims of each block of text, and the addresses to which it leads."""
        article = soup(self.folder / name)
        for part in article.select(SHOWN):
            part.replace_with(" x ") if part.name == "math" else part.decompose()
        found = []
        for image in article.select("img[alt]"):
            frame = image.find_parent("figure") or image
            drawn = Evidence(sorted(self.words(image["src"])))
            claims = [c for c in claims_in(image["alt"], name) if not drawn.holds(c)]
            found.append((claims, addresses(frame)))
        for question in article.select(".question"):
            answers = question.select(".question-answers > li")
            for place, answer in enumerate(answers, start=1):
                if place != int(question["data-right"]):
                    answer.decompose()  # a wrong answer may be any number
        spots = [
            (b, addresses(*context(b))) for b in article.find_all(BLOCKS) if not b.find(BLOCKS)
        ]
        for part in article.select(AROUND):
            part.replace_with(" ") if part.name == "code" else part.decompose()
        for block, leads in spots:
            if not block.decomposed:
                found.append((claims_in(block.get_text(), name), leads))
        return found

    def _supported(self, name: str) -> Evidence:
        """Collect the numbers that a page shows, or states with a citation."""
        cited = [
            float(claim.number.replace(",", ""))
            for claims, leads in self.blocks(name)
            if cites(leads)
            for claim in claims
        ]
        return Evidence(sorted(self.own(name).values + cited))

    def without_evidence(self, name: str) -> list[Claim]:
        """List the claims of a page that neither it nor what they lead to supports."""
        missing = []
        for claims, leads in self.blocks(name):
            if cites(leads):
                continue
            pages = {lead.partition("#")[0] for lead in leads}
            # not the tables of a figure, whose words count already
            others = [
                p
                for p in pages
                if p.endswith(".html")
                and not p.startswith("_images/")
                and (self.folder / p).is_file()
            ]
            for claim in claims:
                if not any(self.supported(p).holds(claim) for p in [name, *others]):
                    missing.append(claim)
        return missing


def cites(leads: list[str]) -> bool:
    """Tell whether a block has a citation, or leads to the records or to another site."""
    places = ("bibliography.html#", "results.html", "https://")
    return any(lead.startswith(places) for lead in leads)


def context(block: Tag) -> list[Tag]:
    """Give the parts of a page whose links count for a block.

    They are the block, the row of a table, the paragraph before a table or a list, and all of a
    question.
    """
    parts = [block]
    question = block.find_parent(class_="question")
    if question is not None:
        section = question.find_parent("section")
        return [question, *section.find_all("p", recursive=False)]
    for outer in block.find_parents(["tr", "figure"]):
        parts.append(outer)
    whole = block.find_parents(["table", "ul", "ol", "dl"])
    if block.find_parent("figure") is None and whole:
        before = whole[-1]
        if before.find_parent(class_="table-wrapper"):
            before = before.find_parent(class_="table-wrapper")
        introduction = before.find_previous_sibling()
        if introduction is not None and introduction.name == "p":
            parts.append(introduction)
    return parts


def addresses(*parts: Tag) -> list[str]:
    """List the addresses to which parts of a page lead."""
    return [link["href"] for part in parts for link in part.select("a[href]")]
