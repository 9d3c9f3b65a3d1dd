"""Pack the text of the index: as many bytes as it needs, fewer once the server compresses it.

In UTF-8 a Chinese letter takes three bytes, and Chinese and English lie mixed; gzip does better
with each of them alone, and with letters of two bytes, the most frequent of which lie together.
A word that the text has again and again becomes one sign, and so do two to four Chinese letters.
Then LZMA packs the whole: it looks back over all of it, where gzip sees 32 KiB. `lzma.js` unpacks.
"""

from __future__ import annotations

import base64
import json
import lzma
import re
from collections import Counter
from typing import Any

__all__ = ["packed", "squeezed"]

OTHERS = re.compile(r"[^\0-\x7f]+")
WORDS = re.compile(r"[A-Za-z]{3,}")
CHINESE = re.compile(r"[\u3400-\u9fff]+")
END = "\x7f"  # of a run; no text has it
# Numbers begin behind ASCII; those for words have two bytes, the others end long before Chinese.
FIRST, TWO_BYTES, HAN = 0x80, 0x800, "\u3400"
PIECES = 600  # of several Chinese letters; more make the index no smaller
# The stream alone, without a header: `lzma.js` knows these numbers, and no dictionary is too small.
LZMA = [{"id": lzma.FILTER_LZMA1, "preset": 9 | lzma.PRESET_EXTREME, "lc": 3, "lp": 0, "pb": 0}]


def squeezed(index: dict[str, Any]) -> dict[str, Any]:
    """Pack an index as a script can hold it: its JSON by LZMA, in base64, with its size in bytes.

    Examples
    --------
    >>> found = squeezed({"pages": ["conv.html"] * 1000})
    >>> found["size"], len(found["lzma"]) < 200
    (13011, True)
    """
    text = json.dumps(index, ensure_ascii=False).encode()
    packed = lzma.compress(text, format=lzma.FORMAT_RAW, filters=LZMA)
    return {"size": len(text), "lzma": base64.b64encode(packed).decode()}


def packed(text: str) -> dict[str, str]:
    r"""Lay what is ASCII and what is not apart, and number what each of them often has.

    A word or a piece of Chinese that stands there once or twice stays as it is.

    Raises
    ------
    ValueError
        If the text has the character that separates its parts.

    Examples
    --------
    >>> packed("3×3 卷积, 卷积")
    {'plain': '3\x7f3 \x7f, \x7f', 'words': '', 'others': '\x80\x7f卷积\x7f卷积', 'pieces': '×'}
    >>> packed("one loss, two losses, loss by loss")
    {'plain': 'one \x80, two losses, \x80 by \x80', 'words': 'loss', 'others': '', 'pieces': ''}
    >>> packed("卷积, 卷积, 卷积")["others"], packed("卷积, 卷积, 卷积")["pieces"]
    ('\x80\x7f\x80\x7f\x80', '卷积')
    """
    if END in text:
        raise ValueError(f"a text of the index must not have the character {END!r}")
    plain, others = END.join(OTHERS.split(text)), END.join(OTHERS.findall(text))
    counts = Counter(WORDS.findall(plain))
    words = [word for word, times in counts.items() if times > 2]
    words.sort(key=lambda word: -counts[word] * (len(word) - 2))
    words = words[: TWO_BYTES - FIRST]
    parts = re.compile("|".join([*sorted(frequent(others), key=len, reverse=True), f"[^{END}]"]))
    often = Counter(parts.findall(others)).most_common()
    pieces = [part for part, times in often if times > 2 or part < HAN]
    return {
        "plain": numbered(plain, WORDS, words),
        "words": " ".join(words),
        "others": numbered(others, parts, pieces),
        "pieces": " ".join(pieces),
    }


def numbered(text: str, parts: re.Pattern[str], table: list[str]) -> str:
    """Put a number for each part of a text that stands in a table."""
    signs = {part: chr(FIRST + number) for number, part in enumerate(table)}
    return parts.sub(lambda found: signs.get(found[0], found[0]), text)


def frequent(text: str) -> list[str]:
    """Find the pieces of Chinese, two to four letters long, that save the most as one sign."""
    counts = Counter(
        run[k : k + size]
        for run in CHINESE.findall(text)
        for size in (2, 3, 4)
        for k in range(len(run) - size + 1)
    )
    pieces = [piece for piece, times in counts.items() if times > 2]
    return sorted(pieces, key=lambda piece: -counts[piece] * (len(piece) - 1))[:PIECES]
