"""A test set that is taken from training, for good."""

from pathlib import Path

import pytest

from core.data.dataset import open_data, write_down
from core.data.splitting import SplitPlan, apply_split, hold_out_test, make_split
from core.errors import UserError
from core.policy.permissions import OWNER, acting_as
from tests.builders import write_scenes


@pytest.fixture(autouse=True)
def owner() -> object:
    with acting_as(OWNER):
        yield


def test_it_is_taken_from_training_and_validation_stays(tmp_path: Path) -> None:
    before = open_data(write_scenes(tmp_path / "data", 20))
    write_down(before)
    after = hold_out_test(before, 0.15)
    assert len(after.split.test) == 3 and after.split.validation == before.split.validation
    assert set(after.split.train) | set(after.split.test) == set(before.split.train)
    assert open_data(before.root).split == after.split  # written down
    assert "test set of 3 from training" in after.about["split_made"]


def test_there_are_enough_photos_for_an_interval_where_training_can_spare_them(tmp_path: Path) -> None:
    for count, held in ((50, 10), (12, 3)):
        data = hold_out_test(open_data(write_scenes(tmp_path / str(count), count)), 0.15, least=10)
        assert len(data.split.test) == held


def test_a_test_set_that_is_there_is_kept(tmp_path: Path) -> None:
    data = open_data(write_scenes(tmp_path / "data", 20))
    plan = SplitPlan(test=0.2)
    data = apply_split(data, make_split(plan, [p.name for p in data.pairs]), plan)
    assert hold_out_test(data, 0.5).split == data.split


def test_photos_of_one_group_are_held_out_together(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "data", 24)
    for part in ("images", "masks"):
        for file in sorted((folder / part).iterdir()):
            file.rename(file.with_name(f"film{int(file.stem) // 3}-{file.name}"))
    data = open_data(folder)
    plan = SplitPlan("grouped", pattern=r"^(film\d+)")
    data = apply_split(data, make_split(plan, [p.name for p in data.pairs]), plan)
    split = hold_out_test(data, 0.2).split
    films = [{name.split("-")[0] for name in part} for part in (split.train, split.validation, split.test)]
    assert split.test and not films[0] & films[2] and not films[1] & films[2]


def test_too_few_photos_are_said(tmp_path: Path) -> None:
    data = open_data(write_scenes(tmp_path / "data", 2))
    with pytest.raises(UserError, match="too few training photos for a test set"):
        hold_out_test(data, 0.15)
