"""What of a page's code is looked for: its names, numbers, comments and strings, each once.

The marks between them make up a third of an index and are no words to search for; `letters.js`
leaves them out of what was typed as well, so that a line of code that is pasted is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

__all__ = ["new_parts", "parts_of_code"]

PART = re.compile(
    r"""
      \#[ ]*(?P<comment>[^\n]*)
    | (?P<three>\"{3}|'{3})(?P<long>.*?)(?P=three)
    | (?P<one>["'])(?P<string>(?:\\.|(?!(?P=one))[^\\\n])*)(?P=one)
    | (?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)
    | (?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)
    """,
    re.VERBOSE | re.DOTALL,
)
KINDS = ("comment", "long", "string", "name", "number")


def parts_of_code(code: str) -> Iterator[str]:
    """Yield the names, numbers, comments and strings of Python code.

    >>> [*parts_of_code("crop[1].tolist() + nn.Conv2d(3, lr=1e-3)  # its edge")]
    ['crop', '1', 'tolist', 'nn.Conv2d', '3', 'lr', '1e-3', 'its edge']
    >>> [*parts_of_code("print('two words')")]
    ['print', 'two words']
    """
    for match in PART.finditer(code):
        yield next(part for part in match.group(*KINDS) if part is not None)


def new_parts(parts: Iterable[str], text: str) -> list[str]:
    """List the parts that a text does not hold already, each once; capitals make no difference.

    >>> new_parts(["stride", "Conv", "nn.Conv2d", "nn"], "a convolution")
    ['stride', 'nn.Conv2d']
    """
    new: list[str] = []
    known = text.lower()
    for part in parts:
        words = " ".join(part.split())
        if words.lower() not in known:
            new.append(words)
            known += f"\n{words.lower()}"
    return new
