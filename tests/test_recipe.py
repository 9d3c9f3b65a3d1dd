from dataclasses import FrozenInstanceError, replace

import jaxtyping
import pytest
import torch
from torch import nn

from cnnguide.recipe import Recipe, find_recipe, learning_rate_at


def test_the_article_recipe_is_the_articles():
    r = find_recipe("article")
    assert (r.epochs, r.batch_size, r.learning_rate, r.momentum) == (150, 128, 0.1, 0.9)
    assert (r.weight_decay, r.milestones, r.gamma, r.padding) == (5e-4, (82, 123), 0.1, 4)


def test_a_recipe_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Recipe().epochs = 3


@pytest.fixture
def without_checker():
    """Switch the tests' type checker off, as it is for a user."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"padding": -1}, "padding must be at least 0, got -1"),
        ({"learning_rate": 0.0}, "learning_rate must be a finite number above 0, got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a finite number above 0, got nan"),
        ({"learning_rate": float("inf")}, "learning_rate must be a finite number above 0, got inf"),
        ({"momentum": 1.5}, "momentum must lie from 0 to 1, got 1.5"),
        ({"momentum": 0.0, "nesterov": True}, "nesterov must have a momentum above 0, got 0"),
        ({"label_smoothing": -0.1}, "label_smoothing must lie from 0 to 1, got -0.1"),
        ({"cutout": -1}, "cutout must be at least 0, got -1"),
        ({"average": 1.0}, "average must lie from 0 to below 1, got 1.0"),
        ({"mean": (0.5, 0.5)}, "mean must hold three numbers, got 2"),
        ({"std": (1.0, 0.0, 1.0)}, "std must be a finite number above 0, got 0.0"),
        ({"mixup": -1.0}, "mixup must be a finite number from 0 on, got -1.0"),
        ({"cutmix": float("inf")}, "cutmix must be a finite number from 0 on, got inf"),
        ({"mix_probability": 1.1}, "mix_probability must lie from 0 to 1, got 1.1"),
        (
            {"schedule": "linear"},
            "schedule must be 'steps', 'triangle' or 'cosine', got 'linear'",
        ),
    ],
)
def test_a_recipe_that_cannot_be_trained_is_refused(change, message, without_checker):
    with pytest.raises(ValueError, match=message):
        replace(Recipe(), **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": float("nan")}, "epochs must be a whole number, got nan"),
        ({"batch_size": float("inf")}, "batch_size must be a whole number, got inf"),
        ({"mean": None}, "mean must be three numbers, got None"),
        ({"flip": "half"}, "flip must be a number, got 'half'"),
    ],
)
def test_what_is_no_number_is_refused(change, message, without_checker):
    with pytest.raises(TypeError, match=message):
        replace(Recipe(), **change)


def test_an_unknown_recipe_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="one of 'article', 'modern', 'quick', got 'best'"):
        find_recipe("best")


def test_the_steps_are_pytorchs_multistep_schedule():
    recipe = Recipe(epochs=10, milestones=(3, 7))
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 7], gamma=0.1)
    for epoch in range(10):
        expected = schedule.get_last_lr()[0]
        for step in (0, 4):
            assert learning_rate_at(recipe, epoch * 5 + step, steps_per_epoch=5) == pytest.approx(
                expected
            )
        optimizer.step()
        schedule.step()


def test_the_triangle_peaks_where_it_says_and_ends_near_zero():
    recipe = Recipe(epochs=10, schedule="triangle", peak=0.2, learning_rate=1.0)
    rates = [learning_rate_at(recipe, step, steps_per_epoch=100) for step in range(1000)]
    assert max(rates) == pytest.approx(1, abs=0.01) and rates.index(max(rates)) in (199, 200)
    assert 0 < rates[0] < 0.01 and 0 < rates[-1] < 0.01


def test_the_cosine_is_pytorchs_after_a_straight_rise():
    recipe = Recipe(epochs=10, schedule="cosine", peak=0.2, learning_rate=1.0)
    rates = [learning_rate_at(recipe, step, steps_per_epoch=100) for step in range(1000)]
    triangle = replace(recipe, schedule="triangle")
    rise = [learning_rate_at(triangle, step, steps_per_epoch=100) for step in range(200)]
    assert rates[:200] == rise
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    # ours is read in the middle of each step, so twice as many of PyTorch's, and every second one
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=1600)
    for step in range(1600):
        if step % 2:
            assert rates[200 + step // 2] == pytest.approx(schedule.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        schedule.step()


def test_a_step_outside_the_run_is_refused():
    with pytest.raises(ValueError, match="steps must lie from 0 to 14, got 15"):
        learning_rate_at(Recipe(epochs=3), 15, steps_per_epoch=5)
