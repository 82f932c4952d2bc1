"""The command `evaluate`."""

import json
from pathlib import Path
from typing import Any

import pytest

from core import cli


def test_evaluate_writes_the_report_and_says_which_is_better(
    saved_model: Path, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def call(*more: object) -> dict[str, Any]:
        words = ["evaluate", "--model", saved_model, "--data", small_data, "--json", *more]
        assert cli.main([str(word) for word in words]) == 0
        result: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        return result

    result = call("--split", "all", "--report", tmp_path / "r.html", "--csv", tmp_path / "r.csv")
    assert (
        result["images"] == 10
        and result["intervals"]["dice_mean"][0] <= result["dice_mean"] <= result["intervals"]["dice_mean"][1]
    )
    assert (tmp_path / "r.html").read_text("utf-8").startswith("<!doctype html>")
    assert len((tmp_path / "r.csv").read_text("utf-8").splitlines()) == 11
    same = call("--split", "all", "--against", saved_model)["against"]
    assert (same["better"], same["worse"]) == (0, 0) and "agree on all 10 images" in same["sentence"]
    off_grid = call("--split", "all", "--threshold", "0.4321")
    assert off_grid["threshold"] == 0.4321
    (tmp_path / "names.txt").write_text("03.jpg\n07.jpg\n")
    assert call("--names", tmp_path / "names.txt")["images"] == 2
