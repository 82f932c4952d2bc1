"""An export in a process of its own; its output is read as JSON, not by its words."""

import zipfile
from pathlib import Path

import pytest

from core.errors import UserError
from core.export import job
from core.export.job import report_of, run_export
from core.models.card import read_card
from core.models.importing import import_zip


def test_an_export_gives_the_zip(saved_model: Path, workspace: Path) -> None:
    *_, packed = run_export(saved_model, "small", ["smp"], None)
    assert isinstance(packed, Path) and report_of(packed)["files"]
    assert any(name.endswith("smp/config.json") for name in zipfile.ZipFile(packed).namelist())


def test_every_export_can_be_imported_again(saved_model: Path, workspace: Path) -> None:
    *_, packed = run_export(saved_model, "small", [], None)
    again = import_zip(Path(packed), "again")
    assert (again / "model.safetensors").read_bytes() == (saved_model / "model.safetensors").read_bytes()
    assert read_card(again).threshold == read_card(saved_model).threshold


def test_an_export_that_fails_raises_its_own_sentence(tmp_path: Path, workspace: Path) -> None:
    with pytest.raises(UserError, match="holds no model") as said:
        list(run_export(tmp_path, "small", ["smp"], None))
    assert not str(said.value).startswith("Error")


def test_only_what_is_marked_as_a_step_or_an_error_is_one(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = tmp_path / "command"
    command.write_text(
        "#!/bin/sh\necho 'A library says something.'\necho 'Error: of no account.'\n"
        """echo '{"step": "error: a step"}'\necho '{"error": "It does not fit."}'\nexit 1\n"""
    )
    command.chmod(0o755)
    monkeypatch.setattr(job.sys, "executable", str(command))
    steps = run_export(tmp_path, "small", ["smp"], None)
    assert next(steps) == "error: a step"
    with pytest.raises(UserError, match=r"^It does not fit\.$"):
        next(steps)
