"""What `benchmarks.docs_build` times: the commands of `nox -s docs`, and changes that are changes."""

import ast
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from benchmarks import docs_build

ROOT = Path(__file__).parents[1]


def test_the_table_times_all_that_nox_runs_and_both_kinds_of_change(tmp_path, monkeypatch):
    ran = []

    def run(command, *, env, **options):
        assert env["PYTHONPATH"].split(os.pathsep)[0] == str(tmp_path)  # in the cells too
        ran.append(command[2:])

    monkeypatch.setattr(subprocess, "run", run)
    for name in ("docs/glossary.md", "cnnguide/pool.py"):
        (tmp_path / name).parent.mkdir()
        shutil.copy(ROOT / name, tmp_path / name)
    rows = [name for name, _seconds in docs_build.measure(tmp_path)]
    assert len(rows) == len({*rows}) == 6
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    whole = re.search(r"(?s)\ndef build_site\(.*?\n\n\n", noxfile)[0]
    beside = re.findall(r'run_extension\(session, "([\w.]+)", str\(SITE\)\)', whole)
    assert len(beside) >= 4
    assert ran[2:-3] == [[module, "docs/_build/html"] for module in beside]
    edition = re.search(r"(?s)\ndef build_edition\(.*?\n\n\n", noxfile)[0]
    options = re.findall(r'"([^"]+)"', edition.partition('"sphinx-build",')[2].partition(")")[0])
    for command, language in zip([*ran[:2], *ran[-3:]], ["en", "zh_CN", *3 * ["en"]], strict=True):
        assert command[: 1 + len(options)] == ["sphinx", *options]
        assert f"language={language}" in command
        assert command[-1] == f"docs/_build/html/{language[:2]}"


def test_a_clean_copy_has_what_git_tracks_as_it_is_now_and_nothing_else(tmp_path):
    root, copy = tmp_path / "root", tmp_path / "copy"
    for name in (
        "docs/变.md",
        "docs/a.po",
        "docs/a.mo",
        "gone.py",
        "__pycache__/a.pyc",
        "own.json",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("before")
    for command in (["init", "-q"], ["add", "docs/变.md", "docs/a.po", "gone.py"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    (root / "docs" / "a.po").write_text("after")
    (root / "gone.py").unlink()
    docs_build.copy_checkout(root, copy)
    copied = {p.relative_to(copy).as_posix(): p.read_text() for p in copy.rglob("*") if p.is_file()}
    assert copied == {"docs/变.md": "before", "docs/a.po": "after"}


def test_the_changed_function_is_another_and_computes_the_same(tmp_path):
    module = tmp_path / "cnnguide" / "pool.py"
    module.parent.mkdir()
    shutil.copy(ROOT / "cnnguide" / "pool.py", module)
    docs_build.change_function(tmp_path)
    before, after = ((f / "cnnguide" / "pool.py").read_text("utf-8") for f in (ROOT, tmp_path))
    changed = [
        new.name
        for old, new in zip(ast.parse(before).body, ast.parse(after).body, strict=True)
        if ast.dump(old) != ast.dump(new)
    ]
    assert changed == ["avg_pool2d"]
    images = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    results = []
    for text in (before, after):
        names = {"__name__": "copy"}
        exec(compile(text, "pool.py", "exec"), names)
        results.append(names["avg_pool2d"](images, 2))
    assert torch.equal(*results)
    with pytest.raises(ValueError, match="pool.py must hold .* once, got 0 times"):
        docs_build.change_function(tmp_path)
