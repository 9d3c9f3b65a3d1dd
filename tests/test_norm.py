import pytest
import torch
from torch import nn
from torch.testing import assert_close

from cnnguide.norm import BatchNorm2d, batch_statistics, standardise


def both(**settings):
    theirs = nn.BatchNorm2d(3, **settings).double()
    if theirs.affine:
        nn.init.normal_(theirs.weight)
        nn.init.normal_(theirs.bias)
    ours = BatchNorm2d(3, **settings).double()
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def compare(ours, theirs, x):
    results = []
    for layer in (ours, theirs):
        image = x.clone().requires_grad_()
        y = layer(image)
        inputs = [image, *layer.parameters()]
        results.append(
            [y, *torch.autograd.grad((y * torch.arange(y.numel()).view(y.shape)).sum(), inputs)]
        )
    assert_close(*results)


@pytest.mark.parametrize(
    "settings", [{}, {"momentum": 0.5, "eps": 0.1}, {"momentum": None}, {"affine": False}], ids=str
)
def test_it_equals_pytorch_in_value_gradient_and_running_statistics(settings):
    torch.manual_seed(0)
    ours, theirs = both(**settings)
    for _ in range(4):
        compare(ours, theirs, torch.randn(5, 3, 4, 2, dtype=torch.float64) * 3 + 5)
    assert_close(ours.state_dict(), theirs.state_dict())
    ours.eval(), theirs.eval()
    compare(ours, theirs, torch.randn(1, 3, 4, 2, dtype=torch.float64))
    assert_close(ours.state_dict(), theirs.state_dict())


def test_the_batch_is_divided_by_the_biased_variance_and_remembers_the_unbiased():
    x = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64).view(4, 1, 1, 1)
    layer = BatchNorm2d(1, momentum=1.0, eps=0.0).double()
    assert_close(layer(x).flatten()[-1].item(), 1.5 / 1.25**0.5)
    assert_close(layer.running_var.item(), 5 / 3)


def test_a_bias_before_it_does_nothing():
    x = torch.randn(4, 3, 5, 5, dtype=torch.float64)
    layer = BatchNorm2d(3).double()
    assert_close(layer(x), layer(x + 7))


def test_one_images_answer_depends_on_the_others_in_training_only():
    x, other = torch.randn(2, 3, 4, 4), torch.randn(1, 3, 4, 4)
    layer = BatchNorm2d(3)
    assert not torch.allclose(layer(x)[0], layer(torch.cat([x[:1], other]))[0])
    layer.eval()
    assert_close(layer(x)[0], layer(torch.cat([x[:1], other]))[0])


def test_statistics_are_per_channel():
    x = torch.stack([torch.zeros(4, 2, 2), torch.ones(4, 2, 2)], 1)
    mean, variance = batch_statistics(x)
    assert mean.tolist() == [0, 1] and variance.tolist() == [0, 0]


def test_a_constant_channel_becomes_zero():
    x = torch.full((2, 1, 2, 2), 4.0)
    assert standardise(x, *batch_statistics(x)).abs().max() == 0


def test_one_value_a_channel_is_refused_in_training_and_taken_in_use():
    layer = BatchNorm2d(3)
    with pytest.raises(ValueError, match=r"at least 2 values a channel.*got shape \(1, 3, 1, 1\)"):
        layer(torch.zeros(1, 3, 1, 1))
    assert layer.num_batches_tracked == 0
    assert layer.eval()(torch.zeros(1, 3, 1, 1)).shape == (1, 3, 1, 1)


@pytest.mark.parametrize("shape", [(2, 4, 5, 5), (2, 3, 5)])
def test_another_shape_is_refused(shape, unchecked):
    layer = BatchNorm2d(3)
    with pytest.raises(ValueError, match=r"takes shape \(N, 3, H, W\), got"):
        unchecked(BatchNorm2d.forward)(layer, torch.zeros(shape))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_features": 0}, "at least 1 channel, got 0"),
        ({"num_features": 3, "momentum": 1.5}, "new batch's weight, from 0 to 1, got 1.5"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        BatchNorm2d(**settings)


def test_statistics_of_nothing_are_refused():
    with pytest.raises(ValueError, match="at least one value"):
        batch_statistics(torch.zeros(0, 3, 2, 2))


def test_statistics_of_another_rank_are_refused(unchecked):
    with pytest.raises(ValueError, match=r"takes shape \(N, C, H, W\), got \(3, 2\)"):
        unchecked(batch_statistics)(torch.zeros(3, 2))


def test_the_usual_eps_is_pytorchs():
    x = torch.randn(4, 3, 2, 2, dtype=torch.float64) * 1e-3
    expected = nn.functional.batch_norm(x, None, None, training=True)
    assert_close(standardise(x, *batch_statistics(x)), expected)


def test_two_values_a_channel_are_enough():
    ours, theirs = both()
    compare(ours, theirs, torch.randn(2, 3, 1, 1, dtype=torch.float64))
