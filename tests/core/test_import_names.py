"""Whose label is whose: names that collide, have suffixes, lie in parts or are composed in two ways."""

import io
import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from core.data import painting
from core.data.dataset import DataFolder, open_data
from core.data.importing import Imported, import_data, open_source, recognise
from core.data.pairing import find_pairs
from core.data.store import read_pair
from core.errors import UserError
from tests.core.archives import picture, zipped

SIDE = 32


def photo(number: int) -> bytes:
    """A photo whose grey level is its number, so that it is known again under any name."""
    return picture(np.full((SIDE, SIDE, 3), 8 * number + 4, np.uint8))


def mask(number: int) -> bytes:
    """A mask that is foreground in as many columns as its number says."""
    values = np.zeros((SIDE, SIDE), np.uint8)
    values[:, :number] = 255
    return picture(values)


def polygon(number: int) -> list[list[float]]:
    return [[0, 0, number, 0, number, SIDE, 0, SIDE]]


def yolo(number: int, scale: float = SIDE) -> bytes:
    return ("0 " + " ".join(str(v / SIDE * (SIDE / scale)) for v in polygon(number)[0]) + "\n").encode()


def coco(names: dict[str, int]) -> bytes:
    """A json that gives each photo the outline of its number."""
    return json.dumps({
        "images": [{"id": i, "file_name": n, "height": SIDE, "width": SIDE} for i, n in enumerate(names)],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "segmentation": polygon(number)}
            for i, number in enumerate(names.values())
        ],
    }).encode()  # fmt: skip


def whole(given: object) -> Imported:
    return next(r for r in import_data(given, "mine") if isinstance(r, Imported))  # type: ignore[arg-type]


def columns(data: DataFolder) -> dict[int, int]:
    """The number of each photo that came in, and how many columns of its mask are foreground."""
    found = {}
    for pair in data.pairs:
        pixels, labels = read_pair(pair, data.rule)
        found[round((int(pixels[0, 0, 0]) - 4) / 8)] = int((labels > 0).all(axis=0).sum())
    return found


def sentences(result: Imported) -> str:
    return "\n".join(p.sentence for p in result.problems)


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
    assert "pixels" in plan.told
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


def test_coco_names_are_compared_folder_by_folder_and_not_letter_by_letter() -> None:
    files = {"21/0.png": photo(5), "1/0.png": photo(3), "a.json": coco({"1/0.png": 3, "21/0.png": 5})}
    assert columns(whole(zipped(files)).data) == {3: 3, 5: 5}


def test_a_coco_photo_that_is_absent_gives_its_outlines_to_no_other() -> None:
    names = {"train/0.png": 3, "val/0.png": 5, "val/1.png": 6}
    files = {"val/0.png": photo(5), "val/1.png": photo(6), "all.json": coco(names)}
    result = whole(zipped(files))
    assert columns(result.data) == {5: 5, 6: 6}
    assert "train/0.png is named in all.json, but there is no such photo" in sentences(result)


def test_coco_photos_whose_names_differ_in_their_suffix_or_folder_alone_all_come_in() -> None:
    files = {"imgs/a.png": photo(1), "imgs/a.bmp": photo(2), "siteA/b.png": photo(3), "siteB/b.png": photo(4)}
    names = dict(zip(files, (1, 2, 3, 4), strict=True))
    assert columns(whole(zipped({**files, "all.json": coco(names)})).data) == {1: 1, 2: 2, 3: 3, 4: 4}


def test_each_json_beside_its_photos_speaks_of_these_alone() -> None:
    files = {"siteA/a.json": coco({"0.png": 1, "1.png": 2}), "siteB/a.json": coco({"0.png": 3, "1.png": 4})}
    files |= {"siteA/1.png": photo(2), "siteB/0.png": photo(3), "siteB/1.png": photo(4)}
    result = whole(zipped(files))
    assert columns(result.data) == {2: 2, 3: 3, 4: 4} and "0.png is named in siteA/a.json" in sentences(
        result
    )


def test_a_coco_name_that_fits_two_photos_is_named_and_goes_to_neither() -> None:
    files = {"one/0.png": photo(1), "two/0.png": photo(2), "x/5.png": photo(5), "x/6.png": photo(6)}
    result = whole(zipped({**files, "labels/all.json": coco({"0.png": 1, "5.png": 5, "6.png": 6})}))
    assert columns(result.data) == {5: 5, 6: 6} and "may be any of one/0.png, two/0.png" in sentences(result)


def test_paths_of_another_machine_are_understood() -> None:
    names = {r"C:\work\photos\1.png": 1, r"C:\work\photos\2.png": 2}
    files = {"images/1.png": photo(1), "images/2.png": photo(2), "annotations/all.json": coco(names)}
    assert columns(whole(zipped(files)).data) == {1: 1, 2: 2}


@pytest.mark.parametrize("folder", ["my-test", "test", "latest", "contest-val"])
def test_a_folder_that_is_called_like_a_part_is_none_when_everything_is_in_it(folder: str) -> None:
    names = {f"{folder}/{n}.png": n for n in range(1, 7)}
    files = {name: photo(n) for name, n in names.items()} | {"all.json": coco(names)}
    data = whole(zipped(files)).data
    assert data.split.test == () and 0 < len(data.split.validation) < 6


def test_one_unreadable_json_does_not_refuse_a_good_one() -> None:
    files = {f"{n}.png": photo(n) for n in (1, 2)} | {
        "bad.json": b"{",
        "good.json": coco({"1.png": 1, "2.png": 2}),
    }
    result = whole(zipped(files))
    assert columns(result.data) == {1: 1, 2: 2} and "bad.json" in sentences(result)


def test_more_categories_than_can_be_told_apart_are_one_foreground_until_fewer_are_chosen() -> None:
    content = json.loads(coco({"1.png": 1, "2.png": 2}))
    content["categories"] = [{"id": i, "name": f"kind {i}"} for i in range(1203)]
    content["annotations"] = [
        {"id": i, "image_id": i % 2, "category_id": i, "segmentation": polygon(1 + i % 2)}
        for i in range(1203)
    ]
    files = {f"{n}.png": photo(n) for n in (1, 2)} | {"lvis.json": json.dumps(content).encode()}
    plan = recognise(open_source(zipped(files)))[0]
    assert "254" in plan.told and columns(whole(zipped(files)).data) == {1: 1, 2: 2}
    with pytest.raises(UserError, match="254"):
        plan.choosing(plan.labels.classes, False)
    few = plan.choosing(("kind 3", "kind 4"), False).labels.rule()
    assert few is not None and few.task.classes == ("background", "kind 3", "kind 4")


ENDINGS = ["_img", "_image", "_sat", "_rgb", "_photo", "_orig", "_l", "_m", "_gt", "_mask", "_seg", "_label"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_equal_names_pair_whatever_they_end_in(ending: str, tmp_path: Path) -> None:
    for folder, make in (("images", photo), ("masks", mask)):
        (tmp_path / "mine" / folder).mkdir(parents=True)
        for number in range(1, 4):
            (tmp_path / "mine" / folder / f"{number}{ending}.png").write_bytes(make(number))
    found = find_pairs(tmp_path / "mine")
    assert len(found.pairs) == 3 and found.problems == []
    assert columns(whole(tmp_path / "mine").data) == {1: 1, 2: 2, 3: 3}


def test_the_very_name_comes_before_one_without_its_ending() -> None:
    files = {"images/x.png": photo(1), "images/x_mask.png": photo(2)}
    files |= {"masks/x.png": mask(1), "masks/x_mask.png": mask(2)}
    assert columns(whole(zipped(files)).data) == {1: 1, 2: 2}


def test_a_photo_called_mask_is_one_beside_its_own_mask() -> None:
    files = {"a.png": photo(1), "a_l.png": photo(2), "a_mask.png": mask(1), "a_l_mask.png": mask(2)}
    assert columns(whole(zipped(files)).data) == {1: 1, 2: 2}


def test_a_mask_that_fits_two_photos_goes_to_neither() -> None:
    files = {"images/a.png": photo(1), "images/a.bmp": photo(2), "masks/a.png": mask(1)}
    files |= {
        f"{folder}/{n}.png": make(n) for n in (3, 4) for folder, make in (("images", photo), ("masks", mask))
    }
    result = whole(zipped(files))
    assert columns(result.data) == {3: 3, 4: 4}
    assert "masks/a.png fits images/a.png and images/a.bmp alike" in sentences(result)


def test_a_photo_does_not_get_the_mask_of_another_part_or_folder() -> None:
    files = {"train/images/0.png": photo(1), "val/masks/0.png": mask(9), "siteA/images/5.png": photo(5),
             "siteB/masks/5.png": mask(8)}  # fmt: skip
    for n, folder in ((2, "train"), (3, "val"), (4, "siteA"), (6, "siteB")):
        files |= {f"{folder}/images/{n}.png": photo(n), f"{folder}/masks/{n}.png": mask(n)}
    result = whole(zipped(files))
    assert columns(result.data) == {2: 2, 3: 3, 4: 4, 6: 6}
    assert all(
        name in sentences(result) for name in ("train/images/0.png", "val/masks/0.png", "siteA/images/5.png")
    )


def test_masks_of_a_label_stay_in_their_part() -> None:
    files = {}
    for part, number in (("train", 2), ("val", 5)):
        files |= {f"{part}/images/0.png": photo(number), f"{part}/masks/cat/0.png": mask(number)}
        files |= {f"{part}/masks/dog/0.png": mask(number)}
    assert columns(whole(zipped(files)).data) == {2: 2, 5: 5}


def test_a_list_of_names_puts_photos_of_equal_names_into_their_own_part() -> None:
    files = {f"{site}/{folder}/{n}.png": make(n + 4 * (site == "b")) for site in "ab" for n in range(1, 4)
             for folder, make in (("images", photo), ("masks", mask))}  # fmt: skip
    files |= {
        "train.txt": b"a/images/1.png\na/images/2.png\na/images/3.png\n",
        "val.txt": b"b/images/1.png\n",
    }
    data = whole(zipped(files)).data
    assert "b-images-1.png" in data.split.validation
    assert {f"a-images-{n}.png" for n in (1, 2, 3)} <= set(data.split.train)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_letters_that_are_composed_in_two_ways_are_the_same(form: str, tmp_path: Path) -> None:
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    for folder, make, way in (("images", photo, form), ("masks", mask, other)):
        (tmp_path / "mine" / folder).mkdir(parents=True)
        for number, name in enumerate(("café", "Übung", "señal"), 1):
            path = tmp_path / "mine" / folder / unicodedata.normalize(way, f"{name}.png")  # type: ignore[arg-type]
            path.write_bytes(make(number))
    data = open_data(tmp_path / "mine")
    assert columns(data) == {1: 1, 2: 2, 3: 3} and data.problems == ()
    assert columns(whole(tmp_path / "mine").data) == {1: 1, 2: 2, 3: 3}


def test_a_split_is_kept_where_the_names_were_taken_apart_on_the_way(tmp_path: Path) -> None:
    for folder, make in (("images", photo), ("masks", mask)):
        (tmp_path / folder).mkdir()
        for number, name in enumerate(("é", "ü", "ñ", "ö"), 1):
            (tmp_path / folder / unicodedata.normalize("NFD", f"{name}.png")).write_bytes(make(number))
    kept = ["ñ.png", "ö.png"]
    about = {"split": {"train": ["é.png"], "validation": kept}, "left_out": ["ü.png"]}
    (tmp_path / "dataset.json").write_text(json.dumps(about), "utf-8")
    data = open_data(tmp_path)
    assert [unicodedata.normalize("NFC", n) for n in sorted(data.split.validation)] == kept
    assert len(data.pairs) == 3


def test_coco_names_in_either_form_find_their_photos(tmp_path: Path) -> None:
    names = {unicodedata.normalize("NFD", "é.png"): 1, unicodedata.normalize("NFC", "ü.png"): 2}
    (tmp_path / "mine").mkdir()
    for name, number in names.items():
        form = "NFC" if unicodedata.is_normalized("NFD", name) else "NFD"
        (tmp_path / "mine" / unicodedata.normalize(form, name)).write_bytes(photo(number))  # type: ignore[arg-type]
    (tmp_path / "mine" / "a.json").write_bytes(coco(names))
    assert columns(whole(tmp_path / "mine").data) == {1: 1, 2: 2}


def test_a_painted_mask_is_read_again_whatever_the_photo_is_called() -> None:
    folder, _ = painting.start("mine", [(f"{n}_mask.png", photo(n)) for n in (3, 5)])
    for waiting, number in zip(painting.photos_of(folder), (3, 5), strict=True):
        inside = np.zeros((SIDE, SIDE), np.uint8)
        inside[:, :number] = 1
        painting.save_mask(waiting, inside)
    assert all(w.is_done for w in painting.photos_of(folder))
    assert columns(open_data(folder)) == {3: 3, 5: 5}


def test_single_files_of_yolo_and_coco_are_paired_too() -> None:
    given = [(f"{n}.png", io.BytesIO(photo(n))) for n in (1, 2)]
    given += [(f"{n}.txt", io.BytesIO(yolo(n))) for n in (1, 2)]
    assert columns(whole(given).data) == {1: 1, 2: 2}
