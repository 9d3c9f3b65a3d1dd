import pytest
import torch
import torchvision
from torch import nn
from torch.testing import assert_close

from cnnguide import models
from cnnguide.models.vgg import VGG

NAMES = ["vgg16", "vgg16_bn", "vgg19", "vgg19_bn"]
# The linear layers are the same in all four and most of the memory: tests make them small.
SMALL = 8


def small(net):
    torch.manual_seed(0)
    net.classifier = nn.Sequential(nn.Linear(512 * 49, SMALL))
    return net.eval()


def skeleton(make):
    """Build a network without memory, then give memory to its convolutions alone."""
    with torch.device("meta"):
        net = make()
        net.classifier = nn.Sequential(nn.Linear(512 * 49, SMALL))
    return net.to_empty(device="cpu").eval()


@pytest.mark.parametrize("name", NAMES)
def test_torchvisions_weights_have_the_same_names_and_shapes(name):
    with torch.device("meta"):
        ours = getattr(models, name)().state_dict()
        theirs = torchvision.models.get_model(name).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


@pytest.mark.parametrize("name", ["vgg16", "vgg19_bn"])
def test_torchvisions_weights_give_the_same_outputs_and_gradients(name):
    torch.manual_seed(0)
    theirs = skeleton(lambda: torchvision.models.get_model(name))
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, 0, 0.05)
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
    ours = skeleton(getattr(models, name))
    ours.load_state_dict(theirs.state_dict(), strict=True)
    results = []
    for net in (ours, theirs):
        image = torch.linspace(-1, 1, 3 * 32 * 32).view(1, 3, 32, 32).requires_grad_()
        scores = net(image)
        results.append([scores, *torch.autograd.grad(scores.sum(), [image, *net.parameters()])])
    assert_close(*results)


@pytest.mark.parametrize(("name", "parameters"), [("vgg16", 138_357_544), ("vgg19", 143_667_240)])
def test_it_has_the_known_parameters(name, parameters):
    with torch.device("meta"):
        assert models.count_parameters(getattr(models, name)()) == parameters


def test_convolutions_start_with_hes_variance():
    with torch.device("meta"):
        net = VGG((1, 1, 1, 1, 1))
        net.classifier = nn.Sequential(nn.Linear(4, 2))
    net = net.to_empty(device="cpu")
    torch.manual_seed(0)
    net.reset_parameters()
    second = net.features[3]  # 64 channels in, 128 out: the variance is counted over the outputs
    assert second.weight.std().item() == pytest.approx((2 / (128 * 9)) ** 0.5, rel=0.02)
    assert second.bias.abs().max() == 0
    assert net.classifier[0].weight.abs().max() < 0.1


@pytest.mark.parametrize("shape", [(1, 1, 224, 224), (1, 3, 31, 224), (3, 224, 224)])
def test_another_input_is_refused(shape):
    with torch.device("meta"):
        net = models.vgg16()
        with pytest.raises(ValueError, match=r"shape \(N, 3, H, W\) with sides from 32 on, got"):
            net(torch.zeros(shape))


def test_other_than_five_stages_are_refused():
    with pytest.raises(ValueError, match="VGG must have 5 stages, got 3"):
        VGG((1, 1, 1))


def test_a_network_without_classes_is_refused():
    with pytest.raises(ValueError, match="num_classes must be at least 1, got 0"):
        models.vgg16(num_classes=0)


def test_another_end_may_take_the_place_of_the_classifier():
    network = VGG((1, 1, 1, 1, 1), num_classes=10)
    network.avgpool, network.classifier = nn.AdaptiveAvgPool2d(1), nn.Linear(512, 7)
    assert network(torch.rand(1, 3, 32, 32)).shape == (1, 7)
