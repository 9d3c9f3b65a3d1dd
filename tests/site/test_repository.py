"""What a published site says of where it is kept: links that edit, a line that clones, versions."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest
import yaml
from bs4 import BeautifulSoup

import cnnguide
from conftest import ROOT
from offline.shelf import FOLDER
from page import install_line
from page.install_line import WHEEL
from page.repository import edit_link, repository, source_of
from translation.editions import newest_address
from translation.root_pages import earlier_versions, write_root

EDIT = "https://github.com/someone/guide/edit/main/"


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setenv("CNNGUIDE_REPOSITORY", "someone/guide")


@pytest.mark.parametrize(
    ("page", "source"),
    [
        ("conv", "docs/conv.md"),
        ("auto_examples/plot_conv", "gallery/plot_conv.py"),
        ("auto_examples/index", "gallery/GALLERY_HEADER.rst"),
        ("api/conv", "cnnguide/conv.py"),
        ("api/models", "cnnguide/models/__init__.py"),
        ("api/index", "docs/api/index.rst"),
        ("search", ""),
        ("genindex", ""),
        ("auto_examples/sg_execution_times", ""),
    ],
)
def test_a_page_leads_to_the_file_that_it_is_made_from(known, page, source):
    assert source_of(page) == source
    assert edit_link(page) == (EDIT + source if source else "")


def test_a_page_in_chinese_leads_to_its_catalog(known):
    catalogs = "docs/locale/zh_CN/LC_MESSAGES"
    for page in ("conv", "api/conv", "auto_examples/plot_conv"):
        assert edit_link(page, language="zh_CN") == f"{EDIT}{catalogs}/{page}.po"
    assert edit_link("search", language="zh_CN") == ""


def test_every_page_of_the_guide_has_a_file_that_is_there():
    pages = [p.stem for p in (ROOT / "docs").glob("*.md")]
    pages += [f"api/{p.stem}" for p in (ROOT / "docs" / "api").glob("*.rst")]
    pages += [f"auto_examples/{p.stem}" for p in (ROOT / "gallery").glob("*.py")]
    assert len(pages) > 60
    for page in pages:
        for language in ("en", "zh_CN"):
            assert (ROOT / source_of(page, language=language)).is_file(), page


def test_without_a_repository_no_page_has_a_link(monkeypatch):
    for value in (None, ""):
        monkeypatch.delenv("CNNGUIDE_REPOSITORY", raising=False)
        if value is not None:
            monkeypatch.setenv("CNNGUIDE_REPOSITORY", value)
        assert repository() == "" and edit_link("conv") == ""


@pytest.mark.parametrize("name", ["https://github.com/a/b", "guide", 'a/b" onclick="x'])
def test_a_repository_that_is_no_name_is_refused(monkeypatch, name):
    monkeypatch.setenv("CNNGUIDE_REPOSITORY", name)
    with pytest.raises(ValueError, match="CNNGUIDE_REPOSITORY must be owner/name, got "):
        repository()


CONF = f"""
import sys
import tomllib
sys.path.insert(0, {str(ROOT / "docs" / "_ext")!r})
project = "toy"
extensions = ["myst_parser", "translation", "page.versions", "page.repository"]
templates_path = [{str(ROOT / "docs" / "_ext" / "translation")!r}]
html_theme = "furo"
html_title = "toy"
html_sidebars = {{"**": ["sidebar/navigation.html"]}}
exclude_patterns = ["html"]
"""


def test_a_site_is_built_with_the_links_and_the_line_or_without_both(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "conf.py").write_text(CONF)
    contents = "```{toctree}\ntranslation\n```\n"
    (docs / "index.md").write_text(f"# A page\n\n```{{clone}}\n```\n\n{contents}")
    (docs / "translation.md").write_text("# Another\n\nWords.\n")
    names = ("index", "translation", "search")
    for name, wanted in (("someone/guide", True), ("", False), ("other/one", True)):
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", "docs", "html"]
        env = {**os.environ, "CNNGUIDE_REPOSITORY": name}
        subprocess.run(command, cwd=tmp_path, env=env, check=True)  # over the site before
        pages = {
            p: BeautifulSoup((tmp_path / "html" / f"{p}.html").read_text(), "lxml") for p in names
        }
        links = {p: [a["href"] for a in pages[p].select(".versions a[rel=edit]")] for p in names}
        edit = f"https://github.com/{name}/edit/main/docs"
        assert links["index"] == ([f"{edit}/index.md"] if wanted else [])
        assert links["translation"] == ([f"{edit}/translation.md"] if wanted else [])
        assert links["search"] == []
        lines = [block.get_text().strip() for block in pages["index"].select("pre")]
        assert lines == ([f"git clone https://github.com/{name}"] if wanted else [])
        assert wanted or "github.com" not in str(pages["index"].select_one("article"))
        assert not pages["index"].select('a[href$="versions.html"]')
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", "docs", "html"]
    env = {**os.environ, "CNNGUIDE_URL": "https://guide.example/cnn"}
    subprocess.run(command, cwd=tmp_path, env=env, check=True)
    page = BeautifulSoup((tmp_path / "html" / "index.html").read_text(), "lxml")
    assert page.select_one(".versions a[href='https://guide.example/cnn/versions.html']")


def workflow(name, job="build"):
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["jobs"][job]["steps"]


def test_the_published_site_knows_the_repository():
    (env,) = [step["env"] for step in workflow("pages") if "CNNGUIDE_URL" in step.get("env", {})]
    assert env["CNNGUIDE_REPOSITORY"] == "${{ github.repository }}"


def test_a_released_package_says_where_the_project_is_kept(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    commands = [step.get("run", "") for step in workflow("release")]
    (line,) = [line for line in commands if ">> pyproject.toml" in line]
    assert commands.index(line) < commands.index("python -m build")
    env = {**os.environ, "AT": "https://github.com/someone/guide"}
    subprocess.run(["bash", "-c", line], cwd=tmp_path, env=env, check=True)
    made = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))
    assert made["project"].pop("urls") == {
        "Repository": "https://github.com/someone/guide",
        "Issues": "https://github.com/someone/guide/issues",
    }
    assert made == tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_link_of_a_released_readme_holds_on_another_site(tmp_path):
    for name in ("README.md", "README.zh.md"):
        shutil.copy(ROOT / name, tmp_path)
    before = links_of(tmp_path / "README.md")
    assert any(link.startswith("../../") for link in before) and "LICENSE" in before
    commands = [step.get("run", "") for step in workflow("release")]
    (line,) = [line for line in commands if "README.md" in line]
    assert commands.index(line) < commands.index("python -m build")
    at = "https://github.com/someone/guide"
    env = {**os.environ, "AT": at, "GITHUB_REF_NAME": "v0.2.0"}
    subprocess.run(["bash", "-c", line], cwd=tmp_path, env=env, check=True)
    after = links_of(tmp_path / "README.md")
    assert len(after) == len(before) and all(link.startswith("https://") for link in after)
    assert {f"{at}/blob/v0.2.0/LICENSE", f"{at}/actions/workflows/tests.yml/badge.svg"} <= {*after}


def links_of(readme):
    return re.findall(r"\]\(([^)]+)\)", readme.read_text(encoding="utf-8"))


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == cnnguide.__version__
    assert {"title", "authors", "license", "message", "cff-version"} <= {*citation}


FORMS = ["fault", "mistake"]


def test_what_a_contributor_looks_for_is_there():
    named = ("SECURITY", "CODE_OF_CONDUCT", "CONTRIBUTING", ".github/PULL_REQUEST_TEMPLATE")
    for name in named:
        assert (ROOT / f"{name}.md").read_text(encoding="utf-8").strip(), name
    forms = ROOT / ".github" / "ISSUE_TEMPLATE"
    assert sorted(path.stem for path in forms.iterdir()) == FORMS


@pytest.mark.parametrize("name", FORMS)
def test_a_form_for_issues_is_one_that_github_shows(name):
    """It shows no form without these keys, and none with two fields of one id."""
    path = ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml"
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= {*form}
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert fields and all(field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)


def test_pre_commit_runs_the_linters_of_nox():
    path = ROOT / ".pre-commit-config.yaml"
    (repo,) = yaml.safe_load(path.read_text(encoding="utf-8"))["repos"]
    assert [hook["entry"] for hook in repo["hooks"]] == ["nox -s lint"]


def test_the_badge_is_that_of_a_workflow_that_runs_the_tests():
    for name in ("README.md", "README.zh.md"):
        files = re.findall(r"actions/workflows/([\w.]+)", (ROOT / name).read_text(encoding="utf-8"))
        assert files == ["tests.yml", "tests.yml"]
    assert {"run": "nox -s tests"} in workflow("tests", "tests")


# --- the versions


def test_a_published_site_lists_the_versions_that_stand_in_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNGUIDE_URL", "https://guide.example/cnn/")
    (tmp_path / "en").mkdir()
    write_root(tmp_path)
    page = BeautifulSoup((tmp_path / "versions.html").read_text(encoding="utf-8"), "lxml")
    assert [a["href"] for a in page.select("a")] == ["en/index.html", "zh/index.html"]
    assert [s.p.get_text()[:2] for s in page.select("section")] == ["No", "还没"]
    for edition in ("v0.2.0/en", "v0.10.0/en", "v0.10.0/zh", "vectors/en", "v0.9.0"):
        (tmp_path / edition).mkdir(parents=True)
        (tmp_path / edition / "index.html").touch()
    write_root(tmp_path)
    page = BeautifulSoup((tmp_path / "versions.html").read_text(encoding="utf-8"), "lxml")
    english, chinese = page.select("section")
    assert [a["href"].split("/")[0] for a in english.select("a")] == ["en", "v0.10.0", "v0.2.0"]
    assert [a["href"] for a in chinese.select("a")] == ["zh/index.html", "v0.10.0/zh/index.html"]
    assert english.select("a")[1].get_text() == "Version 0.10.0"
    assert chinese.select("a")[1].get_text() == "0.10.0 版"
    assert not page.select("section p")


def test_a_site_without_an_address_lists_no_versions(tmp_path, monkeypatch):
    monkeypatch.delenv("CNNGUIDE_URL", raising=False)
    (tmp_path / "en").mkdir()
    write_root(tmp_path)
    assert not (tmp_path / "versions.html").exists()


def test_the_site_of_a_release_goes_where_the_list_looks_for_it(tmp_path):
    kept = [step.get("run", "") for step in workflow("release", "site")]
    assert any("zip" in line and "../site.zip" in line for line in kept)
    (release,) = [line for line in kept if line.startswith("gh release create")]
    assert {"docs/_build/site.zip", f"docs/_build/html/{FOLDER}/*"} <= {*release.split()}
    assert kept.index("nox -s offline") < kept.index(release)
    # what makes the PDFs is there before, as in the workflow that publishes the newest text
    (packages,) = [line for line in kept if "apt-get install" in line]
    assert kept.index(packages) < kept.index("nox -s offline")
    assert packages in [step.get("run") for step in workflow("pages")]
    steps = workflow("pages")
    (unpack,) = [step["run"] for step in steps if "gh release download" in step.get("run", "")]
    (build,) = [k for k, step in enumerate(steps) if step.get("run") == "nox -s offline"]
    assert [step.get("run") for step in steps].index(unpack) < build
    with zipfile.ZipFile(tmp_path / "kept.zip", "w") as kept:
        kept.writestr("en/index.html", "")
    (tmp_path / "docs").mkdir()  # a fresh copy of the repository has no docs/_build
    programs = tmp_path / "programs"
    programs.mkdir()
    env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "GITHUB_REPOSITORY": "a/b"}

    def run(answers):
        (programs / "gh").write_text(f'#!/bin/sh\ncase "$1 $2" in\n{answers}\nesac\n')
        (programs / "gh").chmod(0o755)
        return subprocess.run(["bash", "-e", "-c", unpack], cwd=tmp_path, env=env).returncode

    listed = '"api --paginate") echo v0.2.0;;'
    assert run(f'{listed}\n"release download") cp kept.zip site.zip;;') == 0
    found = earlier_versions(tmp_path / "docs" / "_build" / "html")
    assert [(str(version), folders) for version, folders in found] == [("0.2.0", {"en"})]
    # a site that lacks a version without a word would be published in place of the one before
    assert run('"api --paginate") exit 1;;') != 0
    assert run(f'{listed}\n"release download") exit 1;;') != 0


def test_the_pages_of_a_release_lead_to_the_newest_list_and_install_their_own_library(monkeypatch):
    own = f"v{cnnguide.__version__}"
    for registry, source in (
        (False, f" @ https://guide.example/cnn/{own}/{WHEEL}"),
        (True, f"=={cnnguide.__version__}"),
    ):
        monkeypatch.setattr(install_line, "on_registry", lambda registry=registry: registry)
        monkeypatch.setenv("CNNGUIDE_URL", f"https://guide.example/cnn/{own}/")
        assert newest_address() == "https://guide.example/cnn/"
        made = install_line.install_line('pip install "cnnguide[gallery]"')
        assert made == f'pip install "cnnguide[gallery]{source}"'
    for other in ("https://guide.example/cnn/", "https://guide.example/v9.9.9/"):
        monkeypatch.setenv("CNNGUIDE_URL", other)
        assert newest_address() == other
    (build,) = [s["env"] for s in workflow("release", "site") if s.get("run") == "nox -s offline"]
    assert build["CNNGUIDE_URL"].endswith("/${{ github.ref_name }}/")


def test_nothing_is_released_untested_or_with_lines_that_install_it_from_elsewhere(tmp_path):
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    assert {"build", "tests"} <= {*jobs["publish"]["needs"]} & {*jobs["site"]["needs"]}
    assert {"nox -s lint tests wheel"} <= {step.get("run") for step in jobs["tests"]["steps"]}
    (check,) = [s["run"] for s in workflow("release") if "on-registry" in s.get("run", "")]
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for value in ("true", "false"):
        made = re.sub("^on-registry = .*$", f"on-registry = {value}", settings, flags=re.M)
        (tmp_path / "pyproject.toml").write_text(made, encoding="utf-8")
        done = answer(check, tmp_path)
        said = "::error file=pyproject.toml::set on-registry = true in the commit that you tag"
        assert (done.returncode == 0) == (value == "true")
        assert done.stdout.startswith(said) == (value == "false")
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert (
        "if its commit has that version in `cnnguide/__init__.py` and `on-registry = true`" in guide
    )


def answer(command, folder, **env):
    return subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )


def test_a_tag_that_is_not_the_version_is_said(tmp_path):
    (check,) = [s["run"] for s in workflow("release") if s.get("name") == "The tag is the version"]
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "cnnguide-0.2.0.tar.gz").touch()
    assert answer(check, tmp_path, GITHUB_REF_NAME="v0.2.0").returncode == 0
    done = answer(check, tmp_path, GITHUB_REF_NAME="v0.3.0")
    assert done.returncode == 1
    assert done.stdout.startswith("::error file=cnnguide/__init__.py::__version__ must be 0.3.0")
    assert "got cnnguide-0.2.0.tar.gz" in done.stdout
