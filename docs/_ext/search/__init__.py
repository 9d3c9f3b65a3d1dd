"""The search of the site, which needs no server.

Where Chinese is handled: the index holds whole sentences, in any language, so no page is cut into
words. `letters.js` reads Traditional characters as Simplified ones, which `folding.py` lists, and
`pieces.js` cuts what was typed into the pieces that names and pages hold. `packing.py` writes
Chinese in fewer bytes.
"""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

MODULES = ("index",)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Set up the extensions of this package."""
    for name in MODULES:
        app.setup_extension(f"search.{name}")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
