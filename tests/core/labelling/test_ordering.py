"""Which photo comes next, and what the page says about it."""

from core.labelling.active import Ranked, Reason
from core.labelling.ordering import Order, next_photo, progress
from core.labelling.session import PhotoState, Status

PHOTOS = [
    PhotoState("a", Status.ACCEPTED), PhotoState("b", Status.PROPOSED), PhotoState("c", Status.UNLABELLED),
    PhotoState("d", Status.SKIPPED), PhotoState("e", Status.PROPOSED, is_touched=True),
]  # fmt: skip
RANKED = [Ranked(name, Reason.UNCERTAIN, 0.5, 1.0) for name in ("a", "e", "c", "b")]


def test_the_most_helpful_photo_that_nobody_has_drawn_on_comes_next_with_its_reason() -> None:
    found = next_photo(PHOTOS, Order.HELPFUL, "b", RANKED)
    assert (found.name, found.reason) == ("c", "The least certain of the 3 photos left.")


def test_without_proposals_or_by_name_the_next_that_is_left_comes_round_to_the_first() -> None:
    assert next_photo(PHOTOS, Order.HELPFUL, "b").name == "c"
    assert next_photo(PHOTOS, Order.NAME, "c", RANKED).name == "e"
    assert next_photo(PHOTOS, Order.NAME, "e", RANKED).name == "b"


def test_when_all_is_decided_nothing_comes_next() -> None:
    assert next_photo(PHOTOS[:1], Order.HELPFUL, "a").name == ""
    assert next_photo(PHOTOS[:2], Order.HELPFUL, "b").name == "b"


def test_the_progress_counts_every_status_and_what_is_left_as_the_reason_does() -> None:
    assert progress(PHOTOS) == "1 accepted, 1 skipped, 3 left, 2 of them proposed"
    assert progress(PHOTOS[:2]) == "1 accepted, 1 left, 1 of them proposed"
