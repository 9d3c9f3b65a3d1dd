"""What counts for the outputs of a script or a page: a change in the library reruns what it reaches.

Each test writes a small library, changes it, and asks which scripts have another key.
"""

from pathlib import Path

import pytest

import cnnguide
from gallery.meaning import Library, meaning

LIBRARY = {
    "__init__.py": '"""A library."""\n\nfrom lib.shapes import double\n',
    "shapes.py": '''
"""Shapes."""

from lib import numbers
from lib.numbers import START, half as halve

__all__ = ["double", "area"]
SIDES = 4
TABLE = {}


def double(x):
    """Twice."""
    return x * numbers.two()


def area(x, *, scale=START):
    # a comment
    return x * x * scale


def side(x, *, start=halve(8)):
    return start


def unused(x):
    return x + 1


class Shape:
    sides = 0

    def name(self):
        return "shape"


class Square(Shape):
    def area(self):
        return area(2)


if __name__ == "__main__":
    print(unused(1))
''',
    "numbers.py": """
START = 1


def two():
    return one() + 1


def one():
    return 1


def half(x):
    return x / 2
""",
    "words.py": "from lib.numbers import two\n\n\ndef described():\n    return two.__doc__\n",
    "registry.py": """
from lib.numbers import one

KNOWN = {}


def known(function):
    KNOWN[function.__name__] = function
    return function


@known
def first():
    return one()


def names():
    return list(KNOWN)
""",
    "deep/__init__.py": "from .inner import *\nfrom . import inner as within\n",
    "deep/inner.py": "from ..numbers import two\n\n\ndef below():\n    return two()\n",
    "maker.py": "def make(text):\n    exec(text)\n",
    "asking.py": """
import sys


def main_file():
    quiet = "lib.numbers" in sys.modules
    return None if quiet else sys.modules["__main__"].name


def other():
    return sys.modules["lib.numbers"].one()


def any_other(name):
    return sys.modules[name].one()


def all_others():
    return [module for module in sys.modules]
""",
    "results/__init__.py": """
import json
from pathlib import Path

FOLDER = Path(__file__).parent


def load(stem, *, folder=FOLDER):
    return json.loads((folder / f"{stem}.json").read_text())
""",
    "results/speed.json": "1",
    "results/size.json": "2",
    "pictures.py": """
from importlib.resources import files


def picture():
    return (files("lib") / "sample" / "cat.webp").read_bytes()
""",
    "sample/cat.webp": "cat",
}
SCRIPTS = {
    "double": ["from lib import double", "double(3)"],  # two cells share their names
    "area": ["from lib.shapes import area\narea(3)"],
    "side": ["import lib.shapes as s\ns.side(3)"],
    "square": ["def f():\n    from lib.shapes import Square\n    return Square().area()\nf()"],
    "two": ["from lib import numbers\nnumbers.two()"],
    "handed": ["from lib import numbers\nprint(getattr(numbers, 'one'))"],
    "unknown": ["from lib import numbers\nnumbers.three()"],
    "registry": ["from lib.registry import names\nnames()"],
    "deep": ["from lib.deep import below\nbelow()"],
    "within": ["import lib.deep\nlib.deep.within.below()"],
    "maker": ["from lib.maker import make\nmake('1')"],
    "described": ["from lib.words import described\ndescribed()"],
    "speed": ["from lib import results\nresults.load('speed')"],
    "absent": ["from lib.results import load\nload('absent')"],
    "any": ["from lib.results import load\nfor name in 'a', 'b':\n    load(name)"],
    "folder": ["from lib import results\nprint(results.FOLDER)"],
    "picture": ["from lib.pictures import picture\npicture()"],
    "asks": ["from lib.asking import main_file\nmain_file()"],
    "asks for ours": ["from lib.asking import other\nother()"],
    "asks for any": ["from lib.asking import any_other\nany_other('lib.numbers')"],
    "asks for all": ["from lib.asking import all_others\nall_others()"],
    "magic": ["%timeit 1"],
    "nothing": ["import math\nprint(math.pi)"],
}
WHOLE = {
    "maker",
    "magic",
    "asks for ours",
    "asks for any",
    "asks for all",
}  # these may run anything, in any way
TEXT = {"described", *WHOLE}  # these see comments
READS_RECORDS = {"any", "folder", *WHOLE}
TWO = {"double", "two", "handed", "unknown", "deep", "within", *TEXT}


def keys(folder):
    library = Library(folder, reader="lib.results.load")
    return {name: library.key(code) for name, code in SCRIPTS.items()}


@pytest.fixture
def lib(tmp_path):
    for name, text in LIBRARY.items():
        path = tmp_path / "lib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "lib"


def rerun_by(lib, file, old, new):
    before, path = keys(lib), lib / file
    text = path.read_text() if path.exists() else ""
    assert old in text
    path.write_text(text.replace(old, new) if old else new)
    after = keys(lib)
    return {name for name in before if before[name] != after[name]}


EVERYTHING = {*SCRIPTS} - {"nothing"}
CHANGES = {
    "a comment": ("shapes.py", "# a comment", "# another", TEXT),
    "a docstring": ("shapes.py", "Twice.", "Two times.", TEXT),
    "a line break": ("shapes.py", "x * x * scale", "(\n        x * x * scale)", TEXT),
    "a function": ("shapes.py", "x * x * scale", "x * scale", {"area", "square", *TEXT}),
    "a function of a function": ("numbers.py", "one() + 1", "1 + one()", TWO),
    "a function further below": ("numbers.py", "return 1", "return 1.0", TWO | {"registry"}),
    "a function that nothing uses": ("shapes.py", "x + 1", "x + 2", TEXT),
    "a method": ("shapes.py", "area(2)", "area(3)", {"square", *TEXT}),
    "the class that it derives from": ("shapes.py", '"shape"', '"form"', {"square", *TEXT}),
    "a default value": ("shapes.py", "scale=START", "scale=2", {"area", "square", *TEXT}),
    "a default that is computed": ("numbers.py", "x / 2", "x * 0.5", EVERYTHING),
    "the list of public names": ("shapes.py", '["double", "area"]', '["double"]', TEXT),
    "a constant": ("shapes.py", "SIDES = 4", "SIDES = 5", EVERYTHING),
    "a constant of another module": ("numbers.py", "START = 1", "START = 2", EVERYTHING),
    "a decorator": ("registry.py", "[function.__name__]", "['a']", {"registry", *WHOLE}),
    "what a decorator kept": ("registry.py", "return one()", "return 2", {"registry", *WHOLE}),
    "what runs as a command": ("shapes.py", "unused(1)", "unused(2)", TEXT),
    "a part of a package": (
        "deep/inner.py",
        "return two()",
        "return 2",
        {"deep", "within", *WHOLE},
    ),
    "a record": ("results/speed.json", "1", "3", {"speed", *READS_RECORDS}),
    "a record that is new": ("results/absent.json", "", "3", {"absent", *READS_RECORDS}),
    "the reader of records": (
        "results/__init__.py",
        "(folder /",
        "(FOLDER /",
        {"speed", "absent", "any", *WHOLE},
    ),
    "a picture": ("sample/cat.webp", "cat", "dog", {"picture", "folder", *WHOLE}),
    "the number of the lines": ("numbers.py", "START", "\n\nSTART", TEXT),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_reruns_what_reaches_it_and_nothing_else(lib, change):
    *edit, expected = CHANGES[change]
    assert rerun_by(lib, *edit) == expected


def test_comments_and_docstrings_mean_nothing_and_everything_else_does():
    code = 'def f(x):\n    """Double."""\n    return 2 * x\n'
    assert meaning(code) == meaning('def f(x):\n    """Twice."""\n    # why\n    return (2 * x)\n')
    assert meaning(code) != meaning(code.replace("2", "3"))
    assert meaning(code) != meaning(code.replace('"""Double."""', "print(x)"))
    assert meaning(code) != meaning(
        code.replace('"""Double."""', '"""Double."""\n    x = "Double"')
    )


def test_the_lines_count_where_they_are_seen(lib):
    library = Library(lib, reader="lib.results.load")
    before = library.key(SCRIPTS["area"], text=True)
    assert rerun_by(lib, "shapes.py", "# a comment", "# another").isdisjoint({"area"})
    assert Library(lib, reader="lib.results.load").key(SCRIPTS["area"], text=True) != before


def test_a_script_s_own_text_counts(lib):
    library = Library(lib, reader="lib.results.load")
    assert library.key(["import lib"]) != library.key(["import lib  # anew"])
    assert library.key(["a = 1", "b = 2"]) != library.key(["a = 1\nb = 2"])


def test_a_figure_of_the_guide_does_not_reach_all_of_its_library():
    library = Library(Path(cnnguide.__file__).parent, reader="cnnguide.results.load")
    found = library.reach(["from cnnguide import show", "show.style()"])
    assert not found.text and not found.files
    assert {part.module for part in found.parts} <= {"cnnguide", "cnnguide.show", "cnnguide.checks"}
