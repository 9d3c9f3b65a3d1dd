import re

import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from cnnguide import data, demo, results
from cnnguide.gradcam import grad_cam
from cnnguide.models import cifar_resnet10


@pytest.fixture(scope="module")
def sample():
    return data.load("sample")


@pytest.fixture(scope="module")
def model():
    return demo.load_demo()


def test_it_is_as_accurate_as_its_card_says(model, sample):
    card = (demo.FOLDER / "README.md").read_text(encoding="utf-8")
    said = float(re.search(r"\*\*Accuracy\*\*: ([\d.]+)%", card)[1]) / 100
    with torch.no_grad():
        answers = model(data.normalise(sample.test_images)).argmax(1)
    # 1,000 of the 10,000 images: the share may differ by chance, by some 0.9 points
    assert (answers == sample.test_labels).double().mean().item() == pytest.approx(said, abs=0.03)


def test_its_card_and_its_record_agree():
    card = (demo.FOLDER / "README.md").read_text(encoding="utf-8")
    (run,) = [r for r in results.load("train")["runs"] if r["model"] == demo.NAME]
    weights, graph = (demo.FOLDER / f"{demo.NAME}.{kind}" for kind in ("safetensors", "onnx"))
    sizes = {path.name: path.stat().st_size for path in (weights, graph)}
    assert demo.card(run, cifar_resnet10(), sizes) == card
    assert max(sizes.values()) < 2e6
    assert b".py" not in graph.read_bytes()  # no place in somebody's files


def test_its_scores_are_the_models_and_the_means_of_its_maps(model, sample):
    images = sample.test_images[::100]
    with torch.no_grad():
        looked = demo.ClassMaps(model)(images / 255)
        assert_close(looked.scores, model(data.normalise(images)), atol=1e-4, rtol=1e-4)
    assert_close(looked.maps.mean((2, 3)), looked.scores)
    assert looked.first.shape == (10, 32, 32, 32)


def test_its_maps_are_grad_cam_but_for_the_bias(model, sample):
    images = sample.test_images[::100]
    labels = sample.test_labels[::100]
    heat = grad_cam(model, model.layer3, data.normalise(images), labels)
    with torch.no_grad():
        maps = demo.ClassMaps(model)(images / 255).maps
    own = maps[torch.arange(10), labels] - model.fc.bias[labels][:, None, None]
    own = F.interpolate(own.relu()[:, None], (32, 32), mode="bilinear", align_corners=False)[:, 0]
    assert_close(own / own.amax((1, 2), keepdim=True), heat, atol=1e-4, rtol=1e-3)


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="resnet10.safetensors holds no weights"):
        demo.load_demo(folder=tmp_path)
    (tmp_path / "resnet10.safetensors").write_bytes(b"half")
    with pytest.raises(ValueError, match="resnet10.safetensors holds no weights"):
        demo.load_demo(folder=tmp_path)


def test_only_a_finished_run_of_this_network_is_published(tmp_path, capsys):
    assert demo.main([str(tmp_path / "none")]) == 1
    assert "holds no finished run" in capsys.readouterr().err
    record = {"runs": [{"model": "quick"}]}
    results.save("train", record, folder=tmp_path)
    assert demo.main([str(tmp_path)]) == 1
    assert "holds a run of quick, not of resnet10" in capsys.readouterr().err
    assert not (tmp_path / "resnet10.safetensors").exists()


def test_the_weights_are_the_chosen_ones_of_the_run():
    with safetensors.torch.safe_open(demo.FOLDER / "resnet10.safetensors", "pt") as file:
        assert "resnet10" in file.metadata()["model"]
