import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from cnnguide.models import QuickNet
from cnnguide.models.quick import Group, whitening_filters


def correlated_images():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(50, 3, 12, 12, generator=generator, dtype=torch.float64)
    return noise.cumsum(3) + 0.5 * noise.roll(1, 1)


def test_whitened_patches_are_uncorrelated_and_equally_strong():
    images = correlated_images()
    filters = whitening_filters(images, eps=0.0)
    patches = F.conv2d(images, filters).transpose(0, 1).flatten(1)
    assert_close(patches.cov(), torch.eye(27, dtype=torch.float64), atol=1e-6, rtol=0)


def test_the_strongest_direction_comes_first():
    images = correlated_images()
    filters = whitening_filters(images, eps=0.0).flatten(1)
    # A filter is its direction divided by its strength: the strongest is the shortest.
    assert (filters.norm(dim=1).diff() >= 0).all()


def test_eps_holds_the_weakest_directions_back():
    flat = torch.zeros(4, 3, 8, 8, dtype=torch.float64)
    assert whitening_filters(flat, eps=0.01).abs().max() <= 10


def test_too_few_patches_are_refused():
    with pytest.raises(ValueError, match="27 directions must have at least as many patches, got 4"):
        whitening_filters(torch.zeros(1, 3, 4, 4))


def test_a_group_starts_near_the_identity():
    group = Group(8, 16).eval()
    x = torch.rand(2, 8, 6, 6)
    first = group.conv1(x)[:, :8]
    assert torch.equal(first, x)


def test_the_stem_is_fixed():
    net = QuickNet()
    assert [n for n, p in net.named_parameters() if not p.requires_grad] == ["stem.weight"]


def test_whiten_sets_the_stem():
    net, images = QuickNet(), torch.randn(20, 3, 32, 32)
    net.whiten(images)
    assert_close(net.stem.weight.data, whitening_filters(images))


def test_both_signs_of_the_stem_reach_the_groups():
    net = QuickNet().eval()
    seen = []
    net.group1.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    x = torch.randn(1, 3, 32, 32)
    net(x)
    stem = net.stem(x)
    assert_close(seen[0], F.gelu(torch.cat([stem, -stem], 1)))


def test_the_first_loss_is_near_that_of_guessing():
    torch.manual_seed(0)
    net = QuickNet()
    images = torch.randn(64, 3, 32, 32)
    net.whiten(images)
    loss = F.cross_entropy(net(images), torch.arange(64) % 10)
    assert abs(loss - torch.tensor(10.0).log()) < 0.3


@pytest.mark.parametrize("shape", [(1, 1, 32, 32), (1, 3, 28, 28), (3, 32, 32)])
def test_another_input_is_refused(shape):
    with pytest.raises(
        ValueError, match=r"QuickNet must get images of shape \(N, 3, 32, 32\), got"
    ):
        QuickNet()(torch.zeros(shape))


def test_a_network_without_classes_is_refused():
    with pytest.raises(ValueError, match="num_classes must be at least 1, got 0"):
        QuickNet(num_classes=0)


def test_patches_that_do_not_differ_need_an_eps():
    flat = torch.ones(4, 3, 8, 8)
    assert whitening_filters(flat).isfinite().all()
    with pytest.raises(ValueError, match="eps must be above 0 where patches do not differ in ev"):
        whitening_filters(flat, eps=0.0)
