"""What can go wrong on a machine, made to happen: afterwards everything opens and says what was."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.data import demo, library, painting
from core.data.dataset import open_data
from core.data.importing.copying import import_data
from core.errors import UserError
from core.inference.predictor import Predictor
from core.models import importing, registry
from core.models.card import is_model
from core.models.factory import load_model
from core.policy.permissions import OWNER, acting_as
from core.runs import jobs, run_folder
from core.runs.run_folder import History, Run
from core.server import retention, status
from core.system import workspace
from core.training import worker
from tests.builders import tiny, trained, write_scenes

# --- kill -9 of the worker, at every kind of moment ---

MOMENTS = ["Note", "Started", "Preview", "Step", "EpochEnd", "Finished"]
FILES = ["model.safetensors", "config.json", "studio.json", "state.safetensors", "status.json", "metrics.csv"]


def work_and_be_killed(folder: Path, moment: str, after: int) -> None:
    """In a process of its own: it dies when it tells of the `after`-th such event, or has written a
    file of that name and not yet put it in its place."""
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
    # Not forked: autograd refuses to work in the fork of a process that has used it.
    child = multiprocessing.get_context("spawn").Process(
        target=work_and_be_killed, args=(run.folder, moment, after)
    )
    child.start()
    child.join(100)
    assert child.exitcode is not None, "the worker hangs"
    return child.exitcode == -signal.SIGKILL


@pytest.mark.parametrize(("moment", "after"), [*((m, 1) for m in MOMENTS), *((f, 2) for f in FILES)])
def test_a_worker_killed_at_any_moment_leaves_what_it_had_done(
    small_data: Path, moment: str, after: int
) -> None:
    run = run_folder.create(tiny(small_data, epochs=2))
    assert killed(run, moment, after)
    assert run.status().state == "died" and "killed" in run.status().message
    told = [e.epoch for e in History(run).refresh().epochs]
    for entry in registry.list_models():
        load_model(entry.folder)
    if run.can_resume:
        run.make_ready_to_resume()
        assert worker.work(run) == "finished"
        assert [e.epoch for e in History(run).refresh().epochs] == [0, 1, 2]
        load_model(run.best)
    else:
        assert max(told, default=0) <= 1  # nothing was complete yet, or nothing but the first epoch
    assert len(open_data(small_data).pairs) > 0


# --- files of which half is there ---


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    path.write_bytes({"half": content[: len(content) // 2], "empty": b"", "noise": b"\xff\x00{]" * 50}[how])


@pytest.mark.parametrize("how", ["half", "empty", "noise"])
def test_a_damaged_file_of_a_run_costs_that_file(small_data: Path, how: str) -> None:
    run = run_folder.create(tiny(small_data, epochs=1))
    for event in trained(run.config, run.folder):
        run.append(event)
    run.set_status("finished")
    other = run_folder.create(tiny(small_data, epochs=1))
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
    run = run_folder.create(tiny(small_data, epochs=1))
    events = trained(run.config, run.folder)
    for number, event in enumerate(events):
        run.append(event)
        with open(run.events_file, "ab") as file:
            file.write(BAD_LINES[number % len(BAD_LINES)] + b"\n")
    history = History(run).refresh()
    assert len(history.epochs) == 2 and history.finished is not None
    assert history.fraction_done == 1.0


# --- the folder goes away ---


def test_a_run_whose_folder_is_deleted_while_it_trains_ends_alone(small_data: Path) -> None:
    run, other = run_folder.create(tiny(small_data, epochs=50)), run_folder.create(tiny(small_data, epochs=1))
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


# --- disks that are full, and disks that cannot be written ---


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace on a disk of eight megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be made by root")
    monkeypatch.setenv("SEGMENTATION_STUDIO_WORKSPACE", str(place / "workspace"))
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def noise(side: int) -> bytes:
    import io

    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def test_on_a_full_disk_every_deed_is_a_sentence_and_nothing_is_lost(
    small_disk: Path, tmp_path: Path
) -> None:
    kept = write_scenes(library.new_folder("kept"), 4)
    before = {p: p.read_bytes() for p in kept.rglob("*") if p.is_file()}
    large = tmp_path / "large"
    (large / "images").mkdir(parents=True)
    (large / "masks").mkdir()
    for number in range(6):
        (large / "images" / f"{number}.png").write_bytes(noise(800))
        Image.fromarray(np.uint8([[0, 255] * 400] * 800)).save(large / "masks" / f"{number}.png")
    with pytest.raises(UserError, match=r"full|space|disk"):
        list(import_data(large, "large"))
    with pytest.raises(OSError), open(small_disk / "ballast", "wb", buffering=0) as ballast:
        while True:
            assert ballast.write(b"x" * 4096)
    deeds = {
        "paint": lambda: painting.start("x", [("a.png", noise(64))]),
        "save a mask": lambda: painting.save_mask(
            painting.photos_of(kept)[0], painting.saved_mask(painting.photos_of(kept)[0])
        ),
        "start a training": lambda: jobs.start(tiny(kept)),
        "import": lambda: importing.import_folder(registry.list_models()[0].folder, "x"),
    }
    for name, deed in deeds.items():
        with pytest.raises((UserError, OSError)) as failed:
            deed()
        assert isinstance(failed.value, UserError), f"{name}: {failed.value!r}"
    assert status.measure().problems
    (small_disk / "ballast").unlink()
    assert before == {p: p.read_bytes() for p in kept.rglob("*") if p.is_file()}
    assert [p.name for p in library.list_datasets()] == ["kept"]
    assert len(open_data(kept).pairs) == 4 and jobs.active() == []
    assert status.measure().problems == () or "GB of disk" in status.measure().problems[0]


def test_a_workspace_that_cannot_be_written_shows_what_is_there(small_disk: Path) -> None:
    kept = write_scenes(library.new_folder("kept"), 4)
    for made in (workspace.cache, workspace.runs, workspace.models):
        made()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    try:
        assert len(open_data(kept).pairs) == 4 and registry.list_models()
        with pytest.raises(UserError):
            jobs.start(tiny(kept))
        with pytest.raises(UserError):
            library.delete_dataset(kept)
        assert "cannot be written to" in status.measure().problems[0]
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)


# --- clocks ---


def test_a_worker_lives_on_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch, small_data: Path) -> None:
    run = run_folder.create(tiny(small_data))
    run.set_status("running", process=os.getpid())
    now = time.time()
    for jump in (-86_400, 86_400, 10 * 365 * 86_400):
        monkeypatch.setattr(time, "time", lambda jump=jump: now + jump)
        assert run.status().state == "running"
    monkeypatch.setattr(time, "time", lambda: now)
    run.set_status("starting", process=0)
    for jump in (-86_400, 86_400):  # a worker that never came up does not wait for a clock to come back
        monkeypatch.setattr(time, "time", lambda jump=jump: now + jump)
        assert run.status().state == "died"


def test_nothing_is_deleted_because_the_clock_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = retention.Clock()
    assert not clock.jumped_within(3600)
    wall, steady = time.time(), time.monotonic()
    monkeypatch.setattr(time, "time", lambda: wall + 365 * 86_400)
    assert clock.jumped_within(3600) and clock.jumped_within(3600)
    monkeypatch.setattr(time, "monotonic", lambda: steady + 3700)
    monkeypatch.setattr(time, "time", lambda: wall + 365 * 86_400 + 3700)
    assert not clock.jumped_within(3600)


# --- a GPU that is full ---


def test_a_gpu_that_is_full_takes_photos_one_by_one_and_then_says_so() -> None:
    predictor = Predictor(registry.list_models()[0].folder)
    real, most = predictor._model, 1

    def small_memory(images: torch.Tensor) -> torch.Tensor:
        if len(images) > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(images)

    photo = predictor.prepare(np.zeros((64, 64, 3), np.uint8))
    predictor._model = small_memory  # type: ignore[assignment]
    assert len(predictor.forward([photo, photo, photo])) == 3
    most = 0
    with pytest.raises(UserError, match="more memory than the GPU has"):
        predictor.forward([photo, photo])


# --- two servers, one workspace ---

TWO_AT_ONCE = """
import sys
from pathlib import Path
from core.data import demo
from core.evaluation import groups
root = Path(sys.argv[1])
for number in range(40):
    groups.put(root, f"group {sys.argv[2]}", [f"{sys.argv[2]}-{number}"])
list(demo.generate(pairs=6))
"""


def test_two_servers_on_one_workspace_lose_nothing_of_each_other(small_data: Path) -> None:
    command = [sys.executable, "-c", TWO_AT_ONCE, str(small_data)]
    both = [subprocess.Popen([*command, name], cwd=workspace.PROJECT) for name in "ab"]
    assert [process.wait(120) for process in both] == [0, 0]
    from core.evaluation import groups

    found = groups.read_groups(small_data)
    assert {name: len(names) for name, names in found.items()} == {"group a": 40, "group b": 40}
    assert len(open_data(demo.demo_folder()).pairs) == 6


def test_what_one_server_starts_the_other_sees_and_stops(small_data: Path) -> None:
    code = (
        "import sys; from core.runs import jobs; from core.config import TrainConfig; import json;"
        "print(jobs.start(TrainConfig.from_dict(json.loads(sys.argv[1]))).id)"
    )
    config = json.dumps(tiny(small_data, epochs=5000).to_dict())
    command = [sys.executable, "-c", code, config]
    done = subprocess.run(command, cwd=workspace.PROJECT, capture_output=True, text=True, check=True)
    run = run_folder.find(done.stdout.strip())  # the server that started it has ended
    assert run is not None and [r.id for r in jobs.active()] == [run.id]
    jobs.stop(run)
    assert run.status().state == "stopped"


def test_every_kind_of_event_was_tried(small_data: Path, tmp_path: Path) -> None:
    kinds = {type(event).__name__ for event in trained(tiny(small_data), tmp_path / "run")}
    assert kinds <= set(MOMENTS)
