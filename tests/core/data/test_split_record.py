"""Once held out, always held out; the share holds however photos come."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.data import fixes
from core.data.checks import Report, check
from core.data.dataset import DataFolder, open_data, write_down
from core.data.split_record import Split, SplitRecord, group_of
from core.data.splitting import SplitPlan, apply_split, make_split
from core.errors import UserError

EMPTY = SplitRecord({})


def add(folder: Path, *stems: str, suffix: str = ".png") -> None:
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for stem in stems:
        Image.new("RGB", (4, 4)).save(folder / "images" / f"{stem}{suffix}")
        Image.fromarray(np.eye(4, dtype=np.uint8) * 255).save(folder / "masks" / f"{stem}.png")


def recorded(folder: Path) -> DataFolder:
    """What a training does first."""
    data = open_data(folder)
    write_down(data)
    return data


def split_of(names: list[str], record: SplitRecord = EMPTY, seed: int = 3) -> Split:
    return record.extended(names, seed).among(names)


def test_the_split_does_not_follow_the_order_of_names() -> None:
    names = [f"{i:03d}" for i in range(100)]
    one, two = (split_of(names, seed=seed).validation for seed in (1, 2))
    assert one != two
    assert one != tuple(names[80:])


def test_new_photos_join_and_old_ones_stay_where_they_are() -> None:
    first = EMPTY.extended([f"a{i}" for i in range(50)], 3)
    names = [*(f"a{i}" for i in range(1, 50)), *(f"b{i}" for i in range(50))]
    new = split_of(names, first)
    assert {n for n in new.validation if n.startswith("a")} == set(split_of(names[:49], first).validation)
    assert sum(n.startswith("b") for n in new.validation) == 10


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_even_tiny_data_sets_have_both_sets(count: int) -> None:
    split = split_of([str(i) for i in range(count)])
    assert split.train and split.validation


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.05, 0.2, 0.3, 0.5]), st.integers(1, 3))
def test_the_share_holds_over_200_additions_of_a_few_photos(seed: int, share: float, at_a_time: int) -> None:
    record = SplitRecord({}, share).extended([f"first{i}" for i in range(10)], seed)
    before = len(record.among(record.split_of).validation)
    names: list[str] = []
    for i in range(200):
        names += [f"{i}-{j}" for j in range(at_a_time)]
        record = SplitRecord.from_dict(record.extended([*record.split_of, *names], seed).to_dict())
        held = len(record.among(record.split_of).validation) - before
        assert abs(held - share * len(names)) < 1


def test_one_photo_at_a_time_reaches_validation_in_no_rhythm() -> None:
    record = EMPTY.extended([f"first{i}" for i in range(10)], 42)
    places = []
    for i in range(100):
        record = record.extended([*record.split_of, f"{i}"], 42)
        if record.split_of[f"{i}"] == "validation":
            places.append(i % 5)
    assert len(places) == 20 and len(set(places)) >= 3


def test_excluding_training_and_restoring_moves_nothing(tmp_path: Path) -> None:
    add(tmp_path, *(f"{i:02d}" for i in range(30)))
    plan = SplitPlan("random", 0.2, 0.25)
    data = open_data(tmp_path)
    split = make_split(plan, [pair.name for pair in data.pairs])
    data = apply_split(data, split, plan)
    data = fixes.exclude(data, split.test)
    recorded(tmp_path)
    assert fixes.restore(data, split.test).split == split
    fixes.exclude(open_data(tmp_path), split.validation)
    recorded(tmp_path)
    assert set(fixes.undo(open_data(tmp_path)).split.train).isdisjoint(split.validation + split.test)


def test_a_photo_that_is_excluded_before_the_split_is_written_down_keeps_its_set(tmp_path: Path) -> None:
    add(tmp_path, *(f"{i:02d}" for i in range(10)))
    (tmp_path / "dataset.json").write_text('{"name": "mine"}')
    split = open_data(tmp_path).split
    data = fixes.exclude(open_data(tmp_path), split.validation)
    assert set(fixes.restore(data, split.validation).split.train).isdisjoint(split.validation)


@pytest.mark.parametrize("held_out", ["val", "valid", "validation", "test"])
def test_the_folder_decides_for_photos_that_come_later(tmp_path: Path, held_out: str) -> None:
    add(tmp_path / "train", *(f"t{i}" for i in range(8)))
    add(tmp_path / "val", "v0", "v1")
    recorded(tmp_path)
    add(tmp_path / (held_out if held_out == "test" else "val"), *(f"new{i}" for i in range(5)))
    add(tmp_path / "train", "t8")
    if held_out in ("valid", "validation"):
        (tmp_path / "val").rename(tmp_path / held_out)
    split = open_data(tmp_path).split
    names = {f"{held_out}/new{i}.png" for i in range(5)}
    assert names <= set(split.test if held_out == "test" else split.validation)
    assert set(split.train) == {f"train/t{i}.png" for i in range(9)}


def test_train_and_test_without_val_takes_validation_from_train(tmp_path: Path) -> None:
    add(tmp_path / "train", *(f"{i}" for i in range(10)))
    add(tmp_path / "test", "0", "1")
    split = recorded(tmp_path).split
    assert split.test == ("test/0.png", "test/1.png") and (len(split.train), len(split.validation)) == (8, 2)


def test_a_photo_saved_anew_in_another_format_keeps_its_set(tmp_path: Path) -> None:
    add(tmp_path, *(f"{i:02d}" for i in range(10)))
    kept = recorded(tmp_path).split.validation
    for name in kept:
        (tmp_path / "images" / name).unlink()
        add(tmp_path, name.removesuffix(".png"), suffix=".bmp")
    assert open_data(tmp_path).split.validation == tuple(name.replace(".png", ".bmp") for name in kept)


def test_a_name_in_two_lists_is_held_out() -> None:
    record = SplitRecord.from_dict({"split": {"train": ["a", "b"], "validation": ["b"], "test": []}})
    assert record.among(["a", "b"]) == Split(("a",), ("b",))


def test_an_old_dataset_json_is_read_and_kept_as_it_is(tmp_path: Path) -> None:
    add(tmp_path, *"abcde")
    old = {"train": ["a.png", "b.png", "c.png", "e.png"], "validation": ["d.png"], "test": []}
    (tmp_path / "dataset.json").write_text(json.dumps({"name": "old", "split": old}))
    recorded(tmp_path)
    written = json.loads((tmp_path / "dataset.json").read_text())
    assert written["split"] == old and "later_photos" not in written


@pytest.mark.parametrize(
    "later", [[], {"validation_share": "many"}, {"photos": None}, {"validation_share": 7}]
)
def test_counts_that_cannot_be_read_are_one_sentence(later: object) -> None:
    with pytest.raises(UserError, match="later_photos"):
        SplitRecord.from_dict({"later_photos": later})


def test_later_photos_of_a_known_group_follow_it(tmp_path: Path) -> None:
    stems = [f"film{i % 6}-{i:03d}" for i in range(30)]
    add(tmp_path, *stems)
    plan = SplitPlan("grouped", 0.3)
    data = open_data(tmp_path)
    apply_split(data, make_split(plan, [pair.name for pair in data.pairs]), plan)
    add(tmp_path, *(f"film{i % 9}-{i:03d}" for i in range(30, 60)))
    split = recorded(tmp_path).split
    films = [{group_of(name, plan.pattern) for name in part} for part in (split.train, split.validation)]
    assert len(films[0] | films[1]) == 9 and not films[0] & films[1]


def test_a_resplit_keeps_excluded_photos_that_were_held_out_from_training(tmp_path: Path) -> None:
    add(tmp_path, *(f"{i:02d}" for i in range(20)))
    kept = recorded(tmp_path).split.validation
    data = fixes.exclude(open_data(tmp_path), kept)
    plan = SplitPlan(seed=7)
    data = apply_split(data, make_split(plan, [pair.name for pair in data.pairs]), plan)
    assert set(kept) <= set(fixes.restore(data, kept).split.validation)


def test_a_file_that_is_moved_from_a_held_out_folder_does_not_train() -> None:
    before = SplitRecord({"train/a": "train", "train/b": "train", "val/c": "validation", "test/d": "test"})
    now = ["train/a", "train/c", "train/d", "val/b"]
    folders = {name: "train" if name.startswith("train") else "validation" for name in now}
    after = before.extended(now, 3, folders)
    assert {name: after.split_of[name] for name in now} == {
        "train/a": "train", "train/c": "validation", "train/d": "test", "val/b": "validation",
    }  # fmt: skip
    assert after.extended(now, 3, folders) == after
    assert after.moved(now) == {"train/c": "val/c", "train/d": "test/d", "val/b": "train/b"}


def test_files_of_one_name_in_several_folders_follow_their_folders() -> None:
    before = EMPTY.extended(["train/1", "val/1", "train/2", "val/2"], 3, {
        "train/1": "train", "train/2": "train", "val/1": "validation", "val/2": "validation"})  # fmt: skip
    now = ["training/1", "training/2", "valid/1", "valid/2"]
    folders = {name: "train" if name.startswith("train") else "validation" for name in now}
    assert before.extended(now, 3, folders).among(now) == Split(tuple(now[:2]), tuple(now[2:]))


def test_a_moved_file_is_a_finding(tmp_path: Path) -> None:
    add(tmp_path / "train", *(f"t{i}" for i in range(4)))
    add(tmp_path / "val", "v0", "v1")
    recorded(tmp_path)
    for folder in ("images", "masks"):
        (tmp_path / "val" / folder / "v0.png").rename(tmp_path / "train" / folder / "v0.png")
    data = recorded(tmp_path)
    moved = next(pair.name for pair in data.pairs if "v0" in pair.name)
    assert moved in data.split.validation
    report = next(step for step in check(data) if isinstance(step, Report))
    found = report.table.set_index("name")["findings"]
    assert [name for name in found.index if "moved" in found[name].split()] == [moved]
