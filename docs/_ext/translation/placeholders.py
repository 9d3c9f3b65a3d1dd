"""Numbers that a run may change: in a message, places such as ``{0}`` stand for them."""

from __future__ import annotations

import re
from itertools import count

__all__ = ["with_numbers", "without_numbers"]

# A number that a run may change; not one that belongs to a name, as in ResNet-18 or conv1.
NUMBER = re.compile(r"(?<![\w-])[-−]?\d+(?:[.,]\d+)*")


def without_numbers(text: str, number: re.Pattern[str] = NUMBER) -> tuple[str, list[str]]:
    """Split ``kernel 3: 5 places`` into ``kernel {0}: {1} places`` and the numbers."""
    place = count()
    return number.sub(lambda _: f"{{{next(place)}}}", text), number.findall(text)


def with_numbers(message: str, numbers: list[str]) -> str:
    """Put numbers back in their places."""
    for place, number in enumerate(numbers):
        message = message.replace(f"{{{place}}}", number)
    return message
