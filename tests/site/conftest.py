"""What the tests of the built site share: the site's files, a server for them, and a browser."""

import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs" / "_build" / "html"
# Debian's Chromium would call its makers at every start; a test of a site needs none of that.
QUIET = [
    *("--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


def pages(edition="en"):
    """List the pages of an edition, as paths below its folder."""
    folder = SITE / edition
    found = (p.relative_to(folder).as_posix() for p in folder.rglob("*.html"))
    return sorted(p for p in found if not p.startswith("_"))


class Quiet(SimpleHTTPRequestHandler):
    """Serve files without a log."""

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture(scope="session")
def server():
    """Serve the site; give its address."""
    handler = partial(Quiet, directory=str(SITE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()


@pytest.fixture(scope="session")
def chromium():
    """Start the browser."""
    path = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    if path is None:
        pytest.fail("no Chromium was found: apt-get install chromium, or set CHROMIUM to its path")
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
