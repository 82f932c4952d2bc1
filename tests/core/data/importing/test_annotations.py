"""Files of annotation tools: whose labels are whose, and what is said of those that cannot be used."""

import json
from pathlib import Path

import pytest

from core.data.importing.recognition import recognise
from core.data.importing.sources import ZipSource, open_source
from core.errors import UserError
from tests.core.archives import zipped
from tests.core.data.importing.imports import whole
from tests.core.data.importing.numbered import SIDE, columns, photo, sentences


def labelme(photo_name: str, number: int, kind: str = "polygon") -> bytes:
    """A LabelMe file whose only shape covers as many columns as its number says."""
    points = [[0, 0], [number, 0], [number, SIDE], [0, SIDE]]
    shape = {"label": "thing", "shape_type": kind, "points": points}
    return json.dumps({"imagePath": photo_name, "shapes": [shape]}).encode()


def cvat(photos: dict[str, int], subset: str = "") -> bytes:
    """A CVAT file whose masks cover as many columns as their numbers say, in boxes that are no larger."""
    images = "".join(
        f'<image name="{name}" width="{SIDE}" height="{SIDE}"{subset}><mask label="thing" '
        f'rle="0, {number * SIDE}" left="0" top="0" width="{number}" height="{SIDE}"/></image>'
        for name, number in photos.items()
    )
    return f"<annotations><version>1.1</version>{images}</annotations>".encode()


def test_photos_of_equal_names_in_the_subsets_of_a_cvat_project_keep_their_own_masks() -> None:
    both = b"".join(cvat({"0.png": n}, f' subset="{s}"') for s, n in (("Train", 3), ("Validation", 5)))
    files = {"annotations.xml": both.replace(b"</annotations><annotations><version>1.1</version>", b"")}
    files |= {"images/Train/0.png": photo(3), "images/Validation/0.png": photo(5)}
    result = whole(files)
    assert columns(result) == {3: 3, 5: 5} and len(result.data.split.validation) == 1


def test_frames_that_cvat_names_without_a_suffix_find_their_photos() -> None:
    files = {"annotations.xml": cvat({"frame_000001": 1, "frame_000002": 2})}
    files |= {f"images/frame_00000{n}.PNG": photo(n) for n in (1, 2)}
    assert columns(whole(files)) == {1: 1, 2: 2}


def test_a_cvat_file_for_videos_is_named_with_the_way_out() -> None:
    track = b'<track label="car"><polygon frame="0" points="1,1;2,2;3,1"/></track>'
    track = b"<annotations><meta/>" + track + b"</annotations>"
    with pytest.raises(UserError, match=r"a.xml is a CVAT file, but for videos: export the task once more"):
        recognise(open_source(zipped({"a.xml": track, "1.png": photo(1)})))


def test_xml_that_defines_entities_is_not_read() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbb">]>' + cvat({"1.png": 1})
    with pytest.raises(UserError, match=r"a.xml .* is not readable XML \(it defines entities\)"):
        recognise(open_source(zipped({"a.xml": bomb, "1.png": photo(1)})))


def test_a_photo_that_a_labelme_file_names_and_that_is_absent_gives_its_outline_to_no_other() -> None:
    files = {"a/1.png": photo(1), "a/1.json": labelme("1.png", 1), "a/2.json": labelme("other.png", 2)}
    result = whole({**files, "a/2.png": photo(2), "a/3.png": photo(3), "a/3.json": labelme("3.png", 3)})
    assert columns(result) == {1: 1, 3: 3}
    assert "other.png is named in a/2.json, but there is no such photo" in sentences(result)
    assert "a/2.png is named in none of the LabelMe files" in sentences(result)


def test_labels_in_a_tree_of_their_own_go_to_the_photos_of_the_same_part() -> None:
    files = {f"labels/{p}/0.json": labelme("0.png", n) for p, n in (("train", 3), ("val", 5))}
    files |= {f"images/{p}/0.png": photo(n) for p, n in (("train", 3), ("val", 5))}
    assert columns(whole(files)) == {3: 3, 5: 5}


def test_photos_with_boxes_alone_are_named_and_boxes_beside_outlines_are_counted() -> None:
    files = {f"{n}.png": photo(n) for n in (1, 2, 3)} | {"3.json": labelme("3.png", 3, "rectangle")}
    files |= {f"{n}.json": labelme(f"{n}.png", n) for n in (1, 2)}
    result = whole(files)
    assert columns(result) == {1: 1, 2: 2} and "3.png has boxes and no outline" in sentences(result)
    with pytest.raises(UserError, match=r"LabelMe files of .* hold boxes"):
        recognise(open_source(zipped({"3.png": photo(3), "3.json": files["3.json"]})))


def test_two_tools_side_by_side_are_two_readings() -> None:
    files = {f"{n}.png": photo(n) for n in (1, 2)} | {"1.json": labelme("1.png", 1)}
    plans = recognise(open_source(zipped({**files, "annotations.xml": cvat({"1.png": 1, "2.png": 2})})))
    assert [(plan.layout, len(plan.items)) for plan in plans] == [("CVAT", 2), ("LabelMe", 1)]


def test_every_file_is_parsed_once_whatever_the_number_of_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = ZipSource.read

    def counted(self: ZipSource, name: str) -> bytes:
        read.append(Path(name).name)
        return original(self, name)

    monkeypatch.setattr(ZipSource, "read", counted)
    recognise(open_source(zipped({"1.png": photo(1), "1.json": labelme("1.png", 1)})))
    assert read.count("1.json") == 1
