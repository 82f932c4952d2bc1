"""Data sets are opened, paired and split."""

import json
from pathlib import Path

import pytest

from core.data.dataset import open_data, write_down
from core.errors import UserError
from tests.core.data.small_sets import report_of


def test_the_split_is_seeded_eighty_twenty_and_written_down_by_name(small_data: Path) -> None:
    data = open_data(small_data)
    assert (len(data.split.train), len(data.split.validation)) == (8, 2)
    assert not (small_data / "dataset.json").exists()
    assert write_down(data)
    written = json.loads((small_data / "dataset.json").read_text())["split"]
    assert written == {"train": list(data.split.train), "validation": list(data.split.validation), "test": []}
    assert open_data(small_data, seed=7).split == data.split  # what is written down counts


def test_a_read_only_folder_is_left_as_it_is_and_dealt_the_same_split_each_time(small_data: Path) -> None:
    small_data.chmod(0o555)
    data = open_data(small_data)
    assert not write_down(data)
    assert open_data(small_data).split == data.split
    small_data.chmod(0o755)
    assert not (small_data / "dataset.json").exists()


@pytest.mark.parametrize("make", ["nothing", "no masks", "empty"])
def test_a_folder_without_a_data_set_is_one_sentence(tmp_path: Path, make: str) -> None:
    folder = tmp_path / "odd"
    if make != "nothing":
        (folder / "images").mkdir(parents=True)
    if make == "empty":
        (folder / "masks").mkdir()
    with pytest.raises(UserError):
        open_data(folder)


def test_the_real_people_load_as_they_lie_there(shared_data: Path) -> None:
    report = report_of(shared_data / "people")
    assert report.summary()["pairs"] == 290
    assert report.summary()["mended"] == 198
    assert report.summary()["left_out"] == 0
