import pytest
import torch
import torchvision
from torch import nn
from torch.testing import assert_close

from cnnguide import models
from cnnguide.models.resnet import BasicBlock, Bottleneck, CifarResNet, PlainBlock, ResNet


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
@pytest.mark.parametrize("training", [False, True])
def test_torchvisions_weights_load_and_give_the_same_outputs_and_gradients(name, training):
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(name, num_classes=5).train(training)
    ours = getattr(models, name)(num_classes=5).train(training)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(2, 3, 40, 40)
    results = []
    for net in (ours, theirs):
        image = x.clone().requires_grad_()
        scores = net(image)
        results.append([scores, *torch.autograd.grad(scores.sum(), [image, *net.parameters()])])
    assert_close(*results)
    assert_close(dict(ours.named_buffers()), dict(theirs.named_buffers()))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("cifar_resnet18", 11_173_962),
        ("cifar_resnet10", 382_634),
    ],
)
def test_it_has_the_known_parameters(name, parameters):
    with torch.device("meta"):
        assert models.count_parameters(getattr(models, name)()) == parameters


def test_the_cifar_stem_is_one_convolution_that_keeps_the_side():
    net = models.cifar_resnet18(width=4)
    x = net.maxpool(net.relu(net.bn1(net.conv1(torch.zeros(1, 3, 32, 32)))))
    assert x.shape == (1, 4, 32, 32)


def test_the_stages_halve_the_side_and_double_the_width():
    net, shapes = models.cifar_resnet18(width=4), []
    x = net.conv1(torch.zeros(1, 3, 32, 32))
    for name in net.stages:
        x = getattr(net, name)(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(4, 32, 32), (8, 16, 16), (16, 8, 8), (32, 4, 4)]


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_a_block_whose_layers_give_zero_passes_its_input_on(block):
    layer = block(16 if block is BasicBlock else 64, 16).eval()
    last = layer.bn2 if block is BasicBlock else layer.bn3
    nn.init.zeros_(last.weight)
    x = torch.rand(2, 16 if block is BasicBlock else 64, 5, 5)
    assert_close(layer(x), x)


def test_the_plain_twin_has_the_same_convolutions_and_no_shortcut():
    plain, residual = models.cifar_plain18(width=4), models.cifar_resnet18(width=4)
    assert [n for n, _ in plain.named_parameters()] == [
        n for n, _ in residual.named_parameters() if "downsample" not in n
    ]
    block = PlainBlock(4, 4).eval()
    nn.init.zeros_(block.bn2.weight)
    assert block(torch.rand(1, 4, 3, 3)).abs().max() == 0


def test_a_shortcut_adds():
    residual, plain = BasicBlock(4, 4).eval(), PlainBlock(4, 4).eval()
    plain.load_state_dict(residual.state_dict())
    x = torch.rand(1, 4, 6, 6)
    inner = residual.bn2(residual.conv2(torch.relu(residual.bn1(residual.conv1(x)))))
    assert_close(residual(x), torch.relu(inner + x))
    assert_close(plain(x), torch.relu(inner))


def test_convolutions_start_with_hes_variance():
    torch.manual_seed(0)
    weight = models.cifar_resnet18().layer3[0].conv2.weight
    assert weight.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.01)


@pytest.mark.parametrize("shape", [(1, 1, 32, 32), (3, 32, 32)])
def test_another_input_is_refused(shape):
    with pytest.raises(ValueError, match=r"takes images of shape \(N, 3, H, W\), got"):
        models.cifar_resnet18(width=4)(torch.zeros(shape))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depths": (1,), "num_classes": 0}, "at least 1 class, got 0"),
        ({"depths": ()}, "one to four stages"),
        ({"depths": (1, 0)}, r"got depths \(1, 0\)"),
        ({"depths": (1,), "width": 0}, "width 0"),
    ],
)
def test_what_is_no_network_is_refused(arguments, message):
    for kind in (ResNet, CifarResNet):
        with pytest.raises(ValueError, match=message):
            kind(BasicBlock, **arguments)
