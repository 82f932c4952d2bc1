"""YOLO: which photo a text file belongs to, and lines that cannot be used."""

import io

from core.data.importing.recognition import recognise
from core.data.importing.sources import open_source
from tests.core.archives import zipped
from tests.core.data.importing.imports import whole
from tests.core.data.importing.numbered import SIDE, columns, photo, sentences, yolo


def test_yolo_photos_of_one_stem_in_train_and_val_keep_their_own_outlines() -> None:
    files = {"data.yaml": b"names: [thing]\n"}
    for number, part in ((3, "train"), (4, "train"), (5, "valid"), (6, "valid")):
        stem = number % 2
        files[f"{part}/images/{stem}.png"] = photo(number)
        files[f"{part}/labels/{stem}.txt"] = yolo(number)
    result = whole(zipped(files))
    assert columns(result.data) == {3: 3, 4: 4, 5: 5, 6: 6} and result.problems == ()
    assert len(result.data.split.validation) == 2


def test_yolo_photos_without_a_text_file_are_background() -> None:
    files = {f"images/train/{n}.png": photo(n) for n in range(1, 5)}
    files |= {f"labels/train/{n}.txt": yolo(n) for n in (1, 2)} | {"labels/train/3.txt": b""}
    files |= {"images/test/9.png": photo(9)}
    result = whole(zipped(files))
    assert columns(result.data) == {1: 1, 2: 2, 3: 0, 4: 0}
    assert "images/test/9.png has no text file" in sentences(result)


def test_yolo_outlines_in_pixels_are_read_as_pixels_and_it_is_said() -> None:
    files = {f"images/{n}.png": photo(n) for n in (4, 9)} | {f"labels/{n}.txt": yolo(n, 1) for n in (4, 9)}
    plan = recognise(open_source(zipped(files)))[0]
    assert "pixels" in plan.summary
    assert columns(whole(zipped(files)).data) == {4: 4, 9: 9}


def test_a_yolo_file_in_pixels_among_others_in_shares_leaves_its_photo_behind_by_name() -> None:
    files = {f"images/{n}.png": photo(n) for n in range(1, 6)}
    files |= {f"labels/{n}.txt": yolo(n, 1 if n == 5 else SIDE) for n in range(1, 6)}
    result = whole(zipped(files))
    assert columns(result.data) == {n: n for n in range(1, 5)}
    assert "labels/5.txt has coordinates beyond 0 to 1" in sentences(result)


def test_a_yolo_file_with_a_damaged_line_gives_no_half_mask() -> None:
    files = {f"images/{n}.png": photo(n) for n in range(1, 4)}
    files |= {f"labels/{n}.txt": yolo(n) for n in range(1, 4)}
    files["labels/2.txt"] += b"0 0.5 zero\n"
    result = whole(zipped(files))
    assert columns(result.data) == {1: 1, 3: 3} and "labels/2.txt holds a line" in sentences(result)


def test_single_files_of_yolo_are_paired_too() -> None:
    given = [(f"{n}.png", io.BytesIO(photo(n))) for n in (1, 2)]
    given += [(f"{n}.txt", io.BytesIO(yolo(n))) for n in (1, 2)]
    assert columns(whole(given).data) == {1: 1, 2: 2}
