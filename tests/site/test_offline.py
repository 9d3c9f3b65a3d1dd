"""The guide without a network: pages on paper, the PDF, the EPUB, and the folder to unpack."""

import os
import posixpath
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from PIL import Image, ImageChops
from pypdf import PdfReader

from conftest import ROOT, SITE
from offline.archive import inward, write_zip
from offline.cards import figure_of
from offline.pdf import chapters_of
from page.install_line import WHEEL
from page.reading_order import stems
from translation.editions import editions

EDITIONS = {edition.folder: edition for edition in editions()}
CONTROLS = (
    ".skip-to-content, .sidebar-drawer, .toc-drawer, .mobile-header, .back-to-top, .headerlink, "
    ".copybtn, .theme-toggle, .language-switch, .related-pages, .experiment-body"
)


@pytest.fixture
def printed(chromium, server):
    """Open a page as it is on paper."""
    contexts = []

    def open_page(path):
        contexts.append(chromium.new_context())
        opened = contexts[-1].new_page()
        opened.goto(f"{server}/{path}")
        if opened.locator(".experiment").count():
            opened.wait_for_selector(".experiment-body", state="attached")
        opened.emulate_media(media="print")
        return opened

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("edition", EDITIONS)
def test_paper_shows_no_controls_and_every_experiment_as_its_figure(printed, edition):
    page = printed(f"{edition}/conv.html")
    assert page.locator(CONTROLS).count() > 5
    assert [c for c in page.locator(CONTROLS).all() if c.is_visible()] == []
    stills = page.locator(".experiment-still img").all()
    assert stills and all(still.is_visible() for still in stills)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("name", ["conv", "resnet", "train"])
def test_paper_shows_what_is_folded_and_cuts_no_code(printed, edition, name):
    page = printed(f"{edition}/{name}.html")
    assert page.locator("details:not([open])").count() > 20
    assert page.locator("article pre").count() > 10
    hidden = page.evaluate(
        """[...document.querySelectorAll("article details > :not(summary)")]
            .filter((part) => part.textContent.trim() && !part.checkVisibility())
            .map((part) => part.textContent)"""
    )
    assert hidden == []
    page.set_viewport_size({"width": 640, "height": 900})  # of paper, within its margins
    cut = page.evaluate(
        """[...document.querySelectorAll("article pre")]
            .filter((code) => code.scrollWidth > code.clientWidth + 1)
            .map((code) => code.textContent)"""
    )
    assert cut == []


@pytest.fixture(scope="module", params=EDITIONS)
def pdf(request, tmp_path_factory):
    """Print a book of one chapter and the page before it, from a copy of the site's files."""
    edition = EDITIONS[request.param]
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(SITE / edition.folder, site / edition.folder, ignore=only_shown)
    # Playwright's loop of this process is taken by the tests' own browser
    command = [sys.executable, "-m", "offline.pdf", str(site), edition.folder, "pool", "conv"]
    path = os.pathsep.join([str(ROOT / "docs" / "_ext"), os.environ.get("PYTHONPATH", "")])
    environment = {name: v for name, v in os.environ.items() if name != "CNNGUIDE_URL"}
    subprocess.run(command, check=True, env={**environment, "PYTHONPATH": path})
    with PdfReader(site / "offline" / f"cnnguide-{edition.folder}.pdf") as reader:
        yield edition, site, reader


def only_shown(folder, names):
    return [name for name in names if name in ("_downloads", "onnxruntime", "api")]


def squeezed(text):
    return re.sub(r"\s", "", text)


def test_the_pdf_has_every_solution_and_says_where_its_sections_are(pdf):
    edition, _site, reader = pdf
    texts = [squeezed(p.extract_text()) for p in reader.pages]
    whole = "".join(texts)
    made = BeautifulSoup((SITE / edition.folder / "conv.html").read_text("utf-8"), "html.parser")
    assert made.select(".figure-link") and not re.search(r"[.。]SVG", whole)
    solutions = made.select("details.solution p")
    assert len(solutions) > 8
    for solution in solutions:
        for formula in solution.select("math, code"):
            formula.replace_with("|")
        # the longest piece without formulas; a page may end within it
        words = max(squeezed(solution.get_text()).split("|"), key=len)[:12]
        assert words in whole, words
    # each page begins with its number, which stands at its foot
    assert [n for n, text in enumerate(texts, 1) if not text.startswith(str(n))] == []
    # nobody types the signs of the table of radicals, such as the one that looks like this: \u2f79
    assert not re.search("[\u2e80-\u2fdf]", whole)


def test_the_pdf_has_bookmarks_and_links_that_arrive(pdf):
    edition, site, reader = pdf
    made = BeautifulSoup((SITE / edition.folder / "conv.html").read_text("utf-8"), "html.parser")
    for link in made.select(".headerlink"):
        link.decompose()
    headings = [" ".join(h.get_text().split()) for h in made.select("article h1, article h2")]

    def titles(marks):
        for mark in marks:
            yield from titles(mark) if isinstance(mark, list) else [mark.title]

    bookmarks = [*titles(reader.outline)]
    assert [title for title in headings if title not in bookmarks] == []
    places = reader.named_destinations
    wanted = [
        str(note.get_object()["/Dest"])
        for page in reader.pages
        for note in page.get("/Annots", ())
        if "/Dest" in note.get_object()
    ]
    assert len(wanted) > 30
    assert {name for name in wanted if name not in places} == set()
    # both pages of the book are reached from its contents, on the page that stands there
    contents = squeezed(reader.pages[1].extract_text())
    start = reader.get_destination_page_number(places["/conv--"]) + 1
    assert f"{squeezed(headings[0])}{start}" in contents
    assert reader.trailer["/Root"]["/Lang"] == edition.tag
    assert not (site / edition.folder / "_book.html").exists()


def test_the_book_has_all_chapters_and_no_reference():
    book = chapters_of(SITE / "en")
    assert book[:3] == ["conv", "pool", "receptive"]
    assert {"capstone", "glossary", "bibliography"} <= {*book}
    assert not [page for page in book if "/" in page]


def outputs():
    docs = ROOT / "docs"
    paths = [*docs.glob("auto_examples/images/*"), *docs.glob("_build/jupyter_cache/executed/*/*")]
    assert len(paths) > 50
    return {path: path.stat().st_mtime for path in paths}


@pytest.fixture(scope="module", params=EDITIONS)
def epub(request, tmp_path_factory):
    """Build the book of an edition from what the site was built from; give both."""
    edition = EDITIONS[request.param]
    folder = tmp_path_factory.mktemp("epub")
    path = os.pathsep.join([str(ROOT / "docs" / "_ext"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    doctrees = folder / "doctrees"  # a copy, since a build writes there
    shutil.copytree(ROOT / "docs" / "_build" / "doctrees" / edition.language, doctrees)
    command = [
        *(sys.executable, "-m", "sphinx", "-b", "epub", "-W", "-q"),
        *("-D", f"language={edition.language}"),
        *("-d", str(doctrees), str(ROOT / "docs"), str(folder / "built")),
    ]
    kept = outputs()
    subprocess.run(command, check=True, env=environment)
    assert outputs() == kept  # nothing has run again
    book = folder / f"{edition.folder}.epub"
    pack = [sys.executable, "-m", "offline.epub", str(folder / "built"), str(book)]
    subprocess.run(pack, check=True, env=environment)
    return edition, book


def test_the_epub_holds_its_pages_in_their_language_and_no_script(epub):
    edition, path = epub
    with zipfile.ZipFile(path) as book:
        names = {*book.namelist()}
        assert book.infolist()[0].filename == "mimetype"
        chapter = ElementTree.fromstring(book.read("conv.xhtml"))
        text = book.read("conv.xhtml").decode()
        pages = {name: book.read(name).decode() for name in names if name.endswith(".xhtml")}
        figure = book.read("_images/sphx_glr_plot_conv_001.svg").decode()
    assert chapter.get("lang") == edition.tag
    assert "http://www.w3.org/1998/Math/MathML" in text
    words = " ".join(re.findall(r"<text\b[^>]*>([^<]+)<", figure))
    assert words and bool(re.search("[\u4e00-\u9fff]", words)) == (edition.folder == "zh")
    assert not [name for name in names if name.endswith((".js", ".py", ".ipynb", ".onnx"))]
    captions = [c.get_text().strip() for c in BeautifulSoup(text, "html.parser")("figcaption")]
    assert captions and not [caption for caption in captions if caption.endswith("SVG")]
    for name, page in pages.items():
        assert "<script" not in page and "<details" not in page
        for target in re.findall(r'<a\b[^>]*\bhref="([^"#:]+)["#]', page):
            assert posixpath.normpath(posixpath.join(posixpath.dirname(name), target)) in names
    made = BeautifulSoup((SITE / edition.folder / "conv.html").read_text("utf-8"), "html.parser")
    for solution in made.select("details.solution > .fold-body > p:first-child"):
        words = max((str(part) for part in solution.find_all(string=True)), key=len)
        assert squeezed(words) in squeezed(BeautifulSoup(text, "html.parser").get_text())


@pytest.mark.skipif(
    shutil.which("epubcheck") is None,
    reason="epubcheck is not installed: apt-get install epubcheck default-jre-headless",
)
def test_the_epub_keeps_to_the_standard(epub):
    _edition, path = epub
    program = Path(shutil.which("epubcheck"))
    start = ["java", "-jar"] if program.read_bytes()[:2] == b"PK" else []  # Debian's is a jar
    done = subprocess.run([*start, str(program), str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_folder_opens_without_a_server_and_leads_to_nothing_that_it_lacks(
    chromium, tmp_path, monkeypatch, edition
):
    monkeypatch.delenv("CNNGUIDE_URL", raising=False)
    site = tmp_path / "site"
    shutil.copytree(SITE / edition, site / edition, ignore=shutil.ignore_patterns("onnxruntime"))
    (site / WHEEL).write_bytes(b"a wheel")
    with zipfile.ZipFile(write_zip(site, edition)) as archive:
        archive.extractall(tmp_path / "一个 folder")
    folder = tmp_path / "一个 folder" / "cnnguide"
    assert {path.name for path in folder.iterdir()} == {edition, WHEEL}
    for path in folder.rglob("*.html"):
        made = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for link in made.select("a[href], img[src], link[href], script[src]"):
            target = unquote(str(link.get("href", link.get("src"))))
            target = re.split("[?#]", target)[0]
            if target and not re.match(r"\w+:", target):
                assert (path.parent / target).exists() or "onnxruntime" in target, (path, target)
    page = chromium.new_page()
    faults = []
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.goto((folder / edition / "index.html").as_uri())
    page.locator(".home-begin a").first.click()
    page.wait_for_url(f"**/{edition}/conv.html*")
    assert page.locator(".experiment-still img").first.evaluate("i => i.complete")
    assert page.locator("nav.language-switch").count() == 0
    assert faults == []
    page.close()


def test_links_out_of_the_folder_lead_to_the_published_site(monkeypatch):
    text = '<p><a href="../zh/conv.html">zh</a> <a href="pool.html">pool</a></p>'
    monkeypatch.setenv("CNNGUIDE_URL", "https://example.org/g/")
    assert 'href="https://example.org/g/zh/conv.html"' in inward(text, 0)
    monkeypatch.delenv("CNNGUIDE_URL")
    assert inward(text, 0) == '<p>zh <a href="pool.html">pool</a></p>'
    deep = '<a href="../conv.html">conv</a> <a href="../../zh/api/conv.html">zh</a>'
    assert inward(deep, 1) == '<a href="../conv.html">conv</a> zh'


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_home_page_leads_to_files_that_exist_or_says_how_to_make_them(edition):
    home = SITE / edition / "index.html"
    made = BeautifulSoup(home.read_text(encoding="utf-8"), "html.parser")
    (place,) = made.select(".offline")
    links = [str(link["href"]) for link in place.select("a")]
    assert all((home.parent / link).is_file() for link in links)
    assert links or "nox -s offline" in place.get_text()


SHELF = f"""
import sys

sys.path.insert(0, {str(ROOT / "docs" / "_ext")!r})
project = "toy"
extensions = ["myst_parser", "translation", "offline.shelf"]
locale_dirs = [{str(ROOT / "docs" / "locale")!r}]
"""


@pytest.mark.parametrize(
    ("edition", "words"),
    [
        ("en", ["unpack it, and open en/index.html", "for an e-reader", "to print"]),
        ("zh", ["解压后用浏览器打开 zh/index.html", "给电子书阅读器", "可以打印"]),
    ],
)
def test_the_shelf_names_each_file_that_is_there_and_follows_them(tmp_path, edition, words):
    docs, site = tmp_path / "docs", tmp_path / "html"
    docs.mkdir()
    (site / "offline").mkdir(parents=True)
    (docs / "conf.py").write_text(SHELF)
    (docs / "index.md").write_text("# toy\n\n```{offline}\n```\n")
    options = ["-D", f"language={EDITIONS[edition].language}", "-D", "draft=1"]
    command = [sys.executable, "-m", "sphinx", "-q", "-W", *options, "docs", f"html/{edition}"]

    def shelf():
        subprocess.run(command, cwd=tmp_path, check=True)  # over the site before
        text = (site / edition / "index.html").read_text(encoding="utf-8")
        return BeautifulSoup(text, "html.parser").select_one(".offline")

    none = shelf()
    assert "nox -s offline" in none.get_text() and not none.select("a")
    kinds = ("zip", "epub", "pdf")
    for number, kind in enumerate(kinds, 1):
        (site / "offline" / f"cnnguide-{edition}.{kind}").write_bytes(bytes(number * 1_000_000))
    other = "zh" if edition == "en" else "en"
    (site / "offline" / f"cnnguide-{other}.pdf").touch()
    made = shelf()
    links = [link["href"] for link in made.select("a")]
    assert links == [f"../offline/cnnguide-{edition}.{kind}" for kind in kinds]
    assert all((site / edition / link).is_file() for link in links)
    for number, (item, part) in enumerate(zip(made.select("li"), words, strict=True), 1):
        assert part in item.get_text() and f"{number} MB" in item.get_text()
    (site / "offline" / f"cnnguide-{edition}.epub").unlink()
    assert len(shelf().select("a")) == 2


# --- the pictures of the chapters


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_chapter_has_a_figure_to_be_shown_by(edition):
    for stem in stems():
        figure = figure_of(SITE / edition / f"{stem}.html")
        assert figure is not None and figure.is_file(), stem


def test_a_figure_that_is_wider_than_high_is_chosen_before_the_first(tmp_path):
    (tmp_path / "_images").mkdir()
    tall, wide, square = (f"_images/sphx_glr_plot_{name}_001.svg" for name in ("a", "b", "c"))
    for name, sides in ((tall, "2 4"), (wide, "4 2"), (square, "4 4"), ("_images/x.svg", "9 1")):
        (tmp_path / name).write_text(f'<svg width="1pt" viewBox="0 0 {sides}"></svg>')
    page = tmp_path / "page.html"

    def chosen(*names):
        images = "".join(f'<img src="{name}">' for name in names)
        page.write_text(f"<img src='{wide}'><article>{images}</article>")
        figure = figure_of(page)
        return figure and figure.relative_to(tmp_path).as_posix()

    assert chosen("_images/x.svg", square, tall, wide) == wide
    assert chosen("_images/x.svg", square, tall) == square
    assert chosen("_images/x.svg", "logo.png") is chosen() is None


def test_the_picture_of_a_chapter_is_its_figure_in_its_language(tmp_path):
    shown = {}
    path = str(ROOT / "docs" / "_ext")
    for edition in EDITIONS:
        folder = tmp_path / edition
        (folder / "_images").mkdir(parents=True)
        text = (SITE / edition / "pool.html").read_text(encoding="utf-8")
        (folder / "pool.html").write_text(text, encoding="utf-8")
        (folder / "plain.html").write_text("<article><p>No figure.</p></article>")
        for image in (SITE / edition / "_images").glob("sphx_glr_*_pool_???.svg"):
            shutil.copy(image, folder / "_images")
        command = [sys.executable, "-m", "offline.cards", str(tmp_path), edition, "pool", "plain"]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": path})
        assert [p.name for p in (tmp_path / "cards" / edition).iterdir()] == ["pool.png"]
        assert not (folder / "_card.html").exists()
        shown[edition] = Image.open(tmp_path / "cards" / edition / "pool.png").convert("L")
        assert shown[edition].size == (1200, 630)
        assert shown[edition].getpixel((2, 2)) == 255
        white = shown[edition].histogram()[255] / (1200 * 630)
        assert 0.1 < white < 0.99  # it is drawn, on white
    assert ImageChops.difference(*shown.values()).getbbox()  # their words differ
