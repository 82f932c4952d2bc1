import numpy as np
import pytest

from core.labelling.active import Candidate, Reason, next_photos, uncertainty


def at(name: str, x: float, y: float, doubt: float | None = 0.5) -> Candidate:
    return Candidate(name, np.array([x, y], np.float32), doubt)


def names(*args: list[Candidate]) -> list[str]:
    return [ranked.name for ranked in next_photos(*args)]


def test_every_photo_is_ranked_once_and_none_needs_nothing() -> None:
    photos = [at(str(i), i % 4, i // 4, i / 10) for i in range(10)]
    assert sorted(names(photos)) == sorted(p.name for p in photos)
    assert next_photos([]) == []


def test_before_anything_is_labelled_the_most_typical_photo_comes_first() -> None:
    photos = [at("left", 0, 0, None), at("middle", 5, 5, None), at("right", 10, 10, None)]
    first = next_photos(photos)[0]
    assert first.name == "middle" and first.reason == Reason.TYPICAL


def test_of_photos_equally_far_the_least_certain_comes_first() -> None:
    labelled = [at("known", 0, 0)]
    ranked = next_photos([at("sure", 1, 0, 0.1), at("unsure", 0, 1, 0.9)], labelled)
    assert ranked[0].name == "unsure" and ranked[0].reason == Reason.UNCERTAIN


def test_of_photos_equally_uncertain_the_one_unlike_the_labelled_comes_first() -> None:
    labelled = [at("known", 0, 0)]
    ranked = next_photos([at("near", 1, 1, 0.5), at("far", 9, 9, 0.5)], labelled)
    assert ranked[0].name == "far" and ranked[0].distance > ranked[1].distance


def test_near_duplicates_do_not_follow_each_other() -> None:
    twins = [at("a", 9, 9, 0.8), at("a again", 9.01, 9, 0.8)]
    other = at("b", -9, 9, 0.5)
    order = names([*twins, other], [at("known", 0, 0)])
    assert order[1] == "b"


def test_equal_photos_keep_their_order() -> None:
    assert names([at("a", 1, 1), at("b", 1, 1)], [at("c", 1, 1)]) == ["a", "b"]


def test_uncertainty_is_0_for_sure_proposals_and_1_for_none_at_all() -> None:
    sure = np.zeros((3, 4, 4), np.float32)
    sure[1] = 1
    assert uncertainty(sure) == pytest.approx(0, abs=1e-4)
    assert uncertainty(np.full((3, 4, 4), 1 / 3, np.float32)) == pytest.approx(1)
    half = np.stack([np.full((4, 4), 0.8), np.full((4, 4), 0.2)]).astype(np.float32)
    assert 0.5 < uncertainty(half) < 1
