"""The directive ``{source}``: show a library definition without its docstring.

The code on a page is the library's own, read while the page is built.
Its docstring stands in the API reference, to which the caption links.

``:essential: forward`` shows the lines that carry the idea: of a class only the methods that it
names, and of anything no checks that refuse bad input. ``...`` stands where something is left out,
and the whole definition is folded away below.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Collection
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

import cnnguide
from page.exercises import fold
from translation.catalogs import add_messages

__all__ = ["SourceDirective", "definition", "essential", "setup"]

# Messages of sphinx.po.
WORDS = ("Show all",)
FEW = 5  # pages, which are read sooner if nothing is imported that they may not need


def find_module(name: str) -> tuple[ModuleType, str]:
    """Split ``package.module.Class.method`` into its module and the rest."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            return importlib.import_module(".".join(parts[:cut])), ".".join(parts[cut:])
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise
    raise ValueError(f"no module in {name!r}; write it as cnnguide.module.definition")


def definition(text: str, qualified: str) -> str:
    """Cut one definition or assignment out of a module's text and drop its docstrings."""
    body: list[ast.stmt] = ast.parse(text).body
    node: ast.stmt | None = None
    for part in qualified.split("."):
        node = next((n for n in body if part in names_of(n)), None)
        if node is None:
            raise ValueError(f"no definition {qualified!r} in the module")
        body = getattr(node, "body", [])
    assert node is not None
    lines = text.splitlines()
    dropped = {k for n in ast.walk(node) for k in docstring_lines(n, lines)}
    first = first_line(node)
    kept = [lines[k - 1] for k in range(first, (node.end_lineno or first) + 1) if k not in dropped]
    return inspect.cleandoc("\n".join(kept)) if kept[0].startswith(" ") else "\n".join(kept)


def names_of(node: ast.stmt) -> list[str]:
    """Name what a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [t.id for t in node.targets if isinstance(t, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def docstring_lines(node: ast.AST, lines: list[str]) -> list[int]:
    """Number the lines of a definition's docstring and of the blank line after it."""
    if not isinstance(node, ast.FunctionDef | ast.ClassDef) or ast.get_docstring(node) is None:
        return []
    doc = node.body[0]
    last = doc.end_lineno or doc.lineno
    blank = last < len(lines) and not lines[last].strip()
    return list(range(doc.lineno, last + 1 + blank))


def essential(code: str, methods: Collection[str] = ()) -> str:
    """Leave out checks and, if methods are named, all else of a class; ``...`` marks each gap."""
    (node,) = ast.parse(code).body
    (name,), body = names_of(node), getattr(node, "body", [])
    if lacking := set(methods) - {n for statement in body for n in names_of(statement)}:
        raise ValueError(f"no method {', '.join(sorted(lacking))} in {name!r}")
    out = [s for s in body if methods and not {*names_of(s)} & {*methods}]
    out += [s for s in ast.walk(node) if isinstance(s, ast.stmt) and is_check(s)]
    if not out:
        raise ValueError(f"{name!r} has nothing to leave out; drop :essential:")
    gaps: dict[int, str] = {}  # the indent of each line that is left out
    for statement in out:  # the outermost first, and its indent counts
        for number in range(first_line(statement), (statement.end_lineno or 0) + 1):
            gaps.setdefault(number, " " * statement.col_offset)
    kept: list[str] = []
    for number, line in enumerate(code.splitlines(), start=1):
        shown = f"{gaps[number]}..." if number in gaps else line
        last = next((k for k in reversed(kept) if k), "")
        if number in gaps and shown == last:
            while not kept[-1]:
                kept.pop()  # a blank line between two parts of one gap
        else:
            kept.append(shown)
    return "\n".join(kept)


def is_check(statement: ast.stmt) -> bool:
    """Tell whether a statement only refuses bad input: a call of a check, or what holds checks."""
    if isinstance(statement, ast.If | ast.For):
        body = statement.body
        return not statement.orelse and all(isinstance(s, ast.Raise) or is_check(s) for s in body)
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    called = statement.value.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name.startswith("check_")


def first_line(node: ast.stmt) -> int:
    """Number the line on which a statement begins, its decorators included."""
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])


class SourceDirective(SphinxDirective):
    """``{source} cnnguide.conv.output_size`` shows the definition's code."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"essential": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Build the captioned code block."""
        name = self.arguments[0]
        module, qualified = find_module(name)
        path = Path(inspect.getfile(module))
        self.env.note_dependency(str(path))
        try:
            code = definition(path.read_text(encoding="utf-8"), qualified)
            folded = "essential" in self.options
            shown = essential(code, (self.options["essential"] or "").split()) if folded else code
        except ValueError as error:
            raise self.error(f"{error}: {path.name}") from error
        block = nodes.literal_block(shown, shown, language="python")
        xref = pending_xref(
            "",
            nodes.literal(name, name, classes=["xref", "py", "py-obj"]),
            refdomain="py",
            reftype="obj",
            reftarget=name,
            refexplicit=True,
            refwarn=False,
            refdoc=self.env.docname,
        )
        caption = nodes.caption("", "", xref)
        container = nodes.container(
            "", caption, block, literal_block=True, classes=["literal-block-wrapper", "source"]
        )
        self.set_source_info(block)
        if not folded:
            return [container]
        whole = nodes.literal_block(code, code, language="python")
        self.set_source_info(whole)
        return [container, fold("", whole, kind=WORDS[0])]


def import_library(app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
    """Import the library once, before Sphinx forks the processes that read the pages.

    Else each of them does, since nearly all pages show something of it: torchvision, which the
    library needs, takes five seconds.
    """
    if app.parallel > 1 and len(names) > FEW:
        for module in pkgutil.iter_modules(cnnguide.__path__):
            if not module.name.startswith("_"):
                importlib.import_module(f"cnnguide.{module.name}")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    add_messages(app, WORDS)
    app.connect("env-before-read-docs", import_library)
    app.add_directive("source", SourceDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
