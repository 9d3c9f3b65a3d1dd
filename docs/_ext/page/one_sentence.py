"""Check that prose has one sentence per line, so that a change shows as the sentence it changed.

Usage: ``python -m page.one_sentence FILE.md ...``; exits with 1 and names each line.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from markdown_it import MarkdownIt

# A sentence ends, and on the same line another begins with a capital.
SECOND = re.compile(r"(?<!\b[A-Z])(?<!e\.g)(?<!i\.e)(?<!et al)(?<!vs)[.!?][\"')*]* +[\"'(*]*[A-Z]")
SPAN = re.compile(r"`[^`]*`|\$[^$]*\$|^\s*\d+\. ")  # code, formulas, list numbers


def faults(text: str) -> list[int]:
    """Number the lines on which a second sentence begins."""
    text = re.sub(r"\A---\n.*?\n---\n", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL)
    # A colon fence holds Markdown: its markers go, its content is read like the rest.
    text = re.sub(r"^:::.*$", "", text, flags=re.MULTILINE)
    lines = text.splitlines()
    numbers = set()
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "inline" and token.map:
            for k in range(*token.map):
                if SECOND.search(SPAN.sub("x", lines[k])):
                    numbers.add(k + 1)
    return sorted(numbers)


def main(files: list[str]) -> int:
    """Report every fault; 1 if there is one."""
    total = 0
    for name in files:
        for line in faults(Path(name).read_text(encoding="utf-8")):
            print(f"{name}:{line}: a second sentence begins on this line; give it its own")
            total += 1
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
