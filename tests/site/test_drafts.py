"""Catalogs in one form, and an edition that is translated in part, both on a small site."""

import difflib
import subprocess
import sys

import polib
import pytest

from conftest import ROOT
from translation.catalog_check import main as check_catalogs
from translation.drafts import percentage
from translation.tidy import main as tidy_files
from translation.tidy import tidy

CONF = """
import sys

sys.path.insert(0, "{extensions}")
project = "toy"
copyright = "Nobody"
extensions = ["myst_parser", "translation"]
myst_enable_extensions = ["colon_fence"]
html_theme = "furo"
html_static_path = ["{extensions}/translation"]
templates_path = ["{extensions}/translation"]
locale_dirs = ["locale"]
gettext_compact = False
gettext_location = False
"""
LONG = "A long sentence stays on one line, however many words of English it may have, "
LONG += "so that a change of one word is a change of one line."
PAGES = {
    "index": "# Toy\n\nThe first page.\n\n```{toctree}\nhalf\nwhole\nnone\n```\n",
    "half": f"# Half\n\n{LONG}\n\nIt has 9 weights, see {{term}}`kernel`.\n\n"
    "```python\nx = 1  # a comment in code\n```\n",
    "whole": "# Whole\n\nA page that is done.\n\n"
    ":::{glossary}\nkernel\n  A small grid of numbers.\n:::\n",
    "none": "# None\n\nNobody has begun this page.\n",
}
WORDS = {
    "index": {"Toy": "Spiel", "The first page.": "Die erste Seite."},
    "half": {"Half": "Halb", LONG: "Ein langer Satz."},
    "whole": {
        "Whole": "Ganz",
        "A page that is done.": "Eine fertige Seite.",
        "kernel": "Faltungskern",
        "A small grid of numbers.": "Ein kleines Gitter aus Zahlen.",
    },
}


class Site:
    """A small site with a language that is translated in part."""

    def __init__(self, root):
        self.root = root
        self.catalogs = root / "docs" / "locale" / "de" / "LC_MESSAGES"
        self.catalogs.mkdir(parents=True)
        extensions = ROOT / "docs" / "_ext"
        (root / "docs" / "conf.py").write_text(CONF.format(extensions=extensions))
        for name, text in PAGES.items():
            (root / "docs" / f"{name}.md").write_text(text)
        self.update()
        for name, words in WORDS.items():
            self.translate(name, words)

    def sphinx(self, *arguments):
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", *arguments]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True)

    def update(self):
        """Do what `nox -s translate -- de` does."""
        made = self.sphinx("-b", "gettext", "docs", "pot")
        assert made.returncode == 0, made.stderr
        update = ["-m", "sphinx_intl", "update", "-p", "pot", "-d", "docs/locale", "-l", "de"]
        subprocess.run(
            [sys.executable, *update, "--no-obsolete"],
            cwd=self.root,
            check=True,
            capture_output=True,
        )
        assert tidy_files([str(self.catalogs)]) == 0

    def translate(self, name, words):
        path = self.catalogs / f"{name}.po"
        catalog = polib.pofile(str(path))
        for entry in catalog:
            entry.msgstr = words.get(entry.msgid, entry.msgstr)
        path.write_text(tidy(str(catalog), "de"))

    def build(self, *options):
        return self.sphinx("-b", "html", "-D", "language=de", *options, "docs", "html")

    def shown(self, name):
        return (self.root / "html" / f"{name}.html").read_text()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("toy"))


def test_the_form_keeps_messages_and_drops_what_changes_by_itself():
    text = (
        '# A title\n#, fuzzy\nmsgid ""\nmsgstr ""\n'
        '"POT-Creation-Date: 2026-01-01 00:00+0000\\n"\n"Language: xx\\n"\n\n'
        '#: page.md:3\n#, fuzzy, python-brace-format\nmsgid ""\n"two "\n"parts"\nmsgstr "zwei"\n\n'
        '# for translators\nmsgid "b"\nmsgstr ""\n\n#~ msgid "old"\n#~ msgstr "alt"\n'
    )
    assert tidy(text, "de") == (
        'msgid ""\nmsgstr ""\n"Project-Id-Version: cnnguide\\n"\n"Language: de\\n"\n'
        '"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
        '#, fuzzy\nmsgid "two parts"\nmsgstr "zwei"\n\n'
        '# for translators\nmsgid "b"\nmsgstr ""\n'
    )
    assert tidy(tidy(text, "de"), "de") == tidy(text, "de")


def test_one_changed_sentence_changes_the_lines_of_that_sentence_alone(site):
    before = {path: path.read_text() for path in site.catalogs.glob("*.po")}
    site.update()
    assert before == {path: path.read_text() for path in before}  # nothing changes by itself
    page = site.root / "docs" / "half.md"
    old = page.read_text()
    try:
        page.write_text(old.replace("one word", "a word"))
        site.update()
        after = {path: path.read_text() for path in before}
        changed = [
            line
            for path in before
            for line in difflib.ndiff(before[path].splitlines(), after[path].splitlines())
            if line[0] in "+-"
        ]
        # the message itself, and that its translation may be out of date
        new = LONG.replace("one word", "a word")
        assert sorted(changed) == sorted(["+ #, fuzzy", f'- msgid "{LONG}"', f'+ msgid "{new}"'])
    finally:
        page.write_text(old)
        for path, text in before.items():
            path.write_text(text)


def test_a_release_has_no_page_that_is_translated_in_part(site):
    done = site.build()
    assert done.returncode == 1
    assert "not translated: 'It has 9 weights" in done.stderr
    assert "no translation in none.po: Nobody has begun this page." in done.stderr


def test_a_draft_shows_english_and_says_how_much_is_translated(site):
    done = site.build("-D", "draft=1")
    assert done.returncode == 0, done.stderr
    half, whole, none = map(site.shown, ("half", "whole", "none"))
    assert "Ein langer Satz." in half and "It has 9 weights" in half
    assert "# a comment in code" in half
    assert '<p class="draft" role="note">Draft: 50 % of this page is translated; ' in half
    assert "Draft: 0 % of this page" in none and "Nobody has begun this page." in none
    assert "Eine fertige Seite." in whole and 'class="draft"' not in whole


def test_what_is_translated_must_be_right_in_a_draft_too(site):
    path = site.catalogs / "half.po"
    old = path.read_text()
    try:
        site.translate("half", {"It has 9 weights, see {term}`kernel`.": "Acht Gewichte."})
        done = site.build("-D", "draft=1")
        assert done.returncode == 1
        assert "lost: number 9" in done.stderr
    finally:
        path.write_text(old)


def test_what_is_missing_is_listed_without_an_error_where_it_is_only_asked_for(site, capsys):
    folder = str(site.catalogs.parent)
    assert check_catalogs(["--list", folder]) == 0
    listed = capsys.readouterr().out
    assert "half.po:" in listed and "not translated\n    'It has 9 weights" in listed
    assert "none.po: nothing is translated yet, of 2 messages" in listed
    assert "de: 8 of " in listed
    assert check_catalogs([folder]) == 1


def test_a_share_is_not_rounded_up_to_all():
    assert percentage(999, 1000) == 99
    assert percentage(1000, 1000) == 100
    assert percentage(0, 0) == 100
