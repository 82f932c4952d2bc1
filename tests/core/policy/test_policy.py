"""What the policy of a server allows, and to whom."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.config import TrainConfig
from core.data import library
from core.errors import UserError
from core.policy import permissions, policy
from core.policy.permissions import OWNER, STRANGER, Person, acting_as, allowed, know_visitors_by
from core.policy.policy import Policy, parsed
from core.runs import jobs
from core.system import workspace
from tests.builders import write_scenes

ADMIN, MEMBER = Person("Ada@example.org", "a"), Person("bob@example.org", "b")


@pytest.fixture
def closed(set_policy: Callable[[str], Path]) -> Iterator[Path]:
    """A public server, asked by a stranger."""
    know_visitors_by(lambda: STRANGER)
    yield set_policy('public = true\nadmins = ["ada@example.org"]\n')
    know_visitors_by(lambda: STRANGER)


def test_without_a_file_everything_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(policy.VARIABLE, raising=False)
    assert policy.current_policy() == Policy() and all(
        allowed(action, STRANGER) for action in permissions.ACTIONS
    )


def test_public_means_closed_to_strangers_and_open_to_those_who_run_it(closed: Path) -> None:
    assert not any(allowed(action) for action in permissions.ACTIONS)
    assert not any(allowed(action, MEMBER) for action in permissions.ACTIONS)
    assert all(allowed(action, ADMIN) for action in ("train", "add", "change", "machine"))


def test_a_setting_opens_one_thing_and_is_followed_at_once(closed: Path) -> None:
    closed.write_text('public = true\ntrain = "signed-in"\nadd = "everyone"\n')
    os.utime(closed, ns=(1, 1))
    assert (
        allowed("add") and not allowed("train") and allowed("train", MEMBER) and not allowed("change", MEMBER)
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour = 1", "colour"),
        ('train = "bob"', "everyone, signed-in"),
        ("keep_hours = -1", "keep_hours"),
        ('keep_hours = "2"', "keep_hours"),
        ("public = 1", "public"),
        ("admins = [1]", "admins"),
        ("x = = 1", "TOML"),
    ],
)
def test_a_mistake_in_the_file_closes_the_server_with_a_sentence(closed: Path, text: str, says: str) -> None:
    closed.write_text(text)
    with pytest.raises(UserError, match=says):
        policy.current_policy()


def test_a_file_that_is_named_and_absent_does_not_open_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(policy.VARIABLE, "/nowhere/studio.toml")
    with pytest.raises(UserError, match="does not exist"):
        policy.current_policy()


def test_the_former_name_of_the_variable_does_not_leave_a_server_open(
    monkeypatch: pytest.MonkeyPatch, closed: Path
) -> None:
    monkeypatch.setenv(policy.FORMER_VARIABLE, str(closed))
    with pytest.raises(UserError, match=policy.VARIABLE):
        policy.current_policy()


def test_the_example_for_a_public_server_is_valid() -> None:
    import tomllib

    text = (workspace.PROJECT / "deploy" / "studio.toml").read_text()
    assert parsed(tomllib.loads(text)).public


def test_a_training_is_stopped_by_who_started_it_or_by_an_admin(
    closed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    closed.write_text(
        'public = true\ntrain = "everyone"\nadmins = ["ada@example.org"]\ntrainings_at_once = 1\n'
    )
    monkeypatch.setattr(jobs, "_launch", lambda run, *_: run.set_status("queued", process=os.getpid()))
    with acting_as(OWNER):
        folder = write_scenes(library.new_folder("scenes"), 4)
    config = TrainConfig(data=str(folder))
    know_visitors_by(lambda: Person(mark="one"))
    run = jobs.start(config)
    with pytest.raises(UserError, match="as many as this server allows"):
        jobs.start(config)
    assert jobs.may_change(run)
    know_visitors_by(lambda: Person(mark="two"))
    with pytest.raises(UserError, match="Somebody else"):
        jobs.stop(run)
    know_visitors_by(lambda: ADMIN)
    assert jobs.may_change(run)
