"""The guide as a book for e-readers, made by Sphinx's builder and put right for their readers.

Usage: ``python -m offline.epub BUILT FILE``, after ``sphinx-build -b epub`` has written BUILT.

Sphinx writes the pages, the table of contents and the order.
This keeps what the pages show and nothing else (no scripts, no downloads), names MathML and SVG as
the standard asks, and packs the book.
"""

from __future__ import annotations

import html
import posixpath
import re
import sys
import zipfile
from mimetypes import guess_type
from pathlib import Path
from xml.etree import ElementTree

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.typing import ExtensionMetadata

from cnnguide.checkpoint import replacing
from translation.editions import DOCS, editions

__all__ = ["tidy_page", "write_epub"]

# The styles of the book: the colours of code, the formulas', and ours.
STYLES = ("pygments.css", "formulas.css", "ereader.css")
OPF = "{http://www.idpf.org/2007/opf}"
TYPES = {".xhtml": "application/xhtml+xml", ".woff2": "font/woff2", ".webp": "image/webp"}
LINK = re.compile(r'<a\b[^>]*?\bhref="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
SHOWN = re.compile(r'\bsrc="([^"#:]+)"')


def settings(app: Sphinx, config: Config) -> None:
    """Set what Sphinx's builder of EPUB asks for, which no other builder reads."""
    config.epub_show_urls = "no"
    config.epub_tocdepth = 2
    config.epub_tocdup = False
    config.epub_uid = config.epub_identifier = "cnnguide"
    config.epub_contributor = config.epub_publisher = config.author
    config.epub_description = config.project
    # only what the pages show is packed
    config.suppress_warnings = [*config.suppress_warnings, "epub.unknown_project_files"]


def name_book(app: Sphinx, *_: object) -> None:
    """Give the book its language and the title of the home page, when the catalogs are compiled.

    Before that, Python would read the catalog of the build before, and keep it.
    """
    edition = next(e for e in editions() if e.language == app.config.language)
    heading = re.search(r"^# (.+)$", (DOCS / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert heading is not None
    app.config.epub_language = edition.tag
    app.config.epub_title = edition.gettext("index", heading[1])


def tidy_page(text: str, name: str, language: str, names: set[str]) -> str:
    """Put a page into the form that e-readers take: no scripts, folds open, no dead link.

    ``names`` are the pages of the book.
    """
    folder = posixpath.dirname(name)
    up = "../" * name.count("/")

    def linked(match: re.Match[str]) -> str:
        target = html.unescape(match[1]).partition("#")[0]
        inside = posixpath.normpath(posixpath.join(folder, target)) if target else name
        return match[0] if ":" in target or inside in names else match[2]

    styles = "".join(f'<link rel="stylesheet" href="{up}_static/{style}"/>' for style in STYLES)
    title = re.search(r"<title>.*?</title>", text, re.DOTALL)
    head = f'<head><meta charset="utf-8"/>{title[0] if title else ""}{styles}</head>'
    text = re.sub(r"(?s)<head>.*?</head>", lambda _: head, text)
    text = re.sub(r"<html\b", f'<html lang="{language}" xml:lang="{language}"', text)
    text = re.sub(r"(?s)<script\b.*?</script>", "", text)
    text = text.replace("<math", '<math xmlns="http://www.w3.org/1998/Math/MathML"')
    text = re.sub(r"<svg\b(?![^>]*xmlns)", '<svg xmlns="http://www.w3.org/2000/svg"', text)
    text = re.sub(r"<details\b([^>]*?)(?: open(?:=\"[^\"]*\")?)?>", r"<div\1>", text)
    text = re.sub(r"<summary\b([^>]*)>", r'<div role="heading" aria-level="4"\1>', text)
    text = re.sub(r"</(?:details|summary)>", "</div>", text)
    text = re.sub(r' (?:loading|tabindex|tooltip)="[^"]*"', "", text)
    text = re.sub(r"(?s)<p>(<ul\b.*?</ul>)\s*</p>", r"\1", text)
    return LINK.sub(linked, text)


def write_epub(built: Path, out: Path) -> None:
    """Pack the book."""
    package = ElementTree.parse(built / "content.opf")
    manifest = package.find(f"{OPF}manifest")
    language = package.getroot().get("{http://www.w3.org/XML/1998/namespace}lang") or "en"
    assert manifest is not None
    pages = {i.get("href"): i.get("id") for i in manifest if i.get("href", "").endswith(".xhtml")}
    names = {name for name in pages if name}
    content: dict[str, bytes] = {}
    shown = {f"_static/{style}" for style in STYLES}
    shown |= {p.relative_to(built).as_posix() for p in built.glob("_static/mathfont/*.woff2")}
    for name in sorted(names):
        text = (built / name).read_text(encoding="utf-8")
        if name != "nav.xhtml":
            text = tidy_page(text, name, language, names)
        folder = posixpath.dirname(name)
        shown |= {
            posixpath.normpath(posixpath.join(folder, html.unescape(source)))
            for source in SHOWN.findall(text)
        }
        content[name] = text.encode()
    for name in sorted(shown):
        data = (built / name).read_bytes()
        if name.endswith(".svg"):  # the standard has no document types of other makers
            data = re.sub(rb"<!DOCTYPE[^>]*>", b"", data)
            data = re.sub(rb"<path\b(?![^>]*\sd=)", b'<path d=""', data)  # matplotlib's empty lines
        content[name] = data
    for item in [*manifest]:
        if item.get("id") not in ("ncx", "nav"):
            manifest.remove(item)
    for number, (name, data) in enumerate(content.items()):
        if name == "nav.xhtml":
            continue
        kind = TYPES.get(Path(name).suffix) or guess_type(name)[0] or ""
        place = {"id": pages.get(name) or f"shown-{number}", "href": name, "media-type": kind}
        parts = [part for part in ("mathml", "svg") if f"<{part[:4]}".encode() in data]
        if name in names and parts:
            place["properties"] = " ".join(parts)
        ElementTree.SubElement(manifest, f"{OPF}item", place)
    ElementTree.register_namespace("", OPF.strip("{}"))
    ElementTree.register_namespace("dc", "http://purl.org/dc/elements/1.1/")
    content["content.opf"] = ElementTree.tostring(package.getroot(), "utf-8", xml_declaration=True)
    content["toc.ncx"] = (built / "toc.ncx").read_bytes()
    content["META-INF/container.xml"] = (built / "META-INF" / "container.xml").read_bytes()
    with replacing(out) as file, zipfile.ZipFile(file, "w") as book:
        book.writestr("mimetype", "application/epub+zip")  # first, and as it is
        for name, data in content.items():
            book.writestr(name, data, zipfile.ZIP_DEFLATED)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the settings."""
    app.connect("config-inited", settings)
    app.connect("env-before-read-docs", name_book)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    write_epub(Path(sys.argv[1]), Path(sys.argv[2]))
