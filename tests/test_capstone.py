"""What the page *capstone* says: of the checker's messages, and of the runs behind its checkpoints."""

import ast
import re
from pathlib import Path
from statistics import mean

import pytest

from benchmarks.ladder import RATES, STEPS
from cnnguide import results

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "capstone.md").read_text(encoding="utf-8")
CHECKER = "".join(
    (ROOT / "cnnguide" / "commands" / f"{name}.py").read_text(encoding="utf-8")
    for name in ("check", "examination")
)
ROWS = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| \{ref\}`([\w-]+)` \|$", PAGE, re.MULTILINE)
OF_PYTORCH = {"mat1 and mat2 shapes cannot be multiplied"}


def spoken(source):
    """Join the strings of a program that stand on several lines."""
    return re.sub(r'"\s*\n\s*f?"', "", source)


@pytest.mark.parametrize(("message", "cause", "section"), ROWS)
def test_every_message_of_the_table_is_one_of_the_checkers(message, cause, section):
    assert message in spoken(CHECKER) or message in OF_PYTORCH
    pages = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "docs").glob("*.md"))
    assert f"\n({section})=\n" in pages
    assert cause.strip().endswith(".")


def test_the_table_has_every_finding_of_the_checker():
    findings = re.findall(r'raise Wrong\(\s*f?"([^"]+)"', spoken(CHECKER))
    told = " ".join(message for message, _, _ in ROWS)
    # What hardly anybody meets: other file endings, other types of scores, a slow end of training.
    rare = ("a Python file must end", "scores must be floating", "it must end within")
    rare += ("the network must return a tensor",)
    left = [
        finding
        for finding in findings
        if not finding.startswith(rare) and not any(message in finding for message, _, _ in ROWS)
    ]
    assert len(findings) > 12
    assert left == [], told


def shares(step, part):
    runs = [r for r in results.load("capstone")["runs"] if r["step"] == step]
    return [100 * run[f"{part}_accuracy"] for run in runs]


def test_every_step_was_taken_with_the_same_seeds():
    runs = results.load("capstone")["runs"]
    seeds = {step: sorted(r["seed"] for r in runs if r["step"] == step) for step in RATES}
    assert len(seeds["linear"]) >= 2
    assert all(found == seeds["linear"] for found in seeds.values())


@pytest.mark.parametrize("step", STEPS[1:4])
def test_a_checkpoint_lies_below_all_runs_of_its_step(step):
    section = PAGE.split("(capstone-step-")[1 + STEPS.index(step)]
    (number,) = re.findall(r"^Above (\d+) %", section, re.MULTILINE)
    before = STEPS[STEPS.index(step) - 1]
    assert max(shares(before, "validation")) < int(number) < min(shares(step, "validation"))
    (table,) = re.findall(r"^CHECKPOINTS = (.*)$", PAGE, re.MULTILINE)
    assert ast.literal_eval(table)[step] == int(number)


def test_the_linear_network_is_near_thirty_percent():
    assert mean(shares("linear", "validation")) == pytest.approx(30, abs=3)


def test_batchnorm_helps_at_the_same_rate_and_a_larger_one_only_if_it_falls():
    assert RATES["batchnorm, 0.02"] == RATES["convolutions"] == RATES["schedule"] / 5 == 0.02
    assert mean(shares("convolutions", "training")) == pytest.approx(50, abs=5)
    assert mean(shares("batchnorm, 0.02", "training")) == pytest.approx(80, abs=5)
    assert RATES["batchnorm"] == RATES["schedule"]
    assert mean(shares("batchnorm", "validation")) < mean(shares("convolutions", "validation"))


def test_with_a_falling_rate_the_network_learns_by_heart_and_varied_images_end_it():
    by_heart = mean(shares("schedule", "training")) - mean(shares("schedule", "validation"))
    assert by_heart > 10
    assert max(shares("varied", "training")) < min(shares("schedule", "training"))
    assert mean(shares("varied", "validation")) >= mean(shares("schedule", "validation"))
