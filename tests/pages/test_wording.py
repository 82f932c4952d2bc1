"""Every error that a page shows is worded for its visitor, in one place."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.system.workspace import PROJECT

WORDED = {"plain", "for_visitor"}
FILES = [file for file in sorted((PROJECT / "pages").rglob("*.py")) if file.name != "wording.py"]


def unworded(tree: ast.AST) -> Iterator[int]:
    """The lines at which an exception becomes text outside of a call of `plain` or `for_visitor`."""

    def visit(node: ast.AST, is_text: bool) -> Iterator[int]:
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in WORDED:
                return
            is_text = is_text or called == "str" or called.startswith("st.")
        is_text = is_text or isinstance(node, ast.JoinedStr)
        if isinstance(node, ast.Name) and node.id == "error" and is_text:
            yield node.lineno
        for child in ast.iter_child_nodes(node):
            yield from visit(child, is_text)

    return visit(tree, False)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_every_error_that_a_page_shows_is_worded_for_its_visitor(file: Path) -> None:
    text = file.read_text()
    assert list(unworded(ast.parse(text))) == []
    handlers = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ExceptHandler)]
    assert {handler.name for handler in handlers} <= {None, "error"}  # the name that is searched for
    assert not any("formatting import" in line and "plain" in line for line in text.splitlines())


def test_a_page_that_forgot_it_would_be_found() -> None:
    text = "try:\n    work()\nexcept UserError as error:\n    st.error(str(error))\n"
    assert list(unworded(ast.parse(text))) == [4]
