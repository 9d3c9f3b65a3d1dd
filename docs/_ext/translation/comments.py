"""Comments in code, which are translated while the code stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment

__all__ = ["comments", "translate_comments"]

LEXERS = {"python": "python", "default": "python", "ipython3": "python", "ipython": "python"}
LEXERS |= {"bash": "bash", "sh": "bash", "none": "", "text": "", "myst-ansi": ""}
DIRECTIVE = re.compile(r"%%|fmt:|noqa|type:|doctest:|sphinx_gallery_|!")


def comments(code: str, language: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and words of every comment that has words.

    Whole lines of comment that follow one another are one comment.
    """
    lexer = LEXERS.get(language.lower(), language.lower())
    if not lexer:
        return
    run: tuple[int, int, str] | None = None
    for start, kind, text in get_lexer_by_name(lexer, stripnl=False).get_tokens_unprocessed(code):
        if kind not in Comment or not text.startswith("#"):
            continue
        text, words = text.rstrip(), text.lstrip("#").strip()
        if DIRECTIVE.match(words) or not re.search(r"[a-z]{3}", words):
            continue
        alone = not code[:start].rpartition("\n")[2].strip()
        between = code[run[1] : start] if run else ""
        if run and alone and not between.strip() and between.count("\n") == 1:
            run = (run[0], start + len(text), f"{run[2]} {words}")
            continue
        if run:
            yield run
        run = (start, start + len(text), words)
        if not alone:
            yield run
            run = None
    if run:
        yield run


def translate_comments(code: str, language: str, words: dict[str, str]) -> str:
    """Put each comment's translation where the comment stands; the code stays as it is."""
    for start, end, message in reversed([*comments(code, language)]):
        if message in words:
            code = f"{code[:start]}# {words[message]}{code[end:]}"
    return code
