"""The install line of the built site, followed as a reader follows it: from a folder."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

import page.install_line
import page.wheel
from conftest import ROOT, SITE
from page.install_line import WHEEL, install_line, on_registry

EDITIONS = ("en", "zh")


@pytest.fixture
def here(monkeypatch):
    """A site that knows no address."""
    monkeypatch.delenv("CNNGUIDE_URL", raising=False)
    monkeypatch.setattr(page.install_line, "on_registry", lambda: False)


def test_the_line_names_the_sites_own_wheel(monkeypatch):
    monkeypatch.setattr(page.install_line, "on_registry", lambda: False)
    monkeypatch.setenv("CNNGUIDE_URL", "https://example.org/guide")
    place = f"https://example.org/guide/{WHEEL}"
    assert install_line("pip install cnnguide\npython plot.py") == (
        f'pip install "cnnguide @ {place}"\npython plot.py'
    )
    assert install_line("# %pip install cnnguide[gallery]\n") == (
        f'# %pip install "cnnguide[gallery] @ {place}"\n'
    )
    assert install_line("uv pip install cnnguide --torch-backend=cpu") == (
        f'uv pip install "cnnguide @ {place}" --torch-backend=cpu'
    )


def test_a_site_without_an_address_shows_the_line_for_a_copy_of_the_repository(here):
    made = install_line('pip install "cnnguide[gallery]"\npython plot.py')
    assert made == 'pip install ".[gallery]"  # in a copy of the repository\npython plot.py'


def test_once_the_package_is_on_a_registry_every_line_stays_as_it_is_written(monkeypatch):
    monkeypatch.setattr(page.install_line, "on_registry", lambda: True)
    monkeypatch.setenv("CNNGUIDE_URL", "https://example.org/guide")
    for text in ('pip install "cnnguide[gallery]"', "pip install cnnguide", "pip install nox"):
        assert install_line(text) == text


def test_lines_that_install_something_else_stay(here):
    for text in ('pip install "nox[uv]"', "pip install cnnguide-extra", "cnnguide check my_net.py"):
        assert install_line(text) == text


@pytest.mark.skipif(on_registry(), reason="the package is on a registry")
def test_no_page_and_no_notebook_says_a_line_that_fails():
    wrong = re.compile(r'pip install "?cnnguide(?:\[[a-z,]+\])?"?(?! @)(?=$|\s)', re.MULTILINE)
    for edition in EDITIONS:
        for path in [*(SITE / edition).glob("*.html"), *(SITE / edition).glob("auto_*/*.html")]:
            made = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
            shown = "\n".join(block.get_text() for block in made.select("article pre"))
            assert not wrong.search(shown), path.name
        notebooks = [*(SITE / edition / "_downloads").glob("*/*.ipynb")]
        notebooks += (SITE / edition / "notebooks").glob("*.ipynb")
        archives = [*(SITE / edition / "_downloads").glob("*/*.zip")]
        texts = [path.read_text(encoding="utf-8") for path in notebooks]
        for archive in map(zipfile.ZipFile, archives):
            with archive:
                names = [name for name in archive.namelist() if name.endswith(".ipynb")]
                texts += [archive.read(name).decode() for name in names]
        assert len(notebooks) > 20 and len(texts) > len(notebooks)
        for text in texts:
            first = "".join(json.loads(text)["cells"][0]["source"])
            assert "pip install" in first and not wrong.search(first), first


@pytest.mark.skipif(on_registry(), reason="the package is on a registry")
def test_the_readme_says_no_line_that_fails():
    for name in ("README.md", "README.zh.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert 'pip install ".[gallery]"' in text
        assert not re.search(r'pip install "?cnnguide', text)


@pytest.mark.skipif(on_registry(), reason="the package is on a registry")
def test_a_wheel_is_built_anew_only_if_its_source_has_changed(tmp_path, monkeypatch):
    site = tmp_path / "html"
    site.mkdir()
    (site / "cnnguide-0.0.1-py3-none-any.whl").write_bytes(b"an older one")
    page.wheel.write_wheel(site)
    assert [path.name for path in site.iterdir()] == [WHEEL]
    (site / WHEEL).write_bytes(b"kept")
    page.wheel.write_wheel(site)
    assert (site / WHEEL).read_bytes() == b"kept"
    monkeypatch.setattr(page.wheel, "digest", lambda: "another")
    page.wheel.write_wheel(site)
    assert zipfile.is_zipfile(site / WHEEL)


@pytest.fixture(scope="module")
def empty_environment(tmp_path_factory):
    """A fresh environment that finds torch and the like where they are, but no cnnguide."""
    folder = tmp_path_factory.mktemp("读者 reader") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    program = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    ask = [str(program), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()
    # a line that names a folder: the files *.pth in it, such as one of a checkout, count for nothing
    Path(packages, "outer.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return program


@pytest.mark.skipif(on_registry(), reason="the package is on a registry")
@pytest.mark.parametrize("edition", EDITIONS)
def test_the_line_that_a_page_shows_in_a_folder_installs_the_library(
    chromium, empty_environment, tmp_path, edition
):
    context = chromium.new_context()
    opened = context.new_page()
    opened.goto((SITE / edition / "install.html").as_uri())
    lines = opened.locator("#install-run pre").first.inner_text().splitlines()
    context.close()
    requirement = re.fullmatch(r'pip install "(.+)"', lines[0])[1]
    assert requirement == f"cnnguide[gallery] @ {SITE.as_uri()}/{WHEEL}"
    pip = [str(empty_environment), "-I", "-m", "pip", "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--force-reinstall", "--quiet", requirement], check=True, cwd=tmp_path)
    assert lines[1] == "python plot_conv.py"
    (script,) = (SITE / edition / "_downloads").glob("*/plot_conv.py")
    shutil.copy(script, tmp_path)
    where = "import cnnguide; print(cnnguide.__file__)"
    python = [str(empty_environment), "-I"]
    found = subprocess.run(
        [*python, "-c", where], check=True, cwd=tmp_path, capture_output=True, text=True
    )
    assert Path(found.stdout.strip()).is_relative_to(empty_environment.parents[1])
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": ""}
    subprocess.run([*python, "plot_conv.py"], check=True, cwd=tmp_path, env=environment)


@pytest.mark.skipif(on_registry(), reason="the package is on a registry")
def test_a_server_of_one_edition_alone_shows_the_line_for_a_copy(chromium):
    context = chromium.new_context()
    opened = context.new_page()
    text = (SITE / "en" / "install.html").read_text(encoding="utf-8")
    script = (SITE / "en" / "_static" / "install.js").read_text(encoding="utf-8")
    opened.route(
        "**/install.html", lambda route: route.fulfill(body=text, content_type="text/html")
    )
    opened.route("**/_static/**", lambda route: route.abort())
    for place, expected in (
        ("http://127.0.0.1:9/install.html", 'pip install ".[gallery]"'),
        ("http://127.0.0.1:9/a/en/install.html#x", f"@ http://127.0.0.1:9/a/{WHEEL}"),
    ):
        opened.goto(place)
        opened.evaluate(script)
        assert expected in opened.locator("#install-run pre").first.inner_text()
    context.close()
