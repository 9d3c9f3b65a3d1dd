"""The catalogs: what a message is in a language, and messages that stand in no page's source."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from gettext import translation
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.builders.gettext import MessageCatalogBuilder, MsgOrigin
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

__all__ = ["add_messages", "catalog", "gettext", "warn_missing"]

logger = logging.getLogger(__name__)


@cache
def catalog(locale: Path, language: str, domain: str) -> dict[str, str]:
    """Read the messages of a page in a language, as Sphinx compiled them."""
    translations = translation(domain, locale, languages=[language], fallback=True)
    return dict(getattr(translations, "_catalog", {}))


def gettext(app: Sphinx, domain: str, message: str) -> str:
    """Translate a message of a page's catalog; warn if the catalog lacks it."""
    if app.config.language == "en":
        return message
    words = catalog(Path(app.srcdir, "locale"), app.config.language, domain)
    if message not in words:
        warn_missing(app, f"no translation in {domain}.po", message)
    return words.get(message, message)


def warn_missing(app: Sphinx, fault: str, message: str, *, location: Any = None) -> None:
    """Warn of a message that has no translation; a draft shows it in English."""
    if not app.config.draft:
        logger.warning("%s: %s", fault, message, location=location)


def add_messages(app: Sphinx, messages: Iterable[str]) -> None:
    """Have the extractor of messages put some into ``sphinx.po``; extensions call it in `setup`."""

    def add(app: Sphinx) -> None:
        if isinstance(app.builder, MessageCatalogBuilder):
            for message in messages:
                app.builder.catalogs["sphinx"].add(message, MsgOrigin(__file__, 0))

    app.connect("builder-inited", add)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the setting that makes an edition a draft."""
    app.add_config_value("draft", False, "env", types=frozenset({bool}))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
