"""A chapter that is begun in a copy of the tree: what is written, and what the tests say of it."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT
from page.new_chapter import begin, main


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Copy what the tests of the layout read, and begin the chapter *zoo* there."""
    root = tmp_path_factory.mktemp("tree")
    left_out = shutil.ignore_patterns("_build", "auto_examples/*", "__pycache__", "_static", "*.mo")
    for name in ("cnnguide", "docs", "gallery", "tests"):
        shutil.copytree(ROOT / name, root / name, ignore=left_out)
    shutil.copy(ROOT / "CHANGELOG.md", root)
    return root, begin("zoo", root)


def told(root, *arguments):
    """Run tests of the copy; give what pytest prints."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    done = subprocess.run(
        [*command, "--rootdir=.", "--confcutdir=tests", "--import-mode=importlib", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def test_all_that_a_chapter_needs_is_written(tree):
    root, written = tree
    assert {*written} == {
        *("cnnguide/zoo.py", "docs/zoo.md", "gallery/plot_zoo.py", "gallery/draw_zoo.py"),
        *("tests/test_zoo.py", "docs/api/zoo.rst"),
        *(
            f"docs/locale/zh_CN/LC_MESSAGES/{name}.po"
            for name in ("zoo", "api/zoo", "auto_examples/plot_zoo", "auto_examples/draw_zoo")
        ),
        *("docs/index.md", "docs/api/index.rst", "CHANGELOG.md"),
    }
    index = (root / "docs" / "index.md").read_text()
    old = (ROOT / "docs" / "index.md").read_text()
    stems = old.partition(":name: reading-order\n\n")[2].partition("\n:::")[0].split()
    assert f"\n{stems[-1]}\nzoo\n:::" in index
    assert f"\n\n{len(stems) + 1}\\. {{ref}}`Zoo <zoo>`: " in index
    assert len(index.splitlines()) == len(old.splitlines()) + 3
    assert "\n   zoo\n" in (root / "docs" / "api" / "index.rst").read_text()
    assert "*zoo*" in (root / "CHANGELOG.md").read_text()


def test_the_tests_of_the_layout_want_nothing_but_what_is_to_write(tree):
    root, _ = tree
    output = told(root, "tests/test_layout.py", "tests/test_exercises.py")
    failed = {line for line in output.splitlines() if line.startswith("FAILED")}
    assert len(failed) == 1, output
    assert "test_nothing_of_a_new_chapter_is_left_to_write" in failed.pop()
    assert 'cnnguide/zoo.py:1: """To write: what the idea of the chapter is, in one line.' in output
    assert output.count("the trouble that the idea ends") <= 2  # where it is told, and the summary
    for name in ("docs/zoo.md", "gallery/plot_zoo.py", "tests/test_zoo.py", "CHANGELOG.md"):
        assert f"{name}:" in output
    assert "AssertionError: To write: the page's example by hand" in told(root, "tests/test_zoo.py")


def test_what_a_chapter_lacks_is_said_in_a_sentence(tree):
    root, _ = tree
    page = root / "docs" / "zoo.md"
    old = page.read_text()
    try:
        page.write_text(old.replace("(zoo-exercises)=\n", "").replace("After this page", "Soon"))
        (root / "docs" / "api" / "zoo.rst").rename(root / "zoo.rst")
        (root / "gallery" / "plot_zoo.py").rename(root / "plot_zoo.py")
        output = told(root, "tests/test_layout.py", "tests/test_exercises.py")
        for sentence in (
            "docs/zoo.md lacks a section of exercises, below the label (zoo-exercises)=",
            "docs/zoo.md lacks the box 'After this page you can'",
            "zoo.md: no label such as (zoo-idea)= above '## Exercises'",
            "no page of docs/api/ shows cnnguide.zoo",
            "the chapter 'zoo', which docs/index.md lists, lacks ['gallery/plot_zoo.py']",
        ):
            assert sentence in output, output
        assert "NoneType" not in output
    finally:
        page.write_text(old)
        (root / "zoo.rst").rename(root / "docs" / "api" / "zoo.rst")
        (root / "plot_zoo.py").rename(root / "gallery" / "plot_zoo.py")


@pytest.mark.parametrize(
    ("stem", "fault"),
    [
        ("zoo", "cnnguide/zoo.py exists; take another stem"),
        ("Zoo-2", "a stem must be one word of small letters, as 'pool', got 'Zoo-2'"),
        ("class", "a stem must be one word of small letters, as 'pool', got 'class'"),
    ],
)
def test_what_cannot_be_begun_is_refused(tree, stem, fault):
    with pytest.raises(ValueError, match=re.escape(fault)):
        begin(stem, tree[0])


def test_nothing_is_written_where_a_list_has_no_place_for_the_chapter(tree):
    root, _ = tree
    api = root / "docs" / "api" / "index.rst"
    old = api.read_text()
    api.write_text(old.replace("\n   zoo\n", "\n"))
    with pytest.raises(ValueError, match=r"docs/api/index.rst has no place for 'bazaar'"):
        begin("bazaar", root)
    api.write_text(old)
    assert not (root / "docs" / "bazaar.md").exists()


def test_the_command_wants_one_stem(capsys):
    assert main([]) == 2
    assert "usage: nox -s new_chapter -- STEM" in capsys.readouterr().err
    assert main(["Zoo"]) == 1
    assert "error: a stem must be" in capsys.readouterr().err
