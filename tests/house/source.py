"""Reads source without running it: which module imports which, which dotted names it uses, what it makes at import."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

BUILTINS = {"eval", "exec"}


@dataclass(frozen=True)
class Place:
    """A dotted name and the line it stands on."""

    name: str
    line: int


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str
    path: str
    text: str
    is_package: bool = False

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def room(self) -> str:
        """`metier.runs.log` lies in `runs`; `metier` itself is its own room."""
        return ".".join(self.name.split(".")[:2]).removeprefix("metier.")

    @cached_property
    def imports(self) -> list[Place]:
        """All that is imported, wherever in the file: `from a.b import c` gives `a.b.c`, `import a.b` gives `a.b`."""
        return [place for node in ast.walk(self.tree) for place, _ in self._bindings(node)]

    @cached_property
    def uses(self) -> list[Place]:
        """The imports, and each dotted name with its import filled in: `t.sleep` → `time.sleep`."""
        places = list(self.imports)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute | ast.Name) and (dotted := _dotted(node)):
                head, _, rest = dotted.partition(".")
                if head in self._known:
                    places.append(Place(f"{self._known[head]}.{rest}".rstrip("."), node.lineno))
                elif dotted in BUILTINS:
                    places.append(Place(f"builtins.{dotted}", node.lineno))
        return places

    @cached_property
    def _known(self) -> dict[str, str]:
        """Imported names in full, by the name they have here. Shape: `{"t": "time"}`."""
        return dict(alias for node in ast.walk(self.tree) for _, alias in self._bindings(node))

    def resolve(self, node: ast.expr) -> str | None:
        """Give the full dotted name of an expression: an imported one, or one of this module."""
        dotted = _dotted(node)
        if dotted is None:
            return None
        head, _, rest = dotted.partition(".")
        return f"{self._known.get(head, f'{self.name}.{head}')}.{rest}".rstrip(".")

    def _bindings(self, node: ast.AST) -> Iterator[tuple[Place, tuple[str, str]]]:
        """Give for an import statement what it imports, and (local name, full name)."""
        if isinstance(node, ast.Import):
            for item in node.names:
                local = item.asname or item.name.partition(".")[0]
                yield Place(item.name, node.lineno), (local, item.name if item.asname else local)
        elif isinstance(node, ast.ImportFrom):
            source = ".".join(part for part in (self._parent(node.level), node.module) if part)
            for item in node.names:
                full = source if item.name == "*" else f"{source}.{item.name}"
                yield Place(full, node.lineno), (item.asname or item.name, full)

    def _parent(self, level: int) -> str:
        parts = self.name.split(".")
        return ".".join(parts[: len(parts) - level + self.is_package]) if level else ""


def _dotted(node: ast.expr) -> str | None:
    """Give `a.b.c` for that expression, None for any other kind."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := _dotted(node.value)):
        return f"{head}.{node.attr}"
    return None


def read(package: Path) -> dict[str, Module]:
    """Read all modules of a package, by dotted name. Shape: `{"metier.clock": Module(...)}`."""
    modules: dict[str, Module] = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        shown = path.relative_to(package.parent.parent).as_posix()
        modules[name] = Module(name, shown, path.read_text(), is_package)
    return modules


def edges(module: Module, modules: Mapping[str, Module]) -> list[Place]:
    """Give the modules of the house that a module imports; a name imported from a module counts as that module."""
    found: list[Place] = []
    for place in module.imports:
        name = place.name
        while name and name not in modules:
            name = name.rpartition(".")[0]
        if name and name != module.name:
            found.append(Place(name, place.line))
    return found


def cycles(modules: Mapping[str, Module]) -> list[list[Place]]:
    """Find import cycles, function-level imports counted: each a walk of (imported module, line of the import)."""
    graph = {name: edges(module, modules) for name, module in modules.items()}
    done: set[str] = set()
    found: list[list[Place]] = []

    def visit(name: str, walk: list[Place]) -> None:
        names = [place.name for place in walk]
        if name in names[:-1]:
            found.append(walk[names.index(name) + 1 :])
        elif name not in done:
            for place in graph[name]:
                visit(place.name, [*walk, place])
            done.add(name)

    for name in graph:
        visit(name, [Place(name, 0)])
    return found


def instances(module: Module, modules: Mapping[str, Module]) -> list[Place]:
    """Find module-level `NAME = Thing(...)` where Thing is a class of the house that is no plain value."""
    found: list[Place] = []
    for statement in module.tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Call):
            kind = _class(module.resolve(statement.value.func), modules)
            if kind and not _is_value(kind):
                target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
                found.append(Place(f"{module.name}:{ast.unparse(target)}", statement.lineno))
    return found


def _class(name: str | None, modules: Mapping[str, Module]) -> ast.ClassDef | None:
    """Find the class of this full name, through the packages that pass it on."""
    for _ in range(5):  # a name passed on more often than this deserves to be missed
        home, _, label = (name or "").rpartition(".")
        if home not in modules:
            return None
        for node in modules[home].tree.body:
            if isinstance(node, ast.ClassDef) and node.name == label:
                return node
        name = modules[home].resolve(ast.Name(label))
        if name == f"{home}.{label}":
            return None
    return None


def _is_value(kind: ast.ClassDef) -> bool:
    """Say whether instances cannot change: a frozen dataclass or model, an enum, a named tuple."""
    spelled = [ast.unparse(node) for node in (*kind.decorator_list, *kind.bases, *kind.keywords)]
    if any("frozen=True" in word or word.endswith(("Enum", "NamedTuple", "NewType")) for word in spelled):
        return True
    return any("frozen=True" in ast.unparse(node) for node in kind.body if isinstance(node, ast.Assign))
