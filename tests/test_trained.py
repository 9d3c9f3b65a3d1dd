import re

import pytest
import torch
from torch.testing import assert_close

from cnnguide import data, results, trained, transfer


@pytest.fixture(scope="module")
def sample():
    return data.load("sample")


@pytest.fixture(scope="module")
def model():
    return trained.load_demo()


def test_it_is_as_accurate_as_its_card_says(model, sample):
    card = (trained.FOLDER / "README.md").read_text(encoding="utf-8")
    said = float(re.search(r"\*\*Accuracy\*\*: ([\d.]+)%", card)[1]) / 100
    with torch.no_grad():
        answers = model(data.normalise(sample.test_images)).argmax(1)
    # 1,000 of the 10,000 images: the share may differ by chance, by some 0.9 points
    assert (answers == sample.test_labels).double().mean().item() == pytest.approx(said, abs=0.03)


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="resnet10.safetensors holds no weights"):
        trained.load_demo(folder=tmp_path)
    (tmp_path / "resnet10.safetensors").write_bytes(b"half")
    with pytest.raises(ValueError, match="resnet10.safetensors holds no weights"):
        trained.load_demo(folder=tmp_path)


def test_the_shipped_backbone_knows_the_classes_that_it_saw():
    sample = data.load("sample")
    images, labels = data.only(sample.test_images, sample.test_labels, trained.SEEN)
    with torch.no_grad():
        right = (trained.load_backbone()(data.normalise(images)).argmax(1) == labels).float().mean()
    recorded = results.load("backbone")["runs"][0]["test_accuracy"]
    assert abs(right - recorded) < 0.04  # 600 of the 6,000 images that were recorded


def test_the_shipped_backbone_is_small_and_never_saw_four_classes():
    assert (trained.FOLDER / "backbone.pt").stat().st_size < 2_000_000
    run = results.load("backbone")["runs"][0]
    assert tuple(run["classes"]) == trained.SEEN and run["data"] == "full"
    assert {*trained.SEEN} | {*trained.UNSEEN} == {*data.CLASSES}
    assert not {*trained.SEEN} & {*trained.UNSEEN}


def test_it_is_one_of_the_sources_of_pretrained_weights():
    network = transfer.load_pretrained("cnnguide")
    assert not network.training
    assert_close(network.state_dict(), trained.load_backbone().state_dict())
