"""The speedrun's parts; its claim is measured by ``python -m benchmarks.speedrun``."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import speedrun
from cnnguide import data, results

FOUND = {
    "test_accuracy": 0.5, "six_views": 0.5, "seconds": 2.0, "multiply_adds": 30, "product_rate": 20,
}  # fmt: skip


@pytest.mark.parametrize("shape", [(2, 8, 40), (1, 40, 8)])
def test_orthogonalised_matrices_have_singular_values_near_one(shape):
    matrices = torch.randn(*shape, generator=torch.Generator().manual_seed(0)).double()
    found = torch.linalg.svdvals(speedrun.orthogonalise(matrices, steps=6))
    # the polynomial does not settle at 1: its docstring says how near it comes
    assert found.min() > 0.5 and found.max() < 1.25
    before = torch.linalg.svdvals(matrices)
    assert (before[:, 0] / before[:, -1]).max() > found.max() / found.min()


def test_orthogonalising_keeps_the_directions():
    matrix = torch.randn(1, 4, 6, generator=torch.Generator().manual_seed(0)).double()
    u, _, v = torch.linalg.svd(matrix[0], full_matrices=False)
    inside = u.T @ speedrun.orthogonalise(matrix)[0] @ v.T
    assert_close(inside, inside.diag().diag(), rtol=0, atol=1e-9)


def test_muon_steps_by_the_rate_and_keeps_the_length():
    filters = [nn.Parameter(torch.randn(4, 3, 3, 3)) for _ in range(2)]
    optimizer = speedrun.Muon(filters, lr=0.0, momentum=0.6)
    for bank in filters:
        bank.grad = torch.randn_like(bank)
    optimizer.step()
    assert_close(filters[0].norm(), torch.tensor(2.0))  # the root of 4 filters
    before = filters[1].detach().clone()
    optimizer.param_groups[0]["lr"] = 0.1
    optimizer.step()
    moved = (filters[1] - before).flatten(1)
    assert 0.02 < torch.linalg.svdvals(moved).max() < 0.13


def few():
    sample = data.load("sample")
    return sample.train_images[::20], sample.train_labels[::20]


def test_every_image_is_mirrored_in_every_second_epoch(monkeypatch):
    monkeypatch.setattr(speedrun, "BATCH", 100)
    shown = speedrun.Shown(*few(), seed=0)
    sides = []
    for number in range(3):
        batches = shown.epoch(number)
        order, mirrored = (torch.cat([drawn[k] for drawn in batches]) for k in (0, 3))
        assert order.sort().values.equal(torch.arange(250))
        sides.append(mirrored[order.argsort()])
    assert torch.equal(sides[0], ~sides[1]) and torch.equal(sides[0], sides[2])
    assert 80 < sides[0].sum() < 170


def test_a_batch_is_shifted_with_a_mirrored_border():
    images, labels = few()
    shown = speedrun.Shown(images, labels, seed=0)
    order = torch.tensor([7, 3])
    centre = torch.tensor([speedrun.SHIFT] * 2)
    x, y = shown.batch((order, centre, centre, torch.tensor([False, True])))
    assert torch.equal(x[0], images[7]) and torch.equal(x[1], images[3].flip(-1))
    assert torch.equal(y, labels[order])
    corner = torch.zeros(2, dtype=torch.int64)
    x, _ = shown.batch((order, corner, corner, torch.tensor([False, False])))
    padded = nn.functional.pad(images[order].float(), (2, 2, 2, 2), "reflect")
    assert torch.equal(x.float(), padded[:, :, :32, :32])


def test_six_views_of_a_model_that_ignores_place_are_one():
    x = torch.randn(3, 3, 32, 32)
    constant = torch.ones_like(x) * torch.randn(3, 3, 1, 1)

    def model(images):
        return images.mean((2, 3))

    assert_close(speedrun.six_views(model, constant), model(constant))
    assert_close(speedrun.mirrored_mean(model, x), model(x))


def test_a_short_run_learns_and_is_reported(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(speedrun, "BATCH", 250)
    real = speedrun.train
    monkeypatch.setattr(speedrun, "train", lambda *a, **k: real(*a, **k, widths=(16, 16, 16)))
    options = [
        "--data",
        "sample",
        "--seeds",
        "2",
        "--epochs",
        "2",
        "--record-folder",
        str(tmp_path),
    ]
    assert speedrun.main(options) == 0
    runs = results.load("speedrun", folder=tmp_path)["runs"]
    assert [run["seed"] for run in runs] == [0, 1]
    assert all(run["test_accuracy"] > 0.2 and run["six_views"] > 0.2 for run in runs)  # luck: 0.1
    out = capsys.readouterr().out
    assert f"{100 * runs[1]['six_views']:.2f}%" in out and "| seconds |" in out
    assert "clock: from images on the device" in out
    assert all(run["processor_seconds"] > 0 for run in runs)
    monkeypatch.setattr(speedrun, "train", lambda *a, **k: pytest.fail("is recorded already"))
    assert speedrun.main(options) == 0
    table = out[out.index("| 2 seeds") :]
    assert capsys.readouterr().out.strip() == table.strip()


def test_a_second_process_without_a_run_of_its_own_says_so(monkeypatch, tmp_path, capsys):
    options = ["--data", "sample", "--seeds", "1", "--record-folder", str(tmp_path)]

    def train(*_, **settings):  # meanwhile, the second process finds the only run taken
        assert speedrun.main(options) == 0
        return FOUND

    monkeypatch.setattr(speedrun, "train", train)
    assert speedrun.main(options) == 0
    out = capsys.readouterr().out
    assert out.startswith("no run has ended yet; another process makes them\n")
    assert out.count("written:") == 1


def test_the_table_names_the_versions_that_made_its_runs(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(speedrun, "train", lambda *_, **settings: FOUND)
    options = ["--data", "sample", "--seeds", "1", "--record-folder", str(tmp_path)]
    assert speedrun.main(options) == 0
    record = results.load("speedrun", folder=tmp_path)
    record["runs"][0]["versions"]["torch"] = "2.0.0"
    results.save("speedrun", record, folder=tmp_path)
    capsys.readouterr()
    assert speedrun.main(options) == 0
    out = capsys.readouterr().out
    assert "torch 2.0.0\n" in out
    assert "| share of the speed of a matrix product | 75% " in out  # 30 in 2 s, of 20 per second


def test_the_work_of_a_run_is_what_its_steps_compute():
    model = speedrun.SpeedNet((8, 16, 16))
    x = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as training:
        model(x).sum().backward()
    with torch.no_grad(), FlopCounterMode(display=False) as testing:
        model(x), speedrun.six_views(model, x)
    counted = {
        (train, test): speedrun.work(model, epochs=2, train=train, test=test)
        for train, test in ((4, 0), (0, 4))
    }
    flops = {(4, 0): 2 * training.get_total_flops(), (0, 4): testing.get_total_flops()}
    assert {part: 2 * count for part, count in counted.items()} == flops


def test_no_seed_is_refused(capsys):
    assert speedrun.main(["--seeds", "0"]) == 1
    assert capsys.readouterr().err == "error: --seeds and --epochs are at least 1, got 0 and 8\n"
