import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from cnnguide import pool

SETTINGS = [
    (2, {}),
    (3, {"stride": 2}),
    (3, {"stride": 2, "padding": 1}),
    ((2, 3), {"stride": (1, 2), "padding": (1, 0)}),
    (1, {}),
]
PAIRS = [(pool.max_pool2d, F.max_pool2d), (pool.avg_pool2d, F.avg_pool2d)]
both = pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=["max", "avg"])


@both
@pytest.mark.parametrize(("kernel", "settings"), SETTINGS, ids=str)
def test_pooling_equals_pytorch_in_value_and_gradient(ours, theirs, kernel, settings):
    image = torch.randn(2, 3, 7, 8, dtype=torch.float64).requires_grad_()
    a, b = ours(image, kernel, **settings), theirs(image, kernel, **settings)
    assert_close(a, b)
    probe = torch.randn_like(b)
    assert_close(torch.autograd.grad(a, image, probe), torch.autograd.grad(b, image, probe))


@both
def test_equal_values_get_the_gradient_that_pytorch_gives_them(ours, theirs):
    image = torch.zeros(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    a, b = ours(image, 3, stride=1), theirs(image, 3, 1)
    assert_close(torch.autograd.grad(a.sum(), image), torch.autograd.grad(b.sum(), image))


@both
def test_an_empty_batch_gives_an_empty_result(ours, theirs):
    assert ours(torch.zeros(0, 3, 4, 4), 2).shape == (0, 3, 2, 2)


def test_padding_never_wins_a_maximum():
    assert pool.max_pool2d(-torch.ones(1, 1, 2, 2), 2, stride=1, padding=1).max() == -1


def test_padding_counts_in_a_mean():
    corner = pool.avg_pool2d(torch.ones(1, 1, 2, 2), 2, stride=1, padding=1)[0, 0, 0, 0]
    assert corner == 0.25


def test_a_maximum_ignores_small_shifts():
    image = torch.zeros(1, 1, 4, 4)
    image[0, 0, 0, 0] = 1
    assert torch.equal(pool.max_pool2d(image, 2), pool.max_pool2d(image.roll(1, 3), 2))


@both
@pytest.mark.parametrize(
    ("shape", "kernel", "settings", "message"),
    [
        ((3, 4, 4), 2, {}, r"shape \(N, C, H, W\), got \(3, 4, 4\)"),
        ((1, 1, 4, 4), 0, {}, "kernel_size must be at least 1, got 0"),
        ((1, 1, 4, 4), 5, {}, "spans 5 pixels and the padded image only 4"),
        ((1, 1, 4, 4), 2, {"padding": 2}, "at most half the window, got 2 for 2"),
        ((1, 1, 4, 4), 2, {"stride": 0}, "stride must be at least 1, got 0"),
    ],
)
def test_what_does_not_fit_is_refused(ours, theirs, shape, kernel, settings, message, unchecked):
    with pytest.raises(ValueError, match=message):
        unchecked(ours)(torch.zeros(shape), kernel, **settings)


@both
def test_bytes_are_refused(ours, theirs, unchecked):
    with pytest.raises(TypeError, match="floats, got torch.uint8"):
        unchecked(ours)(torch.zeros(1, 1, 4, 4, dtype=torch.uint8), 2)


def test_max_blur_pooling_blurs_the_maxima_and_keeps_every_second():
    image = torch.randn(2, 3, 8, 9, dtype=torch.float64)
    maxima = F.pad(F.max_pool2d(image, 2, 1), (1, 1, 1, 1), mode="replicate")
    kernel = torch.tensor([1.0, 2, 1], dtype=torch.float64) / 4
    weight = torch.outer(kernel, kernel).expand(3, 1, 3, 3)
    expected = F.conv2d(maxima, weight, stride=2, groups=3)
    assert_close(pool.max_blur_pool2d(image), expected)


def test_without_a_stride_max_blur_pooling_moves_with_the_image():
    image = torch.zeros(1, 1, 12, 12)
    image[..., 4:8, 4:8] = torch.rand(4, 4)
    moved = pool.max_blur_pool2d(image.roll(1, 3), stride=1)
    assert_close(moved, pool.max_blur_pool2d(image, stride=1).roll(1, 3))


def test_a_stride_below_one_is_refused_after_the_blur(unchecked):
    with pytest.raises(ValueError, match="stride must be at least 1, got 0"):
        unchecked(pool.max_blur_pool2d)(torch.zeros(1, 1, 4, 4), stride=0)


def test_the_relative_change_is_zero_without_a_change_and_grows_with_it():
    y = torch.rand(1, 1, 4, 4)
    assert pool.relative_change(y, y) == 0
    assert pool.relative_change(y, 3 * y) == pytest.approx(2)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (torch.ones(2), torch.ones(3), r"same shape, got \(2,\) and \(3,\)"),
        (torch.zeros(2), torch.ones(2), "must not be zero everywhere"),
    ],
)
def test_maps_that_cannot_be_compared_are_refused(before, after, message, unchecked):
    with pytest.raises(ValueError, match=message):
        unchecked(pool.relative_change)(before, after)
