"""The catalogs: what a message is in a language, and messages that stand in no page's source."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from gettext import translation
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.builders.gettext import MessageCatalogBuilder, MsgOrigin
from sphinx.util import logging

__all__ = ["add_messages", "catalog", "gettext"]

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
        logger.warning("no translation in %s.po: %s", domain, message)
    return words.get(message, message)


def add_messages(app: Sphinx, messages: Iterable[str]) -> None:
    """Have the extractor of messages put some into ``sphinx.po``; extensions call it in `setup`."""

    def add(app: Sphinx) -> None:
        if isinstance(app.builder, MessageCatalogBuilder):
            for message in messages:
                app.builder.catalogs["sphinx"].add(message, MsgOrigin(__file__, 0))

    app.connect("builder-inited", add)
