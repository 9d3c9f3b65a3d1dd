"""What every chapter promises, read from the pages' source."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
index = (DOCS / "index.md").read_text(encoding="utf-8")
STEMS = re.search(r":name: reading-order\n\n(.*?)\n:::", index, re.DOTALL)[1].split()
LEVELS = ["recall", "hand", "code", "explore"]
EXERCISE = re.compile(r"^::::\{exercise\} (\w+)\n(.*?)^::::\n", re.MULTILINE | re.DOTALL)
HINT = re.compile(r"^:::\{hint\}\n(.+?)\n^:::$", re.MULTILINE | re.DOTALL)
CELL = re.compile(r"^```\{code-cell\} python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REFERENCE = re.compile(r"\{ref\}`(?:[^`<]*<)?([^`>]+)>?`")


def source(stem):
    return (DOCS / f"{stem}.md").read_text(encoding="utf-8")


def find(pattern, stem, what):
    """Find a part of a page, or fail with a sentence that says what the page lacks."""
    match = re.search(pattern, source(stem), re.MULTILINE | re.DOTALL)
    assert match, f"docs/{stem}.md lacks {what}"
    return match[1]


def exercises(stem):
    """List level, task, hint and solution of each exercise of a chapter."""
    label = f"({stem}-exercises)="
    pattern = rf"^{re.escape(label)}\n(.*?)(?=^\([\w-]+\)=$|\Z)"
    section = find(pattern, stem, f"a section of exercises, below the label {label}")
    found = [*EXERCISE.finditer(section)]
    ends = [*(m.start() for m in found[1:]), len(section)]
    for match, end in zip(found, ends, strict=True):
        hint = HINT.search(match[2])
        task = match[2].replace(hint[0], "") if hint else match[2]
        yield match[1], task.strip(), hint and hint[1].strip(), section[match.end() : end].strip()


@pytest.mark.parametrize("stem", STEMS)
def test_a_chapter_has_exercises_of_every_level_from_easy_to_hard(stem):
    levels = [level for level, *_ in exercises(stem)]
    assert len(levels) >= 4, f"docs/{stem}.md has {len(levels)} exercises, and needs 4 or more"
    assert set(levels) == set(LEVELS), f"docs/{stem}.md needs exercises of the levels {LEVELS}"
    assert levels == sorted(levels, key=LEVELS.index), f"docs/{stem}.md: not in this order"


@pytest.mark.parametrize("stem", STEMS)
def test_an_exercise_has_a_task_a_hint_and_a_solution_in_words(stem):
    for _, task, hint, solution in exercises(stem):
        assert task and hint and CELL.sub("", solution).strip(), task


@pytest.mark.parametrize("stem", STEMS)
def test_a_cell_checks_the_solution_of_every_exercise_but_of_memory(stem):
    for level, task, _, solution in exercises(stem):
        cells = "\n".join(CELL.findall(solution))
        assert level == "recall" or re.search(r"\bassert\b|\bassert_close\(", cells), task


@pytest.mark.parametrize("stem", STEMS)
def test_a_chapter_says_what_one_learns_and_needs_and_needs_only_earlier_ones(stem):
    box = find(
        r":::\{admonition\} After this page you can\n(.*?)^:::$",
        stem,
        "the box 'After this page you can'",
    )
    aims = len(re.findall(r"^- ", box, re.MULTILINE))
    assert aims >= 3, f"the box of docs/{stem}.md has {aims} aims, and needs 3 or more"
    needs = box.strip().splitlines()[-1]
    assert needs.startswith(("Read ", "You need ")), f"docs/{stem}.md: what does it need? {needs}"
    chapters = REFERENCE.findall(needs)
    assert bool(chapters) == needs.startswith("Read ")
    later = [chapter for chapter in chapters if STEMS.index(chapter) >= STEMS.index(stem)]
    assert later == [], f"docs/{stem}.md needs {later}, which do not come before it"
