"""The modules of an experiment as one plain script.

A browser loads no ES module from a folder (``file://``), but it does load a script.
Each module becomes a function that gives what the module exports; those that it imports from stand
above it.
Our modules are written in two forms alone, ``import { a, b } from "./file.js";`` and ``export`` in
front of a definition, so that a line of theirs is a line of the script.
"""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path

__all__ = ["bundle", "modules_of"]

IMPORT = re.compile(r'^import (\{[^}]*\}) from "(\.[^"]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:const|class|function) (\w+))", re.MULTILINE)
ANY = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def imports_of(module: Path) -> list[Path]:
    """List the modules that one imports from."""
    imported = IMPORT.findall(module.read_text(encoding="utf-8"))
    return [(module.parent / path).resolve() for _, path in imported]


def modules_of(first: Path) -> list[Path]:
    """List a module, and all that are imported from there."""
    modules = [first.resolve()]
    for module in modules:  # the list grows on the way
        modules += [path for path in dict.fromkeys(imports_of(module)) if path not in modules]
    return modules


def bundle(first: Path) -> str:
    """Write a module, and all that it imports from, as one script.

    Parameters
    ----------
    first : Path
        The module that starts the rest.

    Returns
    -------
    str
        A script without ``import`` and ``export``, which leaves no name behind.

    Raises
    ------
    ValueError
        If a module imports or exports in another form.
    """
    needs = {module: imports_of(module) for module in modules_of(first)}
    modules = [*TopologicalSorter(needs).static_order()]
    names = {module: f"module{k}" for k, module in enumerate(modules)}
    parts = ['"use strict";', "(() => {"]
    for module in modules:
        text = module.read_text(encoding="utf-8")
        exported = EXPORT.findall(text)

        def imported(match: re.Match[str], module: Path = module) -> str:
            return f"const {match[1]} = {names[(module.parent / match[2]).resolve()]};"

        text = EXPORT.sub("", IMPORT.sub(imported, text))
        if left := ANY.search(text):
            raise ValueError(
                f'a module must import as in import {{ a }} from "./file.js"; and export at a '
                f"definition, got {left[0]!r} in {module.name}"
            )
        parts += [f"// {module.parent.name}/{module.name}", f"const {names[module]} = (() => {{"]
        parts += [text.rstrip(), f"return {{ {', '.join(exported)} }};", "})();"]
    return "\n".join([*parts, "})();", ""])
