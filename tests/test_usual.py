"""The race against the usual script; who wins it, `python -m benchmarks.usual` measures."""

import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torchvision import transforms

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import importing, usual
from cnnguide import data, results
from cnnguide.models import QuickNet
from cnnguide.recipe import Recipe

SAMPLE = data.load("sample")
FEW = data.Cifar10(
    SAMPLE.train_images[::20], SAMPLE.train_labels[::20],
    SAMPLE.test_images[::50], SAMPLE.test_labels[::50], "sample",
)  # fmt: skip
PLAIN = Recipe(epochs=2, batch_size=16, learning_rate=0.05, padding=0, flip=0.0)


def pair():
    return FEW.train_images, FEW.train_labels


def test_the_usual_pictures_are_the_guides():
    pictures = usual.Pictures(pair(), transforms.Compose(usual.TO_TENSOR))
    assert len(pictures) == len(FEW.train_labels)
    image, label = pictures[7]
    assert_close(image, data.normalise(FEW.train_images[7:8])[0])
    assert label == FEW.train_labels[7]


def test_both_learn_the_same_network_from_the_same_weights():
    torch.manual_seed(0)
    scores = []
    for way in (partial(usual.usual, workers=0), usual.fast):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
        scores.append(list(way(model, pair(), pair(), PLAIN)))
    assert [len(found) for found in scores] == [2, 2]
    assert scores[0][1] > 0.2 and scores[1] == pytest.approx(scores[0], abs=0.1)


def test_the_race_tells_who_passed_and_who_did_not(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(usual, "QuickNet", partial(QuickNet, widths=(8, 8, 8)))
    monkeypatch.setattr(data, "load", lambda which: FEW)
    command = ["--epochs", "1", "--workers", "0", "--target"]
    for target, passed in (("0", True), ("101", False)):
        assert usual.main([*command, target]) == 0
        rows = capsys.readouterr().out.splitlines()
        rows = [row.split(" | ") for row in rows if row.startswith(("| the usual", "| the fast"))]
        assert len(rows) == 2
        assert all((row[1] == row[2]) == passed for row in rows)
        assert all((row[1] == "not reached") != passed for row in rows)
    assert usual.main([*command, "50", "--record-folder", str(tmp_path)]) == 0
    runs = results.load("usual", folder=tmp_path)["runs"]
    assert [run["way"] for run in runs] == ["the usual script", "the fast loop"]
    assert all(run["history"] == [[run["seconds"], run["history"][0][1]]] for run in runs)
    assert usual.main(["--epochs", "0"]) == 1
    assert "--epochs must be at least 1, got 0" in capsys.readouterr().err


def test_memory_is_that_of_the_import_alone():
    pytest.importorskip("resource", reason="needs a system that tells its greatest memory")
    nothing = importing.measured("pass")
    larger = importing.measured("held = bytearray(200 * 2**20)")
    assert nothing[1] < 100 and larger[1] - nothing[1] == pytest.approx(200, abs=10)
