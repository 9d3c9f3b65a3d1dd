import pytest
import safetensors.torch

from cnnguide import results, trained
from cnnguide.commands import publish
from cnnguide.models import cifar_resnet10


def test_its_card_and_its_record_agree():
    card = (trained.FOLDER / "README.md").read_text(encoding="utf-8")
    (run,) = [r for r in results.load("train")["runs"] if r["model"] == publish.NAME]
    weights, graph = (trained.FOLDER / f"{publish.NAME}.{kind}" for kind in ("safetensors", "onnx"))
    contents = {path.name: path.read_bytes() for path in (weights, graph)}
    assert publish.card(run, cifar_resnet10(), contents) == card  # and so do the digests
    assert max(map(len, contents.values())) < 2e6
    assert b".py" not in graph.read_bytes()  # no place in somebody's files


@pytest.mark.parametrize("command", ["full_run.py --seed 1", "cnnguide train --seed 1"])
def test_its_card_names_the_command_for_old_and_new_records(command):
    (run,) = [r for r in results.load("train")["runs"] if r["model"] == publish.NAME]
    card = publish.card({**run, "command": command}, cifar_resnet10(), {})
    assert "- **Command**: `cnnguide train --seed 1`\n" in card


def test_only_a_finished_run_of_this_network_is_published(tmp_path, capsys):
    assert publish.main([str(tmp_path / "none")]) == 1
    assert "holds no finished run" in capsys.readouterr().err
    record = {"runs": [{"model": "quick"}]}
    results.save("train", record, folder=tmp_path)
    assert publish.main([str(tmp_path)]) == 1
    assert "holds a run of quick, not of resnet10" in capsys.readouterr().err
    assert not (tmp_path / "resnet10.safetensors").exists()


def test_the_weights_are_the_chosen_ones_of_the_run():
    with safetensors.torch.safe_open(trained.FOLDER / "resnet10.safetensors", "pt") as file:
        assert "resnet10" in file.metadata()["model"]
