"""One idea = one stem in four trees: the layout that lets a reader find everything."""

import ast
import importlib
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

import pytest

from cnnguide.__main__ import COMMANDS

ROOT = Path(__file__).parents[1]
EXTENSIONS = ROOT / "docs" / "_ext"
index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
STEMS = re.search(r":name: reading-order\n\n(.*?)\n:::", index, re.DOTALL)[1].split()

# The rooms that several chapters share, each with its reason; a test of the same name each.
ROOMS = {
    "checkpoint": "files that survive a kill: train, fast, transfer",
    "modes": "evaluation mode for a while: norm, dropout, train, transfer",
    "checks": "what functions accept, said once: every chapter",
    "recipe": "the choices of a run: train, fast, transfer",
    "run": "epochs that are validated, and go on after a stop: train, fast",
    "cam": "where the evidence is: train, and the network that runs in the page",
    "show": "drawing: the gallery scripts show it",
    "diagram": "drawing: the shapes of the drawings in the gallery",
    "trace": "what a forward pass does, for the drawings: tested by test_diagram.py",
}
# Modules of `models/` beside the chapters' own.
SHARED_MODELS = {
    "quick": "the small network of the chapters train, fast and transfer",
    "cost": "what a network costs: lenet, vgg, resnet",
}
# Parts of `cnnguide check` and of `cnnguide train`, whose tests test them.
PARTS_OF_COMMANDS = {"examination", "watching", "options", "parts", "sharing", "forecast"}
# Folders of data that come with what reads them.
DATA = {"results", "trained"}


def module_file(stem: str) -> Path:
    models = ROOT / "cnnguide" / "models" / f"{stem}.py"
    return models if models.exists() else ROOT / "cnnguide" / f"{stem}.py"


@pytest.mark.parametrize("stem", STEMS)
def test_a_chapter_stands_in_all_four_trees(stem):
    needed = [
        module_file(stem).relative_to(ROOT).as_posix(),
        *(f"docs/{stem}.md", f"gallery/plot_{stem}.py", f"tests/test_{stem}.py"),
    ]
    missing = [name for name in needed if not (ROOT / name).exists()]
    assert missing == [], f"the chapter {stem!r}, which docs/index.md lists, lacks {missing}"


def test_nothing_of_a_new_chapter_is_left_to_write():
    texts = [
        *(*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("gallery/*.py")),
        *(*ROOT.glob("cnnguide/**/*.py"), *ROOT.glob("tests/*.py")),
    ]
    left = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted({*texts} - {Path(__file__)})
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if "To write:" in line and path.name != "CONTRIBUTING.md"
    ]
    if left:  # no comparison of lists, which would tell each place a second time
        pytest.fail("these places of a new chapter are left to write:\n" + "\n".join(left))


def name_of(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def library_files():
    return sorted((ROOT / "cnnguide").rglob("*.py"))


def stems_in(folder):
    return {p.stem for p in (ROOT / folder).glob("*.py")} - {"__init__", "__main__"}


def test_every_module_is_a_chapter_a_room_or_a_command():
    assert stems_in("cnnguide") | stems_in("cnnguide/models") == {*STEMS, *ROOMS, *SHARED_MODELS}
    assert {p.parent.name for p in (ROOT / "cnnguide").glob("*/__init__.py")} == {
        *DATA,
        "models",
        "commands",
    }


def test_every_room_and_every_command_has_its_test():
    tested_elsewhere = {"trace"}  # the drawings' shapes: test_diagram.py
    assert {*STEMS, *ROOMS, *SHARED_MODELS, *DATA} - tested_elsewhere <= {
        name.removeprefix("test_") for name in stems_in("tests")
    }
    tested = {name.removeprefix("test_") for name in stems_in("tests/commands")}
    assert tested | PARTS_OF_COMMANDS == stems_in("cnnguide/commands")


def test_the_manual_lists_every_command():
    more = {"pictures", "imagenet"}  # of `cnnguide train` too, with tests of their own
    assert {*COMMANDS} | PARTS_OF_COMMANDS | more == stems_in("cnnguide/commands")


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


LESSONS = [p for p in library_files() if "commands" not in p.parts and p.stem != "__main__"]


@pytest.mark.parametrize("path", LESSONS, ids=name_of)
def test_a_lesson_prints_nothing_parses_nothing_and_imports_no_command(path):
    for name in imports_of(path):
        assert not name.startswith(("cnnguide.commands", "argparse", "tyro", "tqdm")), name
    called = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    # a script on a machine without a screen is told where its figures are
    allowed = {"print"} if name_of(path) == "cnnguide.show" else set()
    assert not called & {"print", "input"} - allowed


# Gallery scripts beside a chapter's own: the module's, in the chapter that its docstring names, and
# the figure of the page *worth*, which no module of the library belongs to.
SECOND_SCRIPTS = {"backbone", "curves", "descent", "digits", "worth"}


def test_every_gallery_script_belongs_to_a_chapter():
    found = {p.stem.removeprefix("plot_") for p in (ROOT / "gallery").glob("plot_*.py")}
    assert found == {*STEMS, *SECOND_SCRIPTS}
    drawn = {p.stem.removeprefix("draw_") for p in (ROOT / "gallery").glob("draw_*.py")}
    assert drawn <= {*STEMS, "index"}  # the home page
    assert len([*(ROOT / "gallery").glob("*.py")]) == len(found) + len(drawn)


@pytest.mark.parametrize("path", library_files(), ids=name_of)
def test_a_module_says_what_it_is_and_what_is_public(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    module = importlib.import_module(name_of(path))
    for public in getattr(module, "__all__", []):
        assert getattr(module, public).__doc__ or not callable(getattr(module, public))


@pytest.mark.parametrize("path", library_files(), ids=name_of)
def test_every_public_function_has_a_doctest(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = getattr(importlib.import_module(name_of(path)), "__all__", [])
    for node in tree.body:
        # a command's --help is its example
        if isinstance(node, ast.FunctionDef) and node.name in public and node.name != "main":
            assert ">>>" in (ast.get_docstring(node) or ""), f"{path.stem}.{node.name}"


@pytest.mark.parametrize("path", library_files(), ids=name_of)
def test_help_does_not_send_its_reader_to_another_function(path):
    """As in "As in `conv2d_loops`." in place of shapes and units: help() shows one function alone."""
    module = importlib.import_module(name_of(path))
    for public in getattr(module, "__all__", []):
        thing = getattr(module, public)
        methods = vars(thing).items() if isinstance(thing, type) else ()
        for name, part in [
            (public, thing),
            *((f"{public}.{name}", part) for name, part in methods),
        ]:
            lines = (getattr(part, "__doc__", None) or "").splitlines()
            sent = [
                line for line in lines if re.search(r"^\W*(each )?as (\w+ )?`|and as `", line, re.I)
            ]
            assert sent == [], f"{name_of(path)}.{name}: {sent}"


@pytest.mark.parametrize("path", library_files(), ids=name_of)
def test_what_a_module_takes_from_another_is_public_there(path):
    importlib.import_module(name_of(path))  # a package knows its modules once they are imported
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cnnguide"):
            other = importlib.import_module(node.module)
            public = getattr(other, "__all__", [])
            for alias in node.names:
                a_module = isinstance(getattr(other, alias.name), ModuleType)
                assert a_module or alias.name in public, f"{node.module}.{alias.name}"


OWN = [p for part in ("cnnguide", "benchmarks", "docs/_ext") for p in (ROOT / part).rglob("*.py")]


def text_of(node):
    """Give a text as it stands in the code, with {} for each value in it."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in parts)


def messages_of(path):
    """Yield what is raised, or said by a parser of options, and where."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        call = node.exc if isinstance(node, ast.Raise) else node
        said = call is not node or getattr(getattr(node, "func", None), "attr", "") == "error"
        if said and isinstance(call, ast.Call):
            yield from ((f"{path.name}:{call.lineno}", text_of(part)) for part in call.args)


def test_a_message_says_what_must_hold_before_what_was_got():
    messages = [message for path in OWN for message in messages_of(path)]
    assert sum(", got" in text for _, text in messages) > 150
    unsaid = [
        f"{place}: {text}"
        for place, text in messages
        if ", got" in text and not re.search(r"\bmust\b.*, got", text)
    ]
    assert unsaid == []


def test_no_message_says_is_no_in_place_of_is_not_a():
    odd = [
        f"{place}: {text}"
        for path in OWN
        for place, text in messages_of(path)
        if re.search(r"(?<!there )\b(is|are) no\b", text)
    ]
    assert odd == []


def test_the_units_of_a_record_say_per():
    """As in "one number per epoch", not "one number an epoch"."""
    records = [p for p in OWN if re.search(r"^UNITS\b", p.read_text("utf-8"), re.MULTILINE)]
    texts = [
        f"{path.name}: {text_of(value)}"
        for path in records
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "UNITS"
        for value in node.value.values
    ]
    assert {text.partition(":")[0] for text in texts} == {path.name for path in records}
    # a copy may have no benchmarks
    assert len(texts) > (40 if (ROOT / "benchmarks").exists() else 0)
    assert [t for t in texts if re.search(r"\b(number|one|entropy|network|seconds) an? ", t)] == []


def test_the_api_reference_names_every_module():
    pages = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "docs" / "api").glob("*.rst"))
    for path in library_files():
        if name_of(path) not in ("cnnguide", "cnnguide.__main__"):
            module = name_of(path)
            assert f".. automodule:: {module}\n" in pages, f"no page of docs/api/ shows {module}"


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*.md")), ids=lambda p: p.stem)
def test_every_section_has_an_explicit_label(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    fenced = False
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        if not fenced and re.match(r"#{1,3} ", line):
            labelled = re.fullmatch(r"\([\w-]+\)=", before)
            assert labelled, f"{page.name}: no label such as ({page.stem}-idea)= above {line!r}"


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


def extension_imports():
    """Which module of our extensions imports which, also inside a function."""
    modules = {}
    for path in sorted(EXTENSIONS.rglob("*.py")):
        parts = path.relative_to(EXTENSIONS).with_suffix("").parts
        modules[".".join(parts).removesuffix(".__init__")] = path
    graph = {}
    for module, path in modules.items():
        graph[module] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                graph[module] |= {a.name for a in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{path} imports relatively; name the package"
                graph[module] |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
        graph[module] &= modules.keys()
    return graph


def test_our_sphinx_extensions_are_six_packages():
    assert {p.name for p in EXTENSIONS.iterdir() if p.name != "__pycache__"} == {
        *("translation", "page", "gallery", "search", "formulas", "offline")
    }


def test_no_line_of_javascript_is_long_unless_it_is_one_text():
    for path in EXTENSIONS.rglob("*.js"):
        for line in path.read_text(encoding="utf-8").splitlines():
            is_text = re.fullmatch(r'(.*gettext\()?".*"[,;)]*', line.strip())
            assert len(line) <= 100 or is_text, f"{path.name}: {line}"


def test_every_script_that_an_extension_names_is_there():
    theirs = {"doctools.js"}  # Sphinx's
    named = {
        name
        for path in EXTENSIONS.rglob("*.py")
        for name in re.findall(r"`([a-z_-]+\.js)`", path.read_text(encoding="utf-8"))
    }
    assert named - theirs <= {path.name for path in EXTENSIONS.rglob("*.js")}


def test_no_extension_imports_in_a_circle():
    graph = extension_imports()
    assert "translation.catalogs" in graph["gallery.figure_words"]
    TopologicalSorter(graph).prepare()  # raises a CycleError that names the circle
    packages = {module: set() for module in graph if "." not in module}
    for module, imported in graph.items():
        package = module.partition(".")[0]
        packages[package] |= {m.partition(".")[0] for m in imported} - {package}
    TopologicalSorter(packages).prepare()


@pytest.mark.parametrize("name", ["translation", "page", "gallery", "search"])
def test_no_extension_hides_another_package(name):
    """They are on the path while the site builds; a folder without __init__.py counts for nothing."""
    elsewhere = [p for p in sys.path if Path(p or ".").resolve() != EXTENSIONS]
    found = PathFinder.find_spec(name, elsewhere)
    assert found is None or found.origin is None


def test_the_package_loads_a_module_when_it_is_asked_for():
    code = """
import sys, cnnguide
assert "torch" not in sys.modules and {"conv", "models"} <= {*dir(cnnguide)}
assert cnnguide.conv.output_size(5, kernel_size=3) == 3
assert cnnguide.models.resnet is sys.modules["cnnguide.models.resnet"]
try:
    cnnguide.covn
except AttributeError as error:
    assert str(error) == "module 'cnnguide' has no attribute 'covn'"
else:
    raise AssertionError("a module that does not exist was found")
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "name",
    sorted(
        path.stem
        for path in (ROOT / "benchmarks").glob("*.py")
        if re.search("ArgumentParser|recorded", path.read_text(encoding="utf-8"))
        and "def main" in path.read_text(encoding="utf-8")
    ),
)
def test_a_benchmark_with_options_prints_its_help(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"benchmarks.{name}").main()
    assert ended.value.code == 0
    assert "usage: " in capsys.readouterr().out
