"""The report of a comparison."""

import io
from pathlib import Path

import pandas as pd

from core.data.dataset import open_data
from core.evaluation import comparison
from core.evaluation.cache import Evaluation
from core.evaluation.report import comparison_report, report, scores_table


def test_a_report_needs_nothing_else_and_obeys_no_name(found: Evaluation, small_data: Path) -> None:
    data = open_data(small_data)
    page = report(found, data, "<script>alert(1)</script>", "all", 0.5)
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page
    assert "http" not in page.split("</script>")[-1].replace("http://www.w3.org", "")
    assert page.count('<div class="image">') == 10 and page.count('<img src="data:image/jpeg') == 40
    table = scores_table(found, 0.5).splitlines()
    assert table[0].startswith("image,dice,iou") and len(table) == 11
    elsewhere = pd.read_csv(io.StringIO(scores_table(found, 0.3)))
    assert (elsewhere["threshold"] == 0.3).all() and (elsewhere["edge_threshold"] == 0.5).all()
    assert "mean over images, threshold 0.5" in report(found, data, "model", "all", 0.3)
    board = comparison.compare({"a": found, "b": found}, {"a": 0.5, "b": 0.3})
    assert board.pairs[0].sentence("a", "b") in comparison_report(
        board, {"a": found, "b": found}, data, "all", {"a": 0.5, "b": 0.3}
    ).replace("&#x27;", "'")
