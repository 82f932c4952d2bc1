"""A worker that is killed, at any moment, and runs whose files are damaged or deleted."""

import os
import shutil
import signal
from pathlib import Path

import pytest
import torch

from core.data.dataset import open_data
from core.errors import UserError
from core.models import registry
from core.models.card import is_model
from core.models.factory import load_model
from core.policy.permissions import OWNER, acting_as
from core.runs import jobs, run_folder
from core.runs.history import History
from core.runs.run_folder import Run
from core.training import worker
from tests.builders import slim, trained
from tests.processes import fork_server

MOMENTS = ["Note", "Started", "Preview", "Step", "EpochEnd", "Finished"]


FILES = ["model.safetensors", "config.json", "studio.json", "state.safetensors", "status.json", "metrics.csv"]


def work_and_be_killed(workspace: str, folder: Path, moment: str, after: int) -> None:
    """In a process of its own: it dies when it tells of the `after`-th such event, or has written a
    file of that name and not yet put it in its place."""
    os.environ["SEGMENTATION_STUDIO_WORKSPACE"] = workspace
    left = after

    def die_at(what: str) -> None:
        nonlocal left
        left -= what == moment
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    replace = Path.replace

    def replace_or_die(path: Path, target: Path) -> Path:
        die_at(Path(target).name)
        return replace(path, target)

    Path.replace = replace_or_die  # type: ignore[method-assign, assignment]
    torch.set_num_threads(1)
    with acting_as(OWNER):
        worker.work(Run(folder), lambda event: die_at(type(event).__name__))


def killed(run: Run, moment: str, after: int) -> bool:
    """Whether the worker got so far as to be killed."""
    workspace = os.environ["SEGMENTATION_STUDIO_WORKSPACE"]
    child = fork_server().Process(target=work_and_be_killed, args=(workspace, run.folder, moment, after))
    child.start()
    child.join(100)
    assert child.exitcode is not None, "the worker hangs"
    return child.exitcode == -signal.SIGKILL


@pytest.mark.parametrize(("moment", "after"), [*((m, 1) for m in MOMENTS), *((f, 2) for f in FILES)])
def test_a_worker_killed_at_any_moment_leaves_what_it_had_done(
    small_data: Path, moment: str, after: int
) -> None:
    run = run_folder.create(slim(small_data, epochs=2))
    assert killed(run, moment, after)
    assert run.status().state == "died" and "killed" in run.status().message
    epochs = [e.epoch for e in History(run).refresh().epochs]
    for entry in registry.list_models():
        load_model(entry.folder)
    if run.can_resume:
        run.make_ready_to_resume()
        assert worker.work(run) == "finished"
        assert [e.epoch for e in History(run).refresh().epochs] == [0, 1, 2]
        load_model(run.best)
    else:
        assert max(epochs, default=0) <= 1  # nothing was complete yet, or nothing but the first epoch
    assert len(open_data(small_data).pairs) > 0


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    path.write_bytes({"half": content[: len(content) // 2], "empty": b"", "noise": b"\xff\x00{]" * 50}[how])


@pytest.mark.parametrize("how", ["half", "empty", "noise"])
def test_a_damaged_file_of_a_run_costs_that_file(small_data: Path, how: str) -> None:
    run = run_folder.create(slim(small_data, epochs=1))
    for event in trained(run.config, run.folder):
        run.append(event)
    run.set_status("finished")
    other = run_folder.create(slim(small_data, epochs=1))
    other.set_status("stopped")
    whole = {p: p.read_bytes() for p in run.folder.rglob("*") if p.is_file()}
    for path, content in whole.items():
        damage(path, how)
        assert {r.id for r in run_folder.list_runs()} == {run.id, other.id}
        run.status(), run.log, run.provenance, run.can_resume, History(run).refresh(), jobs.active()
        assert any(entry.ships for entry in registry.list_models())
        if is_model(run.best):
            try:
                load_model(run.best)
            except UserError as error:
                assert str(run.best) in str(error)
        path.write_bytes(content)
    load_model(run.best)


BAD_LINES = [b"\xff\xfe\x00", b'{"event": "step"}', b"[" * 100_000, b"null", b'{"event": []}']


def test_events_that_are_damaged_in_the_middle_lose_those_lines_alone(small_data: Path) -> None:
    run = run_folder.create(slim(small_data, epochs=1))
    events = trained(run.config, run.folder)
    for number, event in enumerate(events):
        run.append(event)
        with open(run.events_file, "ab") as file:
            file.write(BAD_LINES[number % len(BAD_LINES)] + b"\n")
    history = History(run).refresh()
    assert len(history.epochs) == 2 and history.finished is not None
    assert history.fraction_done == 1.0


def test_a_run_whose_folder_is_deleted_while_it_trains_ends_alone(small_data: Path) -> None:
    run, other = run_folder.create(slim(small_data, epochs=50)), run_folder.create(slim(small_data, epochs=1))
    other.set_status("stopped")
    epochs = 0

    def delete(event: object) -> None:
        nonlocal epochs
        epochs += type(event).__name__ == "EpochEnd"
        if epochs == 2:
            shutil.rmtree(run.folder, ignore_errors=True)

    with pytest.raises(UserError):
        worker.work(run, delete)
    assert [r.id for r in run_folder.list_runs()] == [other.id] and jobs.active() == []


def test_every_kind_of_event_was_tried(small_data: Path, tmp_path: Path) -> None:
    kinds = {type(event).__name__ for event in trained(slim(small_data), tmp_path / "run")}
    assert kinds <= set(MOMENTS)
