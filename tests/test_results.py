import re
import subprocess
import sys

import pytest
import torch

from cnnguide import results


def test_results_are_read_as_they_were_written(tmp_path):
    record = {"units": {}, "runs": [{"seed": 0}]}
    assert (
        results.load("train", folder=results.save("train", record, folder=tmp_path).parent)
        == record
    )
    assert results.load("other", folder=tmp_path) is None


@pytest.mark.parametrize("content", ['{"runs": [', '{"other": 1}', "[]"])
def test_a_file_that_is_no_record_is_refused(tmp_path, content):
    (tmp_path / "train.json").write_text(content)
    with pytest.raises(ValueError, match=r"train.json is (cut short|not a record)"):
        results.load("train", folder=tmp_path)


def test_the_shipped_results_carry_their_circumstances():
    for path in results.FOLDER.glob("*.json"):
        # The steps of the capstone and the two loops are compared without the test images.
        measured = {"capstone": "validation_accuracy", "usual": "history"}.get(
            path.stem, "test_accuracy"
        )
        for single in results.load(path.stem)["runs"]:
            wanted = {"command", "commit", "date", "device", "versions", "seed", measured}
            assert wanted <= single.keys(), path.name


def test_the_page_of_results_names_every_record_with_its_file():
    page = (results.FOLDER.parents[1] / "docs" / "results.md").read_text(encoding="utf-8")
    listed = re.findall(r"^- \*\*(\w+)\*\*:.*\n.*<\.\./cnnguide/results/(\w+)\.json>`$", page, re.M)
    assert [name for name, _ in listed] == sorted(p.stem for p in results.FOLDER.glob("*.json"))
    assert all(name == file for name, file in listed)


@pytest.mark.parametrize("folder", ["runs/cats", "/home/a reader/cats", "/home/it's=mine/cats"])
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["{option}", "{folder}", "--seeds", "3"], "--seeds 3"),
        (["--seeds", "3", "{option}={folder}"], "--seeds 3"),
        (["--images", "{folder}", "{option}", "{folder}"], "--images cats"),
        (["--images={folder}/", "--only", "no norm, 0.1"], "--images=cats --only 'no norm, 0.1'"),
    ],
)
@pytest.mark.parametrize("option", ["--output", "--record-folder"])
def test_a_record_holds_no_folder_of_somebodys_computer(monkeypatch, option, words, told, folder):
    given = [word.format(option=option, folder=folder) for word in words]
    monkeypatch.setattr(sys, "argv", ["/there/mixing.py", *given])
    assert results.circumstances(torch.device("cpu"))["command"] == f"mixing.py {told}"


@pytest.mark.parametrize(
    "program", ["/there/cnnguide/__main__.py", "/bin/cnnguide", "cnnguide.exe"]
)
def test_a_record_names_the_command_as_a_reader_types_it(monkeypatch, program):
    monkeypatch.setattr(sys, "argv", [program, "train", "--recipe", "quick", "--output", "runs/a"])
    command = results.circumstances(torch.device("cpu"))["command"]
    assert command == "cnnguide train --recipe quick"


def git(folder, *command):
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *command], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_record_names_the_commit_of_the_files_and_of_no_repository_around_them(tmp_path):
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "the reader's own")
    installed = tmp_path / ".venv" / "results"
    installed.mkdir(parents=True)
    (installed / "__init__.py").touch()
    assert results.commit_of(installed) is None
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "a clone")
    assert results.commit_of(installed) == git(tmp_path, "rev-parse", "HEAD")


def test_a_record_is_written_where_git_is_not_installed(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert results.circumstances(torch.device("cpu"))["commit"] is None


def test_a_device_inside_a_processor_is_named_with_it(monkeypatch):
    cpu = results.device_name(torch.device("cpu"))
    assert results.device_name(torch.device("mps")) == f"{cpu}, its mps"
    monkeypatch.setattr(torch.xpu, "get_device_name", lambda device: f"a card, {device}")
    assert results.device_name(torch.device("xpu:1")) == "a card, xpu:1"
