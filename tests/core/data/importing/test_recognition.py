"""Every layout is recognised, and what is none is refused with a way out."""

from pathlib import Path

import numpy as np
import pytest

from core.data.classes import ClassEncoding, LayersEncoding
from core.data.importing.copying import Imported, bring_in
from core.data.importing.plan import preview
from core.data.importing.recognition import recognise
from core.data.importing.sources import open_source
from core.data.masks import BinaryEncoding
from core.data.store import read_pair
from core.errors import UserError
from tests.core import archives
from tests.core.archives import mask, photo, scene, zipped
from tests.core.data.importing.imports import imported, labels_of, nothing_left, whole


@pytest.mark.parametrize("layout", list(archives.layouts()))
def test_every_layout_is_recognised_and_its_masks_are_right(layout: str) -> None:
    files, words = archives.layouts()[layout]
    source = open_source(zipped(files))
    plan = recognise(source)[0]
    assert words in plan.layout and len(plan.items) == 4
    data = imported(zipped(files))
    assert len(data.pairs) == 4
    if layout in ("parts above", "parts below", "segnet", "voc", "cityscapes", "yolo"):
        assert len(data.split.validation) == 1 and "0" in data.split.validation[0]
    names = sorted(pair.name for pair in data.pairs)
    for i, name in enumerate(names):
        found = labels_of(data, name)
        truth = scene(i)[1]
        match layout:
            case "yolo":
                assert (
                    found[48, 32] == 2
                    if isinstance(data.encoding, ClassEncoding) and data.encoding.task.outputs > 2
                    else 1
                )
                assert 0.2 < (found > 0).mean() < 0.3 and found[0, 0] == 0
            case "coco":
                assert data.encoding.task.classes == ("background", "person", "box")
                assert (found[12:28, 12:28] > 0).all()
                outside = np.ones_like(truth, bool)
                outside[9:32, 9:32] = False
                assert np.array_equal(found[outside], truth[outside])
            case "cityscapes":
                named = np.array(data.encoding.task.classes)
                assert set(named) >= {"road", "person"}
                assert np.array_equal(named[found] == "person", truth == 1)
            case "voc":
                assert data.encoding.task.classes[15] == "person" and data.encoding.task.void == 255
                assert np.array_equal(found[1:] == 15, truth[1:] == 1) and (found[0] == 255).all()
            case _:
                assert np.array_equal(found, truth)


@pytest.mark.parametrize("layout", list(archives.layouts()))
def test_the_preview_shows_what_is_imported(layout: str) -> None:
    files, _ = archives.layouts()[layout]
    source = open_source(zipped(files))
    plan = recognise(source)[0]
    data = imported(zipped(files))
    for item in plan.items:
        _, labels, _ = preview(source, plan, item, 500)
        stored = next(pair for pair in data.pairs if Path(pair.name).stem == item.name)
        assert np.array_equal(labels, read_pair(stored, data.encoding)[1])


def test_labels_in_folders_of_their_own_are_several_labels_a_pixel() -> None:
    files = {f"images/{i}.jpg": photo(i) for i in range(3)}
    files |= {f"masks/cat/{i}.png": mask(i) for i in range(3)} | {"masks/dog/1.png": mask(2)}
    data = imported(zipped(files))
    assert isinstance(data.encoding, LayersEncoding) and data.encoding.task.classes == ("cat", "dog")
    assert np.array_equal(labels_of(data, "1.jpg"), scene(1)[1] | scene(2)[1] << 1)


def test_classes_can_be_chosen_and_taken_as_one_foreground() -> None:
    files = archives.coco(3)
    source = open_source(zipped(files))
    plan = recognise(source)[0].choosing(("person",), True)
    data = next(r for r in bring_in(source, plan, "people") if isinstance(r, Imported)).data
    assert isinstance(data.encoding, BinaryEncoding)
    assert np.array_equal(labels_of(data, "1.jpg"), scene(1)[1])


def test_folders_can_be_named_by_hand() -> None:
    files = {f"one/{i}.jpg": photo(i) for i in range(3)} | {f"two/{i}.png": mask(i) for i in range(3)}
    with pytest.raises(UserError, match="no masks that go with photos"):
        recognise(open_source(zipped(files)))
    source = open_source(zipped(files))
    plan = recognise(source, "one", "two")[0]
    data = next(r for r in bring_in(source, plan, "mine") if isinstance(r, Imported)).data
    assert np.array_equal(labels_of(data, "2.jpg"), scene(2)[1])


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"holiday/1.jpg": b"x"}, "into images/"),
        ({}, "no files"),
        ({"a/1.jpg": b"x", "a/1.xml": b"<box/>"}, "boxes are not enough"),
        ({"images/1.jpg": b"x", "labels/1.txt": b"0 0.5 0.5 0.1 0.1\n"}, "boxes in YOLO"),
        ({"images/1.jpg": b"x", "a.json": b"{" * 100}, "not readable JSON"),
        ({"images/1.jpg": b"x", "a.json": b"[" * 200_000}, "not readable JSON"),
        ({"all.tar.gz": b"x"}, "archive inside"),
    ],
)  # fmt: skip
def test_what_holds_no_pairs_says_so_and_leaves_nothing(files: dict[str, bytes], words: str) -> None:
    with pytest.raises(UserError, match=words):
        imported(zipped(files))
    assert nothing_left()


@pytest.mark.parametrize(
    ("folder", "pairs", "classes"),
    [("people", 290, 1), ("pedestrians", 170, 1), ("portraits", 1554, 1), ("camvid", 88, 12)],
)
def test_real_data_sets_are_imported_as_they_lie_there(
    shared_data: Path, folder: str, pairs: int, classes: int
) -> None:
    result = whole(shared_data / folder)
    assert len(result.data.pairs) == pairs and result.problems == ()
    assert result.data.encoding.task.outputs == classes
    if folder == "portraits":
        assert len(result.data.split.test) == 264
    if folder == "camvid":
        assert len(result.data.split.validation) == 26


@pytest.mark.parametrize("folder", ["cutouts", "backgrounds"])
def test_photos_without_masks_are_refused_with_a_way_out(shared_data: Path, folder: str) -> None:
    with pytest.raises(UserError, match="paint masks"):
        imported(shared_data / folder)
