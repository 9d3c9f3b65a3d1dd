"""What a build runs: a small site with two pages and two scripts is built again and again."""

import io
import json
import logging
import os
import re
import subprocess
import sys

import pytest

from conftest import ROOT
from gallery.progress import Count, Line, Runs

PAGE = """---
file_format: mystnb
kernelspec:
  name: python3
---

# {0}

```{{code-cell}} python
from cnnguide.{0} import {0}

print("{0} says", {0}())
```
"""
SCRIPT = (
    '"""\n{0}\n====\n\nA number.\n"""\nfrom cnnguide.{0} import {0}\nprint("{0} says", {0}())\n'
)
MODULE = (
    'def {0}():\n    """Give a number."""\n    return inner()\n\n\ndef inner():\n    return 1\n'
)
CONF = """
import sys

sys.path.insert(0, "{extensions}")
project = "toy"
extensions = [
    *("myst_nb", "sphinx_gallery.gen_gallery"),
    *("gallery.freshness", "gallery.progress", "gallery.runs", "page.faults"),
]
exclude_patterns = ["_build", "auto_examples/*.ipynb", "**/sg_execution_times.rst"]
nb_execution_mode = "cache"
nb_execution_cache_path = "{root}/docs/_build/jupyter_cache"
sphinx_gallery_conf = {{
    "examples_dirs": "../gallery", "gallery_dirs": "auto_examples", "filename_pattern": "/plot_",
    "write_computation_times": False, "abort_on_example_error": True,
}}
"""
INDEX = "# Toy\n\n```{toctree}\nred\nblue\nauto_examples/index\n```\n"


class Site:
    """A small site."""

    def __init__(self, root):
        self.root = root
        files = {
            "docs/conf.py": CONF.format(extensions=ROOT / "docs" / "_ext", root=root),
            "docs/index.md": INDEX,
            "gallery/README.rst": "Gallery\n=======\n",
            "cnnguide/__init__.py": "",
        }
        for colour in ("red", "blue"):
            files[f"docs/{colour}.md"] = PAGE.format(colour)
            files[f"gallery/plot_{colour}.py"] = SCRIPT.format(colour)
            files[f"cnnguide/{colour}.py"] = MODULE.format(colour)
        for name, text in files.items():
            self.write(name, text)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def replace(self, name, old, new):
        text = (self.root / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def sphinx(self, language, *options):
        """Build an edition."""
        return subprocess.run(
            [
                *(sys.executable, "-m", "sphinx", "-W", "--keep-going", "--no-color", *options),
                *("-D", f"language={language}", "-d", f"docs/_build/doctrees/{language}"),
                *("docs", f"docs/_build/html/{language}"),
            ],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root), "JUPYTER_PATH": JUPYTER},
            capture_output=True,
            text=True,
        )

    def build(self, language="en", succeeds=True):
        """Build an edition; name the scripts and count the pages that ran, and give the output."""
        done = self.sphinx(language, "-j", "2")
        output = done.stdout + done.stderr
        assert (done.returncode == 0) == succeeds, output
        if not succeeds:
            return output
        record = json.loads((self.root / f"docs/_build/runs-{language}.json").read_text())["ran"]
        scripts = [
            path.rpartition("plot_")[2].removesuffix(".py.md5") for path in record["scripts"]
        ]
        # nothing was left for Sphinx to run by itself
        assert "could not run" not in output
        assert output.count("ran auto_examples/") == len(scripts), output
        return scripts, len(record["pages"])

    def shown(self, name, language="en"):
        return (self.root / f"docs/_build/html/{language}/{name}.html").read_text()


JUPYTER = str(ROOT / "docs" / "_ext" / "page" / "jupyter")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site that is built in two languages."""
    made = Site(tmp_path_factory.mktemp("toy"))
    assert made.build() == (["blue", "red"], 2)
    assert made.build("de") == ([], 0)
    for language in ("en", "de"):
        assert "red says 1" in made.shown("red", language)
        assert "red says 1" in made.shown("auto_examples/plot_red", language)
    return made


def test_a_page_begins_in_a_copy_of_a_process_that_has_imported_torch_already(site):
    shown = 'import sys\nprint("has torch:", "torch._dynamo" in sys.modules)\nprint("red'
    site.replace("docs/red.md", 'print("red', shown)
    assert site.build() == ([], 1)
    assert "has torch: True" in site.shown("red")
    site.replace("docs/red.md", shown, 'print("red')
    assert site.build() == ([], 1)


def test_a_comment_and_a_docstring_run_nothing(site):
    site.replace("cnnguide/red.py", '"""Give a number."""', '"""Give a small number."""  # 1')
    assert site.build() == ([], 0)


def test_a_function_runs_what_reaches_it_and_both_editions_show_it(site):
    site.replace("cnnguide/red.py", "return 1", "return 2")
    assert site.build() == (["red"], 1)
    assert site.build("de") == ([], 0)
    for name in ("red", "auto_examples/plot_red"):
        assert "red says 2" in site.shown(name)
        assert "red says 2" in site.shown(name, "de")
        assert "blue says 1" in site.shown(name.replace("red", "blue"))
    # and back: the outputs of before are not taken for those of now
    site.replace("cnnguide/red.py", "return 2", "return 1")
    assert site.build() == (["red"], 1)
    assert "red says 1" in site.shown("red")


def test_cells_that_come_back_after_the_library_has_changed_run_again(site):
    site.replace("docs/blue.md", "says", "shouts")
    assert site.build() == ([], 1)
    site.replace("cnnguide/blue.py", "return 1", "return 5")
    assert site.build() == (["blue"], 1)
    site.replace("docs/blue.md", "shouts", "says")
    assert site.build() == ([], 1)
    assert "blue says 5" in site.shown("blue")


def test_what_fails_is_told_once_and_is_not_taken_for_done(site):
    site.replace("cnnguide/red.py", "return 1", "return 1 / 0")
    for _ in range(2):
        output = site.build(succeeds=False)
        assert "ZeroDivisionError" in output
    site.replace("cnnguide/red.py", "return 1 / 0", "return 4")
    assert site.build() == (["red"], 1)
    assert "red says 4" in site.shown("red")


def test_a_cell_that_fails_is_named_with_its_line_and_its_error_until_it_is_mended(site):
    site.replace("docs/blue.md", 'print("blue', 'nothing = 0\nprint("blue')
    site.replace("docs/blue.md", "blue())", "blue() / nothing)")
    for _ in range(2):
        output = site.build(succeeds=False)
        told = output[output.index("blue.md:13: WARNING") :]
        assert told.startswith(
            'blue.md:13: WARNING: a cell failed: print("blue says", blue() / nothing)\n'
            "ZeroDivisionError: division by zero\n"
        )
        assert "Traceback" not in output
    site.replace("docs/blue.md", " / nothing", "")
    assert site.build() == ([], 1)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_quiet_build_shows_what_has_run_and_how_many_pages_are_left(site, jobs):
    site.replace("cnnguide/red.py", "return ", f"return {jobs} + ")
    done = site.sphinx("en", "-q", "-j", jobs)
    assert done.returncode == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "2 scripts and pages have to run"
    ran = [re.fullmatch(r"script or page ([12]) of 2: (\w+) \([\d.]+ s\)", x) for x in lines[1:3]]
    assert [match[1] for match in ran] == ["1", "2"]
    assert {match[2] for match in ran} == {"plot_red", "red"}
    counts = [line.split() for line in lines[3:]]
    for verb in ("read", "wrote"):
        total = next(line[3] for line in counts if line[0] == verb)
        of_verb = [int(line[1]) for line in counts if line[0] == verb]
        assert of_verb == [*range(1, int(total) + 1)]


def test_a_quiet_build_names_a_failed_cell_and_prints_nothing_else_of_it(site):
    site.replace("docs/red.md", "red())", "red() / 0)")
    done = site.sphinx("en", "-q", "-j", "2")
    site.replace("docs/red.md", " / 0", "")
    assert done.returncode == 1
    where = site.root / "docs" / "red.md"
    assert done.stderr == (
        f'{where}:12: WARNING: a cell failed: print("red says", red() / 0)\n'
        "ZeroDivisionError: division by zero\n"
    )
    assert "script or page 1 of 1: red failed; it runs again to tell why\n" in done.stdout
    assert "Traceback" not in done.stdout
    assert site.sphinx("en", "-q").returncode == 0


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_build_names_the_scripts_that_take_too_long():
    stream, ends = io.StringIO(), (("auto_examples/plot_a", 19.9), ("auto_examples/plot_b", 20.1))
    runs = Runs(Line(stream))
    for args in (*ends, ("train", 50.0)):  # a page may take its time
        runs.emit(logging.makeLogRecord({"msg": "ran %s in %.1f s", "args": args}))
    assert runs.long == ["plot_b (20.1 s)"]
    for made in (stream, Terminal()):
        Line(made).keep("named")
        assert made.getvalue().endswith("named\n")


def test_a_terminal_shows_one_line_that_is_written_over():
    for stream, shown in (
        (Terminal(), "\x1b[2Kread 1 of 20 pages\r\x1b[2Kread 2 of 20 pages\r\x1b[2K\r"),
        (io.StringIO(), "read 2 of 20 pages\n"),
    ):
        line = Line(stream)
        count = Count(line, "read")
        count.begin(20)
        count.add()
        count.add()
        line.clear()
        assert stream.getvalue() == shown
