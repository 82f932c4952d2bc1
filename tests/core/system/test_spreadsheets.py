"""No table that leaves the app makes a spreadsheet compute."""

import ast
import csv
import io
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pandas as pd
import pytest

from core.data import findings
from core.evaluation.cache import Evaluation
from core.evaluation.report import COLUMNS, scores_table
from core.imaging.components import Component, component_table
from core.system.spreadsheets import csv_file, csv_text, inert
from core.system.workspace import PROJECT

NAMES = ["=1+1.png", "+1.png", "-1+2.png", "@sum.png", " =1.png", "\uff1d1.png", '=HYPERLINK("x")']


@pytest.mark.parametrize("name", NAMES)
def test_a_name_like_a_formula_is_text_in_every_exported_table(name: str) -> None:
    rows = pd.DataFrame([dict.fromkeys(COLUMNS, 0.5) | {"name": name}])
    judged = SimpleNamespace(judged=lambda level: rows, task=SimpleNamespace(kind="binary"), threshold=0.5)
    found = pd.DataFrame([{"name": name, "split": "train", "findings": "light", "problem": "", "note": name,
                           "width": 4, "height": 4, "foreground": 0.5}])  # fmt: skip
    parts = component_table([Component(1, 9, 0.1, 0, 0, 3, 3, 1.0, 1.0)], name)
    for text in (
        scores_table(cast(Evaluation, judged), 0.5),
        findings.download(found).decode("utf-8-sig"),
        csv_text(parts),
        csv_file(pd.DataFrame({name: [1]})).decode("utf-8-sig"),
        csv_text(pd.DataFrame({"a": [1]}, index=[name]), index=True),
    ):
        cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
        assert f"'{name}" in cells and name not in cells


@pytest.mark.parametrize("name", ["\t=1.png", "a\r=1.png", "a\n=1.png", 'a\r\n=1+1,"x'])
def test_a_name_makes_no_cell_and_no_line_of_its_own(name: str) -> None:
    lines = list(csv.reader(io.StringIO(csv_text({"name": [name], "value": [1]}), newline="")))
    assert [len(line) for line in lines] == [2, 2]
    assert not lines[1][0].lstrip().startswith("=")


def test_numbers_and_other_names_stay_what_they_are() -> None:
    table = pd.DataFrame({"name": ["a.png", "1-2.png", "-0.5"], "value": [-1.5, 2.0, float("nan")]})
    pd.testing.assert_frame_equal(inert(table), table)
    assert csv_text(table, digits=3).splitlines()[1] == "a.png,-1.5"


def test_the_given_table_is_not_changed() -> None:
    table = pd.DataFrame({"name": ["=1"]})
    inert(table)
    assert table["name"].tolist() == ["=1"]


def sources() -> list[Path]:
    found = [*(PROJECT / "core").rglob("*.py"), *(PROJECT / "pages").rglob("*.py")]
    return [path for path in found if path.name != "spreadsheets.py"]


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    nodes = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
    return [(node.func.attr, node) for node in nodes if isinstance(node.func, ast.Attribute)]


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_tables_leave_by_one_door(path: Path) -> None:
    """Also what pages show: every table there has a button that saves it as CSV."""
    for name, call in calls(path):
        assert name not in ("to_csv", "to_excel", "DictWriter"), f"line {call.lineno}: use csv_text"
        if name == "dataframe":
            given = call.args[0]
            is_inert = isinstance(given, ast.Call) and getattr(given.func, "id", "") == "inert"
            assert is_inert, f"line {call.lineno}: st.dataframe(inert(...))"
