"""Traditional characters, and the Simplified ones that they are found as."""

from __future__ import annotations

from opencc import OpenCC

__all__ = ["simplified"]


def simplified(text: str) -> tuple[str, str]:
    """Give the Traditional characters whose Simplified ones a text has, and these in their order.

    >>> simplified("卷积学习")
    ('學捲積習', '学卷积习')
    """
    han = [chr(code) for code in range(0x3400, 0xA000)]
    plain = OpenCC("tw2s").convert("\n".join(han)).split("\n")
    pairs = [(a, b) for a, b in zip(han, plain, strict=True) if a != b and b in text]
    return "".join(a for a, _ in pairs), "".join(b for _, b in pairs)
