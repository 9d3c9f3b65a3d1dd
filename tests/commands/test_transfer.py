from types import SimpleNamespace

import pytest
from torch import nn

from cnnguide import data, results, transfer
from cnnguide.commands import transfer as transfer_run


def tiny(source):
    if source == "torchvision":
        raise OSError("torchvision's weights cannot be reached: no network")
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 7),
    )  # fmt: skip
    network.default_cfg = {"input_size": (3, 48, 48), "mean": data.MEAN, "std": data.STD}
    return network


QUICK = ["--epochs", "1", "--device", "cpu", "--weights", "package"]


def small_run(tmp_path, monkeypatch, *options):
    monkeypatch.setattr(transfer, "load_pretrained", tiny)
    full = data.load("sample")
    few = data.Cifar10(**{name: part[::20] for name, part in vars(full).items()})
    monkeypatch.setattr(data, "load", lambda name: few)
    monkeypatch.setattr(transfer_run, "cifar_resnet18", lambda: nn.Sequential(
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 10)))  # fmt: skip
    return transfer_run.main([*QUICK, "--output", str(tmp_path), *options])


def test_the_command_measures_every_setting_and_says_what_it_could_not(
    tmp_path, monkeypatch, capsys, unchecked
):
    assert small_run(tmp_path, monkeypatch, "--weights", "torchvision", "package") == 1
    runs = results.load("transfer", folder=tmp_path)["runs"]
    assert [run["setting"] for run in runs] == list(transfer_run.SETTINGS)
    assert [run["size"] for run in runs] == [32, 48, 48, 32]
    assert all(0 <= run["test_accuracy"] <= 1 and run["commit"] is not None for run in runs)
    assert "NOT MEASURED: torchvision's weights cannot be reached" in capsys.readouterr().err


def test_what_was_measured_before_an_error_stays_written_down(
    tmp_path, monkeypatch, capsys, unchecked
):
    def broken(*arguments):
        raise FloatingPointError("training diverged")

    monkeypatch.setattr(transfer_run, "fine_tune", broken)
    assert small_run(tmp_path, monkeypatch, "--size", "40") == 1
    assert [r["size"] for r in results.load("transfer", folder=tmp_path)["runs"]] == [32, 40]
    assert "error: training diverged" in capsys.readouterr().err


def test_the_same_command_goes_on_with_the_settings_that_are_left(
    tmp_path, monkeypatch, capsys, unchecked
):
    def broken(*arguments):
        raise FloatingPointError("training diverged")

    with monkeypatch.context() as first:
        first.setattr(transfer_run, "fine_tune", broken)
        assert small_run(tmp_path, first) == 1
    assert small_run(tmp_path, monkeypatch) == 0
    runs = results.load("transfer", folder=tmp_path)["runs"]
    assert [run["setting"] for run in runs] == list(transfer_run.SETTINGS)  # each of them once
    assert capsys.readouterr().out.count("has been measured already") == 2
    another = [*QUICK, "--output", str(tmp_path), "--seed", "1"]
    assert transfer_run.main(another) == 0  # it is measured
    assert len(results.load("transfer", folder=tmp_path)["runs"]) == 8


@pytest.mark.parametrize("stopped", [False, True])
def test_the_seconds_of_fine_tuning_begin_with_the_fitted_head(
    tmp_path, monkeypatch, unchecked, stopped
):
    clock, real, tune = [0.0], transfer_run.fit_frozen, transfer_run.fine_tune

    def fit_slowly(*arguments):
        clock[0] += 100
        return real(*arguments)

    def tune_in_seven_seconds(*arguments):
        clock[0] += 7
        return tune(*arguments)

    def broken(*arguments):
        raise FloatingPointError("training diverged")

    monkeypatch.setattr(transfer_run, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(transfer_run, "fit_frozen", fit_slowly)
    if stopped:
        with monkeypatch.context() as earlier:
            earlier.setattr(transfer_run, "fine_tune", broken)
            assert small_run(tmp_path, earlier) == 1
    monkeypatch.setattr(transfer_run, "fine_tune", tune_in_seven_seconds)
    assert small_run(tmp_path, monkeypatch) == 0
    runs = results.load("transfer", folder=tmp_path)["runs"]
    assert [run["seconds"] for run in runs] == [100, 100, 7, 0]


def test_what_was_measured_before_is_recorded_once(tmp_path, monkeypatch, capsys, unchecked):
    run, shown = tmp_path / "run", tmp_path / "shown"
    monkeypatch.setattr(results, "FOLDER", shown)
    assert small_run(run, monkeypatch) == 0
    measured = results.load("transfer", folder=run)
    assert not shown.exists()
    arguments = [*QUICK, "--record", "--output"]
    for _ in range(2):
        assert transfer_run.main([*arguments, str(run)]) == 0
        assert results.load("transfer", folder=shown) == measured
    assert capsys.readouterr().out.count("has been measured already") == 8
    assert transfer_run.main([*arguments, str(shown), "--seed", "1"]) == 0  # one folder for both
    runs = results.load("transfer", folder=shown)["runs"]
    assert [one["seed"] for one in runs] == [0] * 4 + [1] * 4


def test_a_dry_run_lists_the_settings_and_writes_nothing(tmp_path, capsys):
    assert transfer_run.main(["--dry-run", "--output", str(tmp_path / "none")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 7 and not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("abacus", "device must be one of PyTorch's, such as 'cpu', got 'abacus'"),
        ("meta", "device must be one that computes, got 'meta'"),
        ("hpu", "device is hpu, which PyTorch does not find here; take cpu"),
        ("mps", "device is mps, which PyTorch does not find here; take cpu"),
        ("xpu", "device is xpu, which PyTorch does not find here; take cpu"),
    ],
)
def test_a_device_that_cannot_be_used_is_refused_in_one_line(capsys, device, message):
    assert transfer_run.main(["--device", device, "--dry-run"]) == 1
    assert capsys.readouterr().err == f"error: {message}\n"
