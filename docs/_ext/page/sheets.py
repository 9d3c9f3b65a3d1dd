"""One style sheet for what all pages share, with no rule that no page uses.

A page of the theme and its extensions asks for seventeen style sheets, 200 kB, and shows nothing
before it has them all. After the build, those that every page of the edition names become one file,
without the rules for classes that stand in no page and in no script; its address carries the sum of
what it holds, so a browser keeps it until it changes. So do the addresses of all other sheets and
scripts, also in pages that were written when these held something else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any

import tinycss2
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

__all__ = ["used_rules", "write_sheet"]

NAME = "site.css"
LINK = re.compile(
    r' *<link rel="stylesheet" type="text/css" href="((?:\.\./)*)_static/([^"?]+)(?:\?v=\w+)?" />\n'
)
SCRIPT = re.compile(r' *<script [^>]*src="(?:\.\./)*_static/([^"?]+)[^>]*></script>\n?')
ADDRESS = re.compile(r'(?<=")((?:\.\./)*_static/([^"?]+))\?v=\w+(?=")')
# Scripts of extensions that work on one kind of element, which most pages have none of.
SCRIPTS_FOR = {"design-tabs.js": "sd-tab-set", "sg-tags.js": "sg-tag-list"}
NAMES = re.compile(r"[A-Za-z_][\w-]*")
ATTRIBUTE = re.compile(r'\s(?:class|id)="([^"]*)"')
VARIABLE = re.compile(r"var\(\s*(--[\w-]+)")
# Rules that hold rules; others, such as @font-face, stay as they are.
GROUPS = ("media", "supports", "layer", "container")


def used_rules(css: str | list[Any], names: set[str]) -> str:
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
    '.b:not(.c){ d: e; }\n@media print {p{ f: g }\n}\n'
    """
    written = []
    for rule in tinycss2.parse_rule_list(css, skip_comments=True, skip_whitespace=True):
        if rule.type == "qualified-rule":
            if kept := [s for s in selectors(rule.prelude) if is_used(s, names)]:
                said = ",".join(tinycss2.serialize(s).strip() for s in kept)
                written.append(f"{said}{{{tinycss2.serialize(rule.content)}}}\n")
        elif (
            rule.type == "at-rule" and rule.lower_at_keyword in GROUPS and rule.content is not None
        ):
            if inner := used_rules(rule.content, names):
                written.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}\n")
        elif rule.type == "at-rule":
            written.append(f"{rule.serialize()}\n")
    return "".join(written)


def selectors(prelude: list[Any]) -> list[list[Any]]:
    """Cut what stands before a block at its commas; those in brackets are inside a token."""
    groups = groupby(prelude, key=lambda token: token == ",")
    return [[*group] for comma, group in groups if not comma]


def is_used(selector: list[Any], names: set[str]) -> bool:
    """Tell whether all classes and ids exist that a selector asks for outside brackets."""
    tokens = zip([None, *selector], selector, strict=False)
    asked = [
        token.value
        for before, token in tokens
        if token.type == "hash" or (token.type == "ident" and before == ".")
    ]
    return all(name in names for name in asked)


def used_variables(css: str, others: str) -> str:
    r"""Leave out the variables whose values nothing asks for.

    Parameters
    ----------
    css : str
        As `used_rules` writes it.
    others : str
        All other style sheets and scripts.

    Examples
    --------
    >>> used_variables("p{--a:1;--b:var(--c);--c:url('x;y');d:var(--b)}", "")
    'p{--b:var(--c);--c:url("x;y");d:var(--b)}\n'
    """
    while True:
        asked = {*VARIABLE.findall(css), *re.findall(r"--[\w-]+", others)}
        kept = with_variables(css, asked)
        if kept == css:
            return css
        css = kept


def with_variables(css: str | list[Any], asked: set[str]) -> str:
    """Keep the definitions of those variables that are asked for, and all else."""
    written = []
    for rule in tinycss2.parse_rule_list(css, skip_comments=True, skip_whitespace=True):
        if rule.type == "error":
            continue
        before = "" if rule.type == "qualified-rule" else f"@{rule.at_keyword}"
        if rule.type == "at-rule" and (rule.content is None or rule.lower_at_keyword not in GROUPS):
            written.append(f"{rule.serialize()}\n")
            continue
        if before:
            inner = with_variables(rule.content, asked)
        else:
            parts = tinycss2.parse_blocks_contents(rule.content, skip_whitespace=True)
            inner = ";".join(
                part.serialize()
                for part in parts
                if part.type != "error"  # a browser leaves it out, too
                and (part.type != "declaration" or part.name[:2] != "--" or part.name in asked)
            )
        if inner:
            written.append(f"{before}{tinycss2.serialize(rule.prelude)}{{{inner}}}\n")
    return "".join(written)


def shared(pages: list[str]) -> list[str]:
    """List the style sheets with which every page begins."""
    lists = [[name for _up, name in LINK.findall(page)] for page in pages]
    same = takewhile(lambda row: len({*row}) == 1, zip(*lists, strict=False))
    return [row[0] for row in same]


def write_sheet(folder: Path, kept: Path, documents: Iterable[str]) -> None:
    """Put the shared sheets of an edition into one, and have its pages name that.

    Parameters
    ----------
    folder : pathlib.Path
        The built edition's.
    kept : pathlib.Path
        A file that keeps the names of the sheets for a build that writes only some pages anew.
    documents : iterable of str
        The pages that the edition has now; what else lies in the folder may be left from before.

    Raises
    ------
    ValueError
        If a sheet below a folder of its own shows a file, whose way would be another one then.
    """
    found = sorted(folder.rglob("*.html"))
    # what lies in folders such as _images has a style sheet of its own
    paths = [p for p in found if not p.relative_to(folder).as_posix().startswith("_")]
    pages = {path: path.read_text(encoding="utf-8") for path in paths}
    static = folder / "_static"
    old = {path for path, text in pages.items() if f"_static/{NAME}" in text}
    names = kept.read_text(encoding="utf-8").split() if kept.exists() else []
    if not names or not old & {folder / f"{name}.html" for name in documents}:
        # what stands at an old address, and only leads on, has none of them
        texts = [text for path, text in pages.items() if path not in old and LINK.search(text)]
        names = shared(texts)
        kept.write_text("\n".join(names), encoding="utf-8")
    names = [name for name in names if (static / name).exists()]
    if not names:
        return
    there: set[str] = set()
    for text in pages.values():
        there.update(*(value.split() for value in ATTRIBUTE.findall(text)))
    for script in static.rglob("*.js"):
        there.update(NAMES.findall(script.read_text(encoding="utf-8")))
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
    sums = {
        path.relative_to(static).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:8]
        for path in (static / NAME, *others)
    }
    for path, text in pages.items():
        made = rewritten(text, names, sums)
        if made != text:
            path.write_text(made, encoding="utf-8")


def rewritten(page: str, names: list[str], sums: dict[str, str]) -> str:
    """Have a page name the one sheet and the sum of each file; leave out scripts without work."""
    first = True

    def link(match: re.Match[str]) -> str:
        nonlocal first
        if match[2] != NAME and match[2] not in names:
            return match[0]
        if not first:
            return ""
        first = False
        place = f"{match[1]}_static/{NAME}?v={sums[NAME]}"
        return f'    <link rel="stylesheet" type="text/css" href="{place}" />\n'

    def script(match: re.Match[str]) -> str:
        needed = SCRIPTS_FOR.get(match[1])
        return match[0] if needed is None or needed in page else ""

    def summed(match: re.Match[str]) -> str:
        return f"{match[1]}?v={sums[match[2]]}" if match[2] in sums else match[0]

    return ADDRESS.sub(summed, SCRIPT.sub(script, LINK.sub(link, page)))


def gather(app: Sphinx, error: Exception | None) -> None:
    """Write the sheet after the build."""
    if error is None and app.builder.name == "html":
        write_sheet(Path(app.outdir), Path(app.doctreedir, "sheets.txt"), app.env.found_docs)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the end of the build."""
    app.connect("build-finished", gather, priority=950)  # the pages are as they will be
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
