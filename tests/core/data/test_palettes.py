"""What a palette means is decided for a data set, not for each file."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import fixes
from core.data.checks import Report, check
from core.data.dataset import DataFolder, as_task, open_data, write_down
from core.data.importing.copying import Imported, import_data
from core.data.masks import mask_values
from core.data.painting import photos_of, saved_mask
from core.data.store import read_pair
from core.data.tally import guess_encoding, value_counts
from core.errors import UserError

VOC = [c for i in range(256) for c in (
    sum((i >> 3 * b & 1) << 7 - b for b in range(8)),
    sum((i >> 3 * b + 1 & 1) << 7 - b for b in range(8)),
    sum((i >> 3 * b + 2 & 1) << 7 - b for b in range(8)),
)]  # fmt: skip
BLACK, GREY, WHITE, RED, BLUE = (0, 0, 0), (128, 128, 128), (255, 255, 255), (200, 0, 0), (0, 0, 200)


def with_palettes(root: Path, files: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Path:
    """A data set of which each mask has these indices, in stripes, and this palette."""
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    for number, (indices, palette) in enumerate(files):
        Image.new("RGB", (40, 20), (90, 120, 40)).save(root / "images" / f"{number}.png")
        stripes = np.repeat(np.resize(np.array(indices, np.uint8), 8), 5)
        mask = Image.fromarray(np.tile(stripes, (20, 1)), "P")
        mask.putpalette(palette)
        mask.save(root / "masks" / f"{number}.png")
    return root


def indices_of(data: DataFolder, number: int) -> np.ndarray:
    return np.asarray(Image.open(data.pairs[number].mask))


def test_vocs_palette_means_indices_whatever_a_file_shows_of_it(tmp_path: Path) -> None:
    root = with_palettes(tmp_path / "set", [((0, 7), VOC), ((0, 1, 7), VOC), ((0, 7), VOC)])
    assert set(value_counts(sorted((root / "masks").iterdir()))) == {0, 1, 7}
    data = as_task(open_data(root), "multiclass")
    assert data.encoding.task.values == (0, 1, 7)
    for number, pair in enumerate(data.pairs):
        labels = read_pair(pair, data.encoding)[1]
        assert np.array_equal(np.array([0, 1, 7])[labels], indices_of(data, number))
    alone = with_palettes(tmp_path / "alone", [((0, 7), VOC)] * 3)
    assert set(value_counts(sorted((alone / "masks").iterdir()))) == {0, 7}


def test_an_imported_folder_of_voc_has_one_name_for_each_class(tmp_path: Path) -> None:
    root = with_palettes(tmp_path / "voc", [((0, 7), VOC), ((0, 1, 7), VOC), ((0, 7), VOC), ((0, 1), VOC)])
    (root / "images").rename(root / "JPEGImages")
    (root / "masks").rename(root / "SegmentationClass")
    data = next(step for step in import_data(root, "mine") if isinstance(step, Imported)).data
    assert data.encoding.palette == "index"
    names = np.array(data.encoding.task.classes)
    for number, pair in enumerate(data.pairs):
        found = names[read_pair(pair, data.encoding)[1]]
        for value, name in ((0, "background"), (1, "aeroplane"), (7, "car")):
            assert np.array_equal(found == name, indices_of(data, number) == value)


def test_palettes_cut_to_what_a_file_uses_mean_the_same_in_each(tmp_path: Path) -> None:
    short, long = [*BLACK, *GREY], [*BLACK, *GREY, *RED]
    root = with_palettes(tmp_path / "set", [((0, 1), short), ((0, 1, 2), long), ((0, 1), short)])
    data = as_task(open_data(root), "multiclass")
    assert data.encoding.task.classes == ("class 0", "class 1", "class 2")
    for number, pair in enumerate(data.pairs):
        assert np.array_equal(read_pair(pair, data.encoding)[1], indices_of(data, number))


def test_grey_palettes_mean_their_greys(tmp_path: Path) -> None:
    root = with_palettes(
        tmp_path / "set", [((0, 1), [*BLACK, *WHITE]), ((0, 1), [*WHITE, *BLACK]), ((0, 1), [*BLACK, *WHITE])]
    )
    data = open_data(root)
    assert data.encoding.meaning == "0 is background, 255 is foreground"
    for number, pair in enumerate(data.pairs):
        white = 0 if number == 1 else 1
        assert np.array_equal(read_pair(pair, data.encoding)[1] == 1, indices_of(data, number) == white)


def test_where_an_index_has_several_colours_the_colours_are_meant(tmp_path: Path) -> None:
    files = [((0, 1), [*BLACK, *RED]), ((0, 1), [*RED, *BLACK]), ((0, 1, 2), [*BLUE, *BLACK, *RED])]
    data = open_data(with_palettes(tmp_path / "set", files))
    for number, black in enumerate((0, 1, 1)):
        labels = read_pair(data.pairs[number], data.encoding)[1]
        assert np.array_equal(labels == 0, indices_of(data, number) == black)


def test_a_file_of_colours_among_greys_is_named_and_left_out(tmp_path: Path) -> None:
    root = with_palettes(tmp_path / "set", [((0, 1), [*BLACK, *WHITE])] * 4)
    assert write_down(open_data(root))
    with_palettes(tmp_path / "other", [((0, 1, 2), [*BLACK, *WHITE, *RED])])
    (root / "masks" / "3.png").write_bytes((tmp_path / "other" / "masks" / "0.png").read_bytes())
    data = open_data(root)
    with pytest.raises(UserError, match=r"3\.png has colours in its palette"):
        read_pair(data.pairs[3], data.encoding)
    report = next(step for step in check(data) if isinstance(step, Report))
    assert list(report.problems["name"]) == ["3.png"] and len(report.usable) == 3


def test_the_decision_is_written_down_and_kept_by_every_fix(tmp_path: Path) -> None:
    root = with_palettes(tmp_path / "set", [((0, 1, 7), VOC)] * 2 + [((0, 7), VOC)] * 2)
    assert write_down(open_data(root))
    assert json.loads((root / "dataset.json").read_text())["mask_rule"]["palette"] == "index"
    data = fixes.as_classes(open_data(root))
    for changed in (
        data, fixes.rename(data, ["nothing", "plane", "car"]),
        fixes.merge(open_data(root), ["plane", "car"], "machine"),
        fixes.as_foreground(open_data(root), ["machine"]), fixes.binarise(open_data(root), 5),
    ):  # fmt: skip
        assert changed.encoding.palette == "index"
    last = open_data(root)
    assert np.array_equal(read_pair(last.pairs[3], last.encoding)[1] == 1, indices_of(last, 3) == 7)
    assert np.array_equal(saved_mask(photos_of(root)[3]) == 1, indices_of(last, 3) == 7)


def test_an_encoding_written_before_palettes_were_decided_is_completed(tmp_path: Path) -> None:
    root = with_palettes(tmp_path / "set", [((0, 1, 7), VOC)] * 2 + [((0, 7), VOC)])
    old = guess_encoding(sorted((root / "masks").iterdir())).to_dict()
    del old["palette"]
    (root / "dataset.json").write_text(json.dumps({"mask_rule": old}))
    assert open_data(root).encoding.palette == "index"


def test_data_sets_without_palettes_are_not_asked_again(small_data: Path) -> None:
    data = open_data(small_data)
    assert data.encoding.palette == "none"
    assert set(np.unique(mask_values(data.pairs[0].mask, palette="none"))) == {0, 255}
