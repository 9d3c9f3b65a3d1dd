"""The site in several languages: catalogs, their checks, and the editions made with them."""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.typing import ExtensionMetadata

MODULES = (
    "alike",
    "catalog_check",
    "catalogs",
    "drafts",
    "editions",
    "parsed_once",
    "state",
    "theme",
    "translatable",
)


def write_dashes(app: Sphinx, config: Config) -> None:
    """Make a dash of every ``--`` that Sphinx writes, which leaves Chinese out by itself.

    Quotation marks stay those of the catalogs.
    """
    if config.language != "en":
        config.smartquotes_excludes = {**config.smartquotes_excludes, "languages": []}
        config.smartquotes_action = "D"


def setup(app: Sphinx) -> ExtensionMetadata:
    """Set up the extensions of this package."""
    for name in MODULES:
        app.setup_extension(f"translation.{name}")
    app.connect("config-inited", write_dashes)
    app.add_css_file("language.css", priority=800)  # after Furo's
    app.add_js_file("language.js", defer="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
