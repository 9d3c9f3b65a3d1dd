"""What the page on installing says: its code runs, and its numbers stand in the records."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from cnnguide import results
from conftest import ROOT
from gallery.fonts import font_files

PAGE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")


def section(label):
    """Cut a section out of the page, from its label to the next one."""
    (text,) = re.findall(rf"^\(install-{label}\)=\n(.*?)(?=^\(|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return text


def script(label, tmp_path):
    """Write a section's Python code into a file."""
    (code,) = re.findall(r"```\{code-block\} python\n(.*?)```", section(label), re.DOTALL)
    path = tmp_path / "code.py"
    path.write_text(code, encoding="utf-8")
    return path


def test_the_times_without_a_card_stand_in_the_records():
    text = section("cpu")
    records = {stem: results.load(stem) for stem in ("train", "backbone", "norm", "resnet")}
    runs = {stem: record["runs"] for stem, record in records.items()}
    for stem, record in runs.items():
        assert all(run["device"].endswith("2 cores") for run in record), stem
    (train,), (backbone,) = runs["train"], runs["backbone"]
    hours = {stem: sum(run["seconds"] for run in runs[stem]) / 3600 for stem in ("norm", "resnet")}
    for claim in (
        f"for {train['recipe']['epochs']} epochs in {train['seconds'] / 60:.0f} minutes",
        f"recognises {100 * train['test_accuracy']['last']:.2f} %",
        f"for {backbone['recipe']['epochs']} epochs in {backbone['seconds'] / 60:.0f} minutes",
        f"The {len(runs['norm'])} trainings",
        f"took {60 * hours['norm']:.0f} minutes together",
        f"the {len(runs['resnet'])} behind",
        f"took {hours['resnet']:.1f} hours",
    ):
        assert claim in text, claim
    assert len(backbone["classes"]) == 6 and "six of the ten classes" in text


def test_the_device_of_the_page_computes(tmp_path, capsys):
    runpy.run_path(str(script("apple", tmp_path)))
    device, shape = capsys.readouterr().out.split(" ", 1)
    assert device == "cpu" or device.startswith(("cuda", "mps"))
    assert shape.strip() == "torch.Size([1, 8, 30, 30])"


def test_copies_of_openmp_are_found(tmp_path, capsys, monkeypatch):
    for folder in ("Library/bin", "Lib/site-packages/torch/lib"):
        (tmp_path / "env" / folder).mkdir(parents=True)
        (tmp_path / "env" / folder / "libiomp5md.dll").touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    runpy.run_path(str(script("windows", tmp_path)))
    found = [Path(line).as_posix() for line in capsys.readouterr().out.splitlines()]
    assert found == [
        "Lib/site-packages/torch/lib/libiomp5md.dll",
        "Library/bin/libiomp5md.dll",
    ]


@pytest.mark.parametrize("as_the_page_says", [True, False])
def test_chinese_words_are_drawn_as_the_page_says(tmp_path, as_the_page_says):
    code = script("fonts", tmp_path).read_text(encoding="utf-8") if as_the_page_says else ""
    font = str(font_files()["zhplot"])
    program = "\n".join(
        [
            "import matplotlib",
            "matplotlib.use('Agg')",
            "from matplotlib import font_manager",
            # as if the reader's computer had this font and no other Chinese one
            f"font_manager.fontManager.addfont({font!r})",
            code,
            "import matplotlib.pyplot as plt",
            "figure, axes = plt.subplots()",
            "axes.plot([-2, 2], [-1, 1])",
            "axes.set_title('卷积核')",
            "figure.savefig('figure.png')",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if as_the_page_says:
        assert done.returncode == 0, done.stderr
    else:
        assert "missing from font(s) DejaVu Sans" in done.stderr


def test_the_page_quotes_the_messages_of_the_programs():
    import torch

    installed = Path(torch.__file__).read_text(encoding="utf-8")
    assert "Microsoft Visual C++ Redistributable is not installed" in installed
    with pytest.raises(SyntaxError, match="unicodeescape") as caught:
        compile('path = "C:' + chr(92) + 'Users"', "code.py", "exec")
    said = re.search(
        r"\(unicode error\) 'unicodeescape' codec can't decode bytes", str(caught.value)
    )
    assert said[0] in section("windows")
