"""Who may start, resume and stop a search."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.data.dataset import open_data
from core.errors import UserError
from core.policy import permissions
from core.policy.ownership import signature
from core.policy.permissions import OWNER, Person, acting_as
from core.runs import jobs as run_jobs
from core.runs import run_folder
from core.search import clock, jobs, search_folder
from core.search.search_folder import Plan
from tests.builders import tiny, write_scenes
from tests.core.search.fakes import Fake, conduct

VISITOR = Person("ann@example.org", "ann's mark")


@pytest.fixture(autouse=True)
def without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_jobs, "_launch", lambda *_: None)
    monkeypatch.setattr(clock, "POLL_SECONDS", 0.0)


@pytest.fixture
def data(workspace: Path) -> Path:
    return write_scenes(workspace / "datasets" / "scenes", 12)


def test_a_search_counts_as_one_training(data: Path, set_policy: Callable[[str], Path]) -> None:
    set_policy("trainings_at_once = 1\n")
    with acting_as(OWNER):
        search = jobs.start(tiny(data), Plan(60))
        search.run.set_status("running", process=os.getpid())
        with pytest.raises(UserError, match="as many as this server allows"):
            jobs.start(tiny(data), Plan(60))
        assert [found.id for found in search_folder.list_searches()] == [search.id]  # nothing is left


def test_a_visitor_who_may_train_but_not_change_needs_a_test_set(
    data: Path, set_policy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_policy('train = "signed-in"\nchange = "admins"\n')
    monkeypatch.setattr(permissions, "_ask", lambda: VISITOR)
    with pytest.raises(UserError, match="may change or delete what is here"):
        jobs.start(tiny(data), Plan(60))
    assert not open_data(data).split.test and not search_folder.list_searches()
    assert jobs.start(tiny(data), Plan(0, grid={"loss": ["bce", "dice"]}))  # a sweep has no test


def test_the_trainings_of_a_search_belong_to_whoever_started_it(
    data: Path, set_policy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_policy("keep_hours = 24\n")
    monkeypatch.setattr(permissions, "_ask", lambda: VISITOR)
    search = jobs.start(tiny(data), Plan(60, trials=1))
    conduct(search, Fake())
    signed = [signature(run.folder) for run in run_folder.list_runs()]
    assert len(signed) == 2 and all(s.mark == VISITOR.mark and s.is_visitors for s in signed)


@pytest.mark.parametrize(
    ("text", "plan", "said"),
    [
        ("", Plan(0.5), "takes 2 to 10080 minutes, not 0.5"),
        ("training_minutes = 30\n", Plan(60), "may take 30 minutes"),
        ("", Plan(0, grid={"loss": ["bce"]}), "this one has 1"),
    ],
)
def test_a_search_that_cannot_be_carried_out_is_refused(
    data: Path, set_policy: Callable[[str], Path], text: str, plan: Plan, said: str
) -> None:
    set_policy(text)
    with acting_as(OWNER), pytest.raises(UserError, match=said):
        jobs.start(tiny(data), plan)
    assert not search_folder.list_searches()


def test_a_search_that_runs_or_is_done_is_not_resumed(data: Path) -> None:
    with acting_as(OWNER):
        search = jobs.start(tiny(data), Plan(60, trials=1))
        search.run.set_status("running", process=os.getpid())
        with pytest.raises(UserError, match="running or done"):
            jobs.resume(search)
        search.run.set_status("stopped")
        jobs.resume(search)
        conduct(search, Fake())
        with pytest.raises(UserError, match="running or done"):
            jobs.resume(search)
