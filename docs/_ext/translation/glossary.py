"""The terms of the glossary in a language, and whether a translation keeps to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import polib

from translation.markup import CODE, HAN, MATH, ROLE

__all__ = ["Term", "glossary", "term_faults"]

DOCS = Path(__file__).parents[2]

# Words that English uses in their everyday sense too, so that a message may hold them untermed.
EVERYDAY = {
    *("activation", "batch", "bias", "channel", "checkpoint", "degradation", "dilation", "group"),
    *("head", "kernel", "padding", "parameter", "recipe", "seed", "shortcut", "stride", "epoch"),
}
# Terms whose other renderings are everyday words too: 补零 is what padding does.
EVERYDAY_RENDERINGS = {
    *("activation", "batch", "dilation", "epoch", "fully connected layer", "kernel", "padding"),
}
# What introduces the other names of a term, on the page that teaches it.
ALSO_CALLED = "也叫|又叫|也称|又称"


class Term:
    """One entry of the glossary: its English name, its rendering, and what else it is called."""

    def __init__(self, english: str, entry: str) -> None:
        head, _, rest = entry.partition("（")
        self.english, self.head = english, head.strip()
        names = re.split("[，、]", rest.rstrip("）"))
        self.others = [name.strip() for name in names if name.strip()]
        self.english_name = re.compile(rf"\b{re.escape(english.lower())}s?\b")

    @cached_property
    def avoided(self) -> list[str]:
        """List the renderings that only the glossary names: words of the language, not English."""
        if self.english in EVERYDAY_RENDERINGS:
            return []
        return [n for n in self.others if re.search(f"[{HAN}]", n) and self.head not in n]


def glossary(folder: Path) -> dict[str, Term]:
    """Read a language's terms from its catalog of the glossary, by English name."""
    path = folder / "LC_MESSAGES" / "glossary.po"
    if not path.exists():
        return {}
    source = (DOCS / "glossary.md").read_text(encoding="utf-8")
    names = set(re.findall(r"^(\S.*)\n  \S", source, flags=re.MULTILINE))
    return {e.msgid: Term(e.msgid, e.msgstr) for e in polib.pofile(str(path)) if e.msgid in names}


def term_faults(message: str, translation: str, terms: dict[str, Term]) -> Iterator[str]:
    """Yield where a term is rendered otherwise than in the glossary."""
    for match in ROLE.finditer(translation):
        target = re.search(r"<([^<>]+)>\s*$", match[3])
        if (match[1] or match[2]) == "term" and target and target[1] in terms:
            shown = match[3][: target.start()].strip()
            head = terms[target[1]].head
            if head.lower() not in shown.lower():
                yield f"the term {target[1]!r} is {head!r} in the glossary, here {shown!r}"
    prose = CODE.sub(" ", ROLE.sub(" ", MATH.sub(" ", message))).lower()
    for name, term in terms.items():
        for other in term.avoided:
            if other not in translation:  # this is asked for every message and every name
                continue
            introduced = re.search(f"(?:{ALSO_CALLED})[^。；]*{re.escape(other)}", translation)
            if not introduced and not any(
                other in t.head and t.head in translation for t in terms.values()
            ):
                yield f"{other!r} is {term.head!r} in the glossary"
        everyday = name in EVERYDAY or name.lower() not in prose
        if not everyday and term.english_name.search(prose):
            kept = (term.head.lower(), name.lower())
            if not any(k in translation.lower() for k in kept):
                yield f"the term {name!r} is {term.head!r} in the glossary, and is missing"
