"""Code on a page without the marks that nobody sees: half of a chapter's bytes were such marks.

Pygments puts every word and every sign of code into an element of its own.
Here, those that look like plain text in both themes lose theirs, and so do signs such as dots and
equals, which are the same as the text around them; kinds that look alike become one, and neighbours
of one kind share an element.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby
from typing import Any

from pygments.style import Style
from pygments.styles import get_style_by_name
from pygments.token import STANDARD_TYPES, Text
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

__all__ = ["kinds_alike", "slim"]

CODE = re.compile(r'(?<=<div class="highlight"><pre>).*?(?=</pre>)', re.DOTALL)
PART = re.compile(r'<span class="(\w+)">([^<>]*)</span>|([^<>]+)|<[^>]*>')
# Copying leaves out prompts and outputs, which it knows by their kinds.
KEPT = ("gp", "go", "gt")
SIGNS = ("o",)  # a third of all marks; the theme would colour each dot


@cache
def kinds_alike(*styles: str) -> dict[str, str]:
    """Give for each kind of code the shortest that looks like it; nothing for plain text.

    Parameters
    ----------
    *styles : str
        Names of Pygments' styles: two kinds are alike if they are so in all of them.
    """
    first: dict[Any, str] = {}
    alike = {}
    for kind, name in sorted(STANDARD_TYPES.items(), key=lambda item: len(item[1])):
        looks = tuple(look(get_style_by_name(style), kind) for style in styles)
        plain = tuple(look(get_style_by_name(style), Text) for style in styles)
        if name and name not in KEPT:
            quiet = looks == plain or name in SIGNS
            alike[name] = "" if quiet else first.setdefault(looks, name)
    return alike


def look(style: type[Style], kind: Any) -> tuple[tuple[str, Any], ...]:
    """Tell how a style shows a kind of code."""
    return tuple(sorted(style.style_for_token(kind).items(), key=lambda item: item[0]))


def slim(code: str, alike: dict[str, str]) -> str:
    """Leave out of highlighted code what changes nothing that is seen.

    Parameters
    ----------
    code : str
        HTML, as Pygments writes it.
    alike : dict
        From `kinds_alike`.

    Examples
    --------
    >>> slim('<span class="n">a</span><span class="o">+</span> <span class="s">b</span>',
    ...      {"n": "", "o": "o", "s": "o"})
    'a<span class="o">+ b</span>'
    """
    parts: list[tuple[str | None, str]] = []  # the kind, and what is of it; None for a mark
    for match in PART.finditer(code):
        kind, text, bare = match.groups()
        if kind is not None:
            parts.append((alike.get(kind, kind), text))
        else:
            parts.append(("" if bare else None, match[0]))
    # white space between two of a kind is of that kind
    for k in range(1, len(parts) - 1):
        before, after = parts[k - 1][0], parts[k + 1][0]
        if parts[k][0] == "" and before == after and before and not parts[k][1].strip(" "):
            parts[k] = before, parts[k][1]
    made = ((kind, "".join(text for _, text in group)) for kind, group in groupby(parts, key=first))
    return "".join(f'<span class="{kind}">{text}</span>' if kind else text for kind, text in made)


def first(part: tuple[str | None, str]) -> str | None:
    """Give the kind of a part."""
    return part[0]


def slim_page(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Go through the code of a page; sphinx-gallery looks into that of scripts after the build."""
    if app.builder.name != "html" or page.startswith("auto_examples/") or "body" not in context:
        return
    alike = kinds_alike(app.config.pygments_style, app.config.pygments_dark_style)
    context["body"] = CODE.sub(lambda code: slim(code[0], alike), context["body"])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for every page."""
    app.connect("html-page-context", slim_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
