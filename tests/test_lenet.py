from statistics import mean

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from benchmarks import lenet
from cnnguide import results
from cnnguide.models import LeNet5, count_parameters


def test_it_has_the_known_parameters():
    assert count_parameters(LeNet5()) == 61_706
    assert count_parameters(LeNet5(in_channels=3)) == 62_006


@pytest.mark.parametrize(("layer", "function"), [(nn.Tanh(), torch.tanh), (nn.ReLU(), F.relu)])
def test_it_equals_the_same_sums_written_out(layer, function):
    net = LeNet5(in_channels=3, activation=layer).double()
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    w = dict(net.named_parameters())
    y = F.avg_pool2d(function(F.conv2d(x, w["conv1.weight"], w["conv1.bias"])), 2)
    y = F.avg_pool2d(function(F.conv2d(y, w["conv2.weight"], w["conv2.bias"])), 2)
    y = function(F.linear(y.reshape(2, 400), w["fc1.weight"], w["fc1.bias"]))
    y = function(F.linear(y, w["fc2.weight"], w["fc2.bias"]))
    y = F.linear(y, w["fc3.weight"], w["fc3.bias"])
    assert_close(net(x), y)
    parameters = list(net.parameters())
    assert_close(
        torch.autograd.grad(net(x).sum(), parameters), torch.autograd.grad(y.sum(), parameters)
    )


def test_the_activation_of_1998_is_the_default():
    assert isinstance(LeNet5().activation, nn.Tanh)


def test_images_are_never_mixed():
    net = LeNet5().eval()
    x = torch.randn(3, 1, 32, 32)
    assert_close(net(x)[1:2], net(x[1:2]))


@pytest.mark.parametrize("shape", [(2, 3, 32, 32), (2, 1, 28, 28), (25, 1, 64, 64), (1, 32, 32)])
def test_another_input_is_refused(shape):
    with pytest.raises(ValueError, match=r"must get images of shape \(N, 1, 32, 32\), got"):
        LeNet5()(torch.zeros(shape))


@pytest.mark.parametrize("settings", [{"in_channels": 0}, {"num_classes": 0}])
def test_a_network_without_channels_or_classes_is_refused(settings):
    with pytest.raises(ValueError, match="must be at least 1, got 0"):
        LeNet5(**settings)


def test_the_benchmark_goes_on_where_it_was_cut(tmp_path, monkeypatch, capsys):
    def few(*, features=False):
        return {name: (x[::100], y[::100]) for name, (x, y) in whole(features=features).items()}

    whole = lenet.pictures
    monkeypatch.setattr(lenet, "pictures", few)
    monkeypatch.setattr(lenet, "MORE", 0)
    command = ["--record-folder", str(tmp_path), "--seeds", "1", "--epochs", "1"]
    assert lenet.main(command) == 0
    first = results.load("lenet", folder=tmp_path)
    assert len(capsys.readouterr().out.splitlines()) == sum(map(len, lenet.RATES.values()))
    results.save("lenet", {**first, "runs": first["runs"][1:]}, folder=tmp_path)
    assert lenet.main(command) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1  # the one that was lacking


def test_the_networks_that_are_compared_differ_in_what_their_name_says():
    counts = {name: count_parameters(lenet.make(name)) for name in lenet.RATES}
    assert counts["linear"] == 3072 * 10 + 10
    assert counts["hidden layer"] == 3072 * 64 + 64 + 64 * 10 + 10
    assert counts["hand-made features"] == 128 * 120 + 120 + 120 * 84 + 84 + 84 * 10 + 10
    assert {n for name, n in counts.items() if name.startswith("LeNet-5")} == {62_006}
    pools = {name: type(lenet.make(name).pool) for name in lenet.RATES if "LeNet-5" in name}
    assert [name for name, kind in pools.items() if kind is nn.MaxPool2d] == [
        "LeNet-5, ReLU, max pooling"
    ]
    kinds = [
        type(lenet.make(f"LeNet-5, {name}").activation) for name in ("ReLU", "tanh", "sigmoid")
    ]
    assert kinds == [nn.ReLU, nn.Tanh, nn.Sigmoid]


def test_an_upright_edge_counts_in_one_direction_of_its_region():
    image = torch.zeros(1, 3, 32, 32)
    image[..., 4:] = 1  # a step from dark to bright within the first column of regions
    strengths = lenet.directions(image).view(8, 4, 4)
    assert (strengths[4, :, 0] > 0).all()
    assert strengths.count_nonzero() == 4


def test_the_record_holds_all_that_the_benchmark_plans():
    recorded = results.load("lenet")["runs"]
    planned = list(lenet.plan(lenet.SEEDS, lenet.EPOCHS))
    assert all(any(run.items() <= known.items() for known in recorded) for run in planned)
    assert len(recorded) == len(planned) == 91


def best_runs(network):
    """The runs at the rate that is best on the photographs for choosing it."""
    runs = [run for run in results.load("lenet")["runs"] if run["network"] == network]
    at = {rate: [r for r in runs if r["learning_rate"] == rate] for rate in lenet.RATES[network]}
    return max(at.values(), key=lambda runs: mean(run["validation_accuracy"][-1] for run in runs))


def test_the_chapter_draws_its_conclusions_from_the_record():
    test = {name: [100 * run["test_accuracy"] for run in best_runs(name)] for name in lenet.RATES}
    linear, hidden, convolutions = (test[name] for name in lenet.COMPARED)
    assert round(mean(convolutions) - mean(hidden)) == 5  # "about five more of a hundred"
    assert mean(hidden) - mean(linear) > 5
    assert max(convolutions) < 50  # "more than half of the photographs are still wrong"
    own = [mean(run["train_accuracy"] for run in best_runs(name)) for name in lenet.COMPARED]
    assert own[1] > own[2] + 0.1  # "far more of them by heart"
    sizes = [best_runs(name)[0]["parameters"] for name in lenet.COMPARED]
    assert 3 * sizes[2] < sizes[1]  # "less than a third of its parameters"
    # the alternative text of the bars
    assert round(mean(test["LeNet-5, sigmoid"])) == 31
    others = [v for name in [*lenet.RATES][2:] if "sigmoid" not in name for v in test[name]]
    assert min(others) > 40 and max(others) < 50


def test_no_chosen_rate_is_the_lowest_or_the_highest_that_was_tried():
    for name, rates in lenet.RATES.items():
        assert rates[0] < best_runs(name)[0]["learning_rate"] < rates[-1], name
