import pytest
import torch
import torchvision
from torch import nn

from cnnguide import models


@pytest.mark.parametrize(
    ("make", "shape", "millions"),
    [
        (lambda: models.LeNet5(in_channels=3), (3, 32, 32), 0.652),
        (models.AlexNet, (3, 224, 224), 714),
        (models.vgg16, (3, 224, 224), 15_470),
        (models.vgg19, (3, 224, 224), 19_632),
        (models.resnet18, (3, 224, 224), 1814),
        (models.cifar_resnet18, (3, 32, 32), 555.4),
        (torchvision.models.mobilenet_v2, (3, 224, 224), 301),
    ],
    ids=["lenet", "alexnet", "vgg16", "vgg19", "resnet18", "cifar_resnet18", "mobilenet_v2"],
)
def test_networks_cost_what_is_known(make, shape, millions):
    with torch.device("meta"):
        net = make()
    assert models.count_multiply_adds(net, shape) / 1e6 == pytest.approx(millions, rel=0.01)


def test_multiply_adds_by_hand():
    net = nn.Sequential(
        nn.Conv2d(4, 6, 3, groups=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 25, 7)
    )
    assert models.count_multiply_adds(net, (4, 5, 5)) == 6 * 2 * 9 * 25 + 150 * 7


def test_counting_leaves_the_network_as_it_was():
    net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)).train()
    net[0].eval()
    models.count_multiply_adds(net, (1, 3, 3))
    assert not net[0].training and net[1].training
    assert net[1].num_batches_tracked == 0 and not net[0]._forward_hooks


def test_parameters_count_the_frozen_and_not_the_buffers():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    net.requires_grad_(False)
    assert models.count_parameters(net) == 6 + 3 + 6


def test_an_image_has_three_sizes():
    with pytest.raises(ValueError, match=r"one image has shape \(C, H, W\), got \(1, 3, 8, 8\)"):
        models.count_multiply_adds(nn.Conv2d(3, 1, 1), (1, 3, 8, 8))
