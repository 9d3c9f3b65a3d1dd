"""Hints and solutions are folded, open by mouse and keyboard, and need no JavaScript."""

import pytest
from bs4 import BeautifulSoup

from conftest import SITE

NAMES = {"en": ("Exercise 1", "Hint", "Solution"), "zh": ("练习 1", "提示", "解答")}


@pytest.mark.parametrize("edition", NAMES)
def test_a_page_has_each_exercise_with_its_two_folds(edition):
    for path in sorted((SITE / edition).glob("*.html")):
        made = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for exercise in made.select(".exercise"):
            folds = exercise.find_all("details", recursive=False)
            assert [fold["class"][1] for fold in folds] == ["hint", "solution"], path
            assert not any(fold.has_attr("open") for fold in folds)
            assert exercise["aria-labelledby"] == exercise.select_one(".exercise-title")["id"]


@pytest.mark.parametrize("edition", NAMES)
def test_a_fold_opens_by_mouse_and_by_keyboard(page, server, edition):
    page.goto(f"{server}/{edition}/pool.html")
    name, hint_name, solution_name = NAMES[edition]
    first = page.get_by_role("group").filter(has_text=name).first
    hint, solution = first.locator("details.hint"), first.locator("details.solution")
    assert hint.locator("summary").inner_text() == hint_name
    assert solution.locator("summary").inner_text() == solution_name
    assert not hint.locator(".fold-body").is_visible()
    hint.locator("summary").click()
    assert hint.locator(".fold-body").is_visible()
    assert not solution.locator(".cell").is_visible()
    solution.locator("summary").focus()
    page.keyboard.press("Enter")
    assert solution.locator(".cell").is_visible()


def test_a_fold_opens_without_javascript(chromium, server):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server}/en/pool.html#exercise-2")
    solution = page.locator("#exercise-2 details.solution")
    solution.locator("summary").click()
    assert solution.locator(".cell").is_visible()
    context.close()
