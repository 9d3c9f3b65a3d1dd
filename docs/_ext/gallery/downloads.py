"""The scripts and notebooks that a reader takes home, in the reader's language.

sphinx-gallery offers the English ones in every edition.
After the build of an edition they are written anew from the scripts: the same code, with text and
comments from the catalog of the script's page, and in a notebook's first cell the line that
installs the library today.
The second cell of a notebook in another language puts the words of its figures into that language,
with the font that they have on the site.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.typing import ExtensionMetadata
from sphinx_gallery.notebook import jupyter_notebook
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

from gallery.figure_words import messages_of
from page.install_line import install_line
from translation.catalogs import add_messages, gettext
from translation.comments import comments, translate_comments

__all__ = ["translated_script", "words_cell"]

_ = get_translation("sphinx")

# Messages of sphinx.po.
WORDS = ("a font with Chinese characters", "what the figures say")


def translated_text(source: str, translate: Callable[[str], str]) -> str:
    """Translate a script's text, title by title and paragraph by paragraph, a sentence a line."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", source.strip()):
        title, underline = re.match(r"(.*)(?:\n([=-])\2+)?", paragraph).group(1, 2)  # type: ignore[union-attr]
        if underline:
            text = translate(title.strip())
            width = sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
            parts.append(f"{text}\n{underline * width}")
            paragraph = paragraph.split("\n", 2)[2] if paragraph.count("\n") > 1 else ""
        if paragraph:
            text = translate(" ".join(paragraph.split()))
            parts.append(re.sub(r"([。？！])(?=[^”’）])", r"\1\n", text))
    return "\n\n".join(parts)


def translated_script(path: Path, translate: Callable[[str], str]) -> str:
    """Write a gallery script in another language; the code stays as it is."""
    out = []
    for kind, content, _ in split_code_and_text_blocks(path)[1]:
        if kind == "code":
            words = {message: translate(message) for *_, message in comments(content, "python")}
            out.append(translate_comments(content, "python", words).strip("\n"))
        elif not out:
            out.append(f'"""\n{translated_text(content, translate)}\n"""')
        else:
            lines = translated_text(content, translate).split("\n")
            out.append("\n".join(["# %%", *(f"# {line}".rstrip() for line in lines)]))
    return "\n\n".join(out) + "\n"


def words_cell(words: dict[str, str]) -> dict[str, Any]:
    """Make the cell that has a notebook's figures say other words; JupyterLab shows it folded."""
    quoted = partial(json.dumps, ensure_ascii=False)
    said = [f"    {quoted(message)}: {quoted(other)}," for message, other in words.items()]
    code = [
        f"import zhplot  # {_(WORDS[0])}",
        "from cnnguide import show",
        "",
        f"# {_(WORDS[1])}",
        "show.translate({",
        *said,
        '}, font="Noto Sans SC")',
    ]
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"collapsed": False, "jupyter": {"source_hidden": True}},
        "outputs": [],
        "source": "\n".join(code).splitlines(keepends=True),
    }


def write_downloads(app: Sphinx, error: Exception | None) -> None:
    """Replace the edition's copies of scripts, notebooks and archives."""
    if error or app.builder.name != "html":
        return
    source, written = Path(app.srcdir, "auto_examples"), Path(app.doctreedir, "downloads")
    written.mkdir(exist_ok=True)
    conf = app.config.sphinx_gallery_conf
    conf = {**conf, "first_notebook_cell": install_line(conf["first_notebook_cell"])}
    for script in sorted([*source.glob("plot_*.py"), *source.glob("draw_*.py")]):
        new = written / script.name
        if app.config.language == "en":
            shutil.copyfile(script, new)
        else:
            translate = partial(gettext, app, f"auto_examples/{script.stem}")
            new.write_text(translated_script(script, translate), encoding="utf-8")
        notebook = jupyter_notebook(split_code_and_text_blocks(new)[1], conf, str(source))
        if app.config.language != "en":
            drawings = sorted(source.glob(f"images/sphx_glr_{script.stem}_*.svg"))
            said = dict.fromkeys(message for d in drawings for message in messages_of(d))
            notebook["cells"].insert(1, words_cell({m: translate(m) for m in said}))
        notebook_text = json.dumps(notebook, ensure_ascii=False, indent=2)
        new.with_suffix(".ipynb").write_text(notebook_text + "\n", encoding="utf-8")
    for copy in sorted(Path(app.outdir, "_downloads").glob("*/*")):
        if copy.suffix == ".zip":
            write_archive(source / copy.name, written, copy)
        elif (written / copy.name).exists():
            copy.write_bytes((written / copy.name).read_bytes())


def write_archive(source: Path, written: Path, copy: Path) -> None:
    """Write a zip with what the edition has of its files; the same files make the same zip."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(copy, "w") as archive:
        for member in old.infolist():
            fresh = written / Path(member.filename).name
            content = fresh.read_bytes() if fresh.exists() else old.read(member)
            dated = zipfile.ZipInfo(member.filename)  # of 1980, whenever it is built
            dated.external_attr = member.external_attr
            archive.writestr(dated, content, zipfile.ZIP_DEFLATED)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the messages, and listen for the end of the build."""
    add_messages(app, WORDS)
    app.connect("build-finished", write_downloads)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
