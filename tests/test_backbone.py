import pytest
import torch
from torch.testing import assert_close

from cnnguide import backbone, checkpoint, data, results, transfer


def test_the_shipped_backbone_knows_the_classes_that_it_saw():
    sample = data.load("sample")
    images, labels = backbone.only(sample.test_images, sample.test_labels, backbone.SEEN)
    with torch.no_grad():
        right = (
            (backbone.load_backbone()(data.normalise(images)).argmax(1) == labels).float().mean()
        )
    recorded = results.load("backbone")["runs"][0]["test_accuracy"]
    assert abs(right - recorded) < 0.04  # 600 of the 6,000 images that were recorded


def test_the_shipped_backbone_is_small_and_never_saw_four_classes():
    assert backbone.WEIGHTS.stat().st_size < 2_000_000
    run = results.load("backbone")["runs"][0]
    assert tuple(run["classes"]) == backbone.SEEN and run["data"] == "full"
    assert {*backbone.SEEN} | {*backbone.UNSEEN} == {*data.CLASSES}
    assert not {*backbone.SEEN} & {*backbone.UNSEEN}


def test_it_is_one_of_the_sources_of_pretrained_weights():
    network = transfer.load_pretrained("cnnguide")
    assert not network.training
    assert_close(network.state_dict(), backbone.load_backbone().state_dict())


def test_only_renumbers_the_classes_in_the_order_of_their_names():
    labels = torch.tensor([1, 8, 4, 1, 0])
    images, new = backbone.only(torch.arange(5), labels, ["ship", "automobile"])
    assert images.tolist() == [0, 1, 3] and new.tolist() == [1, 0, 1]


def test_an_unknown_class_is_refused():
    with pytest.raises(ValueError, match="a class is one of airplane, .*, got 'cow'"):
        backbone.only(torch.arange(1), torch.tensor([0]), ["cat", "cow"])


def test_the_command_trains_and_writes_weights_that_load(tmp_path, capsys, monkeypatch, unchecked):
    full = data.load("sample")
    few = data.Cifar10(**{name: part[::5] for name, part in vars(full).items()})
    monkeypatch.setattr(data, "load", lambda name: few)
    assert backbone.main(["--epochs", "1", "--output", str(tmp_path)]) == 0
    network = backbone.load_backbone(tmp_path / "backbone.pt")
    stored = checkpoint.load_checkpoint(tmp_path / "backbone.pt")
    assert stored["fc.weight"].dtype == torch.float16 and network.fc.weight.dtype == torch.float32
    assert "test accuracy on the 6 classes" in capsys.readouterr().out
    assert results.load("backbone", folder=tmp_path)["runs"][0]["recipe"]["epochs"] == 1


def test_an_error_of_the_command_is_one_sentence(tmp_path, capsys):
    assert backbone.main(["--epochs", "0", "--data", "sample", "--output", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "error: epochs is at least 1, got 0\n"
