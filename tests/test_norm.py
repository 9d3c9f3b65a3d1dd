import re
from statistics import mean, stdev

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from benchmarks import normalisation
from cnnguide import results
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
    with pytest.raises(ValueError, match=r"images must have shape \(N, 3, H, W\), got"):
        unchecked(BatchNorm2d.forward)(layer, torch.zeros(shape))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_features": 0}, "num_features must be at least 1, got 0"),
        ({"num_features": 3, "momentum": 1.5}, "new batch's weight, must lie from 0 to 1, got 1.5"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        BatchNorm2d(**settings)


def test_statistics_of_nothing_are_refused():
    with pytest.raises(ValueError, match="at least one value"):
        batch_statistics(torch.zeros(0, 3, 2, 2))


def test_statistics_of_another_rank_are_refused(unchecked):
    with pytest.raises(ValueError, match=r"must have shape \(N, C, H, W\), got \(3, 2\)"):
        unchecked(batch_statistics)(torch.zeros(3, 2))


def test_the_usual_eps_is_pytorchs():
    x = torch.randn(4, 3, 2, 2, dtype=torch.float64) * 1e-3
    expected = nn.functional.batch_norm(x, None, None, training=True)
    assert_close(standardise(x, *batch_statistics(x)), expected)


def test_two_values_a_channel_are_enough():
    ours, theirs = both()
    compare(ours, theirs, torch.randn(2, 3, 1, 1, dtype=torch.float64))


# What the page says of its measurements


def measured(kind, *, batch=32, epochs=6, seeds=10):
    """The recorded runs, by learning rate."""
    found = {}
    wanted = {"kind": kind, "batch_size": batch, "epochs": epochs}
    for run in results.load("norm")["runs"]:
        if wanted.items() <= run.items() and run["seed"] < seeds:
            found.setdefault(run["learning_rate"], []).append(run)
    return found


def test_every_kind_has_the_same_rates_seeds_and_epochs():
    compared = [measured(kind) for kind in ("none", "before", "after")]
    for by_rate in compared:
        assert sorted(by_rate) == [0.01, 0.03, 0.1, 0.3, 1.0]
        assert {len({run["seed"] for run in runs}) for runs in by_rate.values()} == {10}
    small = [measured(kind, batch=size) for kind in ("before", "group") for size in (2, 4, 8)]
    for by_rate in small:
        assert [len(runs) for runs in by_rate.values()] == [3, 3, 3]


def test_every_kind_starts_with_hes_variance():
    torch.manual_seed(0)
    for kind in normalisation.KINDS:
        convolutions = [m for m in normalisation.make(kind) if isinstance(m, nn.Conv2d)]
        weight = convolutions[-1].weight
        assert weight.shape == (32, 32, 3, 3)
        assert weight.std().item() == pytest.approx((2 / (32 * 9)) ** 0.5, rel=0.05)


def test_the_benchmark_goes_on_where_it_was_cut(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(normalisation, "RATES", (0.01, 0.03, 0.1, 0.3))
    monkeypatch.setattr(normalisation, "SMALL", ())
    few = {name: (x[::60], y[::60]) for name, (x, y) in normalisation.pictures().items()}
    monkeypatch.setattr(normalisation, "BATCH", 10)
    monkeypatch.setattr(normalisation, "pictures", lambda: few)
    command = ["--seeds", "1", "--epochs", "1", "--record-folder", str(tmp_path)]
    assert normalisation.main(command) == 0
    first = results.load("norm", folder=tmp_path)
    assert len(capsys.readouterr().out.splitlines()) == len(first["runs"])
    assert {run["kind"] for run in first["runs"]} == set(normalisation.KINDS)

    results.save("norm", {**first, "runs": first["runs"][1:]}, folder=tmp_path)
    assert normalisation.main(command) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1  # the one that was lacking
    again = results.load("norm", folder=tmp_path)
    assert again["runs"][-1]["train_loss"] == first["runs"][0]["train_loss"]


def test_a_run_whose_loss_is_no_number_is_recorded_as_diverged():
    run = normalisation.choices("none", 32, 1e30, 1, 0)
    found = normalisation.train(run)
    assert found["diverged"] and found["test_accuracy"] is None


def best_rate(kind, **options):
    """The learning rate that does best on validation, among those at which no run diverged."""
    by_rate = {
        rate: runs
        for rate, runs in measured(kind, **options).items()
        if not any(run["diverged"] for run in runs)
    }
    return max(by_rate, key=lambda rate: mean(r["validation_accuracy"] for r in by_rate[rate]))


def best(kind, **options):
    """The test accuracies, in percent, at that rate."""
    runs = measured(kind, **options)[best_rate(kind, **options)]
    return [100 * run["test_accuracy"] for run in runs]


def at(kind, rate):
    return [100 * run["test_accuracy"] for run in measured(kind)[rate]]


def test_after_six_epochs_batchnorm_is_about_ten_points_ahead():
    without, before, after = (best(kind) for kind in ("none", "before", "after"))
    assert 9 < mean(before) - mean(without) < 12 and min(before + after) > max(without)
    assert abs(mean(before) - mean(after)) < 1 < stdev(before)
    for rate in (0.01, 0.03):
        assert 2.5 < mean(at("after", rate)) - mean(at("before", rate)) < 3.5


def test_without_batchnorm_the_high_rates_fail():
    assert mean(at("none", 0.3)) < 11
    assert 0 < sum(run["diverged"] for run in measured("none")[1.0]) < 10
    for kind in ("before", "after"):
        assert not any(run["diverged"] for runs in measured(kind).values() for run in runs)
        assert mean(at(kind, 0.3)) > 35
    assert min(at("after", 1.0)) < 15 < 23 < min(at("before", 1.0))


def test_three_times_as_many_epochs_shrink_the_lead():
    without, with_it = (best(kind, epochs=18, seeds=5) for kind in ("none", "before"))
    assert [len(without), len(with_it)] == [5, 5]
    assert best_rate("none", epochs=18, seeds=5) == 0.03
    assert best_rate("before", epochs=18, seeds=5) == 0.3
    assert {best_rate(kind) for kind in ("none", "before", "after")} == {0.1}
    assert 0 < mean(best("before")) - mean(without) < 2
    assert 3 < mean(with_it) - mean(without) < 5


def test_small_batches_cost_batchnorm_some_points_and_groupnorm_none():
    middle = (0.03, 0.1, 0.3)  # in proportion to the batch, what all had

    def small(kind, size):
        rates = [round(rate * size / 32, 6) for rate in middle]
        by_rate = measured(kind, batch=size, seeds=3)
        runs = max(
            (by_rate[rate] for rate in rates),
            key=lambda runs: mean(run["validation_accuracy"] for run in runs),
        )
        return mean(100 * run["test_accuracy"] for run in runs)

    batchnorm, groupnorm = ([small(k, size) for size in (2, 4, 8, 32)] for k in ("before", "group"))
    assert 5 < batchnorm[3] - batchnorm[0] < 7
    assert max(groupnorm) - min(groupnorm) < 2
    ahead = [b - g for b, g in zip(batchnorm, groupnorm, strict=True)]
    assert abs(ahead[0]) < 2 and min(ahead[1:]) > 5


@pytest.mark.parametrize(
    "settings", [{}, {"momentum": None}, {"eps": 0.5, "momentum": 0.25, "affine": False}]
)
def test_it_prints_its_settings_as_pytorch_s_layer_does(settings):
    theirs = repr(nn.BatchNorm2d(8, **settings))
    ours = re.sub(r", (track_running_stats|bias)=\w+", "", theirs)  # which ours does not have
    assert repr(BatchNorm2d(8, **settings)) == ours
