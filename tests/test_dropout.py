import pytest
import torch
from torch import nn
from torch.testing import assert_close

from cnnguide.dropout import Dropout, draw_mask, drop_where, dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_it_equals_pytorch_for_the_same_mask_in_value_and_gradient(p):
    x = torch.randn(20, 30, dtype=torch.float64).add(3).requires_grad_()
    theirs = nn.functional.dropout(x, p)
    ours = drop_where(x, theirs == 0, p=p)
    assert_close(ours, theirs)
    probe = torch.randn_like(x)
    assert_close(torch.autograd.grad(ours, x, probe), torch.autograd.grad(theirs, x, probe))


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5])
def test_the_mean_stays(p):
    x = torch.full((200_000,), 2.0, dtype=torch.float64)
    y = dropout(x, p=p, generator=torch.Generator().manual_seed(0))
    # five standard errors of a mean of 200,000
    assert abs(y.mean() - 2) <= 5 * 2 * (p / (1 - p) / 200_000) ** 0.5


def test_each_activation_is_dropped_by_itself_with_probability_p():
    mask = draw_mask(torch.zeros(2, 200_000), p=0.3, generator=torch.Generator().manual_seed(0))
    share, both = mask.double().mean(), (mask[0] & mask[1]).double().mean()
    assert abs(share - 0.3) < 5 * (0.21 / 400_000) ** 0.5
    assert abs(both - 0.09) < 5 * (0.09 * 0.91 / 200_000) ** 0.5


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_the_ends_equal_pytorchs(p):
    x = torch.randn(5, dtype=torch.float64)
    assert_close(dropout(x, p=p), nn.functional.dropout(x, p))


def test_nothing_happens_in_evaluation_mode():
    x = torch.randn(4, 5)
    assert Dropout(0.9).eval()(x) is x


def test_the_layer_drops_in_training_mode():
    layer = Dropout(0.5, generator=torch.Generator().manual_seed(0))
    assert set(layer(torch.ones(100)).tolist()) == {0.0, 2.0}


def test_the_same_seed_drops_the_same():
    x = torch.ones(50)
    first, second = (dropout(x, p=0.5, generator=torch.Generator().manual_seed(1)) for _ in "ab")
    assert torch.equal(first, second)


def test_the_input_stays_as_it_was():
    x = torch.ones(50)
    dropout(x, p=0.5)
    assert x.eq(1).all()


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(p):
    for call in (
        lambda: dropout(torch.ones(2), p=p),
        lambda: Dropout(p),
        lambda: drop_where(torch.ones(2), torch.ones(2, dtype=torch.bool), p=p),
    ):
        with pytest.raises(ValueError, match="the probability to drop, must be from 0 to 1, got"):
            call()


def test_integers_are_refused(unchecked):
    with pytest.raises(TypeError, match=r"must be floating-point, got torch.int64"):
        unchecked(dropout)(torch.ones(3, dtype=torch.int64), p=0.5)


def test_a_mask_of_another_shape_is_refused(unchecked):
    with pytest.raises(ValueError, match=r"must have the shape of x, \(3,\), got \(2,\)"):
        unchecked(drop_where)(torch.ones(3), torch.ones(2, dtype=torch.bool), p=0.5)


def test_half_is_dropped_unless_told():
    assert Dropout().p == 0.5
