"""One idea = one stem in four trees: the layout that lets a reader find everything."""

import ast
import importlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))
index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
STEMS = re.search(r":name: reading-order\n\n(.*?)\n:::", index, re.DOTALL)[1].split()

# Modules without a chapter of their own, each with its reason.
NO_CHAPTER = {
    "backbone": "part of the chapter transfer; has test_backbone.py",
    "atomic": "how files are written; tested by test_download.py and test_train.py",
    "check": "the command of the page capstone; has test_check.py",
    "checkpoint": "part of the chapter train; tested by test_train.py",
    "download": "part of the chapter data; has test_download.py",
    "examination": "the checks of the page capstone; tested by test_check.py",
    "full_run": "the command of the chapter fast; has test_full_run.py",
    "demo": "part of the chapter train; has test_demo.py",
    "gradcam": "part of the chapter train; tested by test_train.py",
    "quick": "the network of the chapter train; has test_quick.py",
    "recipe": "part of the chapter train; tested by test_train.py",
    "transfer_run": "the command of the chapter transfer; tested by test_transfer.py",
    "show": "drawing only: the gallery scripts show it",
}


def module_file(stem: str) -> Path:
    models = ROOT / "cnnguide" / "models" / f"{stem}.py"
    return models if models.exists() else ROOT / "cnnguide" / f"{stem}.py"


@pytest.mark.parametrize("stem", STEMS)
def test_a_chapter_stands_in_all_four_trees(stem):
    assert module_file(stem).exists()
    assert (ROOT / "docs" / f"{stem}.md").exists()
    assert (ROOT / "gallery" / f"plot_{stem}.py").exists()
    assert (ROOT / "tests" / f"test_{stem}.py").exists()


def library_files():
    return sorted(p for p in (ROOT / "cnnguide").rglob("*.py") if p.name != "__init__.py")


def test_every_module_has_a_chapter_or_a_reason():
    assert {p.stem for p in library_files()} == {*STEMS, *NO_CHAPTER}


# Gallery scripts beside a chapter's own: the module's, in the chapter that its docstring names.
SECOND_SCRIPTS = {"backbone"}


def test_every_gallery_script_belongs_to_a_chapter():
    found = {p.stem.removeprefix("plot_") for p in (ROOT / "gallery").glob("*.py")}
    assert found == {*STEMS, *SECOND_SCRIPTS}


@pytest.mark.parametrize("path", library_files(), ids=lambda p: p.stem)
def test_a_module_says_what_it_is_and_what_is_public(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    module = importlib.import_module(name)
    for public in module.__all__:
        assert getattr(module, public).__doc__ or not callable(getattr(module, public))


@pytest.mark.parametrize("path", library_files(), ids=lambda p: p.stem)
def test_every_public_function_has_a_doctest(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)).__all__
    for node in tree.body:
        # a command's --help is its example
        if isinstance(node, ast.FunctionDef) and node.name in public and node.name != "main":
            assert ">>>" in (ast.get_docstring(node) or ""), f"{path.stem}.{node.name}"


def test_the_api_reference_names_every_module():
    pages = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "docs" / "api").glob("*.md"))
    for path in library_files():
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        assert f".. automodule:: {name}\n" in pages


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*.md")), ids=lambda p: p.stem)
def test_every_section_has_an_explicit_label(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    fenced = False
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        if not fenced and re.match(r"#{1,3} ", line):
            assert re.fullmatch(r"\([\w-]+\)=", before), f"{page.name}: {line}"


def test_the_library_needs_torch_torchvision_and_numpy_alone():
    allowed = {"torch", "torchvision", "numpy", "PIL", "cnnguide", *sys.stdlib_module_names}
    for path in library_files():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom) and not node.level
                else []
            )
            assert {n.split(".")[0] for n in names} <= allowed, path
