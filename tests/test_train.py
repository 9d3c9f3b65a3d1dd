import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from cnnguide import data, mix
from cnnguide.recipe import RECIPES, Recipe
from cnnguide.train import evaluate, make_optimizer, seed_everything, train_epoch

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
    with pytest.raises(ValueError, match="an epoch needs at least one batch, got none"):
        train_epoch(net, [], torch.optim.SGD(net.parameters()), learning_rates=iter([]))
    with pytest.raises(ValueError, match="an evaluation needs at least one batch, got none"):
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
