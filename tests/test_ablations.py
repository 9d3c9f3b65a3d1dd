"""The ablations' parts; what the ideas are worth, ``python -m benchmarks.ablations`` measures."""

import json
import signal
import subprocess
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from matplotlib.axes import Axes
from torch import nn
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.transforms.v2 import functional

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import ablations
from benchmarks.ablations import VARIANTS, Variant, VariantTraining, draw_mix, main, plan
from cnnguide import data, results
from cnnguide.fast import FastTraining, Techniques, draw_choices
from cnnguide.mix import cutmix, mixed_loss, mixup, sample_lambda, soft_labels
from cnnguide.models import cifar_resnet18, count_parameters
from cnnguide.models.resnet import BasicBlock, Bottleneck
from cnnguide.recipe import Recipe

NAMED = {variant.name: variant for variant in VARIANTS}
SAMPLE = data.load("sample")
EXACT = Techniques(bfloat16=False, recorded=False)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Batches of 8 of 20 images: two whole ones and a short one."""
    monkeypatch.setitem(ablations.BASELINE, "batch_size", 8)
    images = data.Cifar10(*few(), SAMPLE.test_images[::50], SAMPLE.test_labels[::50], "sample")
    monkeypatch.setattr(data, "load", lambda which: images)


def few():
    return SAMPLE.train_images[::250], SAMPLE.train_labels[::250]


def given(folder=Path(), **changes):
    usual = {"seeds": 2, "epochs": 2, "width": 4, "data": "sample", "only": ablations.GROUPS}
    return Namespace(**{**usual, "output": folder / "out", "record_folder": folder, **changes})


def recipe_of(name, **changes):
    return replace(ablations.recipe_of(NAMED[name], given()), **changes)


def training(name, model, **changes):
    return VariantTraining(NAMED[name], model, recipe_of(name, **changes), techniques=EXACT)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# --- the steps


def test_the_baselines_training_is_fast_training_bit_for_bit():
    recipe, ends = recipe_of("baseline", label_smoothing=0.1), []
    for make in (FastTraining, lambda *args, **kw: VariantTraining(NAMED["baseline"], *args, **kw)):
        torch.manual_seed(0)
        run = make(cifar_resnet18(width=4), recipe, seed=3)
        scores = [run.run_epoch(few(), few()).train_loss for _ in range(2)]
        ends.append((scores, run.model.state_dict()))
    assert ends[0][0] == ends[1][0] and same(ends[0][1], ends[1][1])


def one_step(name, *, lam=1.0, box=(0, 0, 0, 0), n=8, factors=None):
    """Take a step; give images and labels as they were, what the model saw, what came out."""
    torch.manual_seed(0)
    run = training(name, nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)))
    run.mix.copy_(torch.tensor([lam, *box]))
    if factors is not None:
        run.factors[:, :n] = factors
    seen = []
    run.model.register_forward_hook(lambda _, inputs, output: seen.extend((inputs[0], output)))
    made = run.keep_on_device(*few())
    choices = draw_choices(n, run.recipe, generator=torch.Generator().manual_seed(0))
    outcome = run.step(made, choices, n)
    return *made.batch(choices), *seen, outcome


def check_loss(logits, y, outcome, lam):
    before = torch.arange(len(y)).roll(1)  # the partner is the image before
    loss = mixed_loss(logits, y, lam=lam, permutation=before)
    assert_close(outcome[0] / len(y), loss.detach())
    counted = soft_labels(y, lam=lam, permutation=before, num_classes=10).argmax(1)
    assert outcome[1] == (logits.argmax(1) == counted).sum()


@pytest.mark.parametrize("n", [8, 5])
@pytest.mark.parametrize("lam", [0.3, 0.5, 0.9])
def test_a_mixup_step_is_the_guides_mixup(lam, n):
    x, y, seen, logits, outcome = one_step("mixup-1", lam=lam, n=n)
    assert_close(seen, mixup(x, lam=lam, permutation=torch.arange(n).roll(1)))
    check_loss(logits, y, outcome, lam)


@pytest.mark.parametrize("box", [(3, 30, 1, 32), (0, 8, 30, 32), (5, 5, 7, 7), (0, 32, 0, 32)])
def test_a_cutmix_step_is_the_guides_cutmix(box):
    x, _ = one_step("cutmix-1")[:2]
    mixed, lam = cutmix(x, box=box, permutation=torch.arange(8).roll(1))
    _, y, seen, logits, outcome = one_step("cutmix-1", lam=lam, box=box)
    assert torch.equal(seen, mixed)
    check_loss(logits, y, outcome, lam)


def as_torchvision(image, factors):
    changes = (functional.adjust_brightness, functional.adjust_contrast)
    for change, factor in zip((*changes, functional.adjust_saturation), factors, strict=True):
        image = change(image, factor.item())
    return image


def test_jitter_is_torchvisions_for_each_image():
    pixels = (few()[0][:8] / 255).double()
    # wider than the variant's, so that all three are clamped somewhere
    factors = 0.3 + 1.4 * torch.rand(3, 8, generator=torch.Generator().manual_seed(0)).double()
    theirs = [as_torchvision(*pair) for pair in zip(pixels, factors.T, strict=True)]
    assert_close(ablations.jittered(pixels, factors), torch.stack(theirs))


def test_a_jitter_step_changes_pixels_before_they_are_normalised():
    factors = 0.8 + 0.4 * torch.rand(3, 5, generator=torch.Generator().manual_seed(0))
    x, _, seen, *_ = one_step("jitter", n=5, factors=factors)
    pixels = x * torch.tensor(data.STD).view(-1, 1, 1) + torch.tensor(data.MEAN).view(-1, 1, 1)
    theirs = [as_torchvision(*pair) for pair in zip(pixels, factors.T, strict=True)]
    assert_close(seen, data.normalise(torch.stack(theirs)), rtol=0, atol=1e-5)  # of numbers to 2


class NothingRead(TorchDispatchMode):
    """Refuse what a CUDA graph cannot record: a value that is read, or one that is brought."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        assert operation.name() not in {
            "aten::_local_scalar_dense",
            "aten::nonzero",
            "aten::lift_fresh",
        }
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["baseline", "jitter", "mixup-1", "cutmix-1", "dropout"])
def test_a_step_reads_nothing_from_the_device(name):
    run = training(name, made(name))
    images = run.keep_on_device(*few())
    choices = draw_choices(8, run.recipe, generator=torch.Generator())
    with NothingRead():
        run.step(images, choices, 8)


# --- what is drawn


def test_an_epochs_every_step_gets_a_mixture_of_its_own():
    run, seen = training("cutmix-1", nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))), []
    run.model.register_forward_hook(lambda *_: seen.append(run.mix.tolist()))
    run.train_once(*few(), [0.01] * 3)
    generator = torch.Generator().manual_seed(0)
    drawn = [draw_mix(NAMED["cutmix-1"], side=32, generator=generator) for _ in range(3)]
    assert_close(torch.tensor(seen), torch.tensor(drawn))
    assert len({row[0] for row in seen}) == 3


def test_a_cutmix_share_is_the_area_that_stays():
    generator, shares, boxes = torch.Generator().manual_seed(0), [], []
    images = torch.zeros(2, 1, 32, 32)
    for _ in range(300):
        share, *box = draw_mix(NAMED["cutmix-1"], side=32, generator=generator)
        shares.append(share)
        boxes.append(box)
        assert share == cutmix(images, box=tuple(box), permutation=torch.arange(2))[1]
    # the border cuts boxes, so the mean is 0.70, as the page *mix* shows; deviation 0.25 / √300
    assert sum(shares) / 300 == pytest.approx(0.70, abs=0.06)
    top, bottom, left, right = zip(*boxes, strict=True)
    assert (min(top), max(bottom), min(left), max(right)) == (0, 32, 0, 32)
    assert max(top) > 25 and max(left) > 25 and min(bottom) < 7 and min(right) < 7


@pytest.mark.parametrize("name", ["mixup-0.2", "mixup-1"])
def test_a_mixup_share_is_drawn_from_its_own_beta(name):
    drawn = draw_mix(NAMED[name], side=32, generator=torch.Generator().manual_seed(5))
    alpha = float(name.split("-")[1])
    assert drawn[0] == sample_lambda(alpha, generator=torch.Generator().manual_seed(5))


def test_factors_of_colour_lie_near_one_and_differ_for_every_image_and_step():
    run, seen = training("jitter", nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))), []
    run.model.register_forward_hook(lambda *_: seen.append(run.factors.clone()))
    run.train_once(*few(), [0.01] * 3)
    factors = torch.stack(seen)
    assert factors.unique().numel() == factors.numel() == 3 * 3 * 8
    assert 0.8 <= factors.min() < 0.85 and 1.15 < factors.max() <= 1.2
    again = torch.rand(3, 3, 8, generator=torch.Generator().manual_seed(0))  # the run's generator
    assert_close(factors, 0.8 + 0.4 * again)


# --- the variants


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_takes_a_step(variant):
    torch.manual_seed(0)
    model = variant.model(width=4)
    run = VariantTraining(variant, model, recipe_of(variant.name), techniques=EXACT)
    before = [p.detach().clone() for p in model.parameters()]
    run.train_once(*(part[:8] for part in few()), [1e-3])
    assert run.step_losses.isfinite().all()
    assert any((p != b).any() for p, b in zip(model.parameters(), before, strict=True))


def test_names_are_unique_and_every_comparison_exists():
    assert len(NAMED) == len(VARIANTS)
    assert {variant.against for variant in VARIANTS} <= NAMED.keys()


def test_each_recipe_changes_what_it_says_and_nothing_else():
    changes = {
        "no-augmentation": {"padding": 0, "flip": 0.0}, "flip": {"padding": 0},
        "cutout": {"cutout": 12}, "no-norm-slow": {"learning_rate": 0.01},
        "article-std": {"std": (0.2023, 0.1994, 0.2010)}, "decay-weights": {"decay_all": False},
        "batch-1024": {"batch_size": 1024, "learning_rate": 0.8}, "long": {"epochs": 10},
        "long-cutout": {"epochs": 10, "cutout": 12}, "long-mixup-1": {"epochs": 10},
    }  # fmt: skip
    base = Recipe(2, 8, 0.1, nesterov=True, schedule="triangle")
    for name in NAMED:
        assert recipe_of(name) == replace(base, **changes.get(name, {}))


def count(model, kind):
    return sum(isinstance(module, kind) for module in model.modules())


def made(name):
    return NAMED[name].model(width=4)


def test_batchnorm_after_relu_has_the_same_parts_in_another_order():
    model, base = made("norm-after-relu"), cifar_resnet18(width=4)
    assert count_parameters(model) == count_parameters(base)
    assert count(model, nn.BatchNorm2d) == count(base, nn.BatchNorm2d) == 20
    order = []
    for part in (nn.Conv2d, nn.ReLU, nn.BatchNorm2d):
        for module in model.modules():
            if isinstance(module, part):
                module.register_forward_hook(lambda *_, kind=part: order.append(kind.__name__[0]))
    shortcuts = [block.downsample for block in model.modules() if isinstance(block, BasicBlock)]
    for shortcut in filter(None, shortcuts):
        shortcut.register_forward_pre_hook(lambda *_: order.append("("))
        shortcut.register_forward_hook(lambda *_: order.append(")"))
    model(torch.zeros(2, 3, 32, 32))
    assert "".join(order).replace("(CB)", "") == "CRB" * 17  # in brackets: three projections


def test_without_batchnorm_every_convolution_has_a_bias():
    model = made("no-norm")
    assert count(model, nn.BatchNorm2d) == 0
    base = cifar_resnet18(width=4)
    scales = sum(m.weight.numel() for m in base.modules() if isinstance(m, nn.BatchNorm2d))
    assert count_parameters(model) == count_parameters(base) - scales  # biases take biases' place


@pytest.mark.parametrize(
    ("depth", "block", "blocks"), [(18, BasicBlock, 8), (34, BasicBlock, 16), (50, Bottleneck, 16)]
)
def test_plain_nets_are_the_residual_ones_without_shortcuts(depth, block, blocks):
    residual = made("baseline" if depth == 18 else f"resnet-{depth}")
    plain = made(f"plain-{depth}")
    for model in (plain, residual):
        assert count(model, block) == blocks
    projections = sum(b.downsample is not None for b in residual.modules() if isinstance(b, block))
    assert all(b.downsample is None for b in plain.modules() if isinstance(b, block))
    layers = blocks * (2 if block is BasicBlock else 3) + 1
    assert [count(m, nn.Conv2d) for m in (plain, residual)] == [layers, layers + projections]
    assert layers + 1 == depth  # with the linear one
    for model in (plain, residual):
        for b in model.modules():
            if isinstance(b, block):  # a silenced branch leaves the shortcut, or nothing
                last = b.bn2 if block is BasicBlock else b.bn3
                nn.init.zeros_(last.weight)
        out = model.eval()(torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
        assert bool((out[0] == out[1]).all()) is (model is plain)


def test_a_plain_bottleneck_keeps_its_three_relus():
    block = ablations.PlainBottleneck(2, 3)
    count_of = []
    block.relu.register_forward_hook(lambda *_: count_of.append(1))
    assert (block(torch.randn(2, 2, 4, 4)) >= 0).all() and len(count_of) == 3


def test_dropout_stands_before_the_last_layer_only():
    model = made("dropout")
    assert [type(m) for m in model.fc] == [nn.Dropout, nn.Linear] and model.fc[0].p == 0.3
    assert count(model, nn.Dropout) == 1
    assert count_parameters(model) == count_parameters(cifar_resnet18(width=4))


# --- the plan


def test_each_seed_of_everything_comes_before_the_next_and_the_long_runs_last():
    runs = [(variant.name, seed) for variant, seed in plan(given(seeds=3))]
    assert runs[0] == ("baseline", 0) and len(set(runs)) == len(runs) == 3 * 20 + 3
    assert [seed for _, seed in runs] == [0] * 20 + [1] * 20 + [2] * 20 + [0] * 3
    assert [name for name, _ in runs[-3:]] == ["long", "long-cutout", "long-mixup-1"]


def test_only_a_group_brings_along_what_it_is_compared_with():
    names = [variant.name for variant, _ in plan(given(only=["norm"], seeds=1))]
    assert names == ["baseline", "norm-after-relu", "no-norm", "no-norm-slow"]


def test_the_list_counts_the_work_of_every_run(tmp_path, capsys):
    assert main(["--list", "--seeds", "1", "--only", "decay", *folders(tmp_path)]) == 0
    first, second, total = capsys.readouterr().out.splitlines()
    # 555,422,720 multiply-adds an image and pass, 3 passes, 2 operations each
    work = 6 * 555_422_720 * 50_000 * 30 / 1e15
    assert "baseline" in first and f"{work:.4g} PFLOP" in first and "recorded" not in first
    assert "decay-weights" in second
    assert total == f"2 runs, {2 * work:.4g} PFLOP in all; left: 2"


# --- whole runs


def folders(tmp_path):
    return ["--output", str(tmp_path / "out"), "--record-folder", str(tmp_path)]


def command(tmp_path, *more):
    small = ["--data", "sample", "--width", "4", "--epochs", "1", "--device", "cpu"]
    return main([*small, *folders(tmp_path), "--seeds", "2", *more])


def test_a_run_that_was_cut_ends_with_the_weights_of_one_that_was_not(tmp_path):
    images = [*few(), *few()]
    for name in ("mixup-1", "cutmix-1", "jitter", "dropout"):
        ends, scores = [], []
        for folder, ends_at in (("whole", [float("inf")]), ("cut", [0.0, float("inf")])):
            options = given(tmp_path / folder)
            for end in ends_at:
                outcome = ablations.run_one(NAMED[name], 1, images, options, end)
                assert (outcome is None) is (end == 0)
            outcome.pop("seconds")
            scores.append(outcome)
            path = tmp_path / folder / "out" / name / "seed-1" / "checkpoint.pt"
            ends.append(torch.load(path)["model"])
        assert same(*ends) and scores[0] == scores[1]


def test_a_run_that_ended_but_was_not_recorded_is_not_trained_again(tmp_path, monkeypatch):
    options, images = given(tmp_path), [*few(), *few()]
    first = ablations.run_one(NAMED["flip"], 0, images, options, float("inf"))
    monkeypatch.setattr(VariantTraining, "run_epoch", None)
    assert ablations.run_one(NAMED["flip"], 0, images, options, float("inf")) == first


def test_recorded_runs_are_skipped_and_other_options_are_other_runs(tmp_path, capsys):
    assert command(tmp_path, "--only", "decay") == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("[1/4] baseline, seed 0: ") and len(out) == 5
    assert out[-1] == "recorded: 4 runs; --table shows what they found"
    runs = results.load("ablations", folder=tmp_path)["runs"]
    assert [(r["variant"], r["seed"]) for r in runs] == [
        (name, seed) for seed in (0, 1) for name in ("baseline", "decay-weights")
    ]
    for run in runs:
        assert run["parameters"] == 44_622 and run["width"] == 4 and run["data"] == "sample"
        assert 0 <= run["test_accuracy"] <= 1 and run["train_loss"] > 0 and run["seconds"] > 0
        assert {"commit", "device", "versions", "group", "recipe", "epochs"} <= run.keys()
    assert not list(tmp_path.rglob("checkpoint.pt"))
    assert command(tmp_path, "--only", "dropout", "--seeds", "1") == 0
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 2 and out[0].startswith("[2/2] dropout, seed 0: ")
    assert command(tmp_path, "--only", "baseline", "--epochs", "2", "--minutes", "0") == 0
    assert "left: 2 of 2 runs;" in capsys.readouterr().out


def test_a_diverged_run_is_recorded_and_the_rest_goes_on(tmp_path, capsys, monkeypatch):
    wild = Variant("wild", "norm", "a rate of 1e30", {"learning_rate": 1e30})
    monkeypatch.setattr(ablations, "VARIANTS", (NAMED["baseline"], wild, NAMED["dropout"]))
    assert command(tmp_path, "--seeds", "1") == 0
    assert "[2/3] wild, seed 0: training diverged: the loss is" in capsys.readouterr().out
    runs = results.load("ablations", folder=tmp_path)["runs"]
    assert [run["test_accuracy"] is None for run in runs] == [False, True, False]
    assert runs[1]["diverged"].startswith("training diverged") and "diverged" not in runs[0]
    assert command(tmp_path, "--seeds", "1", "--table") == 0
    assert "| norm | a rate of 1e30 |  |  | baseline | 0, 1 diverged |" in capsys.readouterr().out


@pytest.mark.parametrize("epochs", [1, 2])
def test_when_the_time_is_up_no_new_epoch_begins(tmp_path, capsys, monkeypatch, epochs):
    clock = iter([0.0, 0.0, 61.0])  # at the beginning, before the run, after its first epoch
    monkeypatch.setattr(ablations, "time", Namespace(monotonic=lambda: next(clock)))
    one = ("--only", "baseline", "--seeds", "1", "--epochs", str(epochs))
    assert command(tmp_path, *one, "--minutes", "1") == 0
    out, checkpoint = capsys.readouterr().out, tmp_path / "out/baseline/seed-0/checkpoint.pt"
    if epochs == 1:
        assert "recorded: 1 run;" in out and not checkpoint.exists()
    else:
        assert out == "time is up; left: 1 of 1 run; the same command goes on\n"
        assert checkpoint.exists() and results.load("ablations", folder=tmp_path) is None


def test_the_seed_decides_the_order_too(tmp_path, monkeypatch):
    monkeypatch.setattr(ablations, "seed_everything", lambda seed: torch.manual_seed(0))
    images, options = [*few(), *few()], given(tmp_path, epochs=1)
    losses = [
        ablations.run_one(NAMED["no-augmentation"], seed, images, options, 9e9)["train_loss"]
        for seed in (0, 1)
    ]
    assert losses[0] != losses[1]


def press_control_c():
    raise KeyboardInterrupt


def send_sigterm():
    signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize(("stop", "code"), [(press_control_c, 130), (send_sigterm, 143)])
def test_a_signal_leaves_the_checkpoint_and_says_how_to_go_on(
    tmp_path, capsys, monkeypatch, stop, code
):
    run_epoch = VariantTraining.run_epoch

    def interrupted(run, *parts):
        if run.history:
            stop()
        return run_epoch(run, *parts)

    monkeypatch.setattr(VariantTraining, "run_epoch", interrupted)
    assert command(tmp_path, "--epochs", "2") == code
    assert "stopped; the same command goes on" in capsys.readouterr().err
    assert (tmp_path / "out" / "baseline" / "seed-0" / "checkpoint.pt").exists()


# --- the table and the figure


def made_up(tmp_path):
    """Three seeds of the baseline, two of MixUp, one of the long runs, one diverged, one strange."""
    shares = {
        "baseline": (0.94, 0.95, 0.96), "mixup-1": (0.96, 0.98), "no-norm": (None,),
        "resnet-34": (0.955,), "plain-34": (0.905,), "plain-50": (0.3,),
    }  # fmt: skip
    options = given(tmp_path, epochs=30, width=64, data="full")
    runs = [
        {**ablations.identity(NAMED[name], options), "seed": seed, "test_accuracy": share}
        for name, found in shares.items()
        for seed, share in enumerate(found)
    ]
    runs.append({**runs[0], "width": 4, "test_accuracy": 0.1})  # of other options
    results.save("ablations", {"runs": runs}, folder=tmp_path)


def test_the_table_gives_means_deviations_and_differences(tmp_path, capsys):
    made_up(tmp_path)
    assert main(["--table", *folders(tmp_path)]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert "| baseline | ResNet-18, crop and flip | 95.00 ± 1.00 |  |  | 3 |" in rows
    # √(1² / 3 + 2 / 2) = 1.15
    assert "| augmentation | + MixUp, α = 1 | 97.00 ± 1.41 | +2.00 ± 1.15 | baseline | 2 |" in rows
    assert "| shortcuts | ResNet-34 | 95.50 | +0.50 | baseline | 1 |" in rows
    assert "| shortcuts | 34 layers, no shortcuts | 90.50 | -5.00 | resnet-34 | 1 |" in rows
    assert "| norm | no BatchNorm |  |  | baseline | 0, 1 diverged |" in rows
    assert "| dropout | dropout before the last layer, 0.3 |  |  | baseline | 0 |" in rows


def test_the_figure_is_written(tmp_path, capsys, monkeypatch):
    made_up(tmp_path)
    path, words_at, text = tmp_path / "figures" / "worth.svg", {}, Axes.text

    def noted(axes, x, y, words, **how):
        words_at[words.strip()] = y
        return text(axes, x, y, words, **how)

    monkeypatch.setattr(Axes, "text", noted)
    assert main(["--figure", str(path), *folders(tmp_path)]) == 0
    drawn = path.read_text(encoding="utf-8")
    assert "+ MixUp, α = 1" in drawn and "test accuracy (%), mean ± standard" in drawn
    # a group's name stands at its first row, and a row is left free between groups
    groups = {"baseline": 0, "augmentation": 2, "norm": 4, "shortcuts": 6}
    assert words_at == {**groups, "diverged": 4, "← 30.0": 8}
    assert f"written: {path}" in capsys.readouterr().out


def test_what_the_figure_lacks_is_named_with_what_brings_it(tmp_path, capsys, monkeypatch):
    made_up(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["--figure", str(tmp_path / "worth.svg"), *folders(tmp_path)]) == 1
    assert capsys.readouterr().err.endswith("; `pip install matplotlib` brings it\n")


# --- what is refused


def test_the_command_needs_no_package_but_the_librarys_own():
    absent = "matplotlib", "tyro", "tqdm", "jaxtyping", "safetensors", "tensorboard"
    code = f"import sys; sys.modules.update(dict.fromkeys({absent})); import benchmarks.ablations"
    root = Path(ablations.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seeds", "0"], "--seeds must be at least 1, got 0"),
        (["--epochs", "-1"], "--epochs must be at least 1, got -1"),
        (["--width", "0"], "--width must be at least 1, got 0"),
        (["--minutes", "-2"], "--minutes must be at least 0, got -2"),
        (["--minutes", "nan"], "--minutes must be at least 0, got nan"),
        (["--device", "gpu"], "device must be auto, cpu, cuda, mps or xpu, got 'gpu'"),
        (["--table"], "nothing is recorded with --epochs 30 --width 64 --data full in "),
    ],
)
def test_bad_options_are_refused_in_a_sentence(tmp_path, capsys, options, message):
    assert main([*folders(tmp_path), *options]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {message}") and error.count("\n") == 1


def test_anothers_checkpoint_is_refused_with_its_name(tmp_path, capsys):
    assert command(tmp_path, "--only", "baseline", "--seeds", "1") == 0
    assert ablations.run_one(NAMED["baseline"], 0, [*few()] * 2, given(tmp_path), 0.0) is None
    assert command(tmp_path, "--only", "baseline", "--seeds", "1", "--epochs", "3") == 1
    error = capsys.readouterr().err
    assert "epochs was 2, is 3" in error and "seed-0/checkpoint.pt: delete it, or name an" in error


def test_a_broken_record_is_refused_before_anything_is_trained(tmp_path, capsys):
    (tmp_path / "ablations.json").write_text(json.dumps({"runs": 3}))
    assert command(tmp_path) == 1
    assert "is not a record of results" in capsys.readouterr().err


# --- on a GPU


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["baseline", "jitter", "mixup-1", "cutmix-1", "dropout"])
def test_a_recorded_step_is_the_step_itself(name):
    ends = []
    for recorded in (False, True):
        torch.manual_seed(0)
        run = VariantTraining(
            NAMED[name], made(name), recipe_of(name, learning_rate=0.01), device="cuda",
            techniques=replace(EXACT, recorded=recorded),
        )  # fmt: skip
        losses = [run.run_epoch(few(), few()).train_loss for _ in range(2)]
        ends.append((losses, run.model.state_dict()))
    assert ends[1][0] == pytest.approx(ends[0][0], rel=1e-3)
    assert_close(ends[1][1], ends[0][1], rtol=1e-2, atol=1e-3)
