"""The sessions of nox that do something else without uv, with a session that only takes notes."""

import importlib.util
import sys
import tarfile
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

NOXFILE = Path(__file__).parents[1] / "noxfile.py"


@pytest.fixture
def noxfile(monkeypatch):
    """The sessions, without nox, which the tests' environment does not have."""
    nox = ModuleType("nox")
    nox.Session, nox.options = object, SimpleNamespace()
    nox.session = lambda function=None, **_: function or (lambda named: named)
    nox.project = SimpleNamespace(
        load_toml=lambda path: tomllib.loads(path.read_text(encoding="utf-8")),
        dependency_groups=lambda project, *groups: groups,
    )
    monkeypatch.setitem(sys.modules, "nox", nox)
    spec = importlib.util.spec_from_file_location("noxfile", NOXFILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Session:
    """Notes what is installed, and builds empty packages."""

    def __init__(self, folder, backend):
        self.folder, self.venv_backend = folder, backend
        self.installed, self.commands, self.posargs = [], [], []

    def create_tmp(self):
        return str(self.folder / "tmp")

    def install(self, *arguments):
        self.installed.append(arguments)

    def run(self, *command, **_):
        self.commands.append(command)
        if command[:3] == ("python", "-m", "build"):
            out = Path(command[-1])
            (out / "cnnguide-0-py3-none-any.whl").write_bytes(b"")
            with tarfile.open(out / "cnnguide-0.tar.gz", "w:gz") as archive:
                archive.add(NOXFILE, "cnnguide-0/noxfile.py")
        return "noxfile.py"  # what git tracks

    def chdir(self, folder):
        self.folder = folder

    def log(self, words):
        self.said = words


@pytest.mark.parametrize("backend", ["uv", "virtualenv"])
def test_the_wheel_is_installed_over_the_one_before(noxfile, tmp_path, backend):
    session = Session(tmp_path, backend)
    noxfile.wheel(session)
    wheel = f"cnnguide[gallery] @ {tmp_path.resolve().as_uri()}/tmp/cnnguide-0-py3-none-any.whl"
    over = [options for name, *options in session.installed if name == wheel]
    expected = {
        "uv": [["--reinstall-package", "cnnguide"]],  # pip has no such option
        "virtualenv": [[], ["--force-reinstall", "--no-deps"]],
    }
    assert over == expected[backend]


def test_what_a_build_writes_does_not_begin_the_next_one(noxfile, tmp_path):
    session = Session(tmp_path, "uv")
    noxfile.serve(session)
    (command,) = session.commands
    patterns = [option.partition("=")[2] for option in command if option.startswith("--ignore=")]
    for name in (
        *("docs/auto_examples/plot_conv.rst", "docs/gen_backrefs/cnnguide.conv.pad.examples.new"),
        *("docs/_build/keys.json", "docs/locale/zh_CN/LC_MESSAGES/conv.mo"),
        *("docs/_ext/page/__pycache__/feed.cpython-313.pyc", "cnnguide/__pycache__/a.pyc"),
    ):
        # sphinx-autobuild looks for a pattern from the folder on in which it was started
        assert any(fnmatch(f"/guide/{name}", f"/guide/{pattern}") for pattern in patterns), name
    for name in ("docs/conv.md", "cnnguide/conv.py", "docs/_ext/page/page.css", "docs/conf.py"):
        assert not any(fnmatch(f"/guide/{name}", f"/guide/{pattern}") for pattern in patterns), name


def test_the_book_of_a_draft_is_a_draft_too(noxfile, tmp_path, monkeypatch):
    """Each build would read all pages anew if the other one had another setting."""
    monkeypatch.setattr(noxfile, "languages", lambda: ["en", "zh_CN"])
    for options, drafts in (([], []), (["--draft"], ["language=zh_CN"] * 3)):
        session = Session(tmp_path, "uv")
        session.posargs = options
        noxfile.offline(session)
        builds = [command for command in session.commands if command[0] == "sphinx-build"]
        assert len(builds) == 6  # pages, book and pages again, of two languages
        marked = [build for build in builds if "draft=1" in build]
        assert [name for b in marked for name in b if name.startswith("language=")] == drafts
