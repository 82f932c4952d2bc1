"""What the functions of `core` do, read from their source: which change, cost or reveal something.

A name is followed to the function that it stands for; a method of an object whose class is not known stands
for every method of that name. So too much is found rather than too little. A function that asks for a
permission is where the search ends: what is behind it cannot be reached without.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
CORE = PROJECT / "core"

# Calls by which anything outside of the process changes, costs much, or is found out.
CHANGES = {
    "write_text", "write_bytes", "unlink", "rmtree", "rmdir", "touch", "copyfile", "copytree", "copy2",
    "make_archive", "extractall", "writestr", "to_parquet", "save_pretrained", "save_file", "mkstemp",
    "imwrite", "symlink_to", "np.save", "np.savez", "rename_to", "VideoWriter",
}  # fmt: skip
COSTS = {
    "Popen", "subprocess.run", "execv", "kill", "terminate", "forward", "backward", "grabCut", "all_cores",
    "ThreadPoolExecutor", "ProcessPoolExecutor", "urlopen", "create_connection", "snapshot_download",
    "dataset_download", "upload_folder", "create_repo",
}  # fmt: skip
# Of these only where it is the caller who names the path.
READS = {
    "iterdir", "glob", "rglob", "walk", "read_text", "read_bytes", "scandir", "is_dir", "is_file", "stat",
}  # fmt: skip
TELLS = {"virtual_memory", "disk_usage", "cpu_percent", "getloadavg", "gethostname"}
GUARDS = {"require", "require_folder", "_require_open"}
# Methods of Python's own types, and of pictures: what is called so is hardly ever a method of core.
COMMON = {name for kind in (list, dict, set, str, bytes, Path) for name in dir(kind)} | {"save"}


@dataclass
class Function:
    """One function or method. `does`: effects of its own; `uses`: functions it names; `calls_any`: what
    objects whose class is not known are called, the method, and whether it is called or only named."""

    name: str
    module: str
    needs: str = ""
    requires: bool = False
    takes_path: bool = False
    does: set[str] = field(default_factory=set)
    uses: set[str] = field(default_factory=set)
    calls_any: set[tuple[str, str, bool]] = field(default_factory=set)
    is_property: bool = False

    @property
    def short(self) -> str:
        """Without "core."."""
        return self.name.removeprefix("core.")

    @property
    def is_guarded(self) -> bool:
        return bool(self.needs) or self.requires

    @property
    def is_public(self) -> bool:
        return not any(part.startswith("_") for part in self.name.split("."))


class _Reader(ast.NodeVisitor):
    """Fills a Function from the body of one."""

    def __init__(self, function: Function, names: dict[str, str]) -> None:
        self.function, self.names = function, dict(names)
        self.called: set[ast.AST] = set()

    def visit_Import(self, node: ast.Import) -> None:
        self.names.update(_imported(node))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.names.update(_imported(node))

    def visit_Name(self, node: ast.Name) -> None:
        self._found(self.names.get(node.id, node.id))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        dotted = _dotted(node)
        head = dotted.split(".")[0] if dotted else ""
        if head in self.names:
            self._found(self.names[head] + dotted[len(head) :])
        else:
            self._found(node.attr)
            if node.attr not in COMMON:
                owner = _dotted(node.value).split(".")[-1].lower()
                self.function.calls_any.add((owner, node.attr, node in self.called))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self.called.add(node.func)
        if isinstance(node.func, ast.Name) and node.func.id == "open":
            mode = next((a.value for a in node.args[1:2] if isinstance(a, ast.Constant)), "r")
            self.function.does.add("read_bytes" if str(mode).startswith("r") else "write_bytes")
        if isinstance(node.func, ast.Attribute) and node.func.attr == "rename" and not node.keywords:
            self.function.does.add("rename_to")  # of a path: a table's takes keywords
        self.generic_visit(node)

    def _found(self, name: str) -> None:
        last = name.rsplit(".", 1)[-1]
        if last in GUARDS:
            self.function.requires = True
        short = name.replace("numpy.", "np.")
        for effect in (short, last):
            if effect in CHANGES | COSTS | READS | TELLS and not name.startswith("core."):
                self.function.does.add(effect)
        if name.startswith("core."):
            self.function.uses.add(name)


@dataclass
class Source:
    """The functions and methods of `core` by their full names, and those that each names."""

    functions: dict[str, Function]

    def __post_init__(self) -> None:
        self._methods: dict[str, list[str]] = {}
        for name in self.functions:
            *_, owner, last = name.split(".")
            if owner.lstrip("_")[:1].isupper():
                self._methods.setdefault(last, []).append(name)

    def named_by(self, function: Function) -> set[str]:
        """Those that its body names, the beginning of a class's life for the class."""
        found = {u + end for u in function.uses for end in ("", ".__init__", ".__post_init__")}
        for called, method, is_called in function.calls_any:
            every = self._methods.get(method, [])
            owner = f".{function.name}".split(".")[-2] if called == "self" else called
            likely = [name for name in every if owner and owner.lower() in name.split(".")[-2].lower()]
            found.update(likely or (name for name in every if is_called or self.functions[name].is_property))
        return found & self.functions.keys()

    def entries(self) -> list[Function]:
        """Public functions that something outside of `core` names, or nothing in it: ways in."""
        outside = set().union(*(self.named_by(f) for f in _outside()))
        inside = set().union(*(self.named_by(f) - {f.name} for f in self.functions.values()))
        return [
            f for name, f in self.functions.items()
            if f.is_public and not name.startswith("core.cli.") and (name in outside or name not in inside)
        ]  # fmt: skip

    def effects(self, function: Function) -> set[str]:
        """What can be brought about by calling it, up to where a permission is asked for. Reading counts
        where the caller names what is read."""
        found = self._reached(function, set())
        return found if function.takes_path else found - READS

    def _reached(self, function: Function, seen: set[str]) -> set[str]:
        seen.add(function.name)
        found = set(function.does)
        for name in self.named_by(function) - seen:
            if not self.functions[name].is_guarded:
                found |= self._reached(self.functions[name], seen)
        return found


def source_of(core: Path = CORE) -> Source:
    """Of a package called `core`, read anew."""
    return Source(_functions(core))


def _outside() -> Iterator[Function]:
    """The bodies of what stands on `core`, a module each."""
    for file in (*(PROJECT / "pages").rglob("*.py"), *PROJECT.glob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        module = Function(file.stem, file.stem)
        _Reader(module, _names_in(tree)).visit(tree)
        yield module


def _names_in(tree: ast.AST) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.update(_imported(node))
    return names


def _functions(core: Path) -> dict[str, Function]:
    found: dict[str, Function] = {}
    for file in sorted(core.rglob("*.py")):
        module = ".".join(file.relative_to(core.parent).with_suffix("").parts).removesuffix(".__init__")
        tree = ast.parse(file.read_text("utf-8"))
        names = _names_in(tree)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names[node.name] = f"{module}.{node.name}"
        for function, body in _defined(tree.body, module):
            _Reader(function, names).visit(ast.Module(body, []))
            found[function.name] = function
    return found


def _defined(body: Iterable[ast.stmt], where: str) -> Iterator[tuple[Function, list[ast.stmt]]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _defined(node.body, f"{where}.{node.name}")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            takes = any(a.annotation and "Path" in ast.unparse(a.annotation) for a in arguments)
            made = Function(f"{where}.{node.name}", where, _needs(node), takes_path=takes)
            made.is_property = any(_dotted(d) == "property" for d in node.decorator_list)
            yield made, node.body


def _needs(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and _dotted(decorator.func).split(".")[-1] == "needs":
            (action,) = decorator.args
            assert isinstance(action, ast.Constant)
            return str(action.value)
    return ""


def _imported(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    if isinstance(node, ast.Import):
        return {(a.asname or a.name.split(".")[0]): (a.name if a.asname else a.name.split(".")[0])
                for a in node.names}  # fmt: skip
    return {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = _dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""
