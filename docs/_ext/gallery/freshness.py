"""Run again what shows something else than before, and nothing else.

sphinx-gallery and jupyter-cache look at a script or a page alone.
What they show also depends on the library, with its data and results, on the versions of packages,
and on how scripts and cells are run.
All of this is in a key: `meaning` says what a script or a page reaches of the library.
If its key is not the one of the outputs that are kept, they are forgotten and made anew, and every
edition reads the page again.
Our other extensions change how a page shows its outputs, but not the outputs: a change there has
every page read again, and runs nothing.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
import platform
import re
from collections.abc import Iterator
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

from jupyter_cache import get_cache
from myst_nb.core.execute import create_client
from myst_nb.core.read import create_nb_reader
from myst_nb.sphinx_ext import create_mystnb_config
from myst_parser.sphinx_ext.main import create_myst_config
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.parallel import parallel_available
from sphinx.util.typing import ExtensionMetadata
from sphinx_gallery.gen_rst import generate_file_rst
from sphinx_gallery.utils import get_md5sum

from gallery.meaning import Library, meaning
from gallery.side_by_side import run_side_by_side

__all__ = ["circumstances", "find_jobs"]

logger = logging.getLogger(__name__)
OURS = Path(__file__).parents[1]
# Our modules that make outputs, packages besides the library's own needs, and the settings of
# conf.py that outputs do not depend on.
MAKERS = ("figure_data", "figure_series", "figures", "freshness", "side_by_side")
PACKAGES = ("ipykernel", "ipython", "jupyter-cache", "myst-nb", "pillow", "sphinx-gallery")
LOOKS = re.compile(
    r"(autodoc|bibtex|copybutton|gettext|html|locale|mathjax|myst|napoleon|pygments|templates)_\w+|"
    r"author|copyright|exclude_patterns|extensions|language|project|release|version"
)


class Script:
    """A script of the gallery, with what sphinx-gallery keeps of it."""

    text = False  # whether the lines of the library are seen

    def __init__(self, app: Sphinx, path: Path, folder: Path) -> None:
        self.app, self.path, self.copy = app, path, folder / path.name
        self.name, self.md5 = f"{folder.name}/{path.stem}", Path(f"{self.copy}.md5")
        self.code = [path.read_text(encoding="utf-8")]

    def is_kept(self) -> bool:
        """Tell whether there are outputs of this text."""
        known = self.md5.read_text(encoding="utf-8") if self.md5.exists() else ""
        return known == get_md5sum(self.path, mode="t")

    def seconds(self) -> float | None:
        """Give the time that the last run took."""
        cost = self.copy.with_suffix(".cost.json")
        return json.loads(cost.read_text(encoding="utf-8"))["time"] if cost.exists() else None

    def forget(self) -> None:
        """Have sphinx-gallery run the script."""
        self.md5.unlink(missing_ok=True)

    def run(self) -> bool:
        """Run the script as sphinx-gallery does; a warning is a fault."""
        conf, warned = self.app.config.sphinx_gallery_conf, self.app._warncount
        self.copy.parent.joinpath("images", "thumb").mkdir(parents=True, exist_ok=True)
        generate_file_rst(self.path.name, self.copy.parent, self.path.parent, conf)
        return self.app._warncount == warned


class Page:
    """A page with cells, and what jupyter-cache keeps of it."""

    def __init__(self, app: Sphinx, name: str) -> None:
        self.app, self.name, self.path = app, name, Path(app.env.doc2path(name))
        text = self.path.read_text(encoding="utf-8")
        self.settings = app.env.mystnb_config  # type: ignore[attr-defined]
        markdown = app.env.myst_config  # type: ignore[attr-defined]
        self.reader = create_nb_reader(str(self.path), markdown, self.settings, text)
        self.notebook = self.reader and self.reader.read(text)
        cells = [c for c in self.notebook.cells if c.cell_type == "code"] if self.notebook else []
        self.code = [cell.source for cell in cells]
        # a traceback shows lines of the library, with their numbers
        self.text = any("raises-exception" in c.metadata.get("tags", []) for c in cells)

    def record(self) -> Any:
        """Find the outputs of these cells."""
        try:
            return self.cache().match_cache_notebook(self.notebook)
        except KeyError:
            return None

    def cache(self) -> Any:
        """Open jupyter-cache's folder."""
        return get_cache(self.settings.execution_cache_path)

    def is_kept(self) -> bool:
        """Tell whether there are outputs of these cells."""
        return self.record() is not None

    def seconds(self) -> float | None:
        """Give the time that the last run took."""
        record = self.record()
        return record.data.get("execution_seconds") if record else None

    def forget(self) -> None:
        """Have myst-nb run the cells."""
        if record := self.record():
            self.cache().remove_cache(record.pk)

    def run(self) -> bool:
        """Run the cells as myst-nb does; a warning is a fault."""
        warned = self.app._warncount
        assert self.reader is not None
        arguments: Any = (
            self.notebook,
            str(self.path),
            self.settings,
            logger,
            self.reader.read_fmt,
        )
        with create_client(*arguments):
            return self.app._warncount == warned


def find_jobs(app: Sphinx) -> list[Script | Page]:
    """List the scripts, and the pages with cells."""
    conf = app.config.sphinx_gallery_conf
    folder = Path(app.srcdir, conf["gallery_dirs"])
    paths = sorted(Path(app.srcdir, conf["examples_dirs"]).glob("*.py"))
    scripts = [Script(app, p, folder) for p in paths if re.search(conf["filename_pattern"], str(p))]
    app.env.find_files(app.config, app.builder)
    names = sorted(n for n in app.env.found_docs if not n.startswith(f"{folder.name}/"))
    return [*scripts, *(page for page in (Page(app, name) for name in names) if page.code)]


def circumstances(conf: Path) -> str:
    """Write down what every output depends on: versions, and how scripts and cells are run."""
    needs = [r for r in requires("cnnguide") or [] if "extra ==" not in r or "gallery" in r]
    names = {re.match(r"[\w.-]+", need)[0] for need in needs}  # type: ignore[index]
    versions = [f"{name} {version(name)}" for name in sorted({*names, *PACKAGES})]
    makers = [meaning((OURS / "gallery" / f"{m}.py").read_text(encoding="utf-8")) for m in MAKERS]
    kernel = (OURS / "page/jupyter/kernels/python3/kernel.json").read_text(encoding="utf-8")
    settings = [
        ast.dump(statement)
        for statement in ast.parse(conf.read_text(encoding="utf-8")).body
        if not is_look(statement)
    ]
    return "\n".join([platform.python_version(), *versions, *makers, kernel, *settings])


def is_look(statement: ast.stmt) -> bool:
    """Tell a statement of conf.py that only sets how pages look."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    names = [t.id if isinstance(t, ast.Name) else "" for t in targets]
    return bool(names) and all(LOOKS.fullmatch(name) for name in names)


def files_named(code: list[str], folder: Path) -> Iterator[bytes]:
    """Yield the files that texts in code name, as seen from where the code runs."""
    try:
        trees = [ast.parse(text) for text in code]
    except SyntaxError:
        return
    for node in (n for tree in trees for n in ast.walk(tree)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
            path = folder / node.value.replace("\0", "")
            if path.is_file():
                yield path.read_bytes()


def run_stale(app: Sphinx) -> None:
    """Run what shows something else than before; sphinx-gallery and myst-nb find the rest kept."""
    if (
        app.config.nb_execution_mode != "cache"
        or not app.config.sphinx_gallery_conf["plot_gallery"]
    ):
        return
    create_myst_config(app)  # as they do a moment later
    create_mystnb_config(app)
    library = Library(Path(app.srcdir).parent / "cnnguide", reader="cnnguide.results.load")
    common = circumstances(Path(app.confdir, "conf.py"))
    stamps = Path(app.srcdir, "_build", "keys.json")
    known = json.loads(stamps.read_text(encoding="utf-8")) if stamps.exists() else {}
    keys, jobs = {}, find_jobs(app)
    for job in jobs:
        digest = hashlib.sha256(common.encode() + library.key(job.code, text=job.text).encode())
        for content in files_named(job.code, job.path.parent):
            digest.update(content)
        keys[job.name] = digest.hexdigest()
    stale = [job for job in jobs if known.get(job.name) != keys[job.name] or not job.is_kept()]
    # the longest first; of those that never ran, what uses most of the library
    reach = {job.name: len(library.reach(job.code).parts) for job in stale}
    stale.sort(key=lambda job: (-(job.seconds() or 1e9), -reach[job.name]))
    for job in stale:
        job.forget()
    stamps.parent.mkdir(parents=True, exist_ok=True)
    whole = stamps.with_suffix(".new")  # a build that is killed here leaves the keys of before
    whole.write_text(json.dumps(keys, indent=1), encoding="utf-8")
    whole.replace(stamps)
    app.cnnguide_keys = keys  # type: ignore[attr-defined]
    if stale and parallel_available:
        modules = {part.module for job in stale for part in library.reach(job.code).parts}
        # torch._dynamo is what the first optimiser of a script imports, which takes seconds
        common_needs = ("ipykernel.kernelapp", "matplotlib.pyplot", "torch._dynamo")
        for name in (*common_needs, *sorted(modules)):
            importlib.import_module(name)
        logger.info("running %d scripts and pages, %d at a time", len(stale), app.parallel)
        run_side_by_side(stale, at_once=app.parallel, ended=report)


def report(job: Script | Page, well: bool) -> None:
    """Log the end of a run."""
    if well:
        logger.info("ran %s in %.1f s", job.name, job.seconds() or 0)
    else:
        logger.info("could not run %s; Sphinx does it again", job.name)


def reread(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Name the pages whose outputs are not the ones that were read."""
    read = getattr(env, "cnnguide_keys", {})
    keys = getattr(app, "cnnguide_keys", {})
    return [name for name, key in keys.items() if read.get(name) != key]


def remember(app: Sphinx, env: BuildEnvironment) -> None:
    """Keep the keys of the outputs that the pages now show."""
    env.cnnguide_keys = getattr(app, "cnnguide_keys", {})  # type: ignore[attr-defined]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the start of the build, before sphinx-gallery's part, and for the reading."""
    ours = [meaning(path.read_text(encoding="utf-8")) for path in sorted(OURS.rglob("*.py"))]
    fingerprint = hashlib.sha256("\n".join(ours).encode()).hexdigest()
    app.add_config_value("cnnguide_fingerprint", fingerprint, "env", types=frozenset({str}))
    app.connect("builder-inited", run_stale, priority=400)
    app.connect("env-get-outdated", reread)
    app.connect("env-updated", remember)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
