"""Which photo to label next, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.labelling.active import Ranked, Reason
from core.labelling.session import PhotoState, Status
from core.system.formatting import plural


class Order(StrEnum):
    """In which order the photos that are left come."""

    HELPFUL = "Most helpful first"
    NAME = "By name"


@dataclass(frozen=True, slots=True)
class Next:
    """A photo, "" where none is left, and one line that says why it comes next."""

    name: str
    reason: str


REASONS = {
    Reason.TYPICAL: "The most typical of the {} left.",
    Reason.UNCERTAIN: "The least certain of the {} left.",
    Reason.DIFFERENT: "The least like those labelled, of the {} left.",
}


def left(photos: Sequence[PhotoState]) -> list[PhotoState]:
    """The photos that nobody has accepted or skipped."""
    return [photo for photo in photos if photo.status in (Status.UNLABELLED, Status.PROPOSED)]


def next_photo(
    photos: Sequence[PhotoState], order: Order, after: str = "", ranked: Sequence[Ranked] = ()
) -> Next:
    """The photo to label after the one of this name, which comes last itself.

    `ranked` are photos from the most helpful on, as `core.labelling.proposing` finds them.
    """
    waiting = [photo for photo in left(photos) if photo.name != after]
    if not waiting:
        last = any(photo.name == after for photo in left(photos))
        return Next(after, "The last one.") if last else Next("", "All photos are accepted or skipped.")
    total = plural(len(left(photos)), "photo")
    free = {photo.name for photo in waiting if not photo.is_touched}
    best = next((one for one in ranked if one.name in free), None)
    if order is Order.HELPFUL and best is not None:
        return Next(best.name, REASONS[best.reason].format(total))
    later = [photo for photo in waiting if photo.name > after]
    return Next((later or waiting)[0].name, f"The next by name of the {total} left.")


def progress(photos: Sequence[PhotoState]) -> str:
    """Such as "12 accepted, 26 left, 3 of them proposed"; `left` as in the function of that name."""
    counts = {status: sum(photo.status is status for photo in photos) for status in Status}
    parts = [f"{counts[Status.ACCEPTED]:,} accepted"]
    if counts[Status.SKIPPED]:
        parts.append(f"{counts[Status.SKIPPED]:,} skipped")
    parts.append(f"{len(left(photos)):,} left")
    if counts[Status.PROPOSED]:
        parts.append(f"{counts[Status.PROPOSED]:,} of them proposed")
    return ", ".join(parts)
