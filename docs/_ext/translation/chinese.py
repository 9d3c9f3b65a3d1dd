"""What Chinese typography does not allow, and English that was left in a translation."""

from __future__ import annotations

import re
from collections.abc import Iterator

import autocorrect_py

from translation.markup import CODE, HAN, MATH, ROLE

__all__ = ["chinese_faults"]

# Titles of works stay in their language, between the marks that Chinese gives to titles.
TITLE = re.compile(r"《[^》]*》")
# What numpydoc makes of the type of a result: *(int, int, int, int)* -- Top, bottom, left, right.
TYPE = re.compile(r"^\*[^*]+\* -- ")
HALF_WIDTH = re.compile(
    rf"[{HAN}”）][,;:!?](?:\s|$)|[{HAN}]\.(?:\s|$)|[{HAN}，。；：？！] *\"|\" *[{HAN}]"
)
ENGLISH_RUN = re.compile(r"(?:[A-Za-z][a-z'’]+[ ,;:]+){3,}[A-Za-z][a-z'’]+")
# Runs of four and more English words that are names.
NAMES = ("Deep Learning Tuning Playbook",)


def chinese_faults(message: str, translation: str, prose: str) -> Iterator[str]:
    """Yield what Chinese typography does not allow, and English that was left."""
    if not re.search(f"[{HAN}]", prose):
        bare = CODE.sub("", ROLE.sub("", MATH.sub("", message)))
        is_prose = re.search("[A-Za-z]{2}", bare) and translation != message
        if is_prose and not re.search(f"[{HAN}]", translation):
            yield "no word of the language"
        return
    if (tidy := autocorrect_py.format(prose)) != prose:
        yield f"spacing or punctuation: {prose!r} should be {tidy!r}"
    if HALF_WIDTH.search(prose):
        yield "half-width punctuation in prose: use ，。；：？！“”（）"
    if re.search(r"\s[，。；：？！、）”]|[，。；：？！、（“]\s", prose):
        yield "a space beside full-width punctuation"
    for run in ENGLISH_RUN.findall(TYPE.sub("", TITLE.sub("", prose))):
        # the axes of a shape, as in N C Ho Wo, are short
        if re.search("[a-z]{3}", run) and not any(name in run for name in NAMES):
            yield f"English left: {run!r}"
