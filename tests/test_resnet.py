from itertools import pairwise
from statistics import mean, stdev

import pytest
import torch
import torchvision
from torch import nn
from torch.testing import assert_close

from benchmarks import degradation
from cnnguide import models, results
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
    with pytest.raises(ValueError, match=r"must get images of shape \(N, 3, H, W\), got"):
        models.cifar_resnet18(width=4)(torch.zeros(shape))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depths": (1,), "num_classes": 0}, "num_classes must be at least 1, got 0"),
        ({"depths": ()}, "one to four stages"),
        ({"depths": (1, 0)}, r"got depths \(1, 0\)"),
        ({"depths": (1,), "width": 0}, "width 0"),
    ],
)
def test_what_is_no_network_is_refused(arguments, message):
    for kind in (ResNet, CifarResNet):
        with pytest.raises(ValueError, match=message):
            kind(BasicBlock, **arguments)


# What the page says of its measurements

LAYERS = (8, 20, 32, 56)


def measured(network, layers, *, rate=0.05, epochs=40):
    wanted = {"network": network, "layers": layers, "learning_rate": rate, "epochs": epochs}
    return [run for run in results.load("resnet")["runs"] if wanted.items() <= run.items()]


def last_losses(*args, **options):
    return [run["train_loss"][-1] for run in measured(*args, **options)]


def test_deep_plain_networks_learn_less_than_shallow_ones_and_residual_ones_do_not():
    plain = {layers: last_losses("plain", layers) for layers in LAYERS}
    residual = {layers: last_losses("residual", layers) for layers in LAYERS}
    assert {len(found) for found in [*plain.values(), *residual.values()]} == {3}
    assert max(plain[8]) < 0.05 and max(max(found) for found in residual.values()) < 0.05
    for shallow, deep in pairwise(LAYERS):
        assert mean(plain[deep]) > 3 * mean(plain[shallow]) or mean(plain[deep]) > 1.5
    assert min(plain[56]) > 1.5 > max(plain[20])
    assert min(plain[20]) > max(residual[20])


def test_no_learning_rate_of_three_saves_the_deep_plain_network():
    rates = (0.0125, 0.05, 0.2)
    best = {k: min(mean(last_losses("plain", k, rate=r)) for r in rates) for k in LAYERS}
    assert best[8] < 0.02 and best[56] > 1.5
    assert best[8] < best[20] < best[32] < best[56]


def test_four_times_as_many_epochs_save_32_plain_layers_but_not_56():
    assert max(last_losses("plain", 32, epochs=160)) < 0.1
    assert min(last_losses("plain", 56, epochs=160)) > 0.5
    assert len(last_losses("plain", 56, epochs=160)) == 2


def test_depth_alone_wins_nothing_on_new_pictures_here():
    tests = {
        layers: [run["test_accuracy"] for run in measured("residual", layers)] for layers in LAYERS
    }
    for layers in LAYERS[1:]:
        error = (stdev(tests[layers]) ** 2 / 3 + stdev(tests[8]) ** 2 / 3) ** 0.5
        assert mean(tests[layers]) - mean(tests[8]) < 2 * error


def test_the_gradient_explodes_at_the_start_and_no_longer_after_an_epoch():
    ratios = {"plain": {}, "residual": {}}
    for run in results.load("resnet")["gradients"]:
        for moment in ("at_the_start", "after_one_epoch"):
            norms = run[moment]
            assert len(norms) == 55
            ratios[run["network"]].setdefault(moment, []).append(norms[0] / norms[-1])
    assert [len(found) for kind in ratios.values() for found in kind.values()] == [3] * 4
    assert min(ratios["plain"]["at_the_start"]) > 1000
    assert max(ratios["plain"]["after_one_epoch"]) < 10
    assert max(ratios["residual"]["at_the_start"]) < 100


def test_convnext_uses_stochastic_depth_in_place_of_dropout():
    with torch.device("meta"):
        kinds = {type(module) for module in torchvision.models.convnext_tiny().modules()}
    assert torchvision.ops.StochasticDepth in kinds and nn.Dropout not in kinds


def test_the_benchmark_goes_on_where_it_was_cut(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(degradation, "LAYERS", (8,))
    monkeypatch.setattr(degradation, "DEEPEST", 8)
    command = ["--seeds", "1", "--epochs", "1", "--record-folder", str(tmp_path)]
    assert degradation.main(command) == 0
    first = results.load("resnet", folder=tmp_path)
    assert [run["network"] for run in first["runs"]].count("residual") == 1
    assert len(first["gradients"]) == 2
    said = capsys.readouterr().out.splitlines()
    assert len(said) == len(first["runs"]) + 2

    cut = {**first, "runs": first["runs"][1:]}
    results.save("resnet", cut, folder=tmp_path)
    assert degradation.main(command) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1  # the one that was lacking
    again = results.load("resnet", folder=tmp_path)
    assert again["runs"][-1]["train_loss"] == first["runs"][0]["train_loss"]
