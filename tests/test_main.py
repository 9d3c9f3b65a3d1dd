import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import cnnguide
from cnnguide import data
from cnnguide.__main__ import COMMANDS, main


def test_help_lists_every_command(capsys):
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    for name, text in COMMANDS.items():
        assert f"  {name} " in printed and text in printed


def test_without_a_command_the_manual_is_printed(capsys):
    assert main([]) == 0
    assert "usage: cnnguide COMMAND" in capsys.readouterr().out


def test_an_unknown_command_is_refused(capsys):
    assert main(["fit"]) == 2
    assert "there is no command 'fit'" in capsys.readouterr().err


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"cnnguide {cnnguide.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_that_names_it(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    assert f"cnnguide {name}" in capsys.readouterr().out


def test_python_m_cnnguide_is_the_same():
    found = subprocess.run(
        [sys.executable, "-m", "cnnguide", "--version"], capture_output=True, text=True, check=True
    )
    assert found.stdout == f"cnnguide {cnnguide.__version__}\n"


def run(command, *, shell_end=""):
    """Run a command in a shell; give its exit code and what it wrote to standard error."""
    words = shlex.join([sys.executable, "-m", "cnnguide", *command])
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {words} {shell_end}"], capture_output=True, text=True
    )
    return done.returncode, done.stderr


FINE = """
from torch import nn
def make_model(): return nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
def train(model, images, labels): pass
"""


in_a_shell = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell's redirections")
FULL = "error: what was printed could not be written: No space left on device\n"


@in_a_shell
@pytest.mark.parametrize("end", ["| true", ">&-"])
@pytest.mark.parametrize(("source", "code"), [(FINE, 0), ("1 / 0", 1)])
def test_a_verdict_that_nobody_takes_keeps_its_exit_code(tmp_path, end, source, code):
    (tmp_path / "my_net.py").write_text(source)
    command = ["check", "--no-training", str(tmp_path / "my_net.py")]
    assert run(command, shell_end=end) == (code, "")
    assert run(["--help"], shell_end=end) == (0, "")


@in_a_shell
def test_what_is_seen_in_pictures_need_not_be_taken(tmp_path):
    Image.new("RGB", (32, 32)).save(tmp_path / "1.png")
    command = ["predict", *[str(tmp_path / "1.png")] * 3]
    assert run(command, shell_end="| true") == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's disk that is full")
def test_a_command_whose_words_find_a_full_disk_ends_with_an_error(tmp_path):
    Image.new("RGB", (32, 32)).save(tmp_path / "1.png")
    (tmp_path / "my_net.py").write_text(FINE)
    for command in (
        ["predict", *[str(tmp_path / "1.png")] * 3],
        ["check", "--no-training", str(tmp_path / "my_net.py")],
        ["--help"],
        ["predict", "--help"],
    ):
        assert run(command, shell_end="> /dev/full") == (1, FULL)
    assert run(["--help"], shell_end="> /dev/full 2>&1") == (1, "")
    assert run(["predict", "--nosuch"], shell_end="2> /dev/full")[0] == 2


def test_a_command_that_is_interrupted_ends_in_one_line(monkeypatch, capsys):
    def interrupted(path, **_):
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "open_picture", interrupted)
    assert main(["predict", "a.png"]) == 130
    assert capsys.readouterr().err == "\nstopped\n"
