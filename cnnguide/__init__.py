"""Convolutional networks from their definition: the code that the guide teaches.

Each module is one chapter: ``cnnguide.conv`` is explained by the page *conv*, drawn by
``plot_conv.py`` and proved by ``test_conv.py``.
"""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    """Import a module when it is first asked for: ``import cnnguide`` alone loads nothing."""
    if name in modules():
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the modules too, so that an editor completes them."""
    return sorted({*globals(), *modules()})


def modules() -> set[str]:
    """Name the modules, without importing one."""
    return {module.name for module in iter_modules(__path__)} - {"__main__"}
