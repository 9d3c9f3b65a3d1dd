"""The chapters as notebooks: nothing is lost, they run, and links elsewhere only where they lead."""

import ast
import json
import re
from types import SimpleNamespace

import nbformat
import pytest
from docutils import nodes
from nbclient import NotebookClient
from sphinx import addnodes

import page.install_line
import page.notebooks
from conftest import ROOT, SITE, pages
from page.install_line import WHEEL
from page.notebooks import add_notebook, chapter_notebook, gather, hosted_links
from page.reading_order import stems
from translation.alike import differences

EDITIONS = ("en", "zh")
COLAB = "https://colab.research.google.com/github/someone/guide/blob/notebooks/en/pool.ipynb"
MODELSCOPE = (
    "https://modelscope.cn/notebook/share/github/someone/guide/blob/notebooks/en/pool.ipynb"
)


def cells(edition, name, kind):
    notebook = json.loads((SITE / edition / "notebooks" / name).read_text(encoding="utf-8"))
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == kind]


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("stem", stems())
def test_a_chapters_notebook_has_every_cell_of_its_page(edition, stem):
    source = (ROOT / "docs" / f"{stem}.md").read_text(encoding="utf-8")
    written = re.findall(r"^```\{code-cell\}.*?\n(.*?)^```$", source, re.MULTILINE | re.DOTALL)
    written = [re.sub(r"\A(:.*\n)+", "", code) for code in written]
    first, *found = cells(edition, f"{stem}.ipynb", "code")
    assert "pip install" in first
    # comments are in the language of the edition
    assert [ast.dump(ast.parse(c)) for c in found] == [ast.dump(ast.parse(c)) for c in written]
    if edition == "en":
        assert [c.strip() for c in found] == [c.strip() for c in written]


@pytest.mark.parametrize("stem", stems())
def test_a_chapters_notebook_is_in_the_readers_language(stem):
    english, chinese = (cells(edition, f"{stem}.ipynb", "markdown") for edition in EDITIONS)
    assert len(english) == len(chinese)
    for text in chinese:
        prose = re.sub(r"```.*?```|`[^`]*`|\$[^$]*\$", "", text, flags=re.DOTALL)
        assert re.search("[\u4e00-\u9fff]", prose) or not re.search("[a-z]{3}", prose), text
    assert not re.search("[\u4e00-\u9fff]", "".join(english))


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_script_and_every_chapter_has_a_notebook(edition):
    scripts = {p.stem for kind in ("plot", "draw") for p in (ROOT / "gallery").glob(f"{kind}_*.py")}
    found = {path.stem for path in (SITE / edition / "notebooks").glob("*.ipynb")}
    assert found == scripts | {*stems()}
    for name in found:
        path = SITE / edition / "notebooks" / f"{name}.ipynb"
        nbformat.validate(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("name", ["pool", "plot_conv"])
def test_a_notebook_runs_in_an_empty_folder(tmp_path, name):
    notebook = nbformat.read(SITE / "zh" / "notebooks" / f"{name}.ipynb", as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()


def document(*children):
    made = nodes.document("", None)
    made.extend(children)
    return made


def test_prose_becomes_markdown():
    item = nodes.list_item("", nodes.paragraph("", "a_b"), nodes.paragraph("", "second"))
    formula = nodes.paragraph("", "", nodes.Text("of "), nodes.math("", "x_1"))
    link = nodes.reference("", "the rule", refuri="conv.html#conv-size")
    row = nodes.row("", *(nodes.entry("", nodes.paragraph("", t)) for t in ("a", "b|c")))
    table = nodes.table("", nodes.tgroup("", nodes.thead("", row)))
    tip = nodes.admonition("", nodes.title("", "Tip"), nodes.paragraph("", "Go."))
    image = nodes.image("", uri="images/x.svg", alt="A cat")
    parts = (nodes.bullet_list("", item), formula, nodes.paragraph("", "", link), table, tip, image)
    section = nodes.section("", nodes.title("", "Title"), *parts)
    known = chapter_notebook(
        document(section), first_cell="1", page_address="https://example.org/en/pool.html"
    )
    text = "".join(known["cells"][1]["source"])
    for expected in (
        "# Title\n\n- a\\_b\n\n  second",
        "of $x_1$",
        "[the rule](https://example.org/en/conv.html#conv-size)",
        "| a | b\\|c |\n|---|---|",
        "> **Tip**\n>\n> Go.",
        "![A cat](https://example.org/en/_images/x.svg)",
    ):
        assert expected in text
    alone = chapter_notebook(document(section), first_cell="1")
    text = "".join(alone["cells"][1]["source"])
    assert "\n\nthe rule\n\n" in text and "*A cat*" in text and "](" not in text


@pytest.fixture
def app(tmp_path):
    """A build whose site is published from a repository, or not."""
    config = SimpleNamespace(
        language="en",
        copyright="Nobody",
        notebooks_repository="someone/guide",
        sphinx_gallery_conf={"first_notebook_cell": "# %pip install cnnguide\n%matplotlib inline"},
    )
    return SimpleNamespace(builder=SimpleNamespace(name="html"), config=config, outdir=tmp_path)


def links(app, name="pool"):
    """List where the page of a chapter, or of a script, leads."""
    facts = nodes.bullet_list("", classes=["page-facts"])
    footer = nodes.container("", classes=["sphx-glr-footer"])
    place = footer if "/" in name else facts
    add_notebook(app, document(nodes.section("", nodes.title("", "Pool"), place)), name)
    kinds = (nodes.reference, addnodes.download_reference)
    return [link["refuri"] for link in place.findall(lambda node: isinstance(node, kinds))]


def test_a_published_site_opens_its_notebooks_elsewhere(app, tmp_path, monkeypatch):
    monkeypatch.setattr(page.install_line, "on_registry", lambda: False)
    monkeypatch.setenv("CNNGUIDE_URL", "https://example.org/guide")
    assert links(app) == ["notebooks/pool.ipynb", COLAB, MODELSCOPE]
    made = json.loads((tmp_path / "notebooks" / "pool.ipynb").read_text(encoding="utf-8"))
    place = f"https://example.org/guide/{WHEEL}"
    line = f'%pip install "cnnguide @ {place}"\n'
    assert made["cells"][0]["source"] == [line, "%matplotlib inline"]
    script = [place.replace("pool.ipynb", "plot_pool.ipynb") for place in (COLAB, MODELSCOPE)]
    assert links(app, "auto_examples/plot_pool") == script
    assert links(app, "auto_examples/index") == links(app, "glossary") == []


def test_a_site_without_a_repository_has_no_such_link(app, tmp_path, monkeypatch):
    monkeypatch.setattr(page.install_line, "on_registry", lambda: False)
    monkeypatch.delenv("CNNGUIDE_URL", raising=False)
    app.config.notebooks_repository = ""
    assert links(app) == ["notebooks/pool.ipynb"]
    assert links(app, "auto_examples/plot_pool") == []
    made = json.loads((tmp_path / "notebooks" / "pool.ipynb").read_text(encoding="utf-8"))
    line = '# %pip install "."  # in a copy of the repository\n'
    assert made["cells"][0]["source"][0] == line
    assert hosted_links("", "en/pool.ipynb") == {}


def test_the_workflow_puts_the_notebooks_where_the_links_lead():
    workflow = (ROOT / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8")
    assert "CNNGUIDE_NOTEBOOKS: ${{ github.repository }}" in workflow
    assert "HEAD:notebooks" in workflow
    for form in page.notebooks.HOSTS.values():
        assert form.endswith("/github/{0}/blob/notebooks/{1}")


def test_the_editions_may_differ_in_the_folder_of_a_notebook():
    english, chinese = (
        f'<article><a href="{COLAB}">x</a></article>'.replace("/en/", e) for e in ("/en/", "/zh/")
    )
    assert differences(english, chinese) == []
    assert differences(english, chinese.replace("pool", "conv")) != []


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_link_to_a_platform_leads_to_a_notebook_of_the_site(app, monkeypatch, language):
    monkeypatch.setenv("CNNGUIDE_URL", "https://example.org/guide")
    app.config.language = language
    edition = language[:2]
    scripts = [name.removesuffix(".html") for name in pages(edition)]
    scripts = [name for name in scripts if re.match("auto_examples/(plot|draw)_", name)]
    assert len(scripts) > 30
    for name in [*stems(), *scripts]:
        # the page has the place that the links are put into
        text = (SITE / edition / f"{name}.html").read_text(encoding="utf-8")
        assert ('class="sphx-glr-footer' if "/" in name else '<ul class="page-facts') in text, name
        hosted = [re.search("/blob/notebooks/(.+)", link) for link in links(app, name)]
        places = [found[1] for found in hosted if found]
        assert len(places) == 2, name
        for place in places:
            folder, notebook = place.split("/")
            assert (SITE / folder / "notebooks" / notebook).exists(), place


@pytest.mark.parametrize(("repository", "start"), [("someone/guide", ""), ("", "# ")])
def test_a_scripts_notebook_installs_the_library_where_it_is_opened_elsewhere(
    app, tmp_path, repository, start
):
    app.config.notebooks_repository = repository
    line = '%pip install "cnnguide[gallery] @ https://example.org/guide/cnnguide.whl"\n'
    first = page.notebooks.code_cell(f"# {line}%matplotlib inline")
    second = page.notebooks.code_cell("# a comment\n1 + 1")
    taken = {"cells": [first, second], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    (tmp_path / "_downloads" / "0a1b").mkdir(parents=True)
    (tmp_path / "_downloads" / "0a1b" / "plot_pool.ipynb").write_text(json.dumps(taken))
    gather(app, None)
    made = json.loads((tmp_path / "notebooks" / "plot_pool.ipynb").read_text(encoding="utf-8"))
    install, other = ("".join(cell["source"]) for cell in made["cells"])
    assert install == f"{start}{line}%matplotlib inline"
    assert other == "# a comment\n1 + 1"
