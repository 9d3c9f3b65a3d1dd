"""Check that a translation says what its message says: nothing lost, nothing added, terms kept.

Usage: ``python docs/_ext/catalog_check.py [FOLDER]``; exits with 1 and names each fault.
The build of every edition but the English one runs the same checks, and a fault is a warning there.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import autocorrect_py
import polib
from markdown_it import MarkdownIt

__all__ = ["Term", "catalog_faults", "faults", "glossary", "visible"]

LOCALE = Path(__file__).parents[1] / "locale"
HAN = r"\u3400-\u9fff"

# What is no prose: it must stand in the translation as it stands in the message.
MATH = re.compile(r"(?<![\\$])\$[^$\n]+\$|:math:`[^`]+`")
ROLE = re.compile(r"(?:\{([\w:-]+)\}|:([\w:+-]+):)`([^`]+)`")
CODE = re.compile(r"``[^`]+(?:`[^`]+)*``|`[^`]+`")
PLACE = re.compile(r"\{\d+\}")
LINK = re.compile(r"\]\([^)\s]+\)|https?://[^\s)>`]+")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# Words that English uses in their everyday sense too, so that a message may hold them untermed.
EVERYDAY = {
    *("activation", "batch", "bias", "channel", "checkpoint", "degradation", "dilation", "group"),
    *("head", "kernel", "padding", "parameter", "recipe", "seed", "shortcut", "stride", "epoch"),
}
# Terms whose other renderings are everyday words too: 补零 says what padding does.
SAID_OTHERWISE = {"activation", "batch", "dilation", "epoch", "kernel", "padding"}
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


class Term:
    """One entry of the glossary: its English name, its rendering, and what else it is called."""

    def __init__(self, english: str, entry: str) -> None:
        head, _, rest = entry.partition("（")
        self.english, self.head = english, head.strip()
        names = re.split("[，、]", rest.rstrip("）"))
        self.others = [name.strip() for name in names if name.strip()]

    @property
    def avoided(self) -> list[str]:
        """List the renderings that only the glossary names: words of the language, not English."""
        if self.english in SAID_OTHERWISE:
            return []
        return [n for n in self.others if re.search(f"[{HAN}]", n) and self.head not in n]


def glossary(folder: Path) -> dict[str, Term]:
    """Read a language's terms from its catalog of the glossary, by English name."""
    path = folder / "LC_MESSAGES" / "glossary.po"
    if not path.exists():
        return {}
    source = (LOCALE.parent / "glossary.md").read_text(encoding="utf-8")
    names = set(re.findall(r"^(\S.*)\n  \S", source, flags=re.MULTILINE))
    return {e.msgid: Term(e.msgid, e.msgstr) for e in polib.pofile(str(path)) if e.msgid in names}


def spans(text: str) -> Counter[str]:
    """Count formulas, code spans, roles with their targets, placeholders, links and numbers."""
    found: Counter[str] = Counter()

    def take(kind: str, pattern: re.Pattern[str], text: str) -> str:
        def keep(match: re.Match[str]) -> str:
            value = match[0]
            if kind == "role":
                name, content = match[1] or match[2], match[3]
                target = re.search(r"<([^<>]+)>\s*$", content)
                value = f"{name} {target[1] if target else content}"
            found[f"{kind} {value}"] += 1
            return " "

        return pattern.sub(keep, text)

    for kind, pattern in (
        ("formula", MATH),
        ("role", ROLE),
        ("code", CODE),
        ("placeholder", PLACE),
        ("link", LINK),
        ("number", NUMBER),
    ):
        text = take(kind, pattern, text)
    return found


def visible(text: str, *, rst: bool) -> str:
    """Give the prose that a reader sees; code and formulas become the Latin word ``Code``."""

    def role(match: re.Match[str]) -> str:
        content = match[3]
        shown = re.sub(r"\s*<[^<>]*>\s*$", "", content)
        # reStructuredText wants a space on both sides of a role, Markdown does not
        return "Code" if rst or not re.search(f"[{HAN}]", shown) else shown

    text = ROLE.sub(role, MATH.sub("Code", text))
    return re.sub(r"\[([^\]]*)\]\([^)\s]+\)", r"\1", CODE.sub("Code", text))


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
            if other in translation and not any(
                other in t.head and t.head in translation for t in terms.values()
            ):
                yield f"{other!r} is {term.head!r} in the glossary"
        if name not in EVERYDAY and re.search(rf"\b{re.escape(name.lower())}s?\b", prose):
            kept = (term.head.lower(), name.lower())
            if not any(k in translation.lower() for k in kept):
                yield f"the term {name!r} is {term.head!r} in the glossary, and is missing"


def faults(
    message: str,
    translation: str,
    *,
    rst: bool,
    terms: dict[str, Term],
    language: str,
    is_glossary: bool = False,
) -> list[str]:
    """List what is wrong with one translation.

    Parameters
    ----------
    message, translation : str
        The English message and its translation, both in the page's markup.
    rst : bool
        Whether the markup is reStructuredText (docstrings, gallery scripts) or MyST Markdown.
    terms : dict of str to Term
        The glossary, by English name.
    language : str
        As Sphinx names it; what is checked of punctuation and left English is for Chinese.
    is_glossary : bool
        Whether the message stands in the glossary, which alone names other renderings.
    """
    if not translation.strip():
        return ["not translated"]
    found = []
    before, after = spans(message), spans(translation)
    if is_glossary and message in terms:
        after = Counter({k: n for k, n in after.items() if not k.startswith("number")})
        before = Counter({k: n for k, n in before.items() if not k.startswith("number")})
    found += [f"lost: {k}" for k in (before - after).elements()]
    found += [f"added: {k}" for k in (after - before).elements()]
    prose = visible(translation, rst=rst)
    if language.startswith("zh"):
        found += chinese_faults(message, translation, prose)
    if not rst:
        shown = MarkdownIt("commonmark").renderInline(prose)
        if shown.count("*") > message.count("\\*") + len(re.findall(r"(?<=\s)\*(?=\s)", message)):
            found.append(f"emphasis does not close: {shown!r}")
    if not is_glossary:
        found += term_faults(message, translation, terms)
    return found


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


def catalog_faults(path: Path, folder: Path) -> Iterator[tuple[polib.POEntry, str]]:
    """Yield the faults of one catalog of a language's folder, each with its entry."""
    terms = glossary(folder)
    domain = path.relative_to(folder / "LC_MESSAGES").with_suffix("").as_posix()
    rst = domain.startswith(("api/", "auto_examples/"))
    for entry in polib.pofile(str(path)):
        if entry.obsolete:
            continue
        if entry.fuzzy:
            yield entry, "fuzzy: the message has changed since it was translated"
        for fault in faults(
            entry.msgid,
            entry.msgstr,
            rst=rst,
            terms=terms,
            language=folder.name,
            is_glossary=domain == "glossary",
        ):
            yield entry, fault


def main(folders: list[str]) -> int:
    """Report every fault; 1 if there is one."""
    total = 0
    for folder in map(Path, folders or sorted(map(str, LOCALE.glob("*")))):
        for path in sorted(folder.rglob("*.po")):
            for entry, fault in catalog_faults(path, folder):
                print(f"{path}:{entry.linenum}: {fault}\n    {entry.msgid[:100]!r}")
                total += 1
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
