"""The names of the glossary's terms, as the search knows them: read from the catalogs alone."""

from types import SimpleNamespace

import polib
import pytest

import search.terms
from search.terms import names_by_term, terms
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


def test_a_term_that_no_section_teaches_is_named_and_the_others_are_found(app, monkeypatch):
    """Everything has run when the index is written; a word that stops the build must say why."""
    entries = "stride\n  A step.\n\n  Taught in {ref}`conv`.\n\nkernel\n  A grid.\n"
    (app.srcdir / "glossary.md").write_text(entries, encoding="utf-8")
    domain = SimpleNamespace(anonlabels={"conv": ("conv", "conv")})
    app.env = SimpleNamespace(domains=SimpleNamespace(standard_domain=domain))
    said = []
    noted = SimpleNamespace(warning=lambda text, *given, **place: said.append(text % given))
    monkeypatch.setattr(search.terms, "logger", noted)
    assert terms(app) == [("conv.html", "conv", ["stride", "步幅"])]
    assert len(said) == 1
    assert said[0].startswith("the term 'kernel' must name the section that teaches it")
