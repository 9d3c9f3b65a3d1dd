"""One style sheet for what all pages share, with no rule that no page uses.

A page of the theme and its extensions asks for seventeen style sheets, 200 kB, and shows nothing
before it has them all. After the build, those that every page of the edition names become one file,
without the rules for classes that stand in no page and in no script; its address carries the sum of
what it holds, so a browser keeps it until it changes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import partial
from itertools import takewhile
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

__all__ = ["used_rules", "write_sheet"]

NAME = "site.css"
LINK = re.compile(
    r' *<link rel="stylesheet" type="text/css" href="((?:\.\./)*)_static/([^"?]+)(?:\?v=\w+)?" />\n'
)
SCRIPT = re.compile(r' *<script [^>]*src="(?:\.\./)*_static/([^"?]+)[^>]*></script>\n?')
# Scripts of extensions that work on one kind of element, which most pages have none of.
SCRIPTS_FOR = {"design-tabs.js": "sd-tab-set", "sg-tags.js": "sg-tag-list"}
NAMES = re.compile(r"[A-Za-z_][\w-]*")
CLASS_OR_ID = re.compile(r"[.#]([A-Za-z_-][\w-]*)")
ATTRIBUTE = re.compile(r'\s(?:class|id)="([^"]*)"')
CONDITION = re.compile(r":(?:not|is|where|has)\((?:[^()]|\([^()]*\))*\)")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
VARIABLE = re.compile(r"var\(\s*(--[\w-]+)")
STRING = r""""[^"\n]*"|'[^'\n]*'"""
BRACKETS = rf"\((?:{STRING}|\([^()]*\)|[^()\"'])*\)"
DEFINED = re.compile(rf"([{{;]\s*)(--[\w-]+)\s*:(?:{STRING}|{BRACKETS}|[^;{{}}\"'()])*;?")
LITERAL = re.compile(rf"{STRING}|`[^`]*`")
# Rules that hold rules; others, such as @font-face, stay as they are.
GROUPS = ("@media", "@supports", "@layer", "@container")


def rules_of(css: str) -> Iterator[tuple[str, str]]:
    """Yield what stands before each block, and the block; an empty one for a line such as @import.

    Examples
    --------
    >>> [*rules_of("a{b:c}@media print{d{e:f}g{}}")]
    [('a', 'b:c'), ('@media print', 'd{e:f}g{}')]
    """
    start = depth = opened = 0
    quote = ""
    for place, letter in enumerate(css):
        if quote or letter in "\"'":
            quote = "" if letter == quote and css[place - 1] != "\\" else quote or letter
        elif letter == "{":
            depth += 1
            opened = place if depth == 1 else opened
        elif letter == "}":
            depth -= 1
            if depth == 0:
                yield css[start:opened].strip(), css[opened + 1 : place].strip()
                start = place + 1
        elif letter == ";" and depth == 0:
            yield css[start : place + 1].strip(), ""
            start = place + 1


def used_rules(css: str, names: set[str]) -> str:
    r"""Leave out the rules that need a class or an id that nothing has.

    Parameters
    ----------
    css : str
    names : set of str
        The classes and ids that there are.

    Examples
    --------
    >>> used_rules("/* x */ .a, .b:not(.c) { d: e; } .c {} @media print { .c {} p { f: g } }",
    ...            {"b"})
    '.b:not(.c){d: e;}\n@media print{p{f: g}}\n'
    """
    written = []
    for selectors, block in rules_of(COMMENT.sub("", css)):
        if selectors.startswith(GROUPS):
            if inner := used_rules(block, names).strip():
                written.append(f"{selectors}{{{inner}}}\n")
        elif selectors.startswith("@"):
            written.append(f"{selectors}{{{block}}}\n" if block else f"{selectors}\n")
        elif kept := [s for s in split(selectors) if is_used(s, names)]:
            written.append(f"{','.join(kept)}{{{' '.join(block.split())}}}\n")
    return "".join(written)


def used_variables(css: str, others: str) -> str:
    """Leave out the variables whose values nothing asks for.

    Parameters
    ----------
    css : str
        As `used_rules` writes it.
    others : str
        All other style sheets and scripts.

    Examples
    --------
    >>> used_variables("p{--a:1;--b:var(--c);--c:url('x;y');d:var(--b)}", "")
    "p{--b:var(--c);--c:url('x;y');d:var(--b)}"
    """
    while True:
        asked = {*VARIABLE.findall(css), *re.findall(r"--[\w-]+", others)}
        kept = DEFINED.sub(partial(asked_for, asked), css)
        if kept == css:
            return css
        css = kept


def asked_for(asked: set[str], found: re.Match[str]) -> str:
    """Keep a definition if its variable is one of those that are asked for."""
    return found[0] if found[2] in asked else found[1]


def split(selectors: str) -> list[str]:
    """Cut a list of selectors at its commas, but for those in brackets.

    Examples
    --------
    >>> split("a, b:is(c, d)")
    ['a', 'b:is(c, d)']
    """
    return [s.strip() for s in re.split(r",(?![^(]*\))", selectors)]


def is_used(selector: str, names: set[str]) -> bool:
    """Tell whether all classes and ids that a selector asks for exist."""
    bare = CONDITION.sub("", re.sub(r"\[[^\]]*\]", "", selector))
    return all(name in names for name in CLASS_OR_ID.findall(bare))


def shared(pages: list[str]) -> list[str]:
    """List the style sheets with which every page begins."""
    lists = [[name for _up, name in LINK.findall(page)] for page in pages]
    same = takewhile(lambda row: len({*row}) == 1, zip(*lists, strict=False))
    return [row[0] for row in same]


def write_sheet(folder: Path, kept: Path) -> None:
    """Put the shared sheets of an edition into one, and have its pages name that.

    Parameters
    ----------
    folder : pathlib.Path
        The built edition's.
    kept : pathlib.Path
        A file that keeps the names of the sheets for a build that writes only some pages anew.

    Raises
    ------
    ValueError
        If a sheet below a folder of its own shows a file, whose way would be another one then.
    """
    paths = [p for p in sorted(folder.rglob("*.html")) if "_static" not in p.parts]
    pages = {path: path.read_text(encoding="utf-8") for path in paths}
    static = folder / "_static"
    if not any(f"_static/{NAME}" in text for text in pages.values()):
        kept.write_text("\n".join(shared([*pages.values()])), encoding="utf-8")
    names = kept.read_text(encoding="utf-8").split()
    there: set[str] = set()
    for text in pages.values():
        there.update(*(value.split() for value in ATTRIBUTE.findall(text)))
    for script in static.rglob("*.js"):
        for literal in LITERAL.findall(script.read_text(encoding="utf-8")):
            there.update(NAMES.findall(literal))
    sheet = ""
    for name in names:
        css = (static / name).read_text(encoding="utf-8")
        if "/" in name and re.search(r"url\((?![\"']?(?:data:|#))", css):
            raise ValueError(f"{name} must show no file of its own to be one with the others")
        sheet += used_rules(css, there)
    others = [p for p in static.rglob("*") if p.suffix in (".css", ".js") and p.name != NAME]
    own = [p for p in others if p.relative_to(static).as_posix() not in names]
    sheet = used_variables(sheet, "".join(p.read_text(encoding="utf-8") for p in own))
    (static / NAME).write_text(sheet, encoding="utf-8")
    digest = hashlib.sha256(sheet.encode()).hexdigest()[:8]
    for path, text in pages.items():
        made = rewritten(text, names, digest)
        if made != text:
            path.write_text(made, encoding="utf-8")


def rewritten(page: str, names: list[str], digest: str) -> str:
    """Have a page name the one sheet, and leave out scripts that find nothing on it."""
    first = True

    def link(match: re.Match[str]) -> str:
        nonlocal first
        if match[2] != NAME and match[2] not in names:
            return match[0]
        if not first:
            return ""
        first = False
        place = f"{match[1]}_static/{NAME}?v={digest}"
        return f'    <link rel="stylesheet" type="text/css" href="{place}" />\n'

    def script(match: re.Match[str]) -> str:
        needed = SCRIPTS_FOR.get(match[1])
        return match[0] if needed is None or needed in page else ""

    return SCRIPT.sub(script, LINK.sub(link, page))


def gather(app: Sphinx, error: Exception | None) -> None:
    """Write the sheet after the build."""
    if error is None and app.builder.name == "html":
        write_sheet(Path(app.outdir), Path(app.doctreedir, "sheets.txt"))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the end of the build."""
    app.connect("build-finished", gather, priority=950)  # the pages are as they will be
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
