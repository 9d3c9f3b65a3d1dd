import math

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from cnnguide import learn

GENERATOR = torch.Generator()


@pytest.fixture(autouse=True)
def same_numbers():
    GENERATOR.manual_seed(0)


def draw(*shape):
    return torch.randn(shape, dtype=torch.float64, generator=GENERATOR)


def equal_in_value_and_gradient(ours, theirs, *inputs):
    inputs = [x.clone().requires_grad_() for x in inputs]
    a, b = ours(*inputs), theirs(*inputs)
    assert_close(a, b)
    probe = draw(*a.shape)
    assert_close(torch.autograd.grad(a, inputs, probe), torch.autograd.grad(b, inputs, probe))


# the worked example of the page: a cat, a dog or a ship, with scores 2, 1 and 0
SCORES = torch.tensor([[2.0, 1.0, 0.0]], dtype=torch.float64)


def test_the_example_by_hand():
    powers = [math.e**2, math.e, 1]
    assert_close(learn.softmax(SCORES)[0].tolist(), [p / sum(powers) for p in powers])
    loss = learn.cross_entropy(SCORES, torch.tensor([1])).item()
    assert loss == pytest.approx(-math.log(math.e / sum(powers)))
    gradient = learn.cross_entropy_gradient(SCORES, torch.tensor([1]))[0]
    assert [round(g, 2) for g in gradient.tolist()] == [0.67, -0.76, 0.09]


def test_a_linear_layer_equals_pytorchs_in_value_and_gradient():
    equal_in_value_and_gradient(learn.linear, F.linear, draw(5, 4), draw(3, 4), draw(3))


def test_relu_equals_pytorchs_in_value_and_gradient_at_zero_too():
    x = torch.cat([draw(20), torch.zeros(3, dtype=torch.float64)])
    equal_in_value_and_gradient(learn.relu, F.relu, x)


def test_relu_keeps_what_is_not_a_number_and_infinities():
    x = torch.tensor([float("nan"), float("inf"), -float("inf")])
    assert_close(learn.relu(x), F.relu(x), equal_nan=True)


@pytest.mark.parametrize("size", [1, 30, 1000])
def test_softmax_and_its_logarithm_equal_pytorchs_in_value_and_gradient(size):
    scores = draw(6, 5) * size
    equal_in_value_and_gradient(learn.softmax, lambda s: F.softmax(s, 1), scores)
    equal_in_value_and_gradient(learn.log_softmax, lambda s: F.log_softmax(s, 1), scores)


def test_probabilities_sum_to_one_and_keep_the_order():
    scores = draw(7, 10) * 5
    p = learn.softmax(scores)
    assert_close(p.sum(1), torch.ones(7, dtype=torch.float64))
    assert torch.equal(p.argsort(1), scores.argsort(1))


def test_a_number_added_to_all_scores_changes_no_probability():
    scores = draw(4, 6)
    assert_close(learn.softmax(scores + 100), learn.softmax(scores))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_scores_whose_powers_overflow_give_finite_losses(dtype):
    scores = torch.tensor([[1000.0, 0.0]], dtype=dtype)
    assert scores.exp().isinf().any()
    assert learn.softmax(scores).tolist() == [[1, 0]]
    assert learn.cross_entropy(scores, torch.tensor([1])).item() == 1000


@pytest.mark.parametrize("size", [1, 30])
def test_cross_entropy_equals_pytorchs_in_value_and_gradient(size):
    scores, labels = draw(8, 5) * size, torch.arange(8) % 5
    equal_in_value_and_gradient(
        lambda s: learn.cross_entropy(s, labels), lambda s: F.cross_entropy(s, labels), scores
    )


def test_the_gradient_of_cross_entropy_is_the_one_that_autograd_finds_and_differences_measure():
    scores, labels = draw(4, 3).requires_grad_(), torch.tensor([0, 2, 2, 1])
    ours = learn.cross_entropy_gradient(scores.detach(), labels)
    (theirs,) = torch.autograd.grad(F.cross_entropy(scores, labels), scores)
    assert_close(ours, theirs)
    measured = learn.measured_gradient(lambda s: learn.cross_entropy(s, labels), scores)
    # the error of a central difference is about step² / 6 = 2e-9 here
    assert_close(ours, measured, atol=1e-8, rtol=0)
    assert_close(ours.sum(1), torch.zeros(4, dtype=torch.float64))


def test_equal_scores_cost_the_logarithm_of_the_number_of_classes():
    loss = learn.cross_entropy(torch.zeros(3, 10), torch.tensor([0, 4, 9]))
    assert loss.item() == pytest.approx(math.log(10))


def test_a_measured_gradient_is_exact_for_a_parabola_and_leaves_its_input_alone():
    x = draw(2, 3)
    before = x.clone()
    assert_close(learn.measured_gradient(lambda w: (w**2).sum(), x), 2 * x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_steps_equal_pytorchs_sgd(momentum, weight_decay):
    weight, velocity = draw(4, 3), torch.zeros(4, 3, dtype=torch.float64)
    theirs = weight.clone().requires_grad_()
    settings = {"momentum": momentum, "weight_decay": weight_decay}
    optimizer = torch.optim.SGD([theirs], lr=0.1, **settings)
    for _ in range(5):
        gradient = draw(4, 3)
        theirs.grad = gradient.clone()
        optimizer.step()
        weight, velocity = learn.sgd_step(weight, velocity, gradient, learning_rate=0.1, **settings)
        assert_close(weight, theirs.detach())


def test_a_step_leaves_its_inputs_alone():
    given = [draw(3) for _ in range(3)]
    before = [x.clone() for x in given]
    learn.sgd_step(*given, learning_rate=0.1, momentum=0.9, weight_decay=0.1)
    assert all(torch.equal(a, b) for a, b in zip(given, before, strict=True))


@pytest.mark.parametrize(
    ("x", "weight", "bias", "message"),
    [
        ((2, 3, 4), (5, 4), (5,), r"inputs of shape \(N, inputs\), got \(2, 3, 4\); flatten"),
        ((2, 4), (4, 5), (4,), r"for 4 inputs must have shape \(outputs, 4\), got \(4, 5\)"),
        ((2, 4), (5, 4), (1,), r"5 outputs must have 5 biases, got \(1,\)"),
    ],
)
def test_a_layer_that_does_not_fit_is_refused(x, weight, bias, message, unchecked):
    with pytest.raises(ValueError, match=message):
        unchecked(learn.linear)(torch.zeros(x), torch.zeros(weight), torch.zeros(bias))


@pytest.mark.parametrize("function", [learn.softmax, learn.log_softmax])
@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), (2, 0)])
def test_scores_of_another_shape_are_refused(function, shape, unchecked):
    with pytest.raises(ValueError, match=r"scores must have shape \(N, K\).*got \("):
        unchecked(function)(torch.zeros(shape))


@pytest.mark.parametrize("function", [learn.softmax, learn.log_softmax])
def test_whole_numbers_are_not_scores(function, unchecked):
    with pytest.raises(TypeError, match="scores must be floats, got torch.int64"):
        unchecked(function)(torch.zeros(2, 3, dtype=torch.int64))


@pytest.mark.parametrize("function", [learn.cross_entropy, learn.cross_entropy_gradient])
@pytest.mark.parametrize(
    ("labels", "rows", "message"),
    [
        ([0, 3], 2, "labels for 3 classes must lie from 0 to 2, got 3"),
        ([-1, 1], 2, "must lie from 0 to 2, got -1"),
        ([0], 2, r"labels must have shape \(2,\), one per row of scores, got \(1,\)"),
        ([[1, 0, 0]], 1, r"labels must have shape \(1,\), one per row of scores, got \(1, 3\)"),
        ([], 0, "at least one row of scores, got none"),
    ],
)
def test_labels_that_do_not_fit_are_refused(function, labels, rows, message, unchecked):
    with pytest.raises(ValueError, match=message):
        unchecked(function)(torch.zeros(rows, 3), torch.tensor(labels, dtype=torch.int64))


def test_labels_that_are_not_whole_numbers_are_refused(unchecked):
    with pytest.raises(TypeError, match="type int64, got torch.float32"):
        unchecked(learn.cross_entropy)(torch.zeros(2, 3), torch.tensor([0.0, 1.0]))


def test_a_step_of_no_length_measures_nothing():
    with pytest.raises(ValueError, match="above 0, got 0.0"):
        learn.measured_gradient(lambda w: w.sum(), draw(2), step=0.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rate": -1.0}, "learning_rate must be a finite number from 0 on, got -1.0"),
        ({"momentum": 1.0}, "momentum must lie from 0 to below 1, got 1.0"),
        ({"weight_decay": -0.1}, "weight_decay must be a finite number from 0 on, got -0.1"),
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(settings, message):
    zeros = torch.zeros(2)
    with pytest.raises(ValueError, match=message):
        learn.sgd_step(zeros, zeros, zeros, **{"learning_rate": 0.1, **settings})


def test_a_velocity_of_another_shape_is_refused(unchecked):
    with pytest.raises(ValueError, match=r"one shape, got \(2,\), \(3,\) and \(2,\)"):
        unchecked(learn.sgd_step)(torch.zeros(2), torch.zeros(3), torch.zeros(2), learning_rate=0.1)


def test_a_gradient_is_measured_at_numbers_that_lie_in_another_order():
    x = torch.arange(6.0, dtype=torch.float64).view(3, 2).T
    found = learn.measured_gradient(lambda w: (w**3).sum(), x)
    assert_close(found, 3 * x**2, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda w: w**2, r"function must give one number, got shape \(2,\)"),
        (lambda w: None, "what function gives must be one number, got None"),
    ],
)
def test_what_has_no_single_slope_is_refused(function, message):
    with pytest.raises((TypeError, ValueError), match=message):
        learn.measured_gradient(function, torch.ones(2, dtype=torch.float64))
