from statistics import mean
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from benchmarks import optimisers
from cnnguide import data, mix, results
from cnnguide.recipe import RECIPES, Recipe
from cnnguide.train import (
    evaluate,
    has_fast_bfloat16,
    make_optimizer,
    seed_everything,
    train_epoch,
)

TINY = Recipe(epochs=3, batch_size=16, learning_rate=0.02, schedule="triangle", padding=1)


def few(count=40):
    sample = data.load("sample")
    chosen = torch.arange(0, 1000, 1000 // count)[:count]
    return sample.test_images[chosen], sample.test_labels[chosen]


def tiny_net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=4), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10)
    )


@pytest.mark.parametrize(("hip", "expected"), [(None, [False, True]), ("7.0", [True, True])])
def test_each_card_is_asked_whether_it_multiplies_in_bfloat16(monkeypatch, hip, expected):
    cards = [SimpleNamespace(major=7, minor=5), SimpleNamespace(major=9, minor=0)]  # a T4, an H100
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda d: cards[getattr(d, "index", d)]
    )
    monkeypatch.setattr(torch.cuda, "_check_bf16_tensor_supported", lambda _: True)  # it emulates
    monkeypatch.setattr(torch.version, "hip", hip)
    assert [has_fast_bfloat16(torch.device("cuda", k)) for k in (0, 1)] == expected


@pytest.mark.parametrize(
    ("onednn", "avx512", "avx512_bf16", "expected"),
    [
        (True, True, True, True),
        (True, True, False, False),  # such as Skylake, where oneDNN emulates it
        (True, False, False, True),  # ARM with instructions for it
        (False, False, False, False),
    ],
)
def test_a_processor_that_emulates_bfloat16_does_not_use_it(
    monkeypatch, onednn, avx512, avx512_bf16, expected
):
    answers = {"_is_avx512_supported": avx512, "_is_avx512_bf16_supported": avx512_bf16}
    for name, answer in answers.items():
        monkeypatch.setattr(torch.cpu, name, lambda answer=answer: answer)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    operations = SimpleNamespace(_is_mkldnn_bf16_supported=lambda: onednn)
    monkeypatch.setattr(torch.ops, "mkldnn", operations)
    assert has_fast_bfloat16(torch.device("cpu")) is expected


def test_bfloat16_is_not_used_where_onednn_or_the_card_is_missing(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace())  # it has no such operations then
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not any(has_fast_bfloat16(torch.device(name)) for name in ("cpu", "cuda"))


@pytest.mark.parametrize("name", RECIPES)
def test_an_epoch_is_the_steps_of_pytorchs_sgd(name):
    recipe = RECIPES[name]
    ours, theirs = tiny_net().double(), tiny_net().double()
    pictures = [torch.randn(n, 3, 32, 32, dtype=torch.float64) for n in (8, 5)]
    labels = [torch.arange(8) % 10, torch.arange(5)]
    score = train_epoch(
        ours,
        zip(pictures, labels, strict=True),
        make_optimizer(ours, recipe),
        learning_rates=iter([0.1, 0.05]),
        label_smoothing=recipe.label_smoothing,
    )
    decayed = [p for p in theirs.parameters() if p.ndim > 1 or recipe.decay_all]
    free = [p for p in theirs.parameters() if p.ndim <= 1 and not recipe.decay_all]
    optimizer = torch.optim.SGD(
        [{"params": decayed}] + ([{"params": free, "weight_decay": 0.0}] if free else []),
        lr=0.1,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
    )
    losses = []
    for x, y, rate in zip(pictures, labels, (0.1, 0.05), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        # the loop computes its loss in float32
        loss = F.cross_entropy(theirs(x).float(), y, label_smoothing=recipe.label_smoothing)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert_close(ours.state_dict(), theirs.state_dict())
    # 8 and 5 images: the short batch counts for what it is
    assert score.loss == pytest.approx((8 * losses[0] + 5 * losses[1]) / 13)


def test_a_run_that_diverges_stops_with_the_step_and_the_value():
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    x, y = torch.full((2, 1, 2, 2), 1e30), torch.tensor([0, 1])
    optimizer = torch.optim.SGD(net.parameters(), lr=1e30)
    with pytest.raises(
        FloatingPointError, match=r"the loss is (nan|inf) at step [23] of the epoch"
    ):
        train_epoch(net, [(x, y)] * 4, optimizer, learning_rates=iter([1e30] * 4))


def test_no_batch_is_refused():
    net = nn.Linear(1, 1)
    with pytest.raises(ValueError, match="an epoch must have at least one batch, got none"):
        train_epoch(net, [], torch.optim.SGD(net.parameters()), learning_rates=iter([]))
    with pytest.raises(ValueError, match="an evaluation must have at least one batch, got none"):
        evaluate(net, [])


def test_an_evaluation_counts_each_image_once_and_changes_nothing():
    net = tiny_net().train()
    x, y = torch.randn(7, 3, 32, 32), torch.arange(7)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    score = evaluate(net, zip(x.split(5), y.split(5), strict=True))
    assert net.training
    assert_close(net.state_dict(), before)
    scores = net.eval()(x)
    assert score.loss == pytest.approx(F.cross_entropy(scores, y).item(), rel=1e-5)
    assert score.accuracy == pytest.approx((scores.argmax(1) == y).float().mean().item())


def test_seeding_reaches_every_generator():
    import random

    import numpy as np

    def draw():
        return torch.rand(1).item(), np.random.rand(), random.random()  # noqa: NPY002

    seed_everything(5)
    first = draw()
    seed_everything(5)
    assert draw() == first


@pytest.mark.parametrize("lam", [0.75, 0.25])
def test_a_mixed_epoch_is_the_step_with_mixed_pictures_and_labels(lam):
    ours, theirs = tiny_net().double(), tiny_net().double()
    x, y = torch.randn(8, 3, 32, 32, dtype=torch.float64), torch.arange(8)
    partners = torch.arange(8).roll(3)

    def mixing(images):
        return mix.Mixed(mix.mixup(images, lam=lam, permutation=partners), lam, partners)

    score = train_epoch(
        ours, [(x, y)], torch.optim.SGD(ours.parameters(), lr=0.0), learning_rates=iter([0.1]),
        label_smoothing=0.1, mixing=mixing,
    )  # fmt: skip
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1)
    blend = lam * x + (1 - lam) * x[partners]
    logits = theirs(blend)
    target = mix.soft_labels(y, lam=lam, permutation=partners, num_classes=10)
    loss = F.cross_entropy(logits.float(), target, label_smoothing=0.1)
    loss.backward()
    optimizer.step()
    assert score.loss == pytest.approx(loss.item(), rel=1e-5)
    # the loop computes its loss in float32
    assert_close(ours.state_dict(), theirs.state_dict(), rtol=1e-5, atol=1e-6)
    stronger = y if lam > 0.5 else y[partners]
    assert score.accuracy == pytest.approx((logits.argmax(1) == stronger).float().mean().item())


def test_a_matrix_of_kernels_is_pytorchs_convolution():
    torch.manual_seed(0)
    ours, theirs = optimisers.Convolution(3, 8).double(), nn.Conv2d(3, 8, 3, 2, 1, bias=False)
    theirs.double().weight.data = ours.weight.data.view(8, 3, 3, 3).clone()
    x = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    assert_close(ours(x), theirs(x))
    for module in (ours, theirs):
        module(x).square().sum().backward()
    assert_close(ours.weight.grad.view_as(theirs.weight), theirs.weight.grad)


def test_muon_moves_the_kernels_and_adamw_everything_else():
    model = optimisers.make()
    muon, adamw = optimisers.optimizers("Muon", model, 0.1)
    kernels = [p for group in muon.param_groups for p in group["params"]]
    rest = [p for group in adamw.param_groups for p in group["params"]]
    assert [len(p) for p in kernels] == list(optimisers.WIDTHS)
    assert {id(p) for p in kernels + rest} == {id(p) for p in model.parameters()}
    assert len(kernels + rest) == len([*model.parameters()])


def test_the_comparison_of_optimisers_goes_on_where_it_was_cut(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(optimisers, "BATCH", 5)
    few = {name: (x[::100], y[::100]) for name, (x, y) in optimisers.pictures().items()}
    monkeypatch.setattr(optimisers, "pictures", lambda: few)
    runs = [optimisers.choices(name, "cosine", 0.01, 1, 0) for name in optimisers.RATES]
    runs += [optimisers.choices("momentum", name, 0.01, 1, 0) for name in optimisers.SCHEDULES]
    monkeypatch.setattr(optimisers, "plan", lambda seeds, epochs: iter(runs))
    command = ["--record-folder", str(tmp_path)]
    assert optimisers.main(command) == 0
    first = results.load("optimisers", folder=tmp_path)
    count = len(runs) - 1  # momentum with the cosine is in both lists
    assert len(capsys.readouterr().out.splitlines()) == len(first["runs"]) == count
    results.save("optimisers", {**first, "runs": first["runs"][1:]}, folder=tmp_path)
    assert optimisers.main(command) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1  # the one that was lacking


def test_a_run_that_diverges_is_recorded_without_a_loss(monkeypatch):
    x, y = torch.full((10, 3, 16, 16), float("inf")), torch.zeros(10, dtype=torch.int64)
    sets = dict.fromkeys(("train", "validation", "test"), (x, y))
    monkeypatch.setattr(optimisers, "pictures", lambda: sets)
    monkeypatch.setattr(optimisers, "BATCH", 5)
    assert optimisers.train(optimisers.choices("SGD", "constant", 1.0, 1, 0))["train_loss"] is None


def at_each_rate(optimiser, schedule="cosine"):
    """Mean validation accuracy of the recorded runs at each rate, in percent."""
    wanted = {"optimiser": optimiser, "schedule": schedule}
    runs = [r for r in results.load("optimisers")["runs"] if wanted.items() <= r.items()]
    return {
        rate: 100 * mean(r["validation_accuracy"] for r in runs if r["learning_rate"] == rate)
        for rate in optimisers.RATES[optimiser]
    }


def test_every_planned_run_is_recorded_once():
    recorded = results.load("optimisers")["runs"]
    planned = list(optimisers.plan(3, optimisers.EPOCHS))
    assert len(recorded) == len(planned) == 189
    assert all(sum(run.items() <= r.items() for r in recorded) == 1 for run in planned)


@pytest.mark.parametrize(
    ("optimiser", "schedule"),
    [(name, "cosine") for name in optimisers.RATES if name != "Muon"]
    + [("momentum", name) for name in optimisers.SCHEDULES],
)
def test_the_best_rate_lies_inside_the_grid(optimiser, schedule):
    means = at_each_rate(optimiser, schedule)
    best = max(means, key=means.__getitem__)
    assert min(means) < best < max(means)


def test_the_best_rate_of_muon_is_the_largest_one_tried():
    means = at_each_rate("Muon")
    assert max(means, key=means.__getitem__) == max(means)


def test_the_best_rates_of_the_optimisers_lie_far_apart():
    means = [at_each_rate(name) for name in optimisers.RATES]
    best = [max(found, key=found.__getitem__) for found in means]
    assert max(best) > 50 * min(best)
