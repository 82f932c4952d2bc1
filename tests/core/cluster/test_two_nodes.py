"""Work on a real cluster: two nodes of one core each on this machine, of which one is killed."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-cluster.txt")

from core import cli  # noqa: E402
from core.cluster.connection import Demand, connected  # noqa: E402
from core.cluster.mailbox import Mailbox  # noqa: E402
from core.cluster.packing import pack  # noqa: E402
from core.cluster.prediction import Photo, Work, WorkerPool  # noqa: E402
from core.cluster.search import backend, score_here  # noqa: E402
from core.cluster.training import Place  # noqa: E402
from core.cutout_settings import CutOutSettings  # noqa: E402
from core.data.dataset import open_data  # noqa: E402
from core.policy.permissions import OWNER, acting_as  # noqa: E402
from core.runs import jobs as run_jobs  # noqa: E402
from core.runs import run_folder  # noqa: E402
from core.runs.history import History  # noqa: E402
from core.runs.run_folder import STATE_FILE  # noqa: E402
from core.search import jobs  # noqa: E402
from core.search.board import TrialState  # noqa: E402
from core.search.search_folder import Plan  # noqa: E402
from tests.builders import tiny  # noqa: E402
from tests.core.search.fakes import prepared  # noqa: E402
from tests.limits import seconds  # noqa: E402

pytestmark = pytest.mark.timeout(900)


class TwoNodes:
    """The first is the one of this process; `kill` ends the second, with all that it does, at once."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self.cluster: Any = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
        )
        self.second: Any = self.cluster.add_node(num_cpus=1)

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def kill(self) -> None:
        raylets = [psutil.Process(started.process.pid) for started in self.second.all_processes["raylet"]]
        workers = [worker for raylet in raylets for worker in raylet.children(recursive=True)]
        self.cluster.remove_node(self.second, allow_graceful=False)
        for worker in workers:  # they outlive their raylet for a while
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
        self.second = None

    def restore(self) -> None:
        self.second = self.second or self.cluster.add_node(num_cpus=1)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    before = dict(os.environ)
    here = str(tmp_path_factory.mktemp("nodes"))
    # Ray's own folder has sockets, whose names must be short; what workers leave goes elsewhere.
    os.environ.update(RAY_worker_niceness="0", RAY_USAGE_STATS_ENABLED="0", RAY_TMPDIR="/tmp", TMPDIR=here)
    nodes = TwoNodes()
    session = nodes.cluster.head_node.get_session_dir_path()
    yield nodes
    nodes.cluster.shutdown()
    shutil.rmtree(session, ignore_errors=True)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def nodes(started: TwoNodes) -> TwoNodes:
    started.restore()
    return started


@pytest.fixture(autouse=True)
def no_workers_left() -> Iterator[None]:
    yield
    for run in run_jobs.active():
        os.kill(run.status().process, signal.SIGKILL)


def wait_for(true: Callable[[], object], what: str) -> None:
    until = time.monotonic() + seconds(90)
    while not true():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def test_a_node_that_is_killed_in_the_middle_of_a_prediction_loses_no_photo(
    nodes: TwoNodes, small_data: Path, saved_model: Path
) -> None:
    files = sorted((small_data / "images").iterdir())
    photos = [Photo(i, files[i % len(files)], f"{i}.jpg") for i in range(40)]
    with acting_as(OWNER), connected(nodes.address):
        pool = WorkerPool(Work(saved_model, ("mask",), CutOutSettings(), "cpu"), Demand())
        pool.warm_up(photos)
        found, killed = [], False
        for result in pool.results(photos):
            found.append(result)
            if not killed and all(member.busy for member in pool.members):
                nodes.kill()
                killed = True
    assert killed and sorted(result.photo.number for result in found) == list(range(40))
    assert all(result.files["mask"] and not result.error for result in found)
    assert len([member for member in pool.members if member.reads]) == 1  # the other is gone


def test_predict_names_what_failed_and_a_second_run_passes_over_what_is_there(
    nodes: TwoNodes, small_data: Path, saved_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = small_data / "images", tmp_path / "out"
    (photos / "damaged.jpg").write_bytes(b"no photo")
    command = ["predict", str(photos), "--model", str(saved_model), "--out", str(out), "--save", "mask",
               "--ray", nodes.address, "--resume", "--device", "cpu"]  # fmt: skip
    assert cli.main(command) == 1
    assert "Skipped: damaged.jpg" in capsys.readouterr().err
    alone = tmp_path / "alone"
    one = ["predict", str(photos / "00.jpg"), "--model", str(saved_model), "--out", str(alone),
           "--save", "mask", "--device", "cpu"]  # fmt: skip
    assert cli.main(one) == 0
    masks = [np.asarray(Image.open(folder / "00_mask.png")) for folder in (out, alone)]
    assert np.array_equal(*masks)
    (photos / "damaged.jpg").unlink()
    assert len(list(out.iterdir())) == 10
    assert cli.main([*command, "--json"]) == 0
    assert '"written": [], "failed": {}, "passed_over": 10' in capsys.readouterr().out


def test_a_node_that_is_killed_in_the_middle_of_a_search_loses_nothing_but_the_running_epoch(
    nodes: TwoNodes, small_data: Path
) -> None:
    settings = tiny(small_data, epochs=12, loggers="csv").to_dict()
    settings.pop("data")
    search = prepared(small_data, Plan(0, grid={"loss": ["bce", "dice"]}), **settings)
    runs: list[run_folder.Run] = []

    def kill_once_both_train() -> None:
        wait_for(lambda: len(found := run_folder.list_runs()) == 2
                 and all((run.folder / STATE_FILE).is_file() for run in found), "two trainings")  # fmt: skip
        runs.extend(run_folder.list_runs())
        nodes.kill()

    with acting_as(OWNER), connected(nodes.address):
        place = replace(backend(Place(nodes.address)), score=lambda run, names: 0.5)
        killing = _in_a_thread(kill_once_both_train)
        assert jobs.work(search, backend=place) == "finished"
        killing.result(1)
    assert [row.state for row in search.board.rows] == [TrialState.COMPLETE] * 2
    assert len(run_folder.list_runs()) == 2
    histories = [History(run).refresh() for run in runs]
    for history in histories:
        assert [e.epoch for e in history.epochs] == list(range(13))
    said = [note.text for history in histories for note in history.notes]
    assert len([text for text in said if text.startswith("A worker was lost")]) == 1
    assert len([text for text in said if text.startswith("Resuming after epoch")]) == 1
    assert all(
        (run.best / "config.json").is_file() and (run.folder / "metrics.csv").is_file() for run in runs
    )


def _in_a_thread(work: Callable[[], None]) -> "Any":
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(1).submit(work)


def test_a_model_is_scored_on_a_node_with_a_data_set_that_was_sent(
    nodes: TwoNodes, small_data: Path, saved_model: Path
) -> None:
    from core.search.scoring import dice_of

    names = list(open_data(small_data).split.validation)
    alone = dice_of(saved_model, small_data, names)
    with acting_as(OWNER), connected(nodes.address):
        task = ray.remote(score_here).options(num_cpus=1)
        packed = pack(small_data)
        assert ray.get(task.remote(pack(saved_model), "/nowhere", packed, names)) == pytest.approx(alone)
        assert "has no folder /nowhere" in ray.get(task.remote(pack(saved_model), "/nowhere", None, names))
    assert Mailbox().take() == []
