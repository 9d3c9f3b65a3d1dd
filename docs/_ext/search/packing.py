"""The text of the index, so that it is small when it is compressed; ``corpus.js`` unpacks it.

In UTF-8 a Chinese letter takes three bytes, and Chinese and English lie mixed; gzip does better
with each of them alone, and with letters of two bytes, the most frequent of which lie together.
"""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["packed"]

OTHERS = re.compile(r"[^\0-\x7f]+")
END = "\x7f"  # of a run; no text has it
# Numbers for letters begin behind ASCII, and end long before Chinese letters.
FIRST, HAN = 0x80, "\u3400"


def packed(text: str) -> dict[str, str]:
    r"""Lay what is ASCII and what is not apart, and number the letters that are not.

    A Chinese letter that stands there once or twice stays as it is.

    Raises
    ------
    ValueError
        If the text has the mark that is put between the runs.

    Examples
    --------
    >>> packed("3×3 卷积, 卷积")
    {'plain': '3\x7f3 \x7f, \x7f', 'others': '\x80\x7f卷积\x7f卷积', 'letters': '×'}
    """
    if END in text:
        raise ValueError(f"a text of the index must not have the character {END!r}")
    runs = OTHERS.findall(text)
    often = Counter("".join(runs))
    letters = [letter for letter, times in often.most_common() if times > 2 or letter < HAN]
    numbers = {ord(letter): FIRST + number for number, letter in enumerate(letters)}
    return {
        "plain": END.join(OTHERS.split(text)),
        "others": END.join(runs).translate(numbers),
        "letters": "".join(letters),
    }
