"""Write down what an edition's build ran, so that a test can see that only the first ran anything.

``docs/_build/runs-zh_CN.json`` names the scripts and the pages whose cells the last build of that
edition ran, and counts all those that some build has run.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata


def executed_since(app: Sphinx, moment: float) -> dict[str, list[str]]:
    """Name the scripts' and pages' outputs that are newer than a moment."""
    outputs = {
        "scripts": Path(app.srcdir, "auto_examples").glob("*.md5"),
        "pages": Path(app.config.nb_execution_cache_path).glob("executed/*/base.ipynb"),
    }
    return {
        kind: sorted(str(p) for p in paths if p.stat().st_mtime > moment)
        for kind, paths in outputs.items()
    }


def start(app: Sphinx) -> None:
    """Take the time, before sphinx-gallery runs the first script."""
    app.cnnguide_start = time.time()  # type: ignore[attr-defined]


def write_runs(app: Sphinx, error: Exception | None) -> None:
    """Write the record."""
    if error is None and app.builder.name == "html":
        ran = executed_since(app, app.cnnguide_start)  # type: ignore[attr-defined]
        known = executed_since(app, 0)
        record = {"ran": ran, "known": {kind: len(paths) for kind, paths in known.items()}}
        name = f"runs-{app.config.language}.json"
        Path(app.srcdir, "_build", name).write_text(json.dumps(record, indent=1), encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the start and the end of the build."""
    app.connect("config-inited", lambda app, config: start(app))
    app.connect("build-finished", write_runs)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
