"""What the tests of the built site share: the site's files, a server for them, and a browser."""

import json
import lzma
import os
import shutil
import threading
import tomllib
from base64 import b64decode
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from page.moved import MOVED
from search.index import INDEX
from search.packing import LZMA

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs" / "_build" / "html"
# Debian's Chromium would call its makers at every start; a test of a site needs none of that.
QUIET = [
    *("--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


def search_index(folder):
    """Read the index of a search page as Python's own LZMA unpacks it."""
    script = (folder / INDEX).read_text(encoding="utf-8")
    held = json.loads(script.removeprefix("globalThis.searchIndex = ").removesuffix(";\n"))
    text = lzma.decompress(b64decode(held["lzma"]), format=lzma.FORMAT_RAW, filters=LZMA)
    assert len(text) == held["size"]
    return json.loads(text)


def pages(edition="en"):
    """List the pages of an edition, as paths below its folder, without those that only lead on."""
    folder = SITE / edition
    found = (p.relative_to(folder).as_posix() for p in folder.rglob("*.html"))
    return sorted(p for p in found if p[0] != "_" and p.removesuffix(".html") not in MOVED)


# The strictest policy that the site needs; CONTRIBUTING.md names it, and every test is under it.
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; "
    "style-src 'self'; img-src 'self' data: blob:"
)
# The experiments, by the page that each stands on.
EXPERIMENTS = {
    "index": "home",
    "conv": "conv",
    "receptive": "receptive",
    "mix": "mix",
    "norm": "norm",
    "train": "demo",
}
# The sources of the experiments, which the site has as bundles; tests import single modules.
MODULES = ROOT / "docs" / "_ext" / "page" / "experiments"


class Strict(SimpleHTTPRequestHandler):
    """Serve files under the policy, without a log."""

    def end_headers(self):
        """Send the policy with every answer."""
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def translate_path(self, path):
        """Find a module of an experiment in its source, everything else in the site."""
        below = path.removeprefix("/modules/")
        return str(MODULES / below) if below != path else super().translate_path(path)

    def log_message(self, *args):
        """Log nothing."""


@pytest.fixture(scope="session")
def server():
    """Serve the site; give its address."""
    handler = partial(Strict, directory=str(SITE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()


@pytest.fixture(scope="session")
def chromium():
    """Start the browser."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = project["tool"]["cnnguide"]["browsers"]
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.fail(
            "no Chromium was found: apt-get install chromium-headless-shell, or set CHROMIUM to "
            "its path"
        )
    with sync_playwright() as play:
        made = play.chromium.launch(executable_path=path, args=QUIET)
        yield made
        made.close()


@pytest.fixture
def page(chromium):
    """Open an empty page that keeps nothing of the one before."""
    context = chromium.new_context()
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def tab_to(page, locator):
    """Press Tab until an element has the focus."""
    for _ in range(250):
        if locator.evaluate("e => e === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail("the element cannot be reached by Tab")


def wait_until(page, expression):
    """Wait until an expression is true; Playwright's own way evaluates text, against the policy."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"it never became true: {expression}")


@pytest.fixture
def stem(request):
    """Name the experiment, after which the file of its tests is named."""
    return request.module.__name__.rpartition("test_experiment_")[2]


@pytest.fixture
def ask(page, server, stem, request):
    """Call an expression of the test's MODULES, `m`, and `x`, on a page that has no experiment."""
    page.goto(f"{server}/en/glossary.html")
    modules = [f"...await import('/modules/{stem}/{name}.js')" for name in request.module.MODULES]
    imports = (
        f"const m = {{ {', '.join(modules)} }}; "
        f"const {{ generator }} = await import('/modules/shared/random.js')"
    )
    return lambda expression, x=None: page.evaluate(
        f"async x => {{ {imports}; return {expression}; }}", x
    )


@pytest.fixture
def opened(chromium, server, stem):
    """Open the experiment's page, in any way; no page may have reported an error at the end."""
    faults, contexts = [], []

    def start(edition="en", width=1280, height=1400, **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: m.type == "error" and faults.append(m.text))
        page.on("pageerror", lambda e: faults.append(str(e)))
        page.goto(f"{server}/{edition}/{stem}.html")
        return page

    yield start
    for context in contexts:
        context.close()
    assert faults == []
