"""The parts of the small ablations; what the ideas are worth, `python -m benchmarks.worth` measures."""

import ast
import os
import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.testing import assert_close

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import worth
from benchmarks.recorded import lock, measure
from benchmarks.worth import BASELINE, IDEAS, Changed, make
from cnnguide import data, mix, results
from cnnguide.models import count_parameters

SAMPLE = data.load("sample")
FEW = data.Cifar10(
    SAMPLE.train_images[::200], SAMPLE.train_labels[::200],
    SAMPLE.test_images[::50], SAMPLE.test_labels[::50], "sample",
)  # fmt: skip


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Narrow networks and small batches."""
    monkeypatch.setattr(worth, "WIDTHS", (8, 16, 16))
    monkeypatch.setattr(worth, "BASELINE", replace(BASELINE, batch_size=8))


def run_of(name, **changes):
    return {"idea": name, "epochs": 1, "seed": 0, **changes}


def training(name, *, seed=0):
    idea = IDEAS[name]
    torch.manual_seed(seed)
    recipe = replace(worth.BASELINE, **idea.recipe)
    return Changed(idea, make(**idea.network), recipe, seed=seed)


@pytest.mark.parametrize("name", IDEAS)
def test_every_idea_trains_and_repeats(name):
    first, again = (worth.train(run_of(name), pictures=FEW) for _ in range(2))
    assert first["test_accuracy"] is None or 0 <= first["test_accuracy"] <= 1
    for found in (first, again):
        found.pop("seconds", None)
    assert first == again


def test_every_comparison_exists_and_every_idea_differs_from_the_baseline():
    assert {idea.against for idea in IDEAS.values()} <= IDEAS.keys()
    told = [(i.recipe, i.network, i.optimizer, i.policy) for i in IDEAS.values()]
    assert [t for t in told if not any(t)] == [told[0]]


def layers(network):
    return sum(isinstance(m, nn.Conv2d | nn.Linear) for m in network.modules())


def test_the_networks_differ_in_what_they_say():
    base = make()
    assert layers(base) == 11 and layers(make(blocks=3)) == 23
    assert count_parameters(make(shortcuts=False)) == count_parameters(base)
    bare = make(**worth.NO_NORM)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in bare.modules())
    scales = sum(m.weight.numel() for m in base.modules() if isinstance(m, nn.BatchNorm2d))
    assert count_parameters(base) - count_parameters(bare) == scales  # the biases stay
    kinds = [type(m) for m in make(after=worth.relu_then_norm).modules()]
    after = [kinds[k + 1] for k, kind in enumerate(kinds) if kind is nn.ReLU]
    assert set(after) == {nn.BatchNorm2d}


def test_a_silenced_block_leaves_its_shortcut_or_nothing():
    x = torch.randn(1, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    for shortcut in (True, False):
        block = worth.Block(8, worth.norm_then_relu, shortcut=shortcut).eval()
        nn.init.zeros_(block.conv2.weight)
        assert_close(block(x), x if shortcut else torch.zeros_like(x))


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_pictures_and_labels_are_mixed_by_the_same_share(name):
    run = training(name)
    x = data.normalise(FEW.train_images[:8])
    mixed, labels = run.alter(x, FEW.train_labels[:8])
    theirs = torch.Generator().manual_seed(0)
    again, lam, partners = mix.random_mix(x, **run.alphas, generator=theirs)
    assert torch.equal(mixed, again) and not torch.equal(mixed, x)
    wanted = mix.soft_labels(FEW.train_labels[:8], lam=lam, permutation=partners, num_classes=10)
    assert_close(labels, wanted)


def test_a_policy_changes_every_picture_anew(monkeypatch):
    seen = []
    run = training("trivial")
    run.policy = lambda image: seen.append(image) or image
    for _ in range(2):
        run.train_once(FEW.train_images, FEW.train_labels, [0.01] * 4)
    assert len(seen) == 2 * len(FEW.train_labels)


def test_muon_moves_the_kernels_and_adamw_the_rest():
    run = training("Muon")
    before = {name: p.detach().clone() for name, p in run.model.named_parameters()}
    kernels = {id(p) for g in run.optimizer.first.param_groups for p in g["params"]}
    rest = {id(p) for g in run.optimizer.second.param_groups for p in g["params"]}
    named = dict(run.model.named_parameters())
    assert kernels | rest == {id(p) for p in named.values()} and not kernels & rest
    assert all((p.ndim == 4) == (id(p) in kernels) for p in named.values())
    run.train_once(FEW.train_images[:8], FEW.train_labels[:8], [0.05])
    assert all((named[name] != old).any() for name, old in before.items())
    assert run.optimizer.second.param_groups[0]["lr"] == pytest.approx(0.003 * 0.05 / 0.1)


def test_the_command_goes_on_and_records_what_diverged(tmp_path, capsys, monkeypatch):
    wild = worth.Idea("rate", "a rate of 1e30", {"learning_rate": 1e30})
    monkeypatch.setattr(worth, "IDEAS", {"baseline": IDEAS["baseline"], "wild": wild})
    monkeypatch.setattr(data, "load", lambda which: FEW)
    command = ["--seeds", "1", "--epochs", "1", "--record-folder", str(tmp_path)]
    assert worth.main(command) == 0
    assert ": diverged" in capsys.readouterr().out
    runs = results.load("worth", folder=tmp_path)["runs"]
    assert [run["test_accuracy"] is None for run in runs] == [False, True]
    assert worth.main(["--seeds", "2", *command[2:]]) == 0
    assert capsys.readouterr().out.count("runs: ") == 2  # of the second seed


def test_only_the_named_ideas_are_tried(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(data, "load", lambda which: FEW)
    command = ["--seeds", "1", "--epochs", "1", "--record-folder", str(tmp_path), "--only"]
    assert worth.main([*command, "flip"]) == 0
    assert [run["idea"] for run in results.load("worth", folder=tmp_path)["runs"]] == ["flip"]
    with pytest.raises(SystemExit):
        worth.main([*command, "flop"])
    assert "must name some of ['baseline', 'no augmentation'," in capsys.readouterr().err
    with pytest.raises(SystemExit):
        worth.main([*command, "flip", "--table"])
    assert "--only must be left out with --table" in capsys.readouterr().err


def test_the_table_compares_seed_by_seed(tmp_path, capsys):
    shares = {
        "baseline": (0.90, 0.92, 0.91), "mixup": (0.91, 0.94), "deep": (0.95,),
        "deep, no shortcuts": (0.90, 0.91), "no norm": (None, 0.5),
    }  # fmt: skip
    runs = [
        {"idea": name, "seed": seed, "epochs": 8, "test_accuracy": share}
        for name, found in shares.items()
        for seed, share in enumerate(found)
    ]
    runs.append({"idea": "cutmix", "seed": 0, "epochs": 1, "test_accuracy": 0.1})  # another length
    results.save("worth", {"runs": runs}, folder=tmp_path)
    assert worth.main(["--table", "--record-folder", str(tmp_path)]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 2 + len(IDEAS)
    assert "| baseline | crop and flip | 91.00 ± 1.00 |  |  | 3 |" in rows
    # the differences are 1 and 2 points: 1.5 ± 0.71 / √2
    assert (
        "| augmentation | + MixUp, α = 0.2 | 92.50 ± 2.12 | +1.50 ± 0.50 | crop and flip | 2 |"
        in rows
    )
    assert (
        "| depth | 23 layers, no shortcuts | 90.50 ± 0.71 | -5.00 | 23 layers | 2, 1 compared |"
        in rows
    )
    assert "| norm | no BatchNorm | 50.00 | -42.00 | crop and flip | 1, 1 diverged |" in rows
    assert "| augmentation | + CutMix, α = 1 |  |  | crop and flip | 0 |" in rows


def test_two_that_work_beside_each_other_make_each_run_once_and_keep_each_others(tmp_path):
    made = []

    def record(run):
        made.append(run["seed"])
        if run["seed"] == 0:  # meanwhile, the other one takes what is free, and records it
            for seed in (0, 1):
                once({"seed": seed})
        return {"test_accuracy": 0.5}

    def once(run):
        measure("worth", run, record, folder=tmp_path, units={}, score=lambda found: "")

    for seed in (0, 1):
        once({"seed": seed})
    assert made == [0, 1]
    assert [run["seed"] for run in results.load("worth", folder=tmp_path)["runs"]] == [1, 0]


def test_a_run_that_was_stopped_can_be_made_again(tmp_path):
    def stop(run):
        raise KeyboardInterrupt

    settings = {"folder": tmp_path, "units": {}, "score": lambda found: ""}
    with pytest.raises(KeyboardInterrupt):
        measure("worth", {"seed": 0}, stop, **settings)
    assert results.load("worth", folder=tmp_path) is None
    measure("worth", {"seed": 0}, lambda run: {"test_accuracy": 0.5}, **settings)
    assert len(results.load("worth", folder=tmp_path)["runs"]) == 1


def test_each_user_of_a_machine_has_a_folder_for_locks(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folders = set()
    for user in (1000, 1001):
        monkeypatch.setattr(os, "getuid", lambda user=user: user, raising=False)
        folders.add(Path(lock("worth").lock_file).parent)
    assert len(folders) == 2


def test_the_page_and_its_figure_know_every_idea():
    root = Path(__file__).parents[1]
    figure = ast.parse((root / "gallery" / "plot_worth.py").read_text(encoding="utf-8"))
    (groups,) = (
        ast.literal_eval(node.value)
        for node in figure.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "GROUPS"
    )
    drawn = {idea: name for ideas in groups.values() for idea, name in ideas.items()}
    assert sorted(drawn) == sorted({*IDEAS} - {"baseline"})
    page = (root / "docs" / "worth.md").read_text(encoding="utf-8")
    (words,) = re.findall(r"^WORDS = (\{.*?^\})", page, re.MULTILINE | re.DOTALL)
    assert ast.literal_eval(words).items() <= drawn.items()  # the table's names are the figure's
    assert {*re.findall(r"(\d+) (?:ideas|changes)\b", page)} == {f"{len(drawn)}"}
