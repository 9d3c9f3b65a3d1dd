"""The directive ``{source}``: show a library definition without its docstring.

The code on a page is the library's own, read while the page is built.
Its docstring stands in the API reference, to which the caption links.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path
from types import ModuleType

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

__all__ = ["SourceDirective", "definition", "setup"]


def find_module(name: str) -> tuple[ModuleType, str]:
    """Split ``package.module.Class.method`` into its module and the rest."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            return importlib.import_module(".".join(parts[:cut])), ".".join(parts[cut:])
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise
    raise ValueError(f"no module found in {name!r}; write it as cnnguide.module.definition")


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
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
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


class SourceDirective(SphinxDirective):
    """``{source} cnnguide.conv.output_size`` shows the definition's code."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Build the captioned code block."""
        name = self.arguments[0]
        module, qualified = find_module(name)
        path = Path(inspect.getfile(module))
        self.env.note_dependency(str(path))
        try:
            code = definition(path.read_text(encoding="utf-8"), qualified)
        except ValueError as error:
            raise self.error(f"{error}: {path.name}") from error
        block = nodes.literal_block(code, code, language="python")
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
        return [container]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive("source", SourceDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
