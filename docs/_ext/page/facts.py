"""The line under a chapter's title: its number, the time to read and to run it, what to take home.

Reading time is counted on the page, running time was measured when the page was built.
"""

from __future__ import annotations

import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.transforms import SphinxTransform
from sphinx.util.typing import ExtensionMetadata

from cnnguide.results import device_name
from page.reading_order import stems
from translation.catalogs import add_messages

__all__ = ["minutes_to_read"]

_ = get_translation("sphinx")

# Messages of sphinx.po.
WORDS = (
    "About this page",
    "Chapter {0} of {1}",
    "{0} min to read",
    "{0} s to run on {1} with {2} cores",
    "checked with Python {0}, torch {1}, torchvision {2}",
    "Script: {0}",
    "Notebook: {0}",
)
# Unhurried readers, who also follow the code.
WORDS_PER_MINUTE, HAN_PER_MINUTE, CODE_LINES_PER_MINUTE = 180, 350, 15
RUNNING_TIME = re.compile(r"\*\*Total running time of the script:\*\* \((\d+) minutes ([\d.]+) ")


def minutes_to_read(prose: str, code: str) -> int:
    """Estimate the minutes that a page takes, at least 1."""
    han = len(re.findall(r"[\u4e00-\u9fff]", prose))
    words = len(re.findall(r"[A-Za-z0-9][\w'’-]*", prose))
    lines = sum(bool(line.strip()) for line in code.splitlines())
    minutes = words / WORDS_PER_MINUTE + han / HAN_PER_MINUTE + lines / CODE_LINES_PER_MINUTE
    return max(1, round(minutes))


def seconds_to_run(app: Sphinx, stem: str) -> float:
    """Add up the measured times of a chapter's cells and of its gallery script."""
    cells = NbMetadataCollector.get_exec_data(app.env, stem) or {}
    script = Path(app.srcdir, "auto_examples", f"plot_{stem}.rst")
    app.env.note_dependency(script)
    time = RUNNING_TIME.search(script.read_text(encoding="utf-8"))
    assert time is not None, f"plot_{stem}.rst has no running time"
    return (cells.get("runtime") or 0) + 60 * int(time[1]) + float(time[2])


class PageFacts(SphinxTransform):
    """Put the line under the title of every chapter."""

    default_priority = 870  # the page has its language, and its downloads are collected later

    def apply(self, **kwargs: Any) -> None:
        """Write the line."""
        stem = self.env.current_document.docname
        if stem not in stems() or self.app.builder.format != "html":
            return
        title = next(iter(self.document.findall(nodes.title)))
        code = [n for n in self.document.findall(nodes.literal_block) if "language" in n]
        shown = "\n".join(n.astext() for n in code if n["language"] != "myst-ansi")
        prose = " ".join(n.astext() for n in self.document.findall(nodes.paragraph))
        facts = [
            _("Chapter {0} of {1}").format(stems().index(stem) + 1, len(stems())),
            _("{0} min to read").format(minutes_to_read(prose, shown)),
            _("{0} s to run on {1} with {2} cores").format(
                max(1, round(seconds_to_run(self.app, stem))),
                *device_name(torch.device("cpu")).removesuffix(" cores").rsplit(", ", 1),
            ),
            _("checked with Python {0}, torch {1}, torchvision {2}").format(
                platform.python_version(), version("torch"), version("torchvision")
            ),
        ]
        line = nodes.bullet_list("", classes=["page-facts"])
        line += [nodes.list_item("", nodes.paragraph("", fact)) for fact in facts]
        for message, suffix in (("Script: {0}", "py"), ("Notebook: {0}", "ipynb")):
            line += self.download(message, f"plot_{stem}.{suffix}")
        title.parent.insert(title.parent.index(title) + 1, line)

    def download(self, message: str, name: str) -> nodes.list_item:
        """Link to a file of the gallery."""
        before, after = _(message).split("{0}")
        link = addnodes.download_reference(
            "", "", nodes.literal("", name), reftarget=f"/auto_examples/{name}"
        )
        text = nodes.paragraph("", "", nodes.Text(before), link, nodes.Text(after))
        return nodes.list_item("", text)


def pages_to_read_again(app: Sphinx, env: Any, added: Any, changed: Any, removed: Any) -> list[str]:
    """Have the chapters read again when there is another one, or another order."""
    before, now = getattr(env, "cnnguide_chapters", stems()), stems()
    env.cnnguide_chapters = now
    return [] if before == now else [stem for stem in now if stem in env.found_docs]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the transform, and listen for the reading."""
    add_messages(app, WORDS)
    app.add_transform(PageFacts)
    app.connect("env-get-outdated", pages_to_read_again)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
