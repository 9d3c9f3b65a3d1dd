"""The text of the index, so that it is small when it is compressed; ``corpus.js`` unpacks it.

In UTF-8 a Chinese letter takes three bytes, and Chinese and English lie mixed; gzip does better
with each of them alone, and with letters of two bytes, the most frequent of which lie together.
And gzip looks back 32 KiB only, so a word that the text has again and again becomes one sign.
"""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["packed"]

OTHERS = re.compile(r"[^\0-\x7f]+")
WORDS = re.compile(r"[A-Za-z]{4,}")
END = "\x7f"  # of a run; no text has it
# Numbers for letters and words begin behind ASCII; those for words have two bytes, and those for
# letters end long before Chinese letters.
FIRST, TWO_BYTES, HAN = 0x80, 0x800, "\u3400"


def packed(text: str) -> dict[str, str]:
    r"""Lay what is ASCII and what is not apart, and number its words and the letters that are not.

    A Chinese letter that stands there once or twice stays as it is, and so does a word.

    Raises
    ------
    ValueError
        If the text has the mark that is put between the runs.

    Examples
    --------
    >>> packed("3×3 卷积, 卷积")
    {'plain': '3\x7f3 \x7f, \x7f', 'words': '', 'others': '\x80\x7f卷积\x7f卷积', 'letters': '×'}
    >>> packed("one loss, two losses, loss by loss")
    {'plain': 'one \x80, two losses, \x80 by \x80', 'words': 'loss', 'others': '', 'letters': ''}
    """
    if END in text:
        raise ValueError(f"a text of the index must not have the character {END!r}")
    runs = OTHERS.findall(text)
    often = Counter("".join(runs))
    letters = [letter for letter, times in often.most_common() if times > 2 or letter < HAN]
    numbers = {ord(letter): FIRST + number for number, letter in enumerate(letters)}
    plain = END.join(OTHERS.split(text))
    counts = Counter(WORDS.findall(plain))
    words = [word for word, times in counts.items() if times > 2]
    saved = sorted(words, key=lambda word: -counts[word] * (len(word) - 2))
    signs = {word: chr(FIRST + k) for k, word in enumerate(saved[: TWO_BYTES - FIRST])}
    return {
        "plain": WORDS.sub(lambda found: signs.get(found[0], found[0]), plain),
        "words": " ".join(signs),
        "others": END.join(runs).translate(numbers),
        "letters": "".join(letters),
    }
