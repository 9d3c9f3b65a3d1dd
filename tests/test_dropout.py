from statistics import mean, stdev

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from benchmarks import dropped
from cnnguide import results
from cnnguide.dropout import Dropout, draw_mask, drop_where, dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_it_equals_pytorch_for_the_same_mask_in_value_and_gradient(p):
    x = torch.randn(20, 30, dtype=torch.float64).add(3).requires_grad_()
    theirs = nn.functional.dropout(x, p)
    ours = drop_where(x, theirs == 0, p=p)
    assert_close(ours, theirs)
    probe = torch.randn_like(x)
    assert_close(torch.autograd.grad(ours, x, probe), torch.autograd.grad(theirs, x, probe))


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5])
def test_the_mean_stays(p):
    x = torch.full((200_000,), 2.0, dtype=torch.float64)
    y = dropout(x, p=p, generator=torch.Generator().manual_seed(0))
    # five standard errors of a mean of 200,000
    assert abs(y.mean() - 2) <= 5 * 2 * (p / (1 - p) / 200_000) ** 0.5


def test_each_activation_is_dropped_by_itself_with_probability_p():
    mask = draw_mask(torch.zeros(2, 200_000), p=0.3, generator=torch.Generator().manual_seed(0))
    share, both = mask.double().mean(), (mask[0] & mask[1]).double().mean()
    assert abs(share - 0.3) < 5 * (0.21 / 400_000) ** 0.5
    assert abs(both - 0.09) < 5 * (0.09 * 0.91 / 200_000) ** 0.5


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_the_ends_equal_pytorchs(p):
    x = torch.randn(5, dtype=torch.float64)
    assert_close(dropout(x, p=p), nn.functional.dropout(x, p))


def test_nothing_happens_in_evaluation_mode():
    x = torch.randn(4, 5)
    assert Dropout(0.9).eval()(x) is x


def test_the_layer_drops_in_training_mode():
    layer = Dropout(0.5, generator=torch.Generator().manual_seed(0))
    assert set(layer(torch.ones(100)).tolist()) == {0.0, 2.0}


def test_the_same_seed_drops_the_same():
    x = torch.ones(50)
    first, second = (dropout(x, p=0.5, generator=torch.Generator().manual_seed(1)) for _ in "ab")
    assert torch.equal(first, second)


def test_the_input_stays_as_it_was():
    x = torch.ones(50)
    dropout(x, p=0.5)
    assert x.eq(1).all()


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(p):
    for call in (
        lambda: dropout(torch.ones(2), p=p),
        lambda: Dropout(p),
        lambda: drop_where(torch.ones(2), torch.ones(2, dtype=torch.bool), p=p),
    ):
        with pytest.raises(ValueError, match="the probability to drop, must be from 0 to 1, got"):
            call()


def test_integers_are_refused(unchecked):
    with pytest.raises(TypeError, match=r"must be floating-point, got torch.int64"):
        unchecked(dropout)(torch.ones(3, dtype=torch.int64), p=0.5)


def test_a_mask_of_another_shape_is_refused(unchecked):
    with pytest.raises(ValueError, match=r"must have the shape of x, \(3,\), got \(2,\)"):
        unchecked(drop_where)(torch.ones(3), torch.ones(2, dtype=torch.bool), p=0.5)


def test_half_is_dropped_unless_told():
    assert Dropout().p == 0.5


# What the chapter says about the recorded runs


def runs_of(p=0.0, weight_decay=0.0, flip=0.0, *, width=256, rate=0.02, seeds=4):
    wanted = {"p": p, "weight_decay": weight_decay, "flip": flip, "width": width}
    wanted |= {"learning_rate": rate, "epochs": 30}
    runs = [run for run in results.load("dropout")["runs"] if wanted.items() <= run.items()]
    assert {run["seed"] for run in runs} >= set(range(seeds))
    return sorted((run for run in runs if run["seed"] < seeds), key=lambda run: run["seed"])


def measured(name, runs):
    """What the seeds gave after the last epoch, in percent."""
    last = [run[name][-1] if isinstance(run[name], list) else run[name] for run in runs]
    return [100 * value for value in last]


def gains(runs, base):
    both = zip(measured("test_accuracy", runs), measured("test_accuracy", base), strict=True)
    return [ours - theirs for ours, theirs in both]


def test_1000_photographs_are_learnt_by_heart_and_with_dropout_fewer_are():
    base, thinned = runs_of(), runs_of(0.5)
    assert min(measured("train_accuracy", base)) == 100
    assert 35.5 < mean(measured("validation_accuracy", base)) < 36.5
    assert 92.5 < mean(measured("train_accuracy", thinned)) < 93.5
    assert 32.5 < mean(measured("validation_accuracy", thinned)) < 33.5
    for name in ("train_accuracy", "validation_accuracy"):
        curve = [mean(run[name][k] for run in thinned) for k in (4, 9, 29)]
        assert curve[0] > curve[1] + 0.05 < curve[2]  # down while the rate is high, and up again


def test_the_whole_network_is_about_as_good_as_the_mean_of_fifty_thinned_ones():
    runs = runs_of(0.5)
    names = ("thinned_accuracy", "averaged_accuracy", "test_accuracy")
    assert [round(mean(measured(name, runs)), 1) for name in names] == [28.6, 31.8, 32.0]
    for p in (0.2, 0.5, 0.8):
        thinned, averaged, whole = (mean(measured(name, runs_of(p))) for name in names)
        assert thinned < averaged - 1 and abs(averaged - whole) < 1
        assert whole < mean(measured("test_accuracy", runs_of()))


def test_at_one_learning_rate_decay_and_flips_help_and_dropout_does_not():
    base = runs_of()
    little = gains(runs_of(0.2), base)
    assert abs(mean(little)) < stdev(little)
    for p in (0.5, 0.8):
        assert max(gains(runs_of(p), base)) < 0
    decay, flip = gains(runs_of(weight_decay=0.1), base), gains(runs_of(flip=0.5), base)
    both = gains(runs_of(flip=0.5, weight_decay=0.1), base)
    assert 2 < mean(decay) < 3 and 2 < mean(flip) < 3 and 4 < mean(both) < 5
    assert mean(gains(runs_of(0.5, flip=0.5), base)) < 0
    assert 38.5 < mean(measured("test_accuracy", runs_of(flip=0.5, weight_decay=0.1))) < 39.5


def test_the_strengths_were_chosen_on_other_pictures_than_they_are_compared_on():
    decays = (0.01, 0.03, 0.1, 0.3)
    scores = [mean(measured("validation_accuracy", runs_of(weight_decay=d))) for d in decays]
    assert scores.index(max(scores)) == decays.index(0.1)


RATES = (0.02, 0.01, 0.005, 0.0025, 0.00125)


def best(**kind):
    """The runs at the rate that the validation pictures choose, and this rate."""

    def chosen_by(rate):
        return mean(measured("validation_accuracy", runs_of(**kind, rate=rate)))

    rate = max(RATES, key=chosen_by)
    return rate, runs_of(**kind, rate=rate)


def test_each_way_at_its_own_rate_dropout_gains_half_a_point_and_decay_more_than_twice_as_much():
    rate, base = best()
    assert rate == 0.0025 and 90 < mean(measured("train_accuracy", base)) < 99
    rate, dropped_runs = best(p=0.5)
    little = gains(dropped_runs, base)
    assert rate == 0.0025 and 0.4 < mean(little) < 0.7 and min(little) >= 0
    assert stdev(little) < mean(little) < 2 * stdev(little)
    rate, decayed = best(weight_decay=0.1)
    assert rate == 0.02 and mean(gains(decayed, base)) > 2 * mean(little)


def test_a_narrow_network_gains_from_dropout_at_one_rate_and_not_at_the_best_one():
    found = gains(runs_of(0.5, width=16), runs_of(width=16))
    assert min(found) > 0 and 1.5 < mean(found) < 1.65
    by_rate = [
        mean(gains(runs_of(0.5, width=16, rate=rate), runs_of(width=16, rate=rate)))
        for rate in RATES
    ]
    assert by_rate == sorted(by_rate, reverse=True)
    (rate, base), (another, dropped_runs) = best(width=16), best(width=16, p=0.5)
    found = gains(dropped_runs, base)
    assert rate == another == 0.0025 and abs(mean(found)) < stdev(found)
    for p in (0.0, 0.5):  # one more rate shows that 0.02 is not too low for it
        higher = mean(measured("validation_accuracy", runs_of(p, width=16, rate=0.04)))
        assert higher < mean(measured("validation_accuracy", runs_of(p, width=16)))


def test_at_lower_rates_dropout_does_no_harm_and_the_lowest_is_too_low():
    for rate in RATES[1:]:
        found = gains(runs_of(0.5, rate=rate), runs_of(rate=rate))
        assert mean(found) > -0.5 * stdev(found)
        ahead = mean(gains(runs_of(weight_decay=0.1, rate=rate), runs_of(rate=rate)))
        assert (ahead > 0) is (rate > 0.00125)
        assert rate != 0.0025 or round(ahead, 1) in {0.5, 0.6}
    kinds = ({}, {"p": 0.5}, {"weight_decay": 0.1}, {"width": 16}, {"width": 16, "p": 0.5})
    for kind in kinds:
        assert mean(measured("train_accuracy", runs_of(**kind, rate=0.00125))) < 75
        assert mean(gains(runs_of(**kind, rate=0.00125), runs_of(**kind, rate=0.0025))) < 0.5


def test_a_strong_dropout_underfits():
    accuracies = [mean(measured("train_accuracy", runs_of(p))) for p in (0.0, 0.2, 0.5, 0.8)]
    assert accuracies == sorted(accuracies, reverse=True) and round(accuracies[-1]) == 54
    others = [mean(measured("test_accuracy", runs_of(p))) for p in (0.0, 0.2, 0.5, 0.8)]
    assert others == sorted(others, reverse=True)


def test_the_benchmark_goes_on_where_it_was_cut(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(dropped, "BATCH", 5)
    few = {name: (x[::100], y[::100]) for name, (x, y) in dropped.pictures().items()}
    monkeypatch.setattr(dropped, "pictures", lambda: few)
    runs = [run for run in dropped.plan(1, 1) if run["learning_rate"] == dropped.RATE]
    monkeypatch.setattr(dropped, "plan", lambda seeds, epochs: iter(runs))
    command = ["--record-folder", str(tmp_path)]
    assert dropped.main(command) == 0
    first = results.load("dropout", folder=tmp_path)
    assert len(capsys.readouterr().out.splitlines()) == len(runs)
    results.save("dropout", {**first, "runs": first["runs"][1:]}, folder=tmp_path)
    assert dropped.main(command) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1  # the one that was lacking


def test_the_record_holds_all_that_the_benchmark_plans():
    recorded = results.load("dropout")["runs"]
    planned = list(dropped.plan(4, dropped.EPOCHS))
    assert all(any(run.items() <= known.items() for known in recorded) for run in planned)
    assert len(recorded) == len(planned)


def test_it_prints_its_probability_as_pytorch_s_layer_does():
    assert repr(Dropout(0.25)) == repr(nn.Dropout(0.25)).replace(", inplace=False", "")
