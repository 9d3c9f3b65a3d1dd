"""The names of the glossary's terms, as the search knows them: read from the catalogs alone."""

from types import SimpleNamespace

import polib
import pytest

import search.terms
from search.terms import names_by_term
from translation.editions import Edition

LANGUAGES = {"zh_CN": ("步幅（stride）", "核（kernel，滤波器）"), "ja": ("", "")}


@pytest.fixture
def app(tmp_path, monkeypatch):
    """A site with two languages, the second of which has just begun."""
    for language, (stride, kernel) in LANGUAGES.items():
        catalog = polib.POFile()
        for message, words in (("stride", stride), ("kernel", kernel)):
            catalog.append(polib.POEntry(msgid=message, msgstr=words))
        path = tmp_path / "locale" / language / "LC_MESSAGES" / "glossary.po"
        path.parent.mkdir(parents=True)
        catalog.save(str(path))
    known = [Edition(name, name[:2], name, name) for name in ("en", *LANGUAGES)]
    monkeypatch.setattr(search.terms, "editions", lambda: known)
    return SimpleNamespace(srcdir=tmp_path)


def test_a_language_that_has_just_begun_gives_no_empty_name(app):
    """The search would look for it without end: nothing stands at every place."""
    assert names_by_term(app) == {
        "stride": ["stride", "步幅"],
        "kernel": ["kernel", "核", "滤波器"],
    }
