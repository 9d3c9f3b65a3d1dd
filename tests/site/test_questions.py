"""The page *selftest*, in a browser: by mouse, by keyboard, after a reload, without a script."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup

from conftest import SITE, tab_to

PAGE = "selftest.html"
FIRST = "#question-conv-parameters"
RIGHT, WRONG = "448", "432"


@pytest.fixture
def stem():
    return "selftest"


def choose(page, question, answer):
    page.locator(question).get_by_text(answer, exact=True).click()


def count_of(page, chapter):
    return page.locator(".question-progress li", has_text=chapter).locator(".question-count")


def test_a_wrong_answer_is_explained_and_does_not_count(opened):
    page = opened()
    choose(page, FIRST, WRONG)
    feedback = page.locator(f"{FIRST} [role=status]")
    assert feedback.inner_text().startswith("Not right\n\nThese are the weights alone.")
    assert feedback.locator("a").get_attribute("href") == "conv.html#conv-cost"
    assert count_of(page, "Convolution").inner_text() == "0 of 5"
    assert page.get_by_text("0 of 80 questions answered").is_visible()


def test_the_right_answer_counts_and_is_kept_after_a_reload(opened):
    page = opened()
    choose(page, FIRST, WRONG)
    choose(page, FIRST, RIGHT)
    assert page.locator(f"{FIRST} [role=status]").inner_text().startswith("Right\n")
    assert count_of(page, "Convolution").inner_text() == "1 of 5"
    page.reload()
    assert count_of(page, "Convolution").inner_text() == "1 of 5"
    assert page.locator(FIRST).get_by_text("answered").is_visible()
    assert page.locator(f"{FIRST} input:checked").count() == 0  # to be tried again
    page.get_by_role("button", name="Begin again").click()
    assert count_of(page, "Convolution").inner_text() == "0 of 5"
    page.reload()
    assert page.get_by_text("0 of 80 questions answered").is_visible()


def test_progress_is_the_same_in_both_languages(opened, server):
    page = opened()
    choose(page, FIRST, RIGHT)
    page.goto(f"{server}/zh/{PAGE}")
    assert page.get_by_text("共 80 题，已答出 1 题").is_visible()


def test_five_right_answers_pass_a_chapter(opened):
    page = opened()
    places = page.locator(".question[data-question^='norm-']")
    assert places.count() == 5
    for place in places.all():
        right = int(place.get_attribute("data-right"))
        place.locator("input").nth(right - 1).check()
        assert place.locator("[role=status] .question-verdict.right").count() == 1
    assert count_of(page, "Batch normalisation").inner_text() == "5 of 5 ✓ passed"


def test_all_can_be_done_by_keyboard(opened):
    page = opened()
    first = page.locator(f"{FIRST} input").first
    tab_to(page, first)
    page.keyboard.press("Space")
    assert page.locator(f"{FIRST} [role=status]").inner_text().startswith("Not right")
    page.keyboard.press("ArrowDown")
    assert page.locator(f"{FIRST} [role=status]").inner_text().startswith("Right")
    page.keyboard.press("Tab")
    read = page.locator(f"{FIRST} [role=status] a")
    assert read.evaluate("e => e === document.activeElement")


def test_without_storage_it_works_until_the_page_is_left(opened):
    page = opened()
    refuse = "(...a) => { if (a[0] === 'cnnguide-questions') throw Error(); }"
    page.add_init_script(f"Storage.prototype.getItem = Storage.prototype.setItem = {refuse}")
    page.reload()
    choose(page, FIRST, RIGHT)
    assert count_of(page, "Convolution").inner_text() == "1 of 5"
    page.reload()
    assert count_of(page, "Convolution").inner_text() == "0 of 5"


@pytest.mark.parametrize("kept", ["{", '"conv"', "[1, null]", "null"])
def test_what_others_left_in_the_storage_does_no_harm(opened, kept):
    page = opened()
    page.evaluate("kept => localStorage.setItem('cnnguide-questions', kept)", kept)
    page.reload()
    assert page.get_by_text("0 of 80 questions answered").is_visible()
    choose(page, FIRST, RIGHT)
    assert "conv-parameters" in json.loads(
        page.evaluate("localStorage.getItem('cnnguide-questions')")
    )


def test_two_tabs_keep_what_was_answered_in_either(opened, server):
    page = opened()
    other = page.context.new_page()
    other.goto(f"{server}/zh/{PAGE}")
    choose(page, FIRST, RIGHT)
    other.get_by_text("共 80 题，已答出 1 题").wait_for()
    choose(other, "#question-conv-one-map", "一张")
    page.get_by_text("2 of 80 questions answered").wait_for()
    page.reload()
    assert page.get_by_text("2 of 80 questions answered").is_visible()
    other.get_by_role("button", name="重新开始").click()
    page.get_by_text("0 of 80 questions answered").wait_for()


@pytest.mark.parametrize("edition", ["en", "zh"])
def test_without_a_script_the_answers_unfold(opened, edition):
    page = opened(edition, java_script_enabled=False)
    details = page.locator(f"{FIRST} details")
    assert page.locator(f"{FIRST} .question-answers").inner_text().split() == ["160", "448", "432"]
    assert not details.locator("ol").is_visible()
    details.locator("summary").click()
    assert details.locator("li").count() == 3
    assert details.locator(".question-verdict.right").count() == 1


@pytest.mark.parametrize("edition", ["en", "zh"])
def test_every_answer_has_a_verdict_and_every_question_a_place_to_read(edition):
    page = BeautifulSoup((SITE / edition / PAGE).read_text(encoding="utf-8"), "html.parser")
    questions = page.select(".question")
    assert len(questions) == 80
    for question in questions:
        answers = question.select(".question-answers > li")
        verdicts = ["right" in v["class"] for v in question.select("details .question-verdict")]
        assert verdicts == [k == int(question["data-right"]) for k in range(1, len(answers) + 1)]
        assert question.select_one(".question-read a")["href"].count("#") == 1


@pytest.mark.parametrize("edition", ["en", "zh"])
def test_every_chapter_leads_to_its_questions(edition):
    page = BeautifulSoup((SITE / edition / PAGE).read_text(encoding="utf-8"), "html.parser")
    stems = list(
        dict.fromkeys(q["data-question"].partition("-")[0] for q in page.select(".question"))
    )
    assert len(stems) == 16
    for stem in stems:
        chapter = (SITE / edition / f"{stem}.html").read_text(encoding="utf-8")
        link = BeautifulSoup(chapter, "html.parser").select(".question-link a")
        assert [a["href"] for a in link] == [f"{PAGE}#selftest-{stem}"]


@pytest.mark.parametrize("edition", ["en", "zh"])
def test_it_fits_a_phone(opened, edition):
    page = opened(edition, width=360, height=740)
    page.locator(f"{FIRST} input").nth(1).check()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_what_the_answers_show(opened, scheme):
    page = opened(color_scheme=scheme, reduced_motion="reduce")
    choose(page, FIRST, WRONG)
    choose(page, "#question-conv-one-map", "One")
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [f"{v['id']}: {node['html'][:150]}" for v in found for node in v["nodes"]] == []
