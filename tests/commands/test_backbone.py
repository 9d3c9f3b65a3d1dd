import torch

from cnnguide import checkpoint, data, results, trained
from cnnguide.commands import backbone


def test_the_command_trains_and_writes_weights_that_load(tmp_path, capsys, monkeypatch, unchecked):
    full = data.load("sample")
    few = data.Cifar10(**{name: part[::5] for name, part in vars(full).items()})
    monkeypatch.setattr(data, "load", lambda name: few)
    assert backbone.main(["--epochs", "1", "--output", str(tmp_path)]) == 0
    network = trained.load_backbone(tmp_path / "backbone.pt")
    stored = checkpoint.load_checkpoint(tmp_path / "backbone.pt")
    assert stored["fc.weight"].dtype == torch.float16 and network.fc.weight.dtype == torch.float32
    assert "test accuracy on the 6 classes" in capsys.readouterr().out
    assert results.load("backbone", folder=tmp_path)["runs"][0]["recipe"]["epochs"] == 1


def test_an_error_of_the_command_is_one_sentence(tmp_path, capsys):
    assert backbone.main(["--epochs", "0", "--data", "sample", "--output", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "error: epochs must be at least 1, got 0\n"
