"""Class indices: the rare ones that a sample misses, and those that are chosen."""

from pathlib import Path

import numpy as np
import pytest

from core.cli import main
from core.data import painting
from core.data.dataset import open_data
from core.data.importing.recognition import NoMasksError, recognise
from core.data.importing.sources import open_source
from core.errors import UserError
from core.system import workspace
from core.task import IGNORE
from tests.core.archives import picture, zipped
from tests.core.data.importing.class_masks import (
    COUNT,
    RARE,
    columns,
    files,
    ids,
    imported_classes,
    indexed,
    names,
)


@pytest.mark.parametrize("listed", [b"background\ncat\n", b"background\ncat\ndog\n"])
def test_a_rare_class_index_is_a_class_and_no_void(listed: bytes) -> None:
    masks = [ids(0, 1, 2)] * COUNT
    masks[RARE] = ids(0, 3)
    result = imported_classes(files(masks) | {"classes.txt": listed})
    assert names(result.data, RARE) == ["background", "class 3"]
    assert "The value 3 is in 1 mask, first in masks/001.png" in result.notes[0]


@pytest.mark.parametrize(("count", "is_sample"), [(4, False), (COUNT, True)])
def test_a_plan_says_where_its_classes_are_those_of_a_sample(count: int, is_sample: bool) -> None:
    content = files([ids(0, 1, 2)] * count) | {"classes.txt": b"background\ncat\ndog\n"}
    plan = recognise(open_source(zipped(content)))[0]
    assert ("the import reads them all" in plan.summary) == is_sample


def test_a_rare_void_is_void_and_no_class() -> None:
    masks = [ids(0, 1, 2)] * COUNT
    masks[RARE] = ids(0, 2, 255)
    result = imported_classes(files(masks) | {"classes.txt": b"background\ncat\ndog\n"})
    assert names(result.data, RARE) == ["background", "dog", ""]


FOUR = b"background\ncat\ndog\nhorse\n"


def test_chosen_class_indices_are_kept_and_the_others_are_background() -> None:
    content = files([ids(0, 1, 2, 3)] * 4) | {"classes.txt": FOUR}
    data = imported_classes(content, ("background", "cat"), False).data
    assert data.encoding.task.classes == ("background", "cat") and columns(data, 0) == [0, 1, 0]


def test_chosen_class_indices_without_a_background_ignore_the_others() -> None:
    content = files([ids(0, 1, 2, 3)] * 4) | {"classes.txt": FOUR}
    data = imported_classes(content, ("dog", "cat"), False).data
    assert data.encoding.task.classes == ("cat", "dog") and columns(data, 0) == [IGNORE, 0, 1, IGNORE]


@pytest.mark.parametrize("chosen", [(), ("background", "cat", "dog", "horse"), ("cat", "dog", "horse")])
def test_classes_as_one_foreground_leave_the_background_out(chosen: tuple[str, ...]) -> None:
    content = files([ids(0, 1, 2, 3)] * 4) | {"classes.txt": FOUR}
    data = imported_classes(content, chosen, True).data
    assert data.encoding.task.kind == "binary" and columns(data, 0) == [0, 1]


def test_a_pascal_voc_set_as_one_foreground_has_one_and_keeps_its_void() -> None:
    content = {f"VOC/JPEGImages/{i}.jpg": picture(np.zeros((24, 24, 3), np.uint8), "JPEG") for i in range(3)}
    content |= {f"VOC/SegmentationClass/{i}.png": picture(ids(0, 15, 15, 255)) for i in range(3)}
    data = imported_classes(content, (), True).data
    assert data.encoding.task.kind == "binary" and columns(data, 0) == [0, 1, IGNORE]


def test_classes_of_an_own_data_set_can_be_chosen_when_it_is_imported_again() -> None:
    task = b'{"kind": "multiclass", "classes": ["sky", "cat", "dog"], "values": [0, 4, 9]}'
    about = b'{"mask_rule": {"task": ' + task + b"}}"
    content = files([ids(0, 4, 9)] * 4) | {"dataset.json": about}
    assert columns(imported_classes(content, ("cat",), True).data, 0) == [0, 1, 0]


BLACK, GREY, RED = (0, 0, 0), (128, 128, 128), (200, 0, 0)


def cut_palettes(count: int) -> dict[str, bytes]:
    """Index masks whose palettes hold only what each file uses: all but one show black and grey."""
    content = files([ids(0, 1)] * count) | {"classes.txt": b"background\ncat\ndog\n"}
    content |= {f"masks/{i:03d}.png": indexed(ids(0, 1), [BLACK, GREY]) for i in range(count)}
    return content | {f"masks/{RARE:03d}.png": indexed(ids(0, 1, 2), [BLACK, GREY, RED])}


@pytest.mark.parametrize("count", [4, COUNT])
def test_palettes_that_look_grey_in_most_files_are_indices_where_one_file_says_so(count: int) -> None:
    result = imported_classes(cut_palettes(count))
    assert result.data.encoding.task.classes == ("background", "cat", "dog")
    assert result.data.encoding.palette == "index"
    assert names(result.data, 0) == ["background", "cat"]
    assert names(result.data, RARE) == ["background", "cat", "dog"]
    assert "128" not in "".join(result.notes)


@pytest.mark.parametrize("as_one", [False, True])
def test_chosen_classes_of_palettes_that_look_grey_are_read_by_the_whole_set(as_one: bool) -> None:
    data = imported_classes(cut_palettes(4), ("background", "cat"), as_one).data
    assert data.encoding.palette == "index"
    assert columns(data, 0) == [0, 1] and columns(data, RARE) == [0, 1, 0]


def test_a_chosen_class_that_the_whole_set_does_not_hold_is_refused() -> None:
    with pytest.raises(UserError, match="class 128"):
        imported_classes(cut_palettes(COUNT), ("background", "class 128"), False)
    assert not (workspace.datasets() / "mine").exists()


def test_grey_palettes_beside_plain_masks_mean_their_greys() -> None:
    content = files([ids(0, 255)] * 4) | {"masks/001.png": indexed(ids(1, 0), [(255, 255, 255), BLACK])}
    data = imported_classes(content).data
    assert data.encoding.palette == "grey" and columns(data, 0) == [0, 1] and columns(data, 1) == [0, 1]


def test_values_of_a_pair_that_is_left_out_do_not_count() -> None:
    content = files([ids(0, 255)] * 4)
    layers = {
        f"masks/{label}/{i:03d}.png": picture(ids(0, 255)) for label in ("cat", "dog") for i in range(4)
    }
    content = {name: body for name, body in content.items() if name.startswith("images")} | layers
    content |= {"masks/cat/001.png": picture(ids(0, 3)), "masks/dog/001.png": b"damaged"}
    result = imported_classes(content)
    assert len(result.data.pairs) == 3 and result.problems
    assert result.data.encoding.encoding.meaning == "0 is background, 255 is foreground"


def test_values_that_are_ignored_on_purpose_are_not_reported_when_it_is_imported_again() -> None:
    task = b'{"kind": "multiclass", "classes": ["sky", "cat"], "values": [0, 4]}'
    about = b'{"mask_rule": {"ignored": [9], "task": ' + task + b"}}"
    result = imported_classes(files([ids(0, 4, 9)] * 4) | {"dataset.json": about})
    assert columns(result.data, 0) == [0, 1, IGNORE] and result.notes == ()
    about = about.replace(b"[9]", b"[]")
    result = imported_classes(files([ids(0, 4, 9)] * 4) | {"dataset.json": about}, name="other")
    assert "The value 9 is in 4 masks" in result.notes[0]


def test_the_command_line_imports_chosen_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pile.zip").write_bytes(
        zipped(files([ids(0, 1, 2, 3)] * 4) | {"classes.txt": FOUR}).getvalue()
    )
    given = ["data", "import", str(tmp_path / "pile.zip"), "--name", "mine", "--classes", "background,cat"]
    assert main([*given, "--as-classes"]) == 0
    data = open_data(workspace.datasets() / "mine")
    assert data.encoding.task.classes == ("background", "cat") and columns(data, 0) == [0, 1, 0]


@pytest.mark.parametrize(
    ("masks", "kind"),
    [
        ([(0, 1, 3), (0, 2, 3), (1, 2), (0, 3)], "multiclass"),  # a value is absent where a lower one is, too
        ([(1, 2, 3)] * 4, "multiclass"),  # the same ones everywhere, like the three of a trimap
        ([(0, 1), (0, 1, 2), (0, 1, 2, 3), (0, 1)], "binary"),  # objects, counted in each photo
    ],
)
def test_values_without_names_are_classes_unless_they_count_objects(
    masks: list[tuple[int, ...]], kind: str
) -> None:
    plan = recognise(open_source(zipped(files([ids(*values) for values in masks]))))[0]
    encoding = plan.labels.encoding()
    assert encoding is not None and encoding.task.kind == kind


def test_photos_without_masks_can_be_painted_as_they_lie_in_the_source(workspace: Path) -> None:
    photo = picture(np.zeros((24, 24, 3), np.uint8))
    with pytest.raises(NoMasksError, match="no masks") as refused:
        recognise(source := open_source(zipped({"a/1.png": photo, "a/2.png": photo, "b/1.png": b"x" * 50})))
    folder, problems = painting.start("new", painting.photos_in(source, refused.value.photos))
    assert [p.name for p in painting.photos_of(folder)] == ["1.png", "2.png"]
    assert [p.name for p in problems] == ["1.png"]
