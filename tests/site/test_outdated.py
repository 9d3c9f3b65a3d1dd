"""A page is written anew when what it shows of other files has changed, on small sites."""

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import polib
import pytest
from docutils.utils import new_document
from sphinx_gallery.directives import imgsgnode

import gallery.messages
import page.facts
import page.questions
import page.source
import translation.state
from conftest import ROOT
from translation.editions import address, published

CONF = """
import sys

sys.path.insert(0, {extensions!r})
project = "toy"
extensions = {names}
myst_enable_extensions = ["colon_fence"]
templates_path = [{extensions!r} + "/translation"]
html_theme = "furo"
html_sidebars = {{"**": ["language.html"]}}
exclude_patterns = ["html", "_ext"]
"""


def build(folder):
    """Build a site over the one before; give its first page."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", "docs", "html"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=folder, env=env, check=True)
    return (folder / "html" / "index.html").read_text(encoding="utf-8")


def begin(folder, names, extensions, **pages):
    """Write the files of a site."""
    docs = folder / "docs"
    docs.mkdir(exist_ok=True)
    conf = CONF.format(extensions=str(extensions), names=[*names])
    (docs / "conf.py").write_text(conf, encoding="utf-8")
    for name, text in pages.items():
        (docs / f"{name}.md").write_text(text, encoding="utf-8")


def test_every_page_leads_to_a_language_that_begins_and_says_the_versions_of_now(tmp_path):
    own = tmp_path / "docs" / "_ext"
    shutil.copytree(ROOT / "docs" / "_ext", own)  # whose languages are those of this site
    (tmp_path / "docs" / "locale" / "zh_CN").mkdir(parents=True)
    contents = "# A page\n\n```{toctree}\ntranslation\n```\n"
    names = ("myst_parser", "translation", "page.versions")
    begin(tmp_path, names, own, index=contents, translation="# Another\n\nWords.\n")
    first = build(tmp_path)
    assert "中文" in first and "日本語" not in first
    (tmp_path / "docs" / "locale" / "ja").mkdir()
    assert "日本語" in build(tmp_path)
    module = own / "page" / "versions.py"
    text = module.read_text(encoding="utf-8")
    assert "9.8.7" not in first and 'version("torch")' in text
    module.write_text(text.replace('version("torch")', '"9.8.7"'), encoding="utf-8")
    assert "9.8.7" in build(tmp_path)


def test_a_changed_definition_stands_at_every_link_to_its_term(tmp_path):
    entry = "# Glossary\n\n:::{{glossary}}\nkernel\n  A small {} of weights.\n:::\n"
    contents = "# A page\n\n```{toctree}\nconv\nglossary\n```\n"
    chapter = "# A chapter\n\nThis is a {term}`kernel`.\n"
    pages = {"index": contents, "conv": chapter, "glossary": entry.format("grid")}
    begin(tmp_path, ("myst_parser", "page.definitions"), ROOT / "docs" / "_ext", **pages)
    conf = tmp_path / "docs" / "conf.py"
    plain = conf.read_text().replace('html_sidebars = {"**": ["language.html"]}\n', "")
    conf.write_text(plain.replace("templates_path", "unused"))
    build(tmp_path)
    shown = tmp_path / "html" / "conv.html"
    assert 'data-definition="A small grid of weights."' in shown.read_text()
    (tmp_path / "docs" / "glossary.md").write_text(entry.format("table"))
    build(tmp_path)
    assert 'data-definition="A small table of weights."' in shown.read_text()


def test_all_chapters_are_read_again_when_there_is_one_more(monkeypatch):
    env = SimpleNamespace(found_docs={"conv", "pool", "index"})
    again = page.facts.pages_to_read_again
    for order, expected in (
        *((["conv"], []), (["conv"], [])),
        (["conv", "pool", "zoo"], ["conv", "pool"]),
        (["conv", "pool", "zoo"], []),
    ):
        monkeypatch.setattr(page.facts, "stems", lambda order=order: order)
        assert again(None, env, set(), set(), set()) == expected


def test_a_chapter_is_written_again_when_it_has_got_questions():
    labels = {"selftest-conv": ("selftest", "selftest-conv"), "conv": ("conv", "conv")}
    domain = SimpleNamespace(anonlabels=labels)
    env = SimpleNamespace(
        found_docs={"conv", "pool", "selftest"},
        domains=SimpleNamespace(standard_domain=domain),
    )
    again = page.questions.pages_to_write_again
    assert again(None, env) == []
    domain.anonlabels = {**labels, "selftest-pool": ("selftest", "selftest-pool")}
    assert again(None, env) == ["pool"]
    assert again(None, env) == []


def test_the_state_of_the_translation_counts_a_new_catalog(tmp_path):
    for name, text in (("index", "words"), ("state", "```{translation-state}\n```\n")):
        (tmp_path / f"{name}.md").write_text(text)
    env = SimpleNamespace(
        srcdir=tmp_path,
        found_docs={"index", "state"},
        doc2path=lambda name: tmp_path / f"{name}.md",
    )
    again = translation.state.pages_to_read_again
    assert again(None, env, set(), set(), set()) == []
    catalog = tmp_path / "locale" / "ja" / "LC_MESSAGES" / "index.po"
    catalog.parent.mkdir(parents=True)
    catalog.write_text("")
    assert again(None, env, set(), set(), set()) == ["state"]
    assert again(None, env, set(), set(), set()) == []


def test_a_thumbnail_depends_on_the_catalog_of_its_script(tmp_path):
    catalog = polib.POFile()
    catalog.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    catalog.append(polib.POEntry(msgid="How *far*?", msgstr="多远？"))
    folder = tmp_path / "locale" / "zh_CN" / "LC_MESSAGES" / "auto_examples"
    for made in (folder, tmp_path / "auto_examples"):
        made.mkdir(parents=True)
    for stem in ("plot_a", "plot_b"):
        (tmp_path / "auto_examples" / f"{stem}.rst").write_text("")
    catalog.save_as_mofile(str(folder / "plot_b.mo"))
    noted = []
    transform = SimpleNamespace(
        env=SimpleNamespace(srcdir=tmp_path, note_dependency=noted.append),
        config=SimpleNamespace(language="zh_CN"),
    )
    assert gallery.messages.Thumbnails.thumbnail(transform, "How far?") == "多远？"
    assert noted == [str(folder / "plot_b.po")]


@pytest.mark.parametrize(
    ("language", "catalogs"), [("en", []), ("zh_CN", ["locale/zh_CN/LC_MESSAGES/conv.mo"])]
)
def test_a_figure_depends_on_the_words_of_its_chapter_in_its_language(
    tmp_path, monkeypatch, language, catalogs
):
    """English has no catalogs, and Sphinx reads a page again as long as a file is missing."""
    figure = ":::{figure} /auto_examples/images/sphx_glr_plot_conv_001.svg\n:alt: A map.\n:::\n"
    (tmp_path / "conv.md").write_text(figure)
    monkeypatch.setattr(gallery.messages, "alternative", lambda app, name: f"the words of {name}")
    document, noted = new_document("plot_conv.rst"), []
    for name in ("plot_conv_001", "plot_zoo_001"):  # no chapter shows the second
        uri = f"/auto_examples/images/sphx_glr_{name}.svg"
        document += imgsgnode("", uri=uri, alt="Title")
    transform = SimpleNamespace(
        app=None,
        document=document,
        env=SimpleNamespace(srcdir=tmp_path, note_dependency=noted.append),
        config=SimpleNamespace(language=language),
    )
    gallery.messages.PrepareGallery.apply(transform)
    assert noted == ["conv.md", *catalogs]
    said = [node["alt"] for node in document.findall(imgsgnode)]
    assert said == ["the words of sphx_glr_plot_conv_001.svg", "Title"]


@pytest.mark.parametrize("given", [None, ""])
def test_an_empty_address_is_none(monkeypatch, given):
    monkeypatch.delenv("CNNGUIDE_URL", raising=False)
    if given is not None:
        monkeypatch.setenv("CNNGUIDE_URL", given)
    assert not published()
    assert address() == "http://127.0.0.1:8000/"


def test_the_processes_that_read_pages_find_the_library_imported(monkeypatch):
    imported = []
    monkeypatch.setattr("importlib.import_module", imported.append)
    names = [f"page {k}" for k in range(20)]
    for parallel, pages in ((1, names), (2, names[:2])):  # one process; two pages
        page.source.import_library(SimpleNamespace(parallel=parallel), None, pages)
    assert imported == []
    page.source.import_library(SimpleNamespace(parallel=2), None, names)
    assert {"cnnguide.conv", "cnnguide.augment"} <= {*imported}
    assert "cnnguide.__main__" not in imported


def test_a_page_that_was_removed_leaves_the_site_with_its_twin_and_its_notebook(tmp_path):
    begin(tmp_path, ("myst_parser", "page.removed"), ROOT / "docs" / "_ext", index="# A page\n")
    conf = tmp_path / "docs" / "conf.py"
    plain = conf.read_text().replace('html_sidebars = {"**": ["language.html"]}\n', "")
    conf.write_text(plain.replace("templates_path", "unused"))
    site = tmp_path / "html"
    left = ["zoo.html", "zoo.md", "notebooks/zoo.ipynb", "api/conv.html"]
    stays = ["search.html", "notebooks/index.ipynb", "index.md", "_images/numbers.html"]
    for name in (*left, *stays, "api/index.html"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("words")
    assert "A page" in build(tmp_path)
    assert [name for name in (*left, "api/index.html") if (site / name).exists()] == []
    assert [name for name in stays if not (site / name).exists()] == []
