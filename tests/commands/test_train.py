import ast
import json
import multiprocessing
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
import weakref
from pathlib import Path

import pytest
import torch
from torch import nn

from cnnguide import results
from cnnguide.__main__ import main as everything
from cnnguide.checkpoint import load_checkpoint
from cnnguide.commands import forecast, parts, pictures
from cnnguide.commands import options as choices
from cnnguide.commands import train as training_command
from cnnguide.commands.train import main, owning
from cnnguide.recipe import RECIPES, Recipe
from cnnguide.run import Epoch, Training


class SmallNet(nn.Sequential):
    """A network that trains on the sample in a second."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 8, 4, stride=4), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(),
            nn.Linear(512, 10),
        )  # fmt: skip


@pytest.fixture(autouse=True)
def _small_net(monkeypatch):
    monkeypatch.setitem(parts.CIFAR_NETWORKS, "quick", SmallNet)


posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX's signals and locks")
ROOT = Path(__file__).parents[2]
QUICK = ["--model", "quick", "--recipe", "quick", "--data", "sample", "--device", "cpu"]


def command(tmp_path, *options):
    return main([*QUICK, "--epochs", "1", "--output", str(tmp_path / "run"), *options])


def test_the_command_trains_and_writes_everything_down(tmp_path, capsys):
    assert command(tmp_path) == 0
    folder = tmp_path / "run"
    written = {p.name for p in folder.iterdir()}
    assert written == {
        "checkpoint.pt", "curves.svg", "log.jsonl", "train.json", "weights.safetensors"
    }  # fmt: skip
    (single,) = json.loads((folder / "train.json").read_text())["runs"]
    assert single["recipe"]["epochs"] == 1 and single["seed"] == 0 and single["data"] == "sample"
    assert [Epoch(**e).number for e in single["history"]] == [1]
    assert [json.loads(one) for one in (folder / "log.jsonl").read_text().splitlines()] == single[
        "history"
    ]
    out = capsys.readouterr().out
    assert f"{single['test_accuracy']['last']:.4f}" in out and "images/s" in out
    assert "epochs = 1  (the recipe's: 5)" in out


def test_the_command_mixes_images_if_it_is_told_to(tmp_path, capsys):
    losses = []
    for k, options in enumerate(([], ["--cutmix", "1"])):
        assert command(tmp_path / str(k), *options) == 0
        (single,) = json.loads((tmp_path / str(k) / "run" / "train.json").read_text())["runs"]
        losses.append(single["history"][0]["train_loss"])
    assert losses[0] != losses[1] and single["recipe"]["cutmix"] == 1
    assert "cutmix = 1.0  (the recipe's: 0.0)" in capsys.readouterr().out


def test_several_processes_cannot_mix(monkeypatch):
    monkeypatch.setattr(parts, "processes", lambda: 2)
    with pytest.raises(ValueError, match="there must be one process, without --compiled"):
        parts.make_run(choices.Options(), nn.Flatten(), Recipe(cutmix=1.0), torch.device("cpu"))


def test_the_weights_file_holds_the_chosen_weights_and_the_recipe(tmp_path):
    import safetensors

    command(tmp_path)
    best = load_checkpoint(tmp_path / "run" / "checkpoint.pt")["best"]
    with safetensors.safe_open(tmp_path / "run" / "weights.safetensors", "pt") as file:
        assert set(file.keys()) == set(best)
        assert all(torch.equal(file.get_tensor(name), best[name]) for name in best)
        assert json.loads(file.metadata()["recipe"])["epochs"] == 1


def test_the_command_does_not_overwrite_a_run(tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"a run")
    assert command(tmp_path) == 1
    assert "go on with `cnnguide train --resume --model quick " in capsys.readouterr().err
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == b"a run"


def test_a_run_that_has_ended_is_not_run_again(tmp_path, capsys):
    assert command(tmp_path) == 0
    folder = tmp_path / "run"
    before = (folder / "train.json").read_bytes()
    use = f"`cnnguide predict --run {folder} PICTURE`"
    for options in ([], ["--resume"]):
        assert command(tmp_path, *options) == 1
        assert capsys.readouterr().err == (
            f"error: the run in {folder} has ended, and its result is in {folder / 'train.json'}: "
            f"use it with {use}, or name another --output to train anew\n"
        )
    (folder / "checkpoint.pt").unlink()  # it is large, and no longer needed
    for options in ([], ["--resume"]):
        assert command(tmp_path, *options) == 1
        assert "has ended" in capsys.readouterr().err
    assert (folder / "train.json").read_bytes() == before


def test_a_series_that_has_ended_is_not_run_again_and_can_tell_its_mean(tmp_path, capsys):
    assert command(tmp_path, "--seeds", "2") == 0
    (mean,) = re.findall("test, last epoch.+", capsys.readouterr().out)
    assert command(tmp_path, "--seeds", "2") == 1
    err = capsys.readouterr().err
    assert f"the runs in {tmp_path / 'run'} have ended: `cnnguide train --resume --model" in err
    assert f"cnnguide predict --run {tmp_path / 'run' / 'seed-0'} PICTURE" in err
    assert command(tmp_path, "--seeds", "2", "--resume") == 0
    assert mean in capsys.readouterr().out
    assert command(tmp_path, "--seeds", "3") == 1  # one is left
    assert "seed-0 holds a run: go on with `cnnguide train --resume" in capsys.readouterr().err


def test_a_series_does_not_count_runs_that_had_other_options(tmp_path, capsys):
    assert command(tmp_path, "--seeds", "2") == 0
    first = tmp_path / "run" / "seed-0"
    for options, different in (
        (["--epochs", "2"], "epochs was 1, is 2"),
        (["--learning-rate", "0.1"], "learning_rate was 0.4, is 0.1"),
        (["--model", "resnet10"], "model was quick, is resnet10"),
        (["--data", "full", "--flip", "0"], "data was sample, is full; flip was 0.5, is 0.0"),
    ):
        capsys.readouterr()
        assert command(tmp_path, *options, "--seeds", "3", "--resume") == 1
        assert capsys.readouterr().err == (
            f"error: the run in {first} has ended with other options: {different}; give the same, "
            "or name another --output\n"
        )
    assert not (tmp_path / "run" / "seed-2").exists()
    assert command(tmp_path, "--seeds", "3", "--resume") == 0
    assert "mean ± standard deviation of 3 seeds" in capsys.readouterr().out


@pytest.fixture
def nox(monkeypatch):
    """Run a command as a session of nox does; give the names of the sessions."""
    text = (ROOT / "noxfile.py").read_text("utf-8")
    (table,) = re.findall(r"^SESSIONS = (\{.+?^\})", text, re.M | re.S)
    sessions = ast.literal_eval(table)
    known = " ".join(f"{name}={session}" for name, session in sessions.items())
    monkeypatch.setenv("CNNGUIDE_SESSIONS", known)
    defined = re.findall(r"^@nox\.session\ndef (\w+)", text, re.M)
    assert {*sessions.values()} <= {*defined}
    return sessions


@pytest.mark.usefixtures("nox")
def test_what_nox_has_started_names_the_sessions_of_nox(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "checkpoint.pt").touch()
    assert command(tmp_path) == 1
    assert "go on with `nox -s train_full -- --resume --model quick " in capsys.readouterr().err
    (folder / "checkpoint.pt").unlink()
    assert command(tmp_path) == 0
    assert command(tmp_path) == 1
    assert f"with `nox -s predict -- --run {folder} PICTURE`, or" in capsys.readouterr().err
    monkeypatch.setenv("CNNGUIDE_DATA", str(tmp_path / "empty"))
    assert main([*QUICK, "--data", "full", "--output", str(tmp_path / "other")]) == 1
    assert capsys.readouterr().err == (
        f"error: the full CIFAR-10 is not in {tmp_path / 'empty'}: fetch it with `nox -s data`, "
        "or use the sample\n"
    )


@pytest.mark.parametrize(
    ("platform", "output", "written"),
    [
        ("linux", "my runs", "'my runs'"),
        ("win32", r"C:\my runs", r'"C:\my runs"'),
        ("win32", r"C:\runs", r"C:\runs"),
    ],
)
def test_a_command_is_quoted_as_the_shell_reads_it(monkeypatch, platform, output, written):
    monkeypatch.setattr(sys, "platform", platform)
    assert choices.resuming(["--output", output]).endswith(f"train --resume --output {written}")


@pytest.mark.parametrize("name", ["train", "data", "predict", "transfer"])
def test_the_help_of_what_nox_has_started_begins_with_the_session(nox, capsys, name):
    with pytest.raises(SystemExit):
        everything([name, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: nox -s {nox[name]} -- [")


def test_a_dry_run_says_what_would_happen_and_does_nothing(tmp_path, capsys):
    options = ["--dry-run", "--batch-size", "8", "--device", "cpu", "--output"]
    assert main([*options, str(tmp_path / "run")]) == 0
    out = capsys.readouterr().out
    assert "resnet18: 11,173,962 parameters, 45,000 training images, 150 epochs of 5,625 st" in out
    assert "weight_decay = 0.0005" in out and not (tmp_path / "run").exists()
    assert "memory: about 0." in out and "time: about" in out


def test_one_epoch_of_one_step_is_written_so(tmp_path, capsys):
    assert command(tmp_path, "--batch-size", "4500", "--dry-run") == 0
    assert ", 4,500 training images, 1 epoch of 1 step on " in capsys.readouterr().out


def test_every_field_of_the_recipe_is_an_option():
    options = choices.parse(["--recipe", "modern", "--cutout", "3", "--milestones", "1", "2"])
    assert options.training == Recipe(
        **{**vars(choices.find_recipe("modern")), "cutout": 3, "milestones": (1, 2)}
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--recipe", "best"], "recipe must be one of 'article', 'modern', 'quick', got 'best'"),
        (["--seeds", "0"], "seeds must be at least 1, got 0"),
        (["--validation", "1.5"], "validation must lie between 0 and 1, got 1.5"),
        (["--compiled", "--device", "cpu"], "--compiled must have a GPU, got cpu; leave it out"),
        (["--device", "abacus"], "device must be auto, cpu, cuda, mps or xpu, got 'abacus'"),
        (["--device", "hpu"], "device must be auto, cpu, cuda, mps or xpu, got 'hpu'"),
        (["--device", "cpu:0"], "device must be auto, cpu, cuda, mps or xpu, got 'cpu:0'"),
        (["--device", "cuda:0", "--nproc", "2"], "each takes a card of its own, got cuda:0"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(tmp_path, capsys, options, message):
    assert main([*options, "--output", str(tmp_path)]) == 1
    assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_said(tmp_path, capsys):
    assert command(tmp_path, "--device", "cuda") == 1
    assert "PyTorch finds no GPU here; take --device cpu" in capsys.readouterr().err


@pytest.mark.parametrize("device", ["mps", "xpu", "xpu:1"])
def test_a_device_that_is_not_there_is_said_in_one_sentence(tmp_path, capsys, device):
    if torch.get_device_module(torch.device(device)).is_available():
        pytest.skip("this machine has it")
    assert command(tmp_path, "--device", device) == 1
    err = capsys.readouterr().err
    assert err == f"error: device is {device}, which PyTorch does not find here; take cpu\n"
    assert not (tmp_path / "run").exists()


@pytest.fixture
def found(monkeypatch):
    """Let PyTorch find an accelerator, which stands for one that this machine lacks."""

    def finding(kind):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
        monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device(kind))

    return finding


@pytest.mark.parametrize("kind", ["mps", "xpu"])
def test_an_untried_device_is_offered_and_never_taken_unasked(tmp_path, capsys, found, kind):
    found(kind)
    options = choices.parse(["--output", str(tmp_path)])
    assert choices.device_of(options) == torch.device("cpu")
    (sentence,) = forecast.remarks(torch.device("cpu"))
    assert sentence == f"PyTorch finds {kind} here; --device {kind} takes it, untried by us"
    (sentence,) = forecast.remarks(torch.device(kind))
    assert sentence.startswith(f"nothing of this guide was tried on {kind}")
    assert command(tmp_path, "--device", "cpu", "--dry-run") == 0
    assert f"PyTorch finds {kind} here" in capsys.readouterr().out


def test_several_processes_do_not_share_an_untried_device(tmp_path, monkeypatch):
    monkeypatch.setattr(choices, "find_device", torch.device)
    options = choices.parse(["--device", "mps", "--nproc", "2"])
    with pytest.raises(ValueError, match="on mps there must be one process, got several"):
        choices.device_of(options)


def test_the_processes_of_torchrun_do_not_share_a_card(monkeypatch):
    monkeypatch.setattr(choices, "find_device", torch.device)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    options = choices.parse(["--device", "cuda:1"])
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")  # one on each of several machines
    assert choices.device_of(options) == torch.device("cuda:1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="must be cuda, of which each takes a card of its own"):
        choices.device_of(options)


def test_the_help_names_every_option_and_explains_it(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    for option in (
        "--recipe",
        "--epochs",
        "--resume",
        "--dry-run",
        "--record",
        "--seed",
        "--nproc",
    ):
        assert option in out
    assert "pull towards 0" in out  # the comment of a field of Recipe


def test_the_help_says_of_switches_what_they_do(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    out = " ".join(capsys.readouterr().out.split())
    assert "--decay-all, --no-decay-all" in out and "training options" in out
    assert "--images PATH instead, your own pictures" in out.replace("│ │ ", "")
    assert "{None}" not in out
    recipes = out.partition("--recipe STR")[2].partition("--model")[0]
    assert all(name in recipes for name in {**RECIPES, **pictures.RECIPES})


SHOWN = [
    line
    for path in (*ROOT.glob("README*.md"), *ROOT.glob("docs/*.md"))
    for line in path.read_text(encoding="utf-8").splitlines()
    if line.startswith(("cnnguide train ", "nox -s train_full -- ")) and "--help" not in line
]


@pytest.mark.parametrize("line", SHOWN)
def test_a_command_that_the_guide_shows_is_taken_and_a_laptops_is_small(line):
    words = shlex.split(line, comments=True)
    options = choices.parse(words[2:] if words[0] == "cnnguide" else words[4:])
    if "laptop" in line or "笔记本" in line:  # where a ResNet-18 takes minutes for each epoch
        assert (options.model, options.recipe, options.data) == ("quick", "quick", "sample")


def test_the_guide_shows_commands_and_some_are_for_a_laptop():
    assert len(SHOWN) >= 6 and sum("laptop" in line for line in SHOWN) >= 2


def test_there_is_nothing_to_resume_in_an_empty_folder(tmp_path, capsys):
    assert command(tmp_path, "--resume") == 1
    assert f"error: nothing to resume in {tmp_path / 'run'}" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_that_lacks_its_record_is_finished(tmp_path, capsys):
    assert command(tmp_path) == 0
    folder = tmp_path / "run"
    before = results.load("train", folder=folder)["runs"][0]
    for name in ("train.json", "weights.safetensors", "curves.svg", "log.jsonl"):
        (folder / name).unlink()
    assert command(tmp_path, "--resume") == 0
    after = results.load("train", folder=folder)["runs"][0]
    for name in ("test_accuracy", "history", "recipe"):
        assert after[name] == before[name]
    assert after["seconds"] > after["history"][0]["seconds"]  # the training counts
    assert (folder / "weights.safetensors").exists() and (folder / "curves.svg").exists()
    assert len((folder / "log.jsonl").read_text().splitlines()) == 1


def test_a_series_whose_record_is_empty_is_finished(tmp_path, capsys):
    assert command(tmp_path, "--seeds", "2") == 0
    folder = tmp_path / "run" / "seed-0"
    for runs in ([], [{}], [3]):
        (folder / "train.json").write_text(json.dumps({"runs": runs}), encoding="utf-8")
        assert command(tmp_path, "--seeds", "2", "--resume") == 0
        assert results.load("train", folder=folder)["runs"][0]["test_accuracy"]["last"] > 0
    assert capsys.readouterr().out.count("has ended already") == 3  # the other seed


@pytest.mark.parametrize("name", ["matplotlib.pyplot", "safetensors.torch"])
def test_what_the_end_needs_is_asked_for_at_the_start(tmp_path, capsys, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    assert command(tmp_path) == 1
    err = capsys.readouterr().err
    (line,) = re.findall("; `pip install (.+)` brings what this command needs$", err.strip())
    assert name in err and name.split(".")[0] in line.split() and err.count("\n") == 1
    assert not (tmp_path / "run").exists()
    # the package is on no registry yet: the line names what it wants, and nothing of ours
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = extras["optional-dependencies"]["train"]
    assert line.split() == [re.match(r"[\w-]+", each)[0] for each in wanted]


@posix
def test_a_second_run_keeps_away_from_the_folder_of_the_first(tmp_path, capsys):
    with owning(choices.parse(["--output", str(tmp_path / "run")]), []):
        assert command(tmp_path) == 1
    assert f"another run writes to {tmp_path / 'run'}; name another" in capsys.readouterr().err
    assert command(tmp_path) == 0


@posix
def test_a_run_keeps_away_from_the_folder_of_a_series_seed(tmp_path, capsys):
    series = choices.parse(["--output", str(tmp_path), "--seeds", "2"])
    alone = choices.parse(["--output", str(tmp_path / "seed-1")])
    for one, other in ((series, alone), (alone, series)):
        with (
            owning(one, []),
            pytest.raises(ValueError, match=r"another run writes to .*seed-1"),
            owning(other, []),
        ):
            pass


@pytest.mark.parametrize("resumed", [[], ["--resume"]])
def test_a_run_that_ends_while_another_begins_is_kept(tmp_path, capsys, monkeypatch, resumed):
    def check_while_another_trains(*given):
        monkeypatch.setattr(training_command, "check", choices.check)
        if not resumed:
            choices.check(*given)
        assert command(tmp_path) == 0

    monkeypatch.setattr(training_command, "check", check_while_another_trains)
    assert command(tmp_path, *resumed) == 1
    assert f"the run in {tmp_path / 'run'} has ended" in capsys.readouterr().err
    assert results.load("train", folder=tmp_path / "run")["runs"][0]["test_accuracy"]["last"] > 0


@pytest.mark.parametrize(
    ("output", "options"),
    [
        ("shown", ["--record"]),
        ("shown", ["--dry-run"]),
        ("shown/../shown", ["--seeds", "2"]),
        (".", ["--seeds", "2"]),
    ],
)
def test_a_run_keeps_away_from_the_folder_of_the_results(
    tmp_path, capsys, monkeypatch, output, options
):
    shown = tmp_path / ("seed-1" if output == "." else "shown")
    shown.mkdir()
    monkeypatch.setattr(results, "FOLDER", shown)
    command = [*QUICK, "--epochs", "1", "--output", str(tmp_path / output), *options]
    assert main(command) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"error: --output must be another folder than {shown}, which holds")
    assert err.count("\n") == 1 and not any(shown.iterdir())


@posix
def test_no_run_is_lost_from_a_record_that_many_add_to(tmp_path):
    code = (
        "import sys; from pathlib import Path; from cnnguide.commands import add_run\n"
        "for k in range(20): add_run('train', {'k': k}, {}, folder=Path(sys.argv[1]))"
    )
    adding = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [process.wait() for process in adding] == [0, 0, 0]
    assert len(results.load("train", folder=tmp_path)["runs"]) == 60


def test_what_killed_writes_left_behind_is_cleared(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    left = [folder / f".{name}.{'0a' * 8}" for name in ("checkpoint.pt", "log.jsonl")]
    for path in [*left, folder / ".mine"]:
        path.write_bytes(b"half")
    assert command(tmp_path) == 0
    assert not any(path.exists() for path in left) and (folder / ".mine").exists()


class SlowAtFirst(SmallNet):
    """A network whose first steps take long, as libraries do that choose their ways then."""

    calls = 0

    def forward(self, x):
        if self.training:
            SlowAtFirst.calls += 1
            time.sleep(0.5 if SlowAtFirst.calls <= 3 else 0)
        return super().forward(x)


def test_a_dry_run_warms_up_before_it_measures(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(parts.CIFAR_NETWORKS, "quick", SlowAtFirst)
    assert command(tmp_path, "--dry-run") == 0
    step = float(re.search(r"from steps of ([\d.]+) ms here", capsys.readouterr().out)[1])
    assert step < 400


def test_several_seeds_give_mean_and_deviation_and_are_not_run_twice(tmp_path, capsys):
    assert command(tmp_path, "--seeds", "2") == 0
    out = capsys.readouterr().out
    folders = [tmp_path / "run" / f"seed-{s}" for s in (0, 1)]
    found = [results.load("train", folder=f)["runs"][0]["test_accuracy"]["last"] for f in folders]
    assert f"{50 * sum(found):.2f} ± {100 * abs(found[0] - found[1]) / 2**0.5:.2f} %" in out
    (folders[1] / "train.json").unlink()
    (folders[1] / "checkpoint.pt").unlink()
    before = (folders[0] / "train.json").read_bytes()
    assert command(tmp_path, "--seeds", "2", "--resume") == 0
    assert "has ended already" in capsys.readouterr().out
    assert (folders[0] / "train.json").read_bytes() == before
    assert (folders[1] / "train.json").exists()


def test_tensorboard_gets_the_curves_when_asked_and_its_command_is_printed(tmp_path, capsys):
    assert command(tmp_path, "--tensorboard") == 0
    found = re.search("^to see the curves .*: (tensorboard .*)$", capsys.readouterr().out, re.M)
    program, option, folder = shlex.split(found[1])
    assert (program, option) == ("tensorboard", "--logdir")
    assert list(Path(folder).glob("events*"))


class TooLarge(SmallNet):
    """A network that needs more memory than there is for more than 16 images."""

    def forward(self, x):
        if len(x) > 16:
            raise torch.OutOfMemoryError("no room")
        return super().forward(x)


def test_out_of_memory_says_which_batch_fits(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(parts.CIFAR_NETWORKS, "quick", TooLarge)
    assert command(tmp_path, "--batch-size", "64", "--learning-rate", "0.4") == 1
    err = capsys.readouterr().err
    assert "with batches of 64; 16 fits: take --batch-size 16 --learning-rate 0.1" in err


class TooLargeForApple(SmallNet):
    """A network whose lack of memory is told as Apple's device tells it."""

    def forward(self, x):
        if len(x) > 16:
            raise RuntimeError("MPS backend out of memory (MPS allocated: 9 GB, max allowed: 9 GB)")
        return super().forward(x)


def test_out_of_memory_is_known_by_its_words_too(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(parts.CIFAR_NETWORKS, "quick", TooLargeForApple)
    assert command(tmp_path, "--batch-size", "64") == 1
    assert "with batches of 64; 16 fits: take --batch-size 16" in capsys.readouterr().err


class HoldsMuch(SmallNet):
    """A network whose step leaves something in memory when it fails."""

    def forward(self, x):
        activations = x.mul(2)
        if len(x) > 16:
            self.held.append(weakref.ref(activations))
            raise torch.OutOfMemoryError("no room")
        return super().forward(x)


@pytest.mark.parametrize("bar", [False, True])
def test_the_failed_run_is_gone_before_a_smaller_batch_is_tried(tmp_path, monkeypatch, bar):
    held, left, make_run, try_steps = [], [], training_command.make_run, forecast.try_steps

    def making(*given):
        run = make_run(*given)
        held.append(weakref.ref(run))
        return run

    def trying(*given):
        left.append([one() for one in held if one() is not None])
        return try_steps(*given)

    monkeypatch.setattr(HoldsMuch, "held", held, raising=False)
    monkeypatch.setattr(training_command, "make_run", making)
    monkeypatch.setattr(forecast, "try_steps", trying)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: bar)
    monkeypatch.setitem(parts.CIFAR_NETWORKS, "quick", HoldsMuch)
    assert command(tmp_path, "--batch-size", "64") == 1
    assert len(held) == 3  # the run, its step, and that of the trial with batches of 32
    assert left == [[], []]


class NeverFits(SmallNet):
    def forward(self, x):
        if self.training:
            raise torch.OutOfMemoryError("no room")
        return super().forward(x)


def test_no_memory_at_all_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(parts.CIFAR_NETWORKS, "quick", NeverFits)
    assert command(tmp_path) == 1
    assert "out of memory on cpu even with single images" in capsys.readouterr().err


def test_no_batch_is_tried_that_several_processes_cannot_share(monkeypatch):
    tried = []

    def trying(options, device, batch, classes):
        tried.append(batch)
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(forecast, "processes", lambda: 4)
    monkeypatch.setattr(forecast, "try_steps", trying)
    told = forecast.what_would_fit(
        choices.Options(training=Recipe(batch_size=50)), torch.device("cpu"), ()
    )
    assert tried == [25, 12, 6]
    assert told == "out of memory on cpu even with batches of 6; close what else uses it"


# --- stops of every kind

# 500 training images and four epochs
SHORT = ["--model", "quick", "--recipe", "quick", "--data", "sample", "--device", "cpu"]
SHORT += ["--epochs", "4", "--validation", "0.9"]


def final_weights(folder):
    state = load_checkpoint(folder / "checkpoint.pt")
    assert len(state["history"]) == 4
    return state["model"]


@posix
def test_a_run_killed_at_any_moment_goes_on_to_the_same_weights(tmp_path):
    """SIGKILL at 20 random moments; each time the run goes on from what is there."""
    processes = multiprocessing.get_context("forkserver")  # imports torch once
    processes.set_forkserver_preload(["cnnguide.commands.train"])

    def start(name):
        resume = ["--resume"] if (tmp_path / name / "checkpoint.pt").exists() else []
        arguments = [*SHORT, "--output", str(tmp_path / name), *resume]
        process = processes.Process(target=main, args=(arguments,))
        process.start()
        return process

    start("whole").join()
    whole = final_weights(tmp_path / "whole")
    folder, draw, kills, epochs, ends = tmp_path / "killed", random.Random(0), 0, 0, 0
    while kills < 20 or ends == 0:
        process = start("killed")
        process.join(0.3 + 1.5 * draw.random() if kills < 20 else None)
        process.kill()
        process.join()
        kills += process.exitcode == -signal.SIGKILL
        if not (folder / "checkpoint.pt").exists():
            continue
        # never half a file, and never an epoch that had been written is gone
        now = len(load_checkpoint(folder / "checkpoint.pt")["history"])
        assert now >= epochs
        epochs = now
        if epochs == 4:
            weights = final_weights(folder)
            assert all(torch.equal(whole[k], weights[k]) for k in whole)
            (folder / "checkpoint.pt").unlink()
            epochs, ends = 0, ends + 1
    print(f"{kills} kills, {ends} runs of 4 epochs ended, no epoch lost")


@posix
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130), ("SIGHUP", 129)])
def test_a_polite_stop_says_how_to_go_on(tmp_path, name, code):
    command = [sys.executable, "-m", "cnnguide", "train", *SHORT, "--epochs", "500"]
    with subprocess.Popen(
        [*command, "--output", str(tmp_path / "stopped")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    ) as run:
        for text in run.stdout:
            if text.startswith("epoch "):
                break
        run.send_signal(signal.Signals[name])
        _, err = run.communicate()
    assert run.returncode == code
    assert "stopped; `cnnguide train --resume --model quick " in err
    assert f"--output {tmp_path / 'stopped'}` goes on" in err
    assert load_checkpoint(tmp_path / "stopped" / "checkpoint.pt")["history"]


def stop(*_, **__):
    raise KeyboardInterrupt(signal.SIGTERM)


@pytest.mark.parametrize("seeds", ["1", "2"])
def test_a_stop_before_the_first_epoch_has_ended_names_what_works(
    tmp_path, capsys, monkeypatch, seeds
):
    anew = "\nstopped; no epoch was written down, and the same command begins anew\n"
    with monkeypatch.context() as early:
        early.setattr(Training, "run_epoch", stop)
        assert command(tmp_path, "--seeds", seeds) == 143
        assert capsys.readouterr().err == anew
    with monkeypatch.context() as late:
        late.setattr(training_command, "save_weights", stop)
        assert command(tmp_path, "--seeds", seeds) == 143  # the same command
        assert "stopped; `cnnguide train --resume --model quick" in capsys.readouterr().err
    with monkeypatch.context() as dry:
        dry.setattr(training_command, "report_plan", stop)
        assert command(tmp_path, "--seeds", seeds, "--dry-run") == 143
        assert capsys.readouterr().err == anew
    assert command(tmp_path, "--seeds", seeds, "--resume") == 0


def test_a_run_that_could_not_be_recorded_is_refused_at_its_start(tmp_path, capsys, monkeypatch):
    shown = tmp_path / "shown"
    shown.touch()  # nobody can write into a file as if it were a folder, not even root
    monkeypatch.setattr(results, "FOLDER", shown)
    assert command(tmp_path, "--record") == 1
    assert capsys.readouterr().err == (
        f"error: --record must be left out where {shown}, which holds the results that the site "
        "shows, cannot be written: Not a directory\n"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_run_is_recorded_once_also_after_a_stop(tmp_path, capsys, monkeypatch, seeds):
    shown, options = tmp_path / "shown", ["--seeds", str(seeds), "--record"]
    shown.mkdir()
    monkeypatch.setattr(results, "FOLDER", shown)
    with monkeypatch.context() as at_the_end:
        at_the_end.setattr(training_command, "add_run", stop)
        assert command(tmp_path, *options) == 143
    first = tmp_path / "run" if seeds == 1 else tmp_path / "run" / "seed-0"
    (own,) = results.load("train", folder=first)["runs"]
    assert results.load("train", folder=shown) is None
    for _ in range(2):
        assert command(tmp_path, *options, "--resume") == 0
        runs = results.load("train", folder=shown)["runs"]
        assert runs[0] == own and [run["seed"] for run in runs] == [*range(seeds)]
    assert capsys.readouterr().out.count("has ended already") == seeds + 1


def test_two_processes_run_the_command_and_one_writes(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "cnnguide", "train", "--nproc", "2", "--recipe", "quick"]
        + ["--model", "quick", "--data", "sample", "--epochs", "1", "--device", "cpu"]
        + ["--output", str(tmp_path / "run")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("test accuracy at the last epoch") == 1
    (single,) = results.load("train", folder=tmp_path / "run")["runs"]
    assert single["processes"] == 2 and single["test_accuracy"]["last"] > 0.2


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_two_processes_without_a_gpu_say_so_once(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "cnnguide", "train", "--nproc", "2", "--device", "cuda"]
        + ["--data", "sample", "--output", str(tmp_path / "run")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert (
        done.stderr == "error: device is cuda, but PyTorch finds no GPU here; take --device cpu\n"
    )


def running(folder):
    """Find the processes that train into a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state = (path / "stat").read_text().rsplit(") ", 1)[1][0]
            if str(folder).encode() in (path / "cmdline").read_bytes() and state != "Z":
                found.append(int(path.name))
        except OSError:  # it has ended
            continue
    return found


@pytest.fixture
def two_processes(tmp_path):
    """Start a long run in two processes; give its command's process and what it writes to stderr.

    Whatever a failed test has left is killed.
    """
    command = [sys.executable, "-m", "cnnguide", "train", *SHORT, "--epochs", "500"]
    command += ["--nproc", "2", "--output", str(tmp_path / "run")]
    with (tmp_path / "err").open("w+") as err:
        run = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=err, text=True, preexec_fn=heed_interrupts
        )
        for text in run.stdout:
            if text.startswith("epoch "):
                break
        assert len(running(tmp_path)) == 3
        yield run, tmp_path / "err"
        for process in running(tmp_path):
            os.kill(process, signal.SIGKILL)
        run.wait(60)


def heed_interrupts():
    """Heed SIGINT, which a shell has its background jobs ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at Linux's processes")
@pytest.mark.parametrize(
    ("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130), ("SIGKILL", -9)]
)
def test_no_process_outlives_a_command_that_is_stopped(two_processes, tmp_path, name, code):
    run, err = two_processes
    run.send_signal(signal.Signals[name])
    run.stdout.close()
    assert run.wait(60) == code
    for _ in range(100):
        if not running(tmp_path):
            break
        time.sleep(0.1)
    assert not running(tmp_path)
    assert "Traceback" not in err.read_text()
    assert err.read_text().count("cnnguide train --resume") == (name != "SIGKILL")


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at Linux's processes")
def test_a_process_that_dies_is_told_in_one_sentence_and_takes_the_others_along(
    two_processes, tmp_path
):
    run, err = two_processes
    worker = max(set(running(tmp_path)) - {run.pid})
    os.kill(worker, signal.SIGKILL)
    run.stdout.close()
    assert run.wait(60) == 1
    assert not running(tmp_path)
    assert err.read_text() == "error: one of the 2 processes ended with exit code -9\n"
