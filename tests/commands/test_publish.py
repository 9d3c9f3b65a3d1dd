import sys

import pytest
import safetensors.torch

from cnnguide import checkpoint, results, trained
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
    assert " in 1 minute on " in publish.card({**run, "seconds": 60}, cifar_resnet10(), {})


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


def finished(folder, *, num_classes=10, **changes):
    """Write what a finished run leaves."""
    (run,) = [r for r in results.load("train")["runs"] if r["model"] == publish.NAME]
    run = {name: value for name, value in {**run, **changes}.items() if value is not ...}
    results.save("train", {"runs": [run]}, folder=folder)
    model = cifar_resnet10(num_classes=num_classes)
    content = checkpoint.to_safetensors(model.state_dict(), {"model": publish.NAME})
    (folder / "weights.safetensors").write_bytes(content)
    return folder


@pytest.fixture
def published(tmp_path):
    """A network that has been published before."""
    folder = tmp_path / "published"
    folder.mkdir()
    for name in ("resnet10.safetensors", "resnet10.onnx", "README.md"):
        (folder / name).write_bytes(b"old")
    return folder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": "pictures"}, "must hold a run on CIFAR-10, whose classes the page names, got on"),
        ({"recipe": ...}, "train.json is not of a finished run: it lacks recipe"),
        ({"data": ["full"]}, r"whose classes the page names, got one on \['full'\]"),
        ({"recipe": 3}, r"recipe must be names with values in .*train.json, got 3"),
        ({"versions": ["2.11"]}, r"versions must be names with values in .*train.json, got \['2"),
        ({"test_accuracy": 0.9}, r"test_accuracy must be names with values in .*json, got 0.9"),
        ({"test_accuracy": {}}, r"test_accuracy must have chosen, from 0 to 1, in .*, got None"),
        ({"test_accuracy": {"chosen": "0.9"}}, r"chosen, from 0 to 1, in .*, got '0.9'"),
        ({"test_accuracy": {"chosen": 90}}, r"chosen, from 0 to 1, in .*, got 90"),
        ({"seconds": None}, r"seconds must be a number in .*train.json, got None"),
        ({"command": 7}, r"command must be a text in .*train.json, got 7"),
        ({"num_classes": 3}, "the weights are another model's: fc.weight has shape"),
    ],
)
def test_what_cannot_be_published_leaves_the_old_network_whole(
    tmp_path, published, changes, message
):
    run = tmp_path / "run"
    run.mkdir()
    finished(run, **changes)
    with pytest.raises(ValueError, match=message):
        publish.publish(run, folder=published)
    assert all(path.read_bytes() == b"old" for path in published.iterdir())


def test_a_package_that_is_missing_leaves_the_old_network_whole(tmp_path, published, monkeypatch):
    (tmp_path / "run").mkdir()
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ModuleNotFoundError):
        publish.publish(finished(tmp_path / "run"), folder=published)
    assert all(path.read_bytes() == b"old" for path in published.iterdir())


@pytest.mark.parametrize("runs", [[], [3]])
def test_a_record_without_a_run_is_told(tmp_path, capsys, runs):
    results.save("train", {"runs": runs}, folder=tmp_path)
    assert publish.main([str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"error: {tmp_path / 'train.json'} holds no run\n"


def test_the_card_of_a_run_on_the_sample_counts_its_own_test_images(tmp_path):
    (run,) = [r for r in results.load("train")["runs"] if r["model"] == publish.NAME]
    run = {**run, "data": "sample", "test_accuracy": {"chosen": 0.9}}
    card = publish.card(run, cifar_resnet10(), {})
    # sqrt(0.9 * 0.1 / 1000) = 0.0095
    assert "90.00% on the 1,000 test images (standard error 0.95%, one run" in card
