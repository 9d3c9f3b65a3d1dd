import pytest
import torch
import torchvision
from torch import nn

from cnnguide.models import AlexNet, LeNet5, cifar_resnet18, resnet18, resnet50, vgg16
from cnnguide.receptive import (
    Field,
    Layer,
    effective_receptive_field,
    receptive_field_of,
    receptive_fields,
)


def chain(layers):
    modules = [
        nn.Conv2d(1, 1, k.kernel_size, stride=k.stride, dilation=k.dilation, padding=k.padding)
        for k in layers
    ]
    for module in modules:
        nn.init.ones_(module.weight)
    return nn.Sequential(*modules)


def seen_columns(module, index, side=64):
    """Ask a gradient which input columns one output depends on."""
    image = torch.rand(1, 1, side, side, requires_grad=True)
    module(image)[0, 0, index, index].backward()
    return image.grad[0, 0].abs().sum(0).nonzero().flatten().tolist()


@pytest.mark.parametrize(
    "layers",
    [
        [Layer(3)] * 3,
        [Layer(3, stride=2)] * 3,
        [Layer(3, stride=2), Layer(3), Layer(3)],
        [Layer(3), Layer(3, stride=2)],
        [Layer(3), Layer(3), Layer(3, stride=2)],
        [Layer(3), Layer(3, stride=2)] * 2,
        [Layer(5, dilation=2), Layer(2, stride=2), Layer(3, dilation=3)],
        [Layer(3, padding=1), Layer(4, stride=3, padding=1)],
    ],
    ids=str,
)
def test_the_formula_finds_what_a_gradient_finds(layers):
    field = receptive_fields(layers)[-1]
    net = chain(layers)
    index = 4
    columns = seen_columns(net, index)
    centre = field.start + index * field.jump
    assert columns == list(range(int(centre - field.size / 2), int(centre + field.size / 2)))


def test_two_3x3_see_as_far_as_one_5x5():
    assert receptive_fields([Layer(3), Layer(3)])[-1].size == receptive_fields([Layer(5)])[0].size


def test_the_layers_own_stride_does_not_widen_its_field():
    assert receptive_fields([Layer(3, stride=4)])[-1] == Field(3, 4, 1.5, "")


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (LeNet5, 16),
        (AlexNet, 195),
        (vgg16, 212),
        (resnet18, 435),
        (cifar_resnet18, 109),
        (resnet50, 427),
        (torchvision.models.alexnet, 195),
        (torchvision.models.resnet18, 435),
    ],
)
def test_the_networks_fields(make, size):
    with torch.device("meta"):
        net = make()
    assert receptive_field_of(net)[-1].size == size


def test_a_network_is_followed_like_its_layers():
    net = nn.Sequential(
        nn.Conv2d(1, 2, 5, stride=2, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(3)
    )
    layers = [Layer(5, stride=2, padding=1, name="0"), Layer(3, stride=3, name="3")]
    assert receptive_field_of(net) == receptive_fields(layers)


def test_branches_join_in_the_widest():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(1, 1, 5, padding=2), nn.Conv2d(1, 1, 1)
            self.c = nn.Conv2d(1, 1, 3)

        def forward(self, x):
            return self.c(self.a(x) + self.b(x))

    assert receptive_field_of(Branches())[-1].size == 7


def test_branches_of_different_stride_are_refused():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Conv2d(1, 1, 2, stride=2)

        def forward(self, x):
            return self.a(x) + x

    with pytest.raises(ValueError, match="different stride meet at add"):
        receptive_field_of(Branches())


def test_an_unknown_layer_is_refused():
    with pytest.raises(TypeError, match="window of 0, a ConvTranspose2d, is not known"):
        receptive_field_of(nn.Sequential(nn.ConvTranspose2d(1, 1, 2)))


def test_an_oblong_kernel_is_refused():
    with pytest.raises(ValueError, match="0 differs in height and width"):
        receptive_field_of(nn.Sequential(nn.Conv2d(1, 1, (3, 5))))


@pytest.mark.parametrize("settings", [{"kernel_size": 0}, {"kernel_size": 3, "stride": 0}])
def test_a_layer_without_a_window_is_refused(settings):
    with pytest.raises(ValueError, match="kernel, stride and dilation of at least 1"):
        Layer(**settings)


def test_the_effective_field_lies_inside_the_theoretical_one():
    net = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(4)])
    seen = effective_receptive_field(net, (1, 21, 21), generator=torch.Generator().manual_seed(0))
    rows = (seen.sum(1) > 0).nonzero().flatten()
    assert seen.max() == 1
    assert rows.min() >= 10 - 4 and rows.max() <= 10 + 4


def test_the_effective_field_fades_from_the_middle():
    net = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(5)])
    for layer in net:
        nn.init.constant_(layer.weight, 1 / 9)
    seen = effective_receptive_field(net, (1, 21, 21), generator=torch.Generator())
    middle = seen[10]
    assert (middle[10:].diff() <= 1e-6).all()
    assert middle[15] < 0.05  # the formula's border is seen, and hardly


def test_measuring_leaves_the_mode_as_it_was():
    net = nn.Sequential(nn.BatchNorm2d(1)).train()
    effective_receptive_field(net, (1, 5, 5), generator=torch.Generator())
    assert net.training and net[0].num_batches_tracked == 0


def test_an_output_without_maps_is_refused():
    with pytest.raises(ValueError, match=r"feature maps of shape \(N, O, H, W\), got \(8, 25\)"):
        effective_receptive_field(nn.Flatten(), (1, 5, 5), generator=torch.Generator())


def test_no_input_is_refused():
    with pytest.raises(ValueError, match="at least 1 random input is needed, got 0"):
        effective_receptive_field(nn.Identity(), (1, 5, 5), generator=torch.Generator(), count=0)


def test_the_effective_field_stands_in_the_middle():
    net = nn.Conv2d(1, 1, 3, padding=1)
    seen = effective_receptive_field(net, (1, 9, 11), generator=torch.Generator())
    rows, columns = (seen > 0).nonzero().unbind(1)
    assert (rows.min(), rows.max()) == (3, 5)
    assert (columns.min(), columns.max()) == (4, 6)


def test_the_effective_field_depends_on_the_pictures_that_are_drawn():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))
    first, again, other = (
        effective_receptive_field(net, (1, 9, 9), generator=torch.Generator().manual_seed(s))
        for s in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("widths", [(3, 1), (3, 3)])
def test_a_small_field_cannot_tell_near_marks_from_distant_ones_even_at_the_edges(widths):
    torch.manual_seed(0)
    margin = sum(widths) // 2 - 1
    rows = torch.zeros(2, 22, 1, 32)
    for first in range(22):
        for near, distance in enumerate((10, 6)):
            rows[near, first, 0, [first, first + distance]] = 1
    network = nn.Sequential(
        nn.ConstantPad1d(margin, 0.0),
        nn.Conv1d(1, 12, widths[0]),
        nn.ReLU(),
        nn.Conv1d(12, 12, widths[1]),
        nn.AdaptiveMaxPool1d(1),
    ).double()
    found = network(rows.flatten(0, 1).double())
    torch.testing.assert_close(found, found[:1].expand_as(found))
