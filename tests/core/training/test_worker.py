"""What a training says when the machine lets it down: only what is possible then."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.config import TrainConfig
from core.errors import UserError
from core.runs import run_folder
from core.runs.run_folder import STATE_FILE, Run
from core.training import worker
from tests.builders import small_disk_at


def fails(run: Run, monkeypatch: pytest.MonkeyPatch) -> str:
    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(worker, "_train", full)
    with pytest.raises(UserError) as said:
        worker.work(run)
    assert run.status().state == "failed" and run.status().message == str(said.value)
    return str(said.value)


def test_a_disk_that_fills_in_the_first_epoch_does_not_promise_to_resume(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_folder.create(TrainConfig("data"))
    sentence = fails(run, monkeypatch)
    assert not run.can_resume and "resume" not in sentence
    assert "free some space on the disk. Nothing was saved yet: start the training again" in sentence


def test_a_disk_that_fills_later_does(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_folder.create(TrainConfig("data"))
    (run.folder / STATE_FILE).write_bytes(b"")
    assert "resume the run" in fails(run, monkeypatch) and run.can_resume


@pytest.fixture
def small_disk(tmp_path: Path, workspace: Path) -> Iterator[Path]:
    yield from small_disk_at(tmp_path / "disk", 1)


def test_the_last_word_is_written_on_a_full_disk_too(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_folder.create(TrainConfig("data"))

    def fill_up(*_: object) -> str:
        with open(small_disk / "ballast", "wb", buffering=0) as ballast:
            while True:
                assert ballast.write(b"x" * 4096)

    monkeypatch.setattr(worker, "_train", fill_up)
    with pytest.raises(UserError, match="No space left on device"):
        worker.work(run)
    assert run.status().state == "failed" and "No space left" in run.status().message
