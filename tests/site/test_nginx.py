"""The configuration for nginx, in a real nginx: at the root of a server, and below a path."""

import gzip
import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from http.client import HTTPConnection

import pytest

from conftest import ROOT, SITE

CONF = ROOT / "docs" / "publish" / "nginx.conf"
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:"
pytestmark = pytest.mark.skipif(
    NGINX is None,
    reason="there is no nginx to try the configuration in: apt-get install nginx-light",
)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module", params=["", "/guide"], ids=["root", "below a path"])
def get(request, tmp_path_factory):
    """Start nginx with the file; give a function that fetches an address of the site."""
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    www = folder / "www"
    if request.param:
        www.mkdir()
    (www / request.param.strip("/") if request.param else www).symlink_to(SITE)
    text = CONF.read_text(encoding="utf-8")
    for old, new in (
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("root /srv/www;", f"root {www};"),
        ('set $site "";', f'set $site "{request.param}";'),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / "site.conf").write_text(text, encoding="utf-8")
    user = f"user {pwd.getpwuid(os.getuid()).pw_name};" if os.getuid() == 0 else ""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    spare = "\n".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\ninclude /etc/nginx/mime.types;\naccess_log off;\n{spare}\n"
        f"include {folder}/site.conf;\n}}\n",
        encoding="utf-8",
    )
    command = [NGINX, "-p", str(folder), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    assert "[warn]" not in tried.stderr, tried.stderr
    server = subprocess.Popen(command)

    def fetch(path, **headers):
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", request.param + path, headers=headers)
        answer = connection.getresponse()
        answer.content = answer.read()
        connection.close()
        return answer

    for _ in range(100):
        try:
            fetch("/")
            break
        except ConnectionError:
            time.sleep(0.05)
    yield fetch
    server.terminate()
    server.wait(10)


def test_a_page_is_kept_for_minutes_and_compressed(get):
    plain, packed = get("/en/conv.html"), get("/en/conv.html", **{"Accept-Encoding": "gzip"})
    assert plain.status == packed.status == 200
    assert plain.headers["Content-Type"] == "text/html; charset=utf-8"
    assert plain.headers["Cache-Control"] == "public, max-age=300"
    assert plain.headers["Content-Security-Policy"] == POLICY
    assert packed.headers["Content-Encoding"] == "gzip" and packed.headers["Vary"]
    assert gzip.decompress(packed.content) == plain.content
    assert len(packed.content) < len(plain.content) / 3
    assert plain.headers["ETag"]


def test_what_carries_its_sum_in_its_address_is_kept_for_ever(get):
    page = (SITE / "en" / "conv.html").read_text(encoding="utf-8")
    hashed = re.findall(r'(?:src|href)="(_static/[^"]+\?v=[0-9a-f]+)"', page)
    assert len(hashed) > 3
    for address in hashed:
        found = get(f"/en/{address}")
        assert found.status == 200
        assert found.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "max-age=300" in get(f"/en/{address.partition('?')[0]}").headers["Cache-Control"]


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("_static/*.css", "text/css"),
        ("_static/*.js", "application/javascript"),
        ("_static/onnxruntime/*.mjs", "text/javascript"),
        ("_images/*.svg", "image/svg+xml"),
        ("*.md", "text/markdown"),
        ("_downloads/*/*.ipynb", "application/x-ipynb+json"),
    ],
)
def test_every_kind_of_text_is_named_and_compressed(get, pattern, kind):
    path = max((SITE / "en").glob(pattern), key=lambda p: p.stat().st_size)
    found = get(f"/{path.relative_to(SITE).as_posix()}", **{"Accept-Encoding": "gzip"})
    assert found.headers["Content-Type"].partition(";")[0] == kind
    assert found.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(found.content) == path.read_bytes()


def test_what_the_page_unpacks_by_itself_arrives_packed(get):
    for path in (SITE / "en").rglob("*.gz"):
        found = get(f"/{path.relative_to(SITE).as_posix()}", **{"Accept-Encoding": "gzip"})
        assert found.headers["Content-Encoding"] is None
        assert found.content == path.read_bytes()


def test_an_opened_figure_keeps_its_styles_and_runs_nothing(get):
    path = next((SITE / "en" / "_images").glob("*.svg"))
    policy = get(f"/en/_images/{path.name}").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; font-src data:")
    assert "script" not in policy


@pytest.mark.parametrize("path", ["/en/no-such-page.html", "/zh/none/at/all", "/nothing"])
def test_an_address_that_does_not_exist_is_answered_in_both_languages(get, path):
    found = get(path)
    assert found.status == 404
    text = found.content.decode()
    assert "没有这个页面" in text and "There is no such page" in text
    assert found.headers["Content-Security-Policy"] == POLICY
    assert found.headers["Cache-Control"] is None


def test_a_folder_leads_to_its_first_page(get):
    assert get("/").content == (SITE / "index.html").read_bytes()
    moved = get("/zh")
    assert moved.status == 301 and moved.headers["Location"].endswith("/zh/")
    assert not moved.headers["Location"].startswith("http")
    assert get("/zh/").content == (SITE / "zh" / "index.html").read_bytes()
