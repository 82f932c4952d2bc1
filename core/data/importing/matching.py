"""Which mask, or file of outlines, belongs to which photo, by names alone.

Exact names come first and endings such as _mask after, the same place first and other folders after.
What fits two photos goes to neither: it is named.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.data.importing.names import Picture
from core.data.pairing import Problem

Key = Callable[[Picture], str]

# Keys of a photo and of a mask, which have to be equal; the strictest first.
PASSES: tuple[tuple[Key, Key], ...] = (
    (lambda photo: photo.whole, lambda mask: mask.whole),
    (lambda photo: photo.whole.casefold(), lambda mask: mask.whole.casefold()),
    (lambda photo: photo.name.rsplit("/", 1)[-1].casefold(), lambda mask: mask.whole.casefold()),
    (lambda photo: photo.whole.casefold(), lambda mask: mask.as_mask.casefold()),
    (lambda photo: photo.as_photo.casefold(), lambda mask: mask.whole.casefold()),
    (lambda photo: photo.as_photo.casefold(), lambda mask: mask.as_mask.casefold()),
)


@dataclass(slots=True)
class Matches:
    """`masks` are each photo's, by the photo's name, the best first; `unclear` are masks that fit
    several photos, which therefore have none, and `alone` those that fit none."""

    masks: dict[str, list[Picture]] = field(default_factory=dict)
    unclear: list[Problem] = field(default_factory=list)
    alone: list[Picture] = field(default_factory=list)


def match(photos: Sequence[Picture], masks: Sequence[Picture]) -> Matches:
    """Give every mask to the one photo whose it is."""
    found = Matches()
    places: list[Callable[[Picture], object]] = [lambda p: p.place, lambda p: p.place[1]]
    if {p.place[1] for p in photos}.isdisjoint(m.place[1] for m in masks):
        # Photos and masks have trees of their own. Where the trees mirror each other, a photo without a
        # mask must not get that of another folder's photo.
        places += [lambda p: p.split, lambda p: ""]
    open_photos, open_masks = list(photos), list(masks)
    passes = _by_convention(photos, masks)
    own_places = {p.place for p in photos} & {m.place for m in masks}
    strays: list[Picture] = []
    for number, place in enumerate(places):
        if number == 1:  # what has a place of its own kind is not looked for elsewhere
            open_photos = [p for p in open_photos if p.place not in own_places]
            strays = [m for m in open_masks if m.place in own_places]
            open_masks = [m for m in open_masks if m.place not in own_places]
        for photo_key, mask_key in passes:
            if not open_photos or not open_masks:
                break
            groups: dict[object, tuple[list[Picture], list[Picture]]] = defaultdict(lambda: ([], []))
            for photo in open_photos:
                groups[place(photo), photo_key(photo)][0].append(photo)
            for mask in open_masks:
                groups[place(mask), mask_key(mask)][1].append(mask)
            closed = {name for some, theirs in groups.values() if some and theirs
                      for name in _matched(found, some, theirs)}  # fmt: skip
            open_photos = [p for p in open_photos if p.name not in closed]
            open_masks = [m for m in open_masks if m.name not in closed]
    found.alone = [*open_masks, *strays]
    return found


def _by_convention(photos: Sequence[Picture], masks: Sequence[Picture]) -> list[tuple[Key, Key]]:
    """The passes, endings first where that is how most of these masks are named: beside cat.jpg and
    cat_mask.jpg, cat_mask.png is the mask of either, and the other names say whose."""
    ended = [mask for mask in masks if mask.as_mask != mask.whole]
    exact = {(photo.place, photo.whole) for photo in photos}
    by_ending = sum((mask.place, mask.as_mask) in exact for mask in ended)
    by_name = sum((mask.place, mask.whole) in exact for mask in masks)
    if by_ending <= by_name:
        return list(PASSES)
    return [PASSES[3], *PASSES[:3], *PASSES[4:]]


def _matched(found: Matches, photos: list[Picture], masks: list[Picture]) -> set[str]:
    """Match photos and masks whose names agree. Returns the names of those that are settled."""
    settled: set[str] = set()
    for mask in sorted(masks, key=lambda m: m.rank):
        fitting = [photo for photo in photos if _splits_agree(photo, mask)]
        if not fitting:
            continue
        settled |= {mask.name, *(photo.name for photo in fitting)}
        if len(fitting) == 1:
            found.masks.setdefault(fitting[0].name, []).append(mask)
            continue
        names = " and ".join(photo.name for photo in fitting[:3])
        sentence = f"{mask.name} fits {names} alike: give each photo a stem of its own."
        found.unclear.append(Problem(mask.name, sentence))
    return settled


def _splits_agree(photo: Picture, mask: Picture) -> bool:
    return not photo.split or not mask.split or photo.split == mask.split
