"""Which package may import which. docs/architecture.md draws the same picture."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import __version__
from core.system.workspace import PROJECT

# From top to bottom: a package imports from lower layers alone, and never from its own layer's others.
LAYERS = [
    {"__main__"},
    {"cli"},
    {"live"},
    {"cluster"},
    {"search"},
    {"training", "export", "server"},
    {"labelling"},
    {"evaluation"},
    {"inference"},
    {"models"},
    {"data"},
    {"runs"},
    {"policy"},
    {"system", "imaging"},
    {"config", "cutout_settings"},
    {"task", "settings"},
    {"errors"},
]
LAYER = {package: number for number, layer in enumerate(LAYERS) for package in layer}
HEAVY = {"torch", "torchvision", "segmentation_models_pytorch", "timm", "albumentations", "lightning"}


def imports(file: Path, top_only: bool = False) -> Iterator[tuple[str, int]]:
    """Dotted names that a file imports, with their lines; `from core import x` counts as core.x."""
    tree = ast.parse(file.read_text())
    for node in tree.body if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module == "core":
                yield from ((f"core.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield node.module, node.lineno


def package_of(module: str) -> str:
    return module.split(".")[1]


CORE = sorted((PROJECT / "core").rglob("*.py"))
PAGES = [PROJECT / "streamlit_app.py", *sorted((PROJECT / "pages").rglob("*.py"))]


def test_every_package_of_core_has_its_layer() -> None:
    found = {package_of(".".join(file.relative_to(PROJECT).with_suffix("").parts)) for file in CORE}
    assert found - {"__init__"} == set(LAYER)


def test_core_imports_only_from_lower_layers() -> None:
    wrong = []
    for file in CORE:
        own = package_of(".".join(file.relative_to(PROJECT).with_suffix("").parts))
        for name, line in imports(file):
            if name.startswith("core.") and own in LAYER:
                other = package_of(name)
                if other != own and LAYER.get(other, 99) <= LAYER[own]:
                    wrong.append(f"{file.relative_to(PROJECT)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_core_never_imports_streamlit_or_the_pages() -> None:
    wrong = [
        f"{file.relative_to(PROJECT)}:{line} imports {name}"
        for file in CORE
        for name, line in imports(file)
        if name.split(".")[0] in {"streamlit", "pages", "streamlit_app"}
    ]
    assert not wrong, "\n".join(wrong)


def test_no_page_imports_torch_at_its_top() -> None:
    wrong = [
        f"{file.relative_to(PROJECT)}:{line} imports {name}"
        for file in PAGES
        for name, line in imports(file, top_only=True)
        if name.split(".")[0] in HEAVY
    ]
    assert not wrong, "\n".join(wrong)


def test_ray_is_imported_for_work_on_a_cluster_alone_and_never_with_a_module() -> None:
    named = {file for file in [*CORE, *PAGES] for name, _ in imports(file) if name.split(".")[0] == "ray"}
    assert {file.parent.name for file in named} == {"cluster"}
    assert not [file for file in named for name, _ in imports(file, top_only=True) if name.startswith("ray")]
    assert not [file for file in PAGES for name, _ in imports(file) if name.startswith("core.cluster")]


def test_the_server_starts_without_torch() -> None:
    code = "import server, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, timeout=100)


@pytest.mark.parametrize("init", sorted((PROJECT / "core").rglob("__init__.py")), ids=lambda p: p.parent.name)
def test_a_package_says_what_it_holds_and_imports_nothing(init: Path) -> None:
    tree = ast.parse(init.read_text())
    assert ast.get_docstring(tree), f"{init.relative_to(PROJECT)} does not say what the package holds"
    if init.parent.name != "cli":  # the entry point
        assert not list(imports(init)), f"{init.relative_to(PROJECT)} imports something"


def test_there_is_one_version() -> None:
    citation = (PROJECT / "CITATION.cff").read_text()
    assert f"\nversion: {__version__}\n" in citation
    assert 'version = {attr = "core.__version__"}' in (PROJECT / "pyproject.toml").read_text()
