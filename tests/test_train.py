import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from cnnguide import checkpoint, data, download, gradcam, results
from cnnguide.atomic import replacing
from cnnguide.recipe import RECIPES, Recipe, find_recipe, learning_rate_at
from cnnguide.train import (
    Training,
    augmented_batches,
    evaluate,
    fit,
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


# --- recipes


def test_the_article_recipe_is_the_articles():
    r = find_recipe("article")
    assert (r.epochs, r.batch_size, r.learning_rate, r.momentum) == (150, 128, 0.1, 0.9)
    assert (r.weight_decay, r.milestones, r.gamma, r.padding) == (5e-4, (82, 123), 0.1, 4)


def test_a_recipe_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Recipe().epochs = 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs is at least 1, got 0"),
        ({"batch_size": 0}, "batch_size is at least 1, got 0"),
        ({"padding": -1}, "padding is at least 0, got -1"),
        ({"learning_rate": 0.0}, "learning_rate is above 0, got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate is above 0, got nan"),
        ({"momentum": 1.5}, "momentum lies from 0 to 1, got 1.5"),
        ({"label_smoothing": -0.1}, "label_smoothing lies from 0 to 1, got -0.1"),
        ({"cutout": -1}, "cutout is at least 0, got -1"),
        ({"average": 1.0}, "average lies from 0 to below 1, got 1.0"),
        ({"schedule": "cosine"}, "schedule is 'steps' or 'triangle', got 'cosine'"),
    ],
)
def test_a_recipe_that_cannot_be_trained_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(Recipe(), **change)


def test_an_unknown_recipe_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="one of 'article', 'modern', 'quick', got 'best'"):
        find_recipe("best")


def test_the_steps_are_pytorchs_multistep_schedule():
    recipe = Recipe(epochs=10, milestones=(3, 7))
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 7], gamma=0.1)
    for epoch in range(10):
        expected = schedule.get_last_lr()[0]
        for step in (0, 4):
            assert learning_rate_at(recipe, epoch * 5 + step, steps_per_epoch=5) == pytest.approx(
                expected
            )
        optimizer.step()
        schedule.step()


def test_the_triangle_peaks_where_it_says_and_ends_near_zero():
    recipe = Recipe(epochs=10, schedule="triangle", peak=0.2, learning_rate=1.0)
    rates = [learning_rate_at(recipe, step, steps_per_epoch=100) for step in range(1000)]
    assert max(rates) == pytest.approx(1, abs=0.01) and rates.index(max(rates)) in (199, 200)
    assert 0 < rates[0] < 0.01 and 0 < rates[-1] < 0.01


def test_a_step_outside_the_run_is_refused():
    with pytest.raises(ValueError, match="steps go from 0 to 14, got 15"):
        learning_rate_at(Recipe(epochs=3), 15, steps_per_epoch=5)


# --- one epoch


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


def test_augmented_batches_are_all_images_changed_and_normalised():
    images, labels = few()
    recipe = replace(TINY, padding=0, flip=0.0)
    made = augmented_batches(images, labels, recipe, generator=torch.Generator().manual_seed(0))
    x, y = (torch.cat(part) for part in zip(*made, strict=True))
    order = [(data.normalise(images) - one).abs().sum((1, 2, 3)).argmin().item() for one in x]
    assert sorted(order) == list(range(40)) and torch.equal(labels[order], y)


def test_seeding_reaches_every_generator():
    import random

    import numpy as np

    def draw():
        return torch.rand(1).item(), np.random.rand(), random.random()  # noqa: NPY002

    seed_everything(5)
    first = draw()
    seed_everything(5)
    assert draw() == first


# --- whole runs


def run(**options):
    return list(fit(tiny_net(), few(), few(20), TINY, **options))[-1]


def test_a_run_repeats_bitwise():
    first, second = run(seed=1), run(seed=1)
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True)
    )


def test_another_seed_is_another_run():
    first, second = run(seed=1), run(seed=2)
    assert not torch.equal(first.model[0].weight, second.model[0].weight)


def test_a_network_learns_a_few_images_by_heart():
    recipe = Recipe(epochs=60, batch_size=10, learning_rate=0.1, padding=0, flip=0.0)
    *_, last = fit(tiny_net(), few(), few(), recipe)
    assert last.history[-1].validation_accuracy == 1


def test_a_resumed_run_ends_bitwise_like_the_unbroken_one(tmp_path):
    whole = run(seed=3)
    path = tmp_path / "checkpoint.pt"
    next(fit(tiny_net(), few(), few(20), TINY, seed=3, checkpoint=path))
    torch.manual_seed(99)  # whatever happens in between
    *_, resumed = fit(tiny_net(), few(), few(20), TINY, seed=77, checkpoint=path)
    for a, b in (
        (whole.model.state_dict(), resumed.model.state_dict()),
        (whole.best, resumed.best),
    ):
        assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
    times = [replace(e, seconds=0.0) for e in whole.history]
    assert [replace(e, seconds=0.0) for e in resumed.history] == times


def test_the_best_epoch_is_chosen_on_validation_and_the_first_of_equals():
    training = Training(tiny_net(), replace(TINY, epochs=9))
    kept = []
    for _ in range(5):
        training.run_epoch(few(), few(20))
        kept.append({k: v.clone() for k, v in training.model.state_dict().items()})
    accuracies = [e.validation_accuracy for e in training.history]
    best = kept[accuracies.index(max(accuracies))]
    assert all(torch.equal(best[k], training.best[k]) for k in best)


def test_the_test_score_is_of_the_last_and_of_the_chosen_epoch():
    training = run()
    images, labels = few(30)
    training.best = {k: torch.zeros_like(v) for k, v in training.best.items()}
    scores = training.test(images, labels)
    last = evaluate(training.model, [(data.normalise(images), labels)], bfloat16=training.bfloat16)
    assert scores["last"] == pytest.approx(last.accuracy)
    # all-zero weights answer class 0 always
    assert scores["chosen"] == pytest.approx((labels == 0).double().mean().item())


def test_the_history_tells_the_rate_that_was_used():
    rates = [e.learning_rate for e in run().history]
    assert rates == [learning_rate_at(TINY, 3 * k, steps_per_epoch=3) for k in range(3)]


def test_another_recipes_checkpoint_is_refused(tmp_path):
    path = tmp_path / "checkpoint.pt"
    next(fit(tiny_net(), few(), few(20), TINY, checkpoint=path))
    other = replace(TINY, learning_rate=0.3, epochs=4)
    with pytest.raises(
        ValueError, match=r"another recipe: epochs was 3, is 4; learning_rate was 0"
    ):
        next(fit(tiny_net(), few(), few(20), other, checkpoint=path))


def test_another_data_sets_checkpoint_is_refused(tmp_path):
    path = tmp_path / "checkpoint.pt"
    next(fit(tiny_net(), few(), few(20), TINY, checkpoint=path))
    with pytest.raises(ValueError, match="made on other training images"):
        next(fit(tiny_net(), few(39), few(20), TINY, checkpoint=path))


def test_the_average_is_its_formula_and_is_what_is_judged():
    recipe = replace(TINY, average=0.5)
    training = Training(tiny_net(), recipe)
    average = training.average
    expected = {k: v.clone().double() for k, v in training.model.state_dict().items()}
    for t in range(12):
        with torch.no_grad():
            for p in training.model.parameters():
                p.add_(torch.full_like(p, 0.1 * (t + 1)))
        training.model[1].num_batches_tracked += 1
        average.update(training.model)
        keep = min(0.5, t / (t + 9))
        for k, v in training.model.state_dict().items():
            expected[k] = keep * expected[k] + (1 - keep) * v
    ours = average.model.state_dict()
    assert ours["1.num_batches_tracked"] == 12
    for k in ours.keys() - {"1.num_batches_tracked"}:
        assert_close(ours[k].double(), expected[k], rtol=1e-5, atol=1e-6)
    assert training.judged is average.model and Training(tiny_net(), TINY).average is None


def test_a_resumed_run_with_an_average_ends_bitwise_like_the_unbroken_one(tmp_path):
    recipe, path = replace(TINY, average=0.9, cutout=8), tmp_path / "checkpoint.pt"
    *_, whole = fit(tiny_net(), few(), few(20), recipe)
    next(fit(tiny_net(), few(), few(20), recipe, checkpoint=path))
    *_, resumed = fit(tiny_net(), few(), few(20), recipe, checkpoint=path)
    for a, b in zip(whole.judged.parameters(), resumed.judged.parameters(), strict=True):
        assert torch.equal(a, b)
    assert whole.average.steps == resumed.average.steps == 9
    assert not torch.equal(whole.judged[0].weight, whole.model[0].weight)


# --- files


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path):
    path = tmp_path / "state.pt"
    checkpoint.save_checkpoint(path, {"epoch": 1})
    code = (
        "import resource, signal, sys, torch\n"
        "from pathlib import Path\n"
        "from cnnguide.checkpoint import save_checkpoint\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try:\n"
        f"    save_checkpoint(Path({str(path)!r}), {{'x': torch.zeros(9999)}})\n"
        "except OSError as error:\n"
        "    print('OSError')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "OSError", done.stderr
    assert checkpoint.load_checkpoint(path) == {"epoch": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["state.pt"]


def test_a_file_that_is_moved_into_place_may_be_read_by_whom_any_file_may(tmp_path):
    (tmp_path / "any").touch()
    with replacing(tmp_path / "folder" / "moved") as file:
        file.write(b"whole")
    assert (tmp_path / "folder" / "moved").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_a_checkpoint_cut_short_is_refused_and_kept(tmp_path):
    path = tmp_path / "state.pt"
    checkpoint.save_checkpoint(path, {"x": torch.zeros(100)})
    content = path.read_bytes()[:-50]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"state.pt is cut short or no checkpoint"):
        checkpoint.load_checkpoint(path)
    assert path.read_bytes() == content


def test_weights_of_another_model_are_refused_and_change_nothing():
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    before = net[1].weight.clone()
    other = nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 2), nn.Linear(1, 1)).state_dict()
    del other["0.bias"]
    with pytest.raises(
        ValueError, match=r"0.bias is missing; 2.weight is unknown; 2.bias is unk.* and 1"
    ):
        checkpoint.load_weights(net, other)
    assert torch.equal(net[1].weight, before)


def test_results_are_read_as_they_were_written(tmp_path):
    record = {"units": {}, "runs": [{"seed": 0}]}
    assert (
        results.load("train", folder=results.save("train", record, folder=tmp_path).parent)
        == record
    )
    assert results.load("other", folder=tmp_path) is None


@pytest.mark.parametrize("content", ['{"runs": [', '{"other": 1}', "[]"])
def test_a_file_that_is_no_record_is_refused(tmp_path, content):
    (tmp_path / "train.json").write_text(content)
    with pytest.raises(ValueError, match=r"train.json is (cut short|no record)"):
        results.load("train", folder=tmp_path)


def test_the_shipped_results_carry_their_circumstances():
    for path in results.FOLDER.glob("*.json"):
        for single in results.load(path.stem)["runs"]:
            wanted = {"command", "commit", "date", "device", "versions", "seed", "test_accuracy"}
            assert wanted <= single.keys(), path.name


# --- where it looked


def test_grad_cam_finds_the_only_evidence():
    net = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net[0].weight.data = torch.tensor([1.0, -1.0]).view(2, 1, 1, 1)
    image = torch.zeros(1, 1, 4, 4)
    image[0, 0, 1, 2], image[0, 0, 3, 3] = 2.0, -1.0
    plus, minus = (gradcam.grad_cam(net, net[0], image, torch.tensor([c]))[0] for c in (0, 1))
    assert plus.argmax() == 6 and plus.max() == 1
    assert minus.argmax() == 15 and minus[1, 2] == 0


def test_grad_cam_equals_its_formula():
    net = tiny_net().eval()
    x, classes = torch.randn(3, 3, 32, 32), torch.tensor([1, 4, 4])
    maps = net[0](x).detach().requires_grad_()
    scores = net[4](net[3](net[2](net[1](maps))))
    (gradient,) = torch.autograd.grad(scores.gather(1, classes[:, None]).sum(), maps)
    heat = F.relu((gradient.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True))
    heat = F.interpolate(heat, (32, 32), mode="bilinear")[:, 0].detach()
    expected = heat / heat.amax((1, 2), keepdim=True)
    assert_close(gradcam.grad_cam(net, net[0], x, classes), expected)


def test_grad_cam_leaves_the_network_as_it_was():
    net = tiny_net().train()
    gradcam.grad_cam(net, net[0], torch.randn(2, 3, 32, 32), torch.tensor([0, 1]))
    assert net.training and net[1].num_batches_tracked == 0
    assert all(p.grad is None for p in net.parameters()) and not net[0]._forward_hooks


def test_grad_cam_refuses_a_layer_without_maps(unchecked):
    net, x = tiny_net(), torch.randn(2, 3, 32, 32)
    with pytest.raises(ValueError, match=r"gives feature maps of shape \(N, K, h, w\)"):
        gradcam.grad_cam(net, net[4], x, torch.tensor([0, 1]))
    with pytest.raises(ValueError, match=r"gives feature maps"):
        gradcam.grad_cam(net, nn.Identity(), x, torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="one class an image, got 1 for 2"):
        unchecked(gradcam.grad_cam)(net, net[0], x, torch.tensor([0]))


# --- the full set


@pytest.mark.full
def test_the_gallery_run_reaches_82_percent_on_the_full_set(tmp_path):
    if os.environ.get("CNNGUIDE_TEST_FULL") != "1" or not download.cached_file().exists():
        pytest.skip("needs CNNGUIDE_TEST_FULL=1 and the full CIFAR-10 in the cache")
    # As a learner runs it: a copy, in an empty folder, in a process of its own.
    script = shutil.copy(Path(__file__).parents[1] / "gallery" / "plot_train.py", tmp_path)
    environment = {**os.environ, "MPLBACKEND": "Agg"} | {"OMP_NUM_THREADS": str(os.cpu_count())}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    print(f"\n{done.stdout}{time.perf_counter() - start:.0f} s for the whole script")
    assert done.returncode == 0, done.stderr
    assert "45,000 training photographs from the full set" in done.stdout
    accuracy = re.search(r"QuickNet: +([\d.]+)% of 10,000 test photographs", done.stdout)[1]
    assert float(accuracy) >= 82


@pytest.mark.parametrize("folder", ["runs/latest", "/home/a reader/runs"])
def test_a_record_holds_no_folder_of_somebodys_computer(monkeypatch, folder):
    monkeypatch.setattr(sys, "argv", ["/there/full_run.py", "--output", folder, "--seeds", "3"])
    assert results.circumstances(torch.device("cpu"))["command"] == "full_run.py --seeds 3"
