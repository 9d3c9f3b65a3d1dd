"""What a message has besides prose: formulas, code, roles, links, numbers."""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["CODE", "HAN", "MATH", "ROLE", "spans", "visible"]

HAN = r"\u3400-\u9fff"

# All of these must stand in the translation as it stands in the message.
MATH = re.compile(r"(?<![\\$])\$[^$\n]+\$|:math:`[^`]+`")
ROLE = re.compile(r"(?:\{([\w:-]+)\}|:([\w:+-]+):)`([^`]+)`")
CODE = re.compile(r"``[^`]+(?:`[^`]+)*``|`[^`]+`")
PLACE = re.compile(r"\{\d+\}")
LINK = re.compile(r"\]\([^)\s]+\)|https?://[^\s)>`]+")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def spans(text: str) -> Counter[str]:
    """Count formulas, code spans, roles with their targets, placeholders, links and numbers."""
    counts: Counter[str] = Counter()

    def count(kind: str, pattern: re.Pattern[str], text: str) -> str:
        def count_one(match: re.Match[str]) -> str:
            value = match[0]
            if kind == "role":
                name, content = match[1] or match[2], match[3]
                target = re.search(r"<([^<>]+)>\s*$", content)
                value = f"{name} {target[1] if target else content}"
            counts[f"{kind} {value}"] += 1
            return " "

        return pattern.sub(count_one, text)

    for kind, pattern in (
        ("formula", MATH),
        ("role", ROLE),
        ("code", CODE),
        ("placeholder", PLACE),
        ("link", LINK),
        ("number", NUMBER),
    ):
        text = count(kind, pattern, text)
    return counts


def visible(text: str, *, rst: bool) -> str:
    """Give the prose that a reader sees; code and formulas become the Latin word ``Code``."""

    def role(match: re.Match[str]) -> str:
        content = match[3]
        shown = re.sub(r"\s*<[^<>]*>\s*$", "", content)
        # reStructuredText wants a space on both sides of a role, Markdown does not
        return "Code" if rst or not re.search(f"[{HAN}]", shown) else shown

    text = ROLE.sub(role, MATH.sub("Code", text))
    return re.sub(r"\[([^\]]*)\]\([^)\s]+\)", r"\1", CODE.sub("Code", text))
