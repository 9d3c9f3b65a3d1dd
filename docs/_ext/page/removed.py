"""A page that was removed or has another name leaves the built site, too.

Sphinx deletes no page. What is left from before would be uploaded with the rest, and stand in the
sitemap, with its twin in Markdown and its notebook. `page.moved` writes the small pages that stand
at old addresses after every build.
"""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

__all__: list[str] = []


def delete_left(app: Sphinx, error: Exception | None) -> None:
    """Delete every page of the edition that has no source any more, with what was made of it."""
    if error or app.builder.name != "html":
        return
    folder = Path(app.outdir)
    pages = {*app.env.found_docs, "search"}
    stems = {page.rpartition("/")[2] for page in pages}
    for path in [*folder.rglob("*.html")]:
        page = path.relative_to(folder).as_posix().removesuffix(".html")
        if page.startswith("_") or page in pages:  # Sphinx's own folders begin so
            continue
        path.unlink()
        path.with_suffix(".md").unlink(missing_ok=True)
        if path.stem not in stems:  # the reference's page conv has no notebook, the chapter has
            (folder / "notebooks" / f"{path.stem}.ipynb").unlink(missing_ok=True)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for the end of the build, before the pages are counted and read."""
    app.connect("build-finished", delete_left, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
