"""A formula in TeX becomes MathML, or an error that names what is wrong with it.

Temml does the work; it runs in Deno, which both are packages, so nothing is fetched while building.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path

from formulas.font import lacking
from formulas.tidy import tidy, visible

__all__ = ["mathml"]

SCRIPT = Path(__file__).parent / "temml" / "convert.mjs"
# An environment that holds no other
ENVIRONMENT = re.compile(r"\\begin\{(\w+\*?)\}((?!\\begin).)*?\\end\{\1\}", re.DOTALL)


@cache
def mathml(tex: str, *, block: bool = False) -> str:
    r"""Convert a formula.

    Parameters
    ----------
    tex : str
        The formula in LaTeX, without dollars.
    block : bool
        Whether it stands on lines of its own.

    Returns
    -------
    str
        A ``<math>`` element that holds the TeX as its annotation.

    Raises
    ------
    ValueError
        If a command is unknown, the formula does not parse, or the site has no glyph or style for
        what it shows.
    RuntimeError
        If the process that runs Temml has ended.

    Examples
    --------
    >>> mathml("w").partition("<annotation")[0]
    '<math><semantics><mi>w</mi>'
    """
    process = converter(os.getpid())
    assert process.stdin is not None
    assert process.stdout is not None
    asked = json.dumps({"tex": rows(tex) if block else tex, "displayMode": block})
    try:
        process.stdin.write(f"{asked}\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except BrokenPipeError:  # it had ended before
        line = ""
    if not line:
        raise RuntimeError(f"Temml ended with exit code {process.wait()}, at the formula {tex!r}")
    answer = json.loads(line)
    if "fault" in answer:
        raise ValueError(f"{plain(answer['fault'])}, in the formula {tex!r}")
    try:
        made = tidy(answer["mathml"], tex.strip())
    except ValueError as error:
        raise ValueError(f"{error}, in the formula {tex!r}") from None
    if glyphs := lacking(visible(made)):
        raise ValueError(f"the font has no glyph for {glyphs!r}, in the formula {tex!r}")
    return made


@cache
def converter(process_id: int) -> subprocess.Popen[str]:
    """Start Temml; a process that Sphinx forks starts its own. It ends with its input."""
    from deno import find_deno_bin

    return subprocess.Popen(
        [find_deno_bin(), "run", "--quiet", "--no-config", "--no-remote", "--no-npm", str(SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"},
    )


def rows(tex: str) -> str:
    r"""Align a formula of several rows that has no environment of its own.

    Examples
    --------
    >>> rows(r"a &= b \\ c &= d")
    '\\begin{aligned}a &= b \\\\ c &= d\\end{aligned}'
    >>> rows(r"\begin{cases} a \\ b \end{cases}")
    '\\begin{cases} a \\\\ b \\end{cases}'
    """
    tex = re.sub(r"\n\s*\n", r"\\\\", tex.strip())  # an empty line parts two formulas
    bare, found = tex, 1
    while found:
        bare, found = ENVIRONMENT.subn("", bare)
    return rf"\begin{{aligned}}{tex}\end{{aligned}}" if r"\\" in bare else tex


def plain(fault: str) -> str:
    """Write Temml's message in one line, without the marks under its letters."""
    return " ".join(fault.replace("\u0332", "").split()).rstrip(".")
