"""Nobody has rights by default: who asks is said by whoever makes the call, and else it is a stranger."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.cli import main
from core.config import TrainConfig
from core.errors import UserError
from core.models.card import read_card, update_card
from core.policy.ownership import sign
from core.policy.permissions import (
    ACTIONS,
    OWNER,
    STRANGER,
    Person,
    acting_as,
    allowed,
    later,
    needs,
    require,
)
from core.runs import jobs, run_folder
from core.server import retention
from core.server.middleware import lifespan
from tests.builders import write_scenes


@pytest.fixture(autouse=True)
def stops_trainings(public: Path) -> None:
    public.write_text("public = true\nstop_trainings_at_exit = true\n")


def in_a_thread(work: Callable[[], object]) -> object:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_outside_of_a_page_every_action_is_refused() -> None:
    for action in ACTIONS:
        with pytest.raises(UserError, match=r"may .* here\."):
            require(action)


def test_acting_as_the_owner_ends_with_its_block_and_reaches_no_other_thread() -> None:
    with acting_as(OWNER):
        assert allowed("machine")
        assert not in_a_thread(lambda: allowed("machine"))
        with acting_as(STRANGER):
            assert not allowed("machine")
    assert not allowed("machine")


def test_what_is_made_later_in_another_thread_is_made_on_behalf_of_who_asked_for_it() -> None:
    with acting_as(OWNER):
        work = later(lambda: allowed("train"))
    assert in_a_thread(work) and not allowed("train")
    strangers = later(lambda: allowed("train"))
    with acting_as(OWNER):
        assert not strangers()


def test_a_failure_within_leaves_nobody_with_the_owners_rights() -> None:
    with pytest.raises(ValueError, match="x"), acting_as(OWNER):
        raise ValueError("x")
    assert not allowed("change")


def test_a_generator_is_refused_when_it_is_called_not_when_it_is_read() -> None:
    @needs("train")
    def work() -> Iterator[int]:
        yield 1

    with pytest.raises(UserError):
        work()
    with acting_as(OWNER):
        assert list(work()) == [1]


def test_rules_that_cannot_be_read_open_nothing(public: Path) -> None:
    public.write_text("public = maybe")
    with pytest.raises(UserError):
        require("change")


def test_the_command_line_acts_as_the_owner(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_scenes(tmp_path / "scenes", 4)
    target = tmp_path / "out.zip"
    assert main(["data", "export", str(tmp_path / "scenes"), str(target)]) == 0
    assert target.is_file() and not allowed("train")


def test_a_stranger_cannot_change_a_models_threshold(saved_model: Path) -> None:
    before = read_card(saved_model).threshold
    with pytest.raises(UserError, match="change or delete"):
        update_card(saved_model, threshold=0.9)
    assert read_card(saved_model).threshold == before


@pytest.fixture
def run(tmp_path: Path) -> Iterator[run_folder.Run]:
    """What somebody has started; its worker is deaf."""
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    made = run_folder.create(TrainConfig(data=str(tmp_path)))
    made.set_status("queued", process=worker.pid)
    with acting_as(Person(mark="one")):
        sign(made.folder)
    yield made
    worker.kill()
    worker.wait()


def test_the_shutdown_stops_trainings_whoever_started_them(
    run: run_folder.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "STOP_SECONDS", 0.1)

    async def serve() -> None:
        async with lifespan(None):
            pass

    asyncio.run(serve())
    assert run.stop_file.exists() and run.status().state == "stopped"


def test_a_stranger_resumes_nobody_elses_training(public: Path, run: run_folder.Run) -> None:
    public.write_text('public = true\ntrain = "everyone"\n')
    with acting_as(Person(mark="two")), pytest.raises(UserError, match="Somebody else"):
        jobs.resume(run)


def test_retention_asks_as_the_owner(public: Path, workspace: Path) -> None:
    with pytest.raises(UserError):
        retention.clean(1)
    with acting_as(OWNER):
        assert retention.clean(1) == []
