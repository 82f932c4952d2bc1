import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.dataset import open_data
from core.data.split_record import group_of
from core.data.splitting import SplitPlan, apply_split, make_split
from core.errors import UserError

NAMES = [f"film{i % 7}-{i:03d}.jpg" for i in range(70)]


def parts(split: object) -> tuple[set[str], set[str], set[str]]:
    return set(split.train), set(split.validation), set(split.test)  # type: ignore[attr-defined]


@given(
    st.sampled_from(["random", "stratified", "grouped"]), st.floats(0.05, 0.5), st.floats(0, 0.4),
    st.integers(0, 1000), st.sampled_from([0, 3, 5]),
)  # fmt: skip
def test_parts_are_disjoint_whole_and_the_same_for_a_seed(
    kind: str, validation: float, test: float, seed: int, folds: int
) -> None:
    plan = SplitPlan(kind, validation, test, seed, folds=folds)
    foreground = {name: i / 70 for i, name in enumerate(NAMES)}
    try:
        split = make_split(plan, NAMES, foreground)
    except UserError:
        assert kind == "grouped"  # seven groups cannot be split by every share
        return
    train, kept, last = parts(split)
    assert train | kept | last == set(NAMES) and not (train & kept or train & last or kept & last)
    assert train and kept
    assert split == make_split(plan, list(reversed(NAMES)), foreground)
    if kind != "grouped" and not folds:
        assert abs(len(kept) - 70 * validation) <= 2 and abs(len(last) - 70 * test) <= 2


def test_groups_stay_together() -> None:
    split = make_split(SplitPlan("grouped", 0.3, 0.15), NAMES)
    films = [{group_of(name, SplitPlan().pattern) for name in part} for part in parts(split)]
    assert not (films[0] & films[1] or films[0] & films[2] or films[1] & films[2]) and all(films)


def test_stratified_parts_are_alike() -> None:
    shares = {f"{i}.jpg": i / 1000 for i in range(1000)}
    spread = {"random": [], "stratified": []}  # type: dict[str, list[float]]
    for kind, means in spread.items():
        for seed in range(20):
            split = make_split(SplitPlan(kind, 0.1, 0.1, seed), list(shares), shares)
            means += [float(np.mean([shares[n] for n in part])) for part in (split.validation, split.test)]
    assert np.std(spread["stratified"]) < np.std(spread["random"]) / 3


def test_folds_cover_everything_once_and_leave_the_test_part_alone() -> None:
    splits = [make_split(SplitPlan("random", test=0.1, folds=5, fold=k), NAMES) for k in range(1, 6)]
    assert len({split.test for split in splits}) == 1 and len(splits[0].test) == 7
    validated = [name for split in splits for name in split.validation]
    assert len(validated) == len(set(validated)) == 63


def test_lists_take_names_or_stems_and_name_what_they_do_not_know() -> None:
    split = make_split(
        SplitPlan("listed", validation_names=("film0-000", "film1-001.jpg"), test_names=("film2-002",)), NAMES
    )
    assert split.validation == ("film0-000.jpg", "film1-001.jpg") and split.test == ("film2-002.jpg",)
    with pytest.raises(UserError, match="nobody"):
        make_split(SplitPlan("listed", validation_names=("nobody",)), NAMES)


@pytest.mark.parametrize(
    "plan",
    [SplitPlan(validation=0.6, test=0.4), SplitPlan(validation=0), SplitPlan("grouped", pattern="("),
     SplitPlan("grouped", pattern="film"), SplitPlan(folds=5, fold=6), SplitPlan("listed", test_names=())],
)  # fmt: skip
def test_splits_that_cannot_be_are_one_sentence(plan: SplitPlan) -> None:
    with pytest.raises(UserError):
        make_split(plan, NAMES)


def test_a_split_is_written_down_and_the_test_part_never_reaches_training(small_data: Path) -> None:
    data = open_data(small_data)
    plan = SplitPlan("random", 0.2, 0.3)
    split = make_split(plan, [p.name for p in data.pairs])
    data = apply_split(data, split, plan)
    assert (data.split, len(data.pairs_of("test"))) == (split, 3)
    assert open_data(small_data).split == split
    (small_data / "images" / "10.jpg").write_bytes((small_data / "images" / "00.jpg").read_bytes())
    (small_data / "masks" / "10.png").write_bytes((small_data / "masks" / "00.png").read_bytes())
    grown = open_data(small_data).split
    assert grown.test == split.test and "10.jpg" in grown.train + grown.validation


def test_the_default_pattern_finds_films() -> None:
    assert re.sub(r"\W", "", group_of("a/walk-012.jpg", SplitPlan().pattern)) == "walk"
    assert group_of("portrait.jpg", SplitPlan().pattern) == "portrait.jpg"


def test_a_stem_that_two_folders_share_is_asked_for_in_full() -> None:
    names = ["train/1.jpg", "train/2.jpg", "val/1.jpg", "val/3.png"]
    for short in ("1", "1.jpg"):
        with pytest.raises(UserError, match=r"train/1\.jpg or val/1\.jpg"):
            make_split(SplitPlan("listed", validation_names=(short,)), names)
    for full in ("val/1.jpg", "val/1"):
        assert make_split(SplitPlan("listed", validation_names=(full,)), names).validation == ("val/1.jpg",)


def test_a_hundred_thousand_names_are_split_in_groups_within_seconds() -> None:
    names = [f"{i // 2:06d}-{i % 2}.jpg" for i in range(100_000)]
    start = time.process_time()
    split = make_split(SplitPlan("grouped", 0.3, 0.1, pattern=r"^(\d+)-"), names)
    assert time.process_time() - start < 5  # 28 s where each group was looked for among all others
    assert len(split.validation) == 30_000
