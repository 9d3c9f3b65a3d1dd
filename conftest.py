"""What all tests share: shapes in signatures are checked, and pages' cells run as tests."""

import builtins
from collections.abc import Iterable
from pathlib import Path

import jaxtyping
import matplotlib
import torch
from sybil import Document, Region, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.myst.lexers import DirectiveLexer

matplotlib.use("Agg")
collect_ignore = ["docs/conf.py", "noxfile.py"]

# The library names jaxtyping's types in annotations only, so that it runs without jaxtyping.
# The checker resolves them when a function is called, and finds them where Python looks last.
for name in ("Bool", "Float", "Float32", "Float64", "Int", "Int64", "Num", "Shaped", "UInt8"):
    setattr(builtins, name, getattr(jaxtyping, name))
builtins.Tensor = torch.Tensor  # type: ignore[attr-defined]
# Not the networks: torch.fx traces them with stand-ins for tensors.
folder = Path(__file__).parent / "cnnguide"
checked = [
    f"cnnguide.{'.'.join(p.relative_to(folder).with_suffix('').parts)}"
    for p in [*folder.glob("*.py"), *folder.glob("commands/*.py")]
    if not p.stem.startswith("__")
]
jaxtyping.install_import_hook(checked, "beartype.beartype")


class CodeCellParser:
    """Find the ``{code-cell}`` blocks of a page; the cells of a page share one namespace."""

    def __init__(self) -> None:
        self.lexer = DirectiveLexer(directive="code-cell")
        self.evaluator = PythonEvaluator()

    def __call__(self, document: Document) -> Iterable[Region]:
        """Yield each cell with what runs it."""
        for region in self.lexer(document):
            region.parsed = region.lexemes["source"]
            region.evaluator = self.evaluator
            yield region


pytest_collect_file = Sybil(parsers=[CodeCellParser()], patterns=["docs/*.md"]).pytest()
