"""How fast, and how good for everyone, are the heaviest pages on a phone? Lighthouse's answer.

``nox -s lighthouse`` runs it: the built site is served from this computer without compression, and
Lighthouse opens each page as a phone on a slow network would.
Without names of pages it takes the five that are heaviest before images, of all editions; the page
of the search is none of them, since its index has a limit of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import tomllib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
SITE = ROOT / "docs" / "_build" / "html"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FLAGS = "--headless=new --no-sandbox --no-first-run --disable-background-networking"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


class Measured(NamedTuple):
    """What Lighthouse says of a page; the scores are of 100."""

    performance: float
    accessibility: float
    best_practices: float
    seo: float
    kilobytes: float  # of 1,000, before images: page, styles, scripts and fonts, as they are sent
    largest_paint: float  # seconds
    layout_shift: float


# What a page should reach: the scores at least, the others at most.
AIMS = Measured(98, 100, 100, 100, 300, 2.0, 0.02)


def weight(page: Path) -> int:
    """Add up the bytes of a page, and of the styles and scripts that it names."""
    text = page.read_text(encoding="utf-8")
    named = re.findall(r'<(?:link rel="stylesheet"|script)[^>]*?(?:href|src)="([^"?]+)', text)
    return page.stat().st_size + sum((page.parent / name).stat().st_size for name in named)


def heaviest(site: Path, count: int = 5) -> list[str]:
    """Name the heaviest pages of all editions, as paths below the site."""
    names = (path.relative_to(site).as_posix() for path in site.glob("*/**/*.html"))
    pages = [n for n in names if "/_" not in n and not n.endswith("/search.html")]
    return sorted(pages, key=lambda name: weight(site / name), reverse=True)[:count]


def read_report(report: dict[str, Any]) -> Measured:
    """Take from Lighthouse's report what the table shows.

    Raises
    ------
    ValueError
        If the page could not be opened.
    """
    if fault := report.get("runtimeError"):
        raise ValueError(f"Lighthouse could not open the page: {fault['message']}")
    audits = report["audits"]
    requests = audits["network-requests"]["details"]["items"]
    size = sum(r["transferSize"] for r in requests if r.get("resourceType") != "Image")
    return Measured(
        *(round(100 * report["categories"][name]["score"]) for name in CATEGORIES),
        size / 1000,
        audits["largest-contentful-paint"]["numericValue"] / 1000,
        audits["cumulative-layout-shift"]["numericValue"],
    )


def median(runs: list[Measured]) -> Measured:
    """Take the median of each figure."""
    return Measured(*map(statistics.median, zip(*runs, strict=True)))


def row(page: str, found: Measured) -> str:
    """Write a line of the table; what misses its aim is bold."""
    forms = ("{:.0f}", "{:.0f}", "{:.0f}", "{:.0f}", "{:.0f}", "{:.2f}", "{:.3f}")
    cells = []
    for place, (form, value, aim) in enumerate(zip(forms, found, AIMS, strict=True)):
        reached = value >= aim if place < len(CATEGORIES) else value <= aim
        cells.append(form.format(value) if reached else f"**{form.format(value)}**")
    return f"| {page} | {' | '.join(cells)} |"


class Plain(SimpleHTTPRequestHandler):
    """Serve files as they are, on lasting connections, without a log."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


def examine(program: str, browser: str, address: str) -> Measured:
    """Have Lighthouse open an address once."""
    command = [program, address, "--quiet", "--output=json", f"--chrome-flags={FLAGS}"]
    command.append(f"--only-categories={','.join(CATEGORIES)}")
    environment = {**os.environ, "CHROME_PATH": browser}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        sys.exit(f"Lighthouse failed at {address}:\n{done.stderr}")
    return read_report(json.loads(done.stdout))


def main() -> None:
    """Measure the pages and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", help="such as en/conv.html; without it the heaviest")
    parser.add_argument("--program", default="lighthouse", help="the path of Lighthouse")
    parser.add_argument("--runs", type=int, default=3, help="of each page, whose medians count")
    options = parser.parse_args()
    names = PROJECT["tool"]["cnnguide"]["browsers"]
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        sys.exit("no Chromium was found: apt-get install chromium, or set CHROMIUM to its path")
    pages = options.pages or heaviest(SITE)
    print("| page | performance | accessibility | best practices | SEO | kB before images", end="")
    print(" | largest paint, s | layout shift |\n|---|" + "---:|" * len(AIMS))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Plain, directory=str(SITE))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for page in pages:
            address = f"http://127.0.0.1:{server.server_port}/{page}"
            runs = [examine(options.program, browser, address) for _run in range(options.runs)]
            print(row(page, median(runs)), flush=True)
        server.shutdown()
    print(row("aim", AIMS))


if __name__ == "__main__":
    main()
