"""The feed of what has changed, in Atom: an entry for each item of ``CHANGELOG.md``, newest first.

Usage: ``python -m page.feed SITE``, after the editions are built.
A feed needs whole addresses, so a site that does not know its own has none.
A change is as old as the commit that wrote its newest line; outside of git, and in a clone that
lacks the older commits, all are as old as the file.
``CHANGELOG.md`` is in English, and so is the feed.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple
from xml.etree import ElementTree

from markdown_it import MarkdownIt
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from translation.editions import DOCS, address, published

__all__ = ["Change", "changes", "feed", "write_feed"]

NAME = "changes.atom"
CHANGELOG = DOCS.parent / "CHANGELOG.md"
NEWEST = 40  # entries; readers of feeds keep older ones
ATOM = "http://www.w3.org/2005/Atom"
LONGEST = 90  # characters of an entry's title
BLAMED = re.compile(
    r"^[0-9a-f]{40} \d+ (\d+)(?: \d+)?\n(?:(?!\t).*\n)*?committer-time (\d+)\n", re.M
)


class Change(NamedTuple):
    """An entry of the changelog."""

    text: str  # Markdown, without the mark of the list
    version: str  # the heading that it stands below
    date: datetime


def line_dates(path: Path) -> dict[int, datetime]:
    """Tell when each line of a file was committed, by its number; nothing if git does not know."""
    try:
        if asked_of_git(path.parent, "rev-parse", "--is-shallow-repository").strip() == "true":
            raise ValueError("the clone lacks the older commits; git fetch --unshallow gets them")
        told = asked_of_git(path.parent, "blame", "--line-porcelain", "--", path.name)
    except FileNotFoundError:  # there is no git
        return {}
    except ValueError as error:
        if "not a git repository" not in str(error):
            print(f"warning: the feed has no dates of {path.name}: {error}", file=sys.stderr)
        return {}
    found = BLAMED.findall(told)
    return {int(number): datetime.fromtimestamp(int(time), UTC) for number, time in found}


def asked_of_git(folder: Path, *arguments: str) -> str:
    """Give what git says in a folder; where it fails, its sentence is the ValueError's."""
    plain = {**os.environ, "LC_ALL": "C"}  # in English, whatever language git speaks here
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=plain, capture_output=True, encoding="utf-8"
    )
    if done.returncode:
        raise ValueError(" ".join(done.stderr.removeprefix("fatal: ").split()))
    return done.stdout


def changes(path: Path) -> list[Change]:
    """List the entries of a changelog, newest first.

    Parameters
    ----------
    path : pathlib.Path
        Markdown whose headings of the second level are versions, and whose items of lists below
        them are changes.

    Raises
    ------
    ValueError
        If a change stands above the first version.
    """
    dates, version, found = line_dates(path), "", []
    for_all = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    text = path.read_text(encoding="utf-8")
    lines, tokens = text.split("\n"), MarkdownIt("commonmark").parse(text)
    for token, inside in pairwise(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            version = inside.content
        elif token.type == "list_item_open" and token.level == 1 and token.map:
            start, end = token.map
            if not version:
                raise ValueError(f"{path.name}:{start + 1}: a change must stand below a version")
            said = re.sub(
                r"^\s*\S+[ \t]*", lambda mark: " " * len(mark[0]), "\n".join(lines[start:end])
            )
            date = max((dates[n] for n in range(start + 1, end + 1) if n in dates), default=for_all)
            found.append(Change(dedent(said).strip(), version, date))
    return sorted(found, key=lambda change: change.date, reverse=True)


def title_of(text: str) -> str:
    """Shorten the first paragraph of a change to a title of plain words.

    Examples
    --------
    >>> title_of("`cnnguide train` draws; it *also* [prints](a.html).")
    'cnnguide train draws; it also prints.'
    """
    first = " ".join(text.split("\n\n")[0].split())
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", first)
    if len(plain) <= LONGEST:
        return plain
    return plain[: plain.rfind(" ", 0, LONGEST)].rstrip(",;:") + "…"


def feed(found: list[Change], site: str) -> bytes:
    """Write changes as a feed.

    Parameters
    ----------
    found : list of Change
        At least one, newest first.
    site : str
        The address of the site, with a slash at its end.
    """
    ElementTree.register_namespace("", ATOM)
    root = ElementTree.Element(f"{{{ATOM}}}feed", {"xml:lang": "en"})

    def add(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> Any:
        child = ElementTree.SubElement(parent, f"{{{ATOM}}}{tag}", attributes)
        child.text = text or None
        return child

    add(root, "title", "cnnguide: what has changed")
    add(root, "id", f"{site}{NAME}")
    add(root, "link", rel="self", type="application/atom+xml", href=f"{site}{NAME}")
    add(root, "link", rel="alternate", type="text/html", href=site)
    add(root, "updated", found[0].date.isoformat())
    add(add(root, "author"), "name", "The cnnguide authors")
    for change in found[:NEWEST]:
        entry = add(root, "entry")
        digest = hashlib.sha256(change.text.encode()).hexdigest()[:16]
        add(entry, "id", f"{site}{NAME}#{digest}")
        add(entry, "title", title_of(change.text))
        add(entry, "updated", change.date.isoformat())
        add(entry, "link", rel="alternate", type="text/html", href=site)
        add(entry, "category", term=change.version)
        add(entry, "content", MarkdownIt("commonmark").render(change.text), type="html")
    ElementTree.indent(root)
    return ElementTree.tostring(root, "utf-8", xml_declaration=True) + b"\n"


def write_feed(site: Path) -> None:
    """Put the feed beside the editions, or take an old one away if the site knows no address."""
    if published():
        (site / NAME).write_bytes(feed(changes(CHANGELOG), address()))
    else:
        (site / NAME).unlink(missing_ok=True)


def name_feed(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Tell the template where the feed is."""
    context["feed"] = f"{address()}{NAME}" if published() else ""


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for every page."""
    app.connect("html-page-context", name_feed)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    write_feed(Path(sys.argv[1]))
