"""What a script or a page runs of the library, down to the function.

The key of a script is made of its own code and of all that it reaches: functions, classes, what
stands between them in their modules, and data files.
The library's code counts by its syntax tree without docstrings: a comment, a blank line or another
line break changes nothing.
What cannot be followed is taken whole: a module that is handed around, or asked for a name that it
does not define, counts with all its definitions, and code that makes code with the whole library.
A key that changes too often costs a run; one that did not change would show an old figure.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

__all__ = ["Library", "Part", "Reach", "meaning"]

# What runs code that cannot be seen here: as bare names (a network has an `eval`), and at the end
# of a name. `sys.executable` begins a command that may run the library again.
MAKES_CODE = {"eval", "exec", "globals", "locals", "__import__"}
LOADS_CODE = {"import_module", "spec_from_file_location", "run_module", "run_path", "executable"}
CODE_IN_TEXT = r"(?:^|\n)\s*(?:import|from)\s+{}\b"
# What sees comments, docstrings or the numbers of lines.
READS_TEXT = {
    *("__doc__", "__code__", "getdoc", "getsource", "getsourcelines", "getsourcefile", "getfile"),
    *("help", "pydoc", "doctest", "linecache", "traceback", "currentframe"),
}
FINDS_FILES = {"__file__", "__path__", "files", "get_data"}
LISTS_FILES = {"glob", "rglob", "iterdir", "listdir", "scandir", "walk"}
Target = tuple[str, list[str]]  # a module, and the name in it
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, order=True)
class Part:
    """A definition at the top of a module, or with no name what stands between them."""

    module: str
    name: str = ""


@dataclass
class Reach:
    """What a piece of code uses of the library."""

    parts: set[Part] = field(default_factory=set)
    files: set[str] = field(default_factory=set)  # below the library's folder; they may be missing
    text: bool = False  # whether comments, docstrings and the numbers of lines count


def parsed(text: str) -> ast.Module:
    """Parse code without its docstrings and other texts that nothing takes."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for body in (getattr(node, name, None) for name in ("body", "orelse", "finalbody")):
            if isinstance(body, list):
                kept = [s for s in body if not (isinstance(s, ast.Expr) and is_text(s.value))]
                body[:] = kept or [ast.Pass()] * bool(body)
    return tree


def meaning(text: str) -> str:
    """Write code down as its syntax tree, which has neither comments nor docstrings."""
    return ast.dump(parsed(text))


def is_text(node: ast.AST) -> bool:
    """Tell a literal text."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def is_main_guard(node: ast.stmt) -> bool:
    """Tell ``if __name__ == "__main__":``, which an import passes over."""
    return (
        isinstance(node, ast.If)
        and not node.orelse
        and ast.unparse(node.test) in ("__name__ == '__main__'", "'__main__' == __name__")
    )


def chain(node: ast.AST) -> list[str]:
    """Read ``a.b.c`` as its words; nothing if it does not begin with a name."""
    if isinstance(node, ast.Name):
        return [node.id]
    before = chain(node.value) if isinstance(node, ast.Attribute) else []
    return [*before, node.attr] if before and isinstance(node, ast.Attribute) else []


def words(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield every name, and every attribute's."""
    for node in (n for root in nodes for n in ast.walk(root)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


class Module:
    """A module of the library, cut into its definitions and the rest."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.is_package = name, path.name == "__init__.py"
        self.text = path.read_text(encoding="utf-8")
        self.definitions: dict[str, list[ast.stmt]] = {}
        self.rest: list[ast.stmt] = []
        for node in parsed(self.text).body:
            if isinstance(node, DEFINITIONS):
                self.definitions.setdefault(node.name, []).append(node)
            elif not is_main_guard(node) and assigned(node) != ["__all__"]:
                self.rest.append(node)
        self.imports = imported(self.rest, self)
        nodes = [n for statement in self.rest for n in ast.walk(statement)]
        # the names that are bound between the definitions
        self.bound = {
            n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        self.bound |= {n.name for n in nodes if isinstance(n, DEFINITIONS)}
        self.bound |= {
            (alias.asname or alias.name).split(".")[0]
            for node in nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        } - {"*"}
        # those that stand for a file or a folder: FOLDER = Path(__file__).parent
        self.place_statements = [
            s for s in self.rest if assigned(s) and not FINDS_FILES.isdisjoint(words([s]))
        ]
        self.places = {name for s in self.place_statements for name in assigned(s)}


def assigned(statement: ast.stmt) -> list[str]:
    """Name what a plain assignment assigns; nothing for another statement."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    plain = isinstance(statement, ast.Assign | ast.AnnAssign)
    names = [t.id for t in targets if isinstance(t, ast.Name)] if plain else []
    return names if len(names) == len(targets) else []


def imported(nodes: Iterable[ast.AST], inside: Module | None) -> dict[str, list[Target]]:
    """Map the names that import statements bind to modules and names there: two if one may fail."""
    found: dict[str, list[Target]] = {}
    for node in (n for root in nodes for n in ast.walk(root)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.split(".")[0]
                found.setdefault(bound, []).append((alias.name if alias.asname else bound, []))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                target = absolute(node, inside), [alias.name]
                found.setdefault(alias.asname or alias.name, []).append(target)
    return found


def absolute(node: ast.ImportFrom, inside: Module | None) -> str:
    """Write the module of ``from . import name`` in full."""
    if not node.level or inside is None:
        return node.module or ""
    steps = [*inside.name.split("."), *[""] * inside.is_package][: -node.level]
    return ".".join([*steps, *filter(None, [node.module])])


def made(definition: ast.AST) -> Iterator[ast.AST]:
    """Yield the code that runs when a function or a class is made, not when it is used."""
    if isinstance(definition, ast.ClassDef):
        yield from (s for s in definition.body if not isinstance(s, DEFINITIONS))
        yield from definition.bases
    elif isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = definition.args
        yield from (d for d in (*arguments.defaults, *arguments.kw_defaults) if d is not None)


class Library:
    """A package that scripts use.

    Parameters
    ----------
    folder : pathlib.Path
        The package's.
    reader : str
        The function that reads a record by its name, ``"cnnguide.results.load"``: a call with a
        literal text reaches that one JSON file.
    """

    def __init__(self, folder: Path, *, reader: str) -> None:
        self.folder, self.package = folder, folder.name
        self.reader = Part(*reader.rsplit(".", 1))
        self.modules: dict[str, Module] = {}
        for path in sorted(folder.rglob("*.py")):
            steps = path.relative_to(folder.parent).with_suffix("").parts
            name = ".".join(steps).removesuffix(".__init__")
            self.modules[name] = Module(name, path)
        self.data = {
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
        }
        self.records_folder = "/".join(self.reader.module.split(".")[1:])
        self.records = {f for f in self.data if f.startswith(f"{self.records_folder}/")}

    def everything(self, module: str | None = None) -> Iterator[Part]:
        """Yield every part of a module, or of all."""
        for name in [module] if module else self.modules:
            yield from (Part(name, inner) for inner in ["", *self.modules[name].definitions])

    def statements(self, part: Part) -> list[ast.stmt]:
        """Give the code of a part."""
        module = self.modules[part.module]
        return module.definitions[part.name] if part.name else module.rest

    @cache  # noqa: B019 - one library lives as long as the build
    def written(self, part: Part) -> str:
        """Write down a part."""
        return "\n".join(map(ast.dump, self.statements(part)))

    def around(self, module: str) -> Iterator[Part]:
        """Yield what an import of a module runs: the packages that it is in, and itself."""
        steps = module.split(".")
        for end in range(1, len(steps) + 1):
            if (name := ".".join(steps[:end])) in self.modules:
                yield Part(name)

    def steps(self, module: str, path: list[str]) -> list[Target]:
        """Say where else to look for ``module.path``: in another module, or in a part of it."""
        (name, *rest), known = path, self.modules[module]
        found = [
            (source, [*inner, *rest])
            for source, inner in known.imports.get(name, [])
            if (source, inner) != (module, [name])  # a package takes a part of its own
        ]
        if f"{module}.{name}" in self.modules:
            found.append((f"{module}.{name}", rest))
        return found

    def follow(self, module: str, path: list[str]) -> Iterator[Part]:
        """Yield what ``module.path`` is, through the imports of other modules."""
        if module not in self.modules:
            return  # another library's
        yield from self.around(module)
        if not path:
            yield from self.everything(module)
            return
        known, elsewhere = self.modules[module], self.steps(module, path)
        if path[0] in known.definitions:
            yield Part(module, path[0])
        for target in elsewhere:
            yield from self.follow(*target)
        if not elsewhere and path[0] not in {*known.definitions, *known.bound}:
            yield from self.everything(module)

    def places(self, module: str, path: list[str]) -> Iterator[str]:
        """Yield the modules in which ``module.path`` stands for a file or folder of the library."""
        if module in self.modules and path:
            if path[0] in self.modules[module].places:
                yield module
            for target in self.steps(module, path):
                yield from self.places(*target)

    @cache  # noqa: B019
    def lists_files(self, module: str) -> bool:
        """Tell whether a module may come upon the records: by name, or among the files."""
        code = [s for part in self.everything(module) for s in self.statements(part)]
        constants = [n for root in code for n in ast.walk(root) if isinstance(n, ast.Constant)]
        texts = [str(n.value) for n in constants]
        named = any(t == self.records_folder or t.endswith(".json") for t in texts)
        return named or not LISTS_FILES.isdisjoint(words(code))

    @cache  # noqa: B019
    def at_import(self, module: str) -> frozenset[Part]:
        """Find the definitions that run code of the library when they are made.

        A decorator or a default of the library's own may write something into a table, and a class
        may be noticed by the class that it derives from.
        """
        known = self.modules[module]
        ours = known.definitions.keys() | known.bound - known.imports.keys()
        ours |= {name for name, targets in known.imports.items() if self.is_ours(targets)}
        return frozenset(
            Part(module, name)
            for name, nodes in known.definitions.items()
            if any(self.runs_when_made(node, ours) for node in nodes)
        )

    def is_ours(self, targets: list[Target]) -> bool:
        """Tell whether an imported name may be the library's."""
        return any(module.split(".")[0] == self.package for module, _ in targets)

    @cached_property
    def notices_classes(self) -> bool:
        """Tell whether a class of the library is told of the classes that derive from it."""
        names = ("__init_subclass__", "__set_name__", "metaclass")
        return any(name in module.text for module in self.modules.values() for name in names)

    def runs_when_made(self, definition: ast.AST, ours: set[str]) -> bool:
        """Tell whether making a definition calls something of ours."""
        decorators = getattr(definition, "decorator_list", [])
        bases = getattr(definition, "bases", [])
        called = [*decorators, *(bases if self.notices_classes else [])]
        called += [n for e in made(definition) for n in ast.walk(e) if isinstance(n, ast.Call)]
        roots = {(chain(n.func if isinstance(n, ast.Call) else n) or ["?"])[0] for n in called}
        inner = [s for s in getattr(definition, "body", []) if isinstance(definition, ast.ClassDef)]
        return (
            bool(getattr(definition, "keywords", []))  # a metaclass
            or not roots.isdisjoint({*ours, "?"})
            or any(self.runs_when_made(s, ours) for s in inner if isinstance(s, DEFINITIONS))
        )

    @cache  # noqa: B019
    def uses(self, part: Part) -> Reach:
        """Find what a part names, and no further."""
        found = Uses(self, self.modules[part.module]).of(self.statements(part))
        if not part.name:
            found.parts |= self.at_import(part.module)
        if part == self.reader:
            found.files.clear()  # its calls say which record they read
        return found

    def reach(self, code: Iterable[str]) -> Reach:
        """Find all that pieces of code use, which share their names as the cells of a page do."""
        try:
            nodes = [parsed(text) for text in code]
        except SyntaxError:  # a command of IPython's
            return Reach({*self.everything()}, {*self.data}, text=True)
        found = Uses(self, None).of(nodes)
        todo, found.parts = found.parts, set()
        while todo:
            part = todo.pop()
            if part not in found.parts:
                used = self.uses(part)
                todo |= used.parts
                found.parts.add(part)
                found.files |= used.files
                found.text |= used.text
        return found

    def key(self, code: Iterable[str], *, text: bool = False) -> str:
        """Give the key of pieces of code, and of all that they reach."""
        code = [*code]
        found = self.reach(code)
        digest = hashlib.sha256(repr(code).encode())
        for part in sorted(found.parts):
            digest.update(f"\n{part.module} {part.name}\n{self.written(part)}".encode())
        if text or found.text:
            for module in sorted({part.module for part in found.parts}):
                digest.update(f"\n{module}\n{self.modules[module].text}".encode())
        for name in sorted(found.files):
            path = self.folder / name
            digest.update(f"\n{name}\n".encode() + (path.read_bytes() if path.exists() else b"-"))
        return digest.hexdigest()


class Uses(ast.NodeVisitor):
    """Gathers what statements use of a library: its parts, its files, its text."""

    def __init__(self, library: Library, inside: Module | None) -> None:
        self.library, self.inside, self.found = library, inside, Reach()

    def of(self, nodes: Iterable[ast.AST]) -> Reach:
        """Go through statements that share their names."""
        nodes, inside = [*nodes], self.inside
        self.scope = dict(inside.imports) if inside else {}
        if inside:
            for name in inside.definitions.keys() | inside.places:
                self.scope[name] = [*self.scope.get(name, []), (inside.name, [name])]
        self.scope |= imported(nodes, inside)
        for node in nodes:
            # a place is read by who names it, not by its module
            self.is_place = inside is not None and node in inside.place_statements
            self.visit(node)
        return self.found

    def read_files(self, *, records: bool) -> None:
        """Note that any of the library's data files may be read."""
        library = self.library
        self.found.files |= library.data if records else library.data - library.records

    @property
    def may_meet_records(self) -> bool:
        """Tell whether code that finds a file of the library may read a record."""
        return self.inside is None or self.library.lists_files(self.inside.name)

    def take_all(self) -> None:
        """Note that any of the library's code may run, by any way."""
        self.found.parts |= {*self.library.everything()}
        self.found.text = True
        self.read_files(records=True)

    def visit_Import(self, node: ast.Import) -> None:
        """An import runs the module."""
        for alias in node.names:
            self.found.parts |= {*self.library.around(alias.name)}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """The same, for a module that is taken out of its package too."""
        module = absolute(node, self.inside)
        for alias in node.names:
            self.found.parts |= {*self.library.around(module)}
            if alias.name == "*" and module in self.library.modules:
                self.found.parts |= {*self.library.everything(module)}
            self.found.parts |= {*self.library.around(f"{module}.{alias.name}")}

    def visit_Call(self, node: ast.Call) -> None:
        """A call that names its record reads no other."""
        match node:
            case ast.Call(args=[ast.Constant(value=str(name))], keywords=[]) if (
                self.library.reader in self.named(node.func)
            ):
                self.found.parts |= self.named(node.func)
                self.found.files.add(f"{self.library.records_folder}/{name}.json")
            case _:
                self.generic_visit(node)

    def targets(self, node: ast.AST) -> list[Target]:
        """Give what a dotted name may stand for."""
        first, *rest = chain(node) or [""]
        return [(module, [*path, *rest]) for module, path in self.scope.get(first, [])]

    def named(self, node: ast.AST) -> set[Part]:
        """Give the parts that a dotted name stands for."""
        return {part for target in self.targets(node) for part in self.library.follow(*target)}

    def visit_Name(self, node: ast.Name) -> None:
        """A name, or the first word of a dotted one."""
        self.use(node, [node.id])

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """A dotted name, or an attribute of something that was computed."""
        if path := chain(node):
            self.use(node, path)
        else:
            self.notice(node.attr)
            self.visit(node.value)

    def use(self, node: ast.Name | ast.Attribute, path: list[str]) -> None:
        """Follow a dotted name."""
        if path[0] in MAKES_CODE or path[:2] == ["sys", "modules"]:
            self.take_all()
        for word in path:
            self.notice(word)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            return
        named = self.named(node)
        self.found.parts |= named
        if self.library.reader in named:  # with a name that is not seen here
            self.found.files |= self.library.records
        for target in self.targets(node):
            for place in self.library.places(*target):
                self.read_files(records=self.library.lists_files(place) or self.may_meet_records)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """A module of another library, or ``__main__``, hands out none of this one's code."""
        match node:
            case ast.Subscript(slice=ast.Constant(value=str(name))) if (
                chain(node.value) == ["sys", "modules"]
                and name.split(".")[0] != self.library.package
            ):
                pass
            case _:
                self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        """Whether a module was imported is no code of it."""
        match node:
            case ast.Compare(left=ast.Constant(), ops=[ast.In()]) if chain(node.comparators[0]) == [
                "sys",
                "modules",
            ]:
                pass
            case _:
                self.generic_visit(node)

    def notice(self, word: str) -> None:
        """Note what a word lets the code do."""
        if word in LOADS_CODE:
            self.take_all()
        if word in READS_TEXT:
            self.found.text = True
        if word in FINDS_FILES and not self.is_place:
            self.read_files(records=self.may_meet_records)

    def visit_Constant(self, node: ast.Constant) -> None:
        """A text may be code."""
        code = CODE_IN_TEXT.format(self.library.package)
        if isinstance(node.value, str) and re.search(code, node.value):
            self.take_all()
