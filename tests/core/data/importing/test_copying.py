"""From a plan to a folder: whole or not at all, under names that every disk takes."""

from pathlib import Path

import pytest

from core.data.dataset import open_data
from core.data.importing.copying import import_data
from core.errors import UserError
from core.system import workspace as places
from tests.core.archives import mask, photo, scene, zipped
from tests.core.data.importing.imports import imported, labels_of, nothing_left


def test_names_in_any_script_and_form_find_their_partners() -> None:
    files = {"images/caf\u00e9.jpg": photo(0), "masks/cafe\u0301.png": mask(0)}  # one letter, or two
    files |= {"images/写真 1.jpg": photo(1), "masks/写真 1.png": mask(1)}
    assert sorted(pair.name for pair in imported(zipped(files)).pairs) == ["caf\u00e9.jpg", "写真 1.jpg"]


def test_names_that_differ_in_capitals_alone_do_not_overwrite_each_other() -> None:
    files = {
        "x/images/A.jpg": photo(0),
        "x/masks/A.png": mask(0),
        "y/images/a.jpg": photo(1),
        "y/masks/a.png": mask(1),
    }
    data = imported(zipped(files))
    assert len({pair.name.casefold() for pair in data.pairs}) == 2
    found = sorted(labels_of(data, pair.name).sum() for pair in data.pairs)
    assert found == sorted([scene(0)[1].sum(), scene(1)[1].sum()])


def test_a_name_is_not_taken_twice(small_data: Path) -> None:
    imported(small_data)
    with pytest.raises(UserError, match="already"):
        imported(small_data)
    assert len(open_data(places.datasets() / "mine").pairs) == 10


@pytest.mark.parametrize("name", ["", "///", "..", "  "])
def test_a_name_that_is_none_is_refused(small_data: Path, name: str) -> None:
    with pytest.raises(UserError):
        imported(small_data, name)


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a/b"])
def test_a_name_cannot_leave_the_workspace(small_data: Path, name: str) -> None:
    assert imported(small_data, name).root.parent == places.datasets()


def test_a_full_disk_leaves_nothing(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match="No space left on device: free some space"):
        imported(small_data)
    assert nothing_left()


def test_an_import_that_is_given_up_leaves_nothing(small_data: Path) -> None:
    work = import_data(small_data, "mine")
    next(work)
    work.close()  # type: ignore[attr-defined]
    assert nothing_left()


def test_of_two_imports_of_one_name_at_once_the_first_is_whole_and_the_second_says_so(
    small_data: Path,
) -> None:
    one, other = import_data(small_data, "mine"), import_data(small_data, "mine")
    next(one), next(other)
    list(one)
    with pytest.raises(UserError, match="There is a data set 'mine' already"):
        list(other)
    assert len(open_data(places.datasets() / "mine").pairs) == 10
    assert [path.name for path in places.datasets().iterdir()] == ["mine"]


def test_one_pair_is_no_data_set_and_the_reason_is_that_of_the_others() -> None:
    files = {f"images/{i}.jpg": photo(i) for i in range(3)} | {f"masks/{i}.png": mask(i) for i in range(3)}
    files |= {"images/1.jpg": b"", "images/2.jpg": b""}
    with pytest.raises(UserError, match=r"^Only one pair could be read; at least two are needed\. .*1\.jpg"):
        imported(zipped(files))
    assert nothing_left()
