import subprocess
import sys

import pytest

import cnnguide
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
