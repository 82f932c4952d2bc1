"""Files and folders are there whole or not at all: after errors, after kill -9, and under long names."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from core.system.atomic import atomic_file, atomic_folder, part_folder, part_of


def test_a_file_takes_its_place_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with atomic_file(target) as part:
        part.write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new" and list(tmp_path.iterdir()) == [target]


def test_a_folder_takes_its_place_at_the_end_and_replaces_nothing(tmp_path: Path) -> None:
    target = tmp_path / "a"
    with atomic_folder(target) as part:
        (part / "inside").write_text("x")
        assert not target.exists()
    assert (target / "inside").read_text() == "x"
    with pytest.raises(OSError), atomic_folder(target) as part:
        (part / "other").write_text("y")
    assert [path.name for path in target.iterdir()] == ["inside"] and list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("make", [atomic_file, atomic_folder, part_folder])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_nothing_is_left_of_what_failed(tmp_path: Path, make: object, error: type[BaseException]) -> None:
    with pytest.raises(error), make(tmp_path / "a") as part:  # type: ignore[operator]
        (part / "inside" if part.is_dir() else part).write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_names_as_long_as_the_disk_takes_can_be_made_and_stay_apart(tmp_path: Path) -> None:
    names = ["ä" * 120 + "1.zip", "ä" * 120 + "2.zip", "b" * 255]
    assert len({part_of(tmp_path / name) for name in names}) == 3
    for name in names:
        with atomic_file(tmp_path / name) as part:
            part.write_text(name)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def _fill_and_die(target: Path) -> None:
    with atomic_folder(target) as part:
        (part / "half").write_text("x")
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_kill_leaves_no_half_folder_and_the_next_attempt_starts_empty(tmp_path: Path) -> None:
    target = tmp_path / "a"
    killed = multiprocessing.get_context("spawn").Process(target=_fill_and_die, args=(target,))
    killed.start()
    killed.join(60)
    assert killed.exitcode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".a.") and left.suffix == ".part"
    with atomic_folder(target) as part:
        assert list(part.iterdir()) == []
        (part / "whole").write_text("y")
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("make", [atomic_file, atomic_folder])
def test_two_that_make_the_same_thing_at_once_do_not_meet(tmp_path: Path, make: object) -> None:
    target = tmp_path / "a"
    with make(target) as one:  # type: ignore[operator]
        (one / "inside" if one.is_dir() else one).write_text("first")
        with pytest.raises(KeyError), make(target) as other:  # type: ignore[operator]
            (other / "inside" if other.is_dir() else other).write_text("second")
            raise KeyError
    made = target / "inside" if target.is_dir() else target
    assert made.read_text() == "first" and list(tmp_path.iterdir()) == [target]


def test_the_part_of_another_machine_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / ".a.00000000-99999999-1.part"
    other.mkdir()
    with atomic_folder(tmp_path / "a"):
        pass
    assert other.is_dir()
