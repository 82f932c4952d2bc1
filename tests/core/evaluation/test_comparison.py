"""Models beside each other, whatever they are called, and edges at the threshold that was asked for."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.dataset import open_data
from core.evaluation import comparison
from core.evaluation.cache import Evaluation, already, evaluate
from core.evaluation.candidates import nothing, of_folder
from core.evaluation.report import comparison_report, comparison_table
from core.task import Task

Make = Callable[[float], Evaluation]


@pytest.fixture
def at(saved_model: Path, small_data: Path) -> Make:
    def made(threshold: float) -> Evaluation:
        steps = evaluate(of_folder(saved_model, threshold=threshold), open_data(small_data), "all")
        return next(step for step in steps if isinstance(step, Evaluation))

    return made


@pytest.mark.parametrize(
    "labels", [("name", "image"), ("spread", "name"), ("Ground truth", "spread"), ("index", "0")]
)
def test_a_model_may_have_any_name(labels: tuple[str, str], at: Make, small_data: Path) -> None:
    data = open_data(small_data)
    none = next(s for s in evaluate(nothing(Task()), data, "all") if isinstance(s, Evaluation))
    found, levels = dict(zip(labels, (at(0.5), none), strict=True)), dict.fromkeys(labels, 0.5)
    board = comparison.compare(found, levels)
    dice = [each.judged(0.5).set_index("name")["dice"] for each in found.values()]
    assert [mean.mean for mean in board.means] == pytest.approx([d.mean() for d in dice])
    table = pd.read_csv(io.StringIO(comparison_table(board))).set_index("image")
    for label, expected in zip(labels, dice, strict=True):
        assert np.allclose(table[f"Dice of {label}"].sort_index(), expected.sort_index(), atol=1e-5)
    assert np.allclose(table["spread"].sort_index(), (dice[0] - dice[1]).abs().sort_index(), atol=1e-5)
    page = comparison_report(board, found, data, "all", levels)
    assert page.count("<figcaption>Ground truth</figcaption>") == len(board.dice)


@given(st.lists(st.sampled_from(["a", "a (2)", "a (3)", "a (2) (2)", "b"]), max_size=9))
def test_labels_are_unique_and_none_is_lost(labels: list[str]) -> None:
    unique = comparison.unique_labels(labels)
    assert len(set(unique)) == len(labels)
    assert all(given.startswith(label) for given, label in zip(unique, labels, strict=True))
    for label in set(labels):
        assert unique[labels.index(label)] == label or label in unique


def test_edges_are_measured_at_the_threshold_that_is_asked_for(
    at: Make, saved_model: Path, small_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = at(0.5)
    low = float(np.round(np.median([first.kept(n).mean() for n in first.table["name"]]) / 255, 1))
    asked = low - 0.1 if low > 0.2 else low + 0.1
    after = at(asked)
    assert after.threshold == pytest.approx(asked) and after.folder != first.folder
    monkeypatch.setenv("SEGMENTATION_STUDIO_WORKSPACE", str(tmp_path / "fresh"))
    fresh = at(asked)
    pd.testing.assert_frame_equal(after.table, fresh.table)
    assert already(of_folder(saved_model, threshold=0.3), open_data(small_data), "all") is None


def test_settings_that_differ_and_the_front() -> None:
    assert comparison.differing([{"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}]) == ["b", "c"]
    assert comparison.on_the_front([0.9, 0.8, 0.95], [10, 20, 30]) == [True, False, True]
    assert comparison.unique_labels(["a", "b", "a"]) == ["a", "b", "a (2)"]
