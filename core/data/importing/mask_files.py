"""Layouts in which a picture is the mask of a photo.

images/ beside masks/, with train/ and val/ above or below them; 001.jpg beside 001_mask.png; a
folder of masks for each label; Pascal VOC's and Cityscapes' folders; masks whose colours are classes.
"""

import contextlib
from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from core.data.class_ids import are_classes
from core.data.classes import encoding_from_dict
from core.data.importing.colours import Coloured, coloured
from core.data.importing.mask_labels import AsTheyAre, Layered, is_lossy
from core.data.importing.matching import match
from core.data.importing.names import (
    Picture,
    common_folder,
    is_another_form,
    is_picture,
    read_name,
    splits_by_folder,
    stem_and_suffix,
    unique_names,
    with_roles_by_endings,
)
from core.data.importing.plan import Item, Plan
from core.data.importing.side_files import (
    class_names,
    own_description,
    palette_names,
    with_listed_splits,
)
from core.data.importing.sources import Source
from core.data.pairing import Problem
from core.data.palettes import Palette
from core.data.photos import MASK_SUFFIXES, PHOTO_SUFFIXES
from core.data.tally import sampled_tally, tally_of
from core.errors import UserError

SAMPLED = 60  # masks that are looked at before the whole is imported


def mask_file_plans(source: Source, photos: str = "", masks: str = "") -> list[Plan]:
    """Plans for what the names tell; with two folders given, for these. Empty where nothing fits."""
    names = [name for name in source.names if is_picture(name)]
    if not names:
        return []
    if photos and masks:
        return _plan(source, _by_hand(names, photos, masks), f"Photos in {photos}, masks in {masks}")
    below = common_folder(names)
    splits = splits_by_folder(names, below)
    plans = []
    by_folder = [read_name(name, below, splits) for name in names]
    roles = {p.role for p in by_folder}
    if "mask" in roles and roles & {"photo", ""}:
        plans += _plan(source, by_folder, "Folders of photos and masks")
    beside = with_roles_by_endings(by_folder)
    if any(p.role == "mask" for p in beside):
        plans += _plan(source, beside, "Photos and masks side by side")
    return sorted(plans, key=lambda plan: -len(plan.items))


def folders_of(source: Source) -> list[str]:
    """Folders that hold pictures, to choose from by hand."""
    return sorted({str(PurePosixPath(n).parent) for n in source.names if is_picture(n)})


def _by_hand(names: Sequence[str], photos: str, masks: str) -> list[Picture]:
    """The pictures of two folders, each with the role that its folder was given."""
    found = []
    for folder, role in ((photos, "photo"), (masks, "mask")):
        other = masks if role == "photo" else photos
        inside = [
            n for n in names if _inside(n, folder) and not (_inside(n, other) and len(other) > len(folder))
        ]
        root = PurePosixPath(folder)
        splits = splits_by_folder(inside, root)
        read = [read_name(name, root, splits) for name in inside]
        if photos == masks:
            return with_roles_by_endings(read)
        found += [replace(picture, role=role) for picture in read]
    return found


def _inside(name: str, folder: str) -> bool:
    return folder == "." or PurePosixPath(name).is_relative_to(folder)


def _plan(source: Source, found: Sequence[Picture], layout: str) -> list[Plan]:
    """One plan, or none where nothing pairs."""
    photos = [p for p in found if p.role in ("photo", "") and _ends(p.name, PHOTO_SUFFIXES)]
    masks = [p for p in found if p.role == "mask" and _ends(p.name, MASK_SUFFIXES)]
    masks = [p for p in masks if not p.whole.lower().endswith("instanceids")]
    layers = _layers(photos, masks)
    pairs, problems = _layered(photos, masks, layers) if layers else _paired(photos, masks)
    if not pairs:
        return []
    named = unique_names([Item(photo.whole, photo.name, chosen, photo.split) for photo, chosen in pairs])
    items = tuple(with_listed_splits(source, named))
    problems = [*source.problems, *problems]
    summary = f"{len(items):,} photos with masks"
    if layers:
        sample = _sample([m for item in items for m in item.masks if m])
        held = sampled_tally([content for _, content in _read_all(source, sample)])
        layered = Layered(layers, held.counts(), any(map(is_lossy, sample)), held.palette)
        layout, summary = f"{layout}, a folder for each label", f"{summary}; labels: {', '.join(layers)}."
        return [Plan(layout, summary, items, layered, tuple(problems))]
    sample = _sample([item.masks[0] for item in items])
    labels = _labels_of(source, sample)
    is_known = isinstance(labels, AsTheyAre) and labels.known is not None
    if labels.classes and not is_known and len(sample) < len(items):
        summary = f"{summary}; the classes are those of {len(sample)} masks, and the import reads them all"
    return [Plan(_better_name(layout, source), summary + ".", items, labels, tuple(problems))]


def _paired(
    photos: list[Picture], masks: list[Picture]
) -> tuple[list[tuple[Picture, tuple[str, ...]]], list[Problem]]:
    """Photos with the name of their mask, and what is left over."""
    matches = match(photos, masks)
    problems = list(matches.unclear)
    for photo in photos:
        best, *others = matches.masks.get(photo.name, [None])
        problems += [
            Problem(other.name, f"{photo.name} has several masks: {best.name} is taken, {other.name} is not.")
            for other in others
            if best is not None and other is not None and not is_another_form(best, other)
        ]
    problems += _without_partner(photos, matches.masks, matches.alone)
    return [(p, (matches.masks[p.name][0].name,)) for p in photos if p.name in matches.masks], problems


def _layered(
    photos: list[Picture], masks: list[Picture], layers: tuple[str, ...]
) -> tuple[list[tuple[Picture, tuple[str, ...]]], list[Problem]]:
    """Photos with the names of their masks, one for each label ("": none), and what is left over."""
    problems: list[Problem] = []
    alone: list[Picture] = []
    by_label: list[dict[str, list[Picture]]] = []
    for layer in layers:
        own = [replace(m, folders=m.folders[:-1]) for m in masks if m.folders[-1] == layer]
        matches = match(photos, own)
        by_label.append(matches.masks)
        problems += matches.unclear
        alone += matches.alone
        problems += [
            Problem(other.name, f"{other.name} is a second mask of the same label: {best.name} is taken.")
            for best, *others in matches.masks.values()
            for other in others
        ]
    chosen = {
        photo.name: tuple(found[photo.name][0].name if photo.name in found else "" for found in by_label)
        for photo in photos
    }
    matched = {name: masks for name, masks in chosen.items() if any(masks)}
    problems += _without_partner(photos, matched, alone)
    return [(photo, chosen[photo.name]) for photo in photos if photo.name in matched], problems


def _without_partner(
    photos: Iterable[Picture], matched: Container[str], masks: Iterable[Picture]
) -> list[Problem]:
    return [
        *(Problem(p.name, f"{p.name} has no mask.") for p in photos if p.name not in matched),
        *(Problem(m.name, f"{m.name} has no photo of the same name.") for m in masks),
    ]


def _layers(photos: list[Picture], masks: list[Picture]) -> tuple[str, ...]:
    """Names of the labels, where each has a folder of masks: masks/dog/1.png beside masks/cat/1.png."""
    deeper = {m.folders[-1] for m in masks if m.folders}
    own = {p.folders for p in photos}
    if not 2 <= len(deeper) <= 8 or any(not m.folders or m.folders in own for m in masks):
        return ()
    stems = {stem.casefold() for p in photos for stem in (p.whole, p.as_photo)}
    known = sum(m.whole.casefold() in stems or m.as_mask.casefold() in stems for m in masks)
    return tuple(sorted(deeper)) if known > len(masks) / 2 else ()


def _labels_of(source: Source, sample: Sequence[str]) -> AsTheyAre | Coloured:
    """What a sample of the masks seems to mean; the copy looks at all of them."""
    known = own_description(source).get("mask_rule")
    if isinstance(known, dict):
        return AsTheyAre({}, known=encoding_from_dict(known))
    contents = _read_all(source, sample)
    lossy = any(is_lossy(name) for name in sample)
    if not lossy and (of_colours := coloured(contents, palette_names(source))):
        return of_colours
    is_voc = any("segmentationclass" in name.lower() for name in sample)
    held = sampled_tally([content for _, content in contents])
    labels = AsTheyAre(held.counts(), class_names(source), lossy, is_voc, palette=held.palette)
    return replace(labels, are_classes=labels.every is not None and _tell_classes(contents, held.palette))


def _tell_classes(contents: Sequence[tuple[str, bytes]], palette: Palette) -> bool:
    """Whether the values of masks without names are classes, not instances. Damaged ones are passed over."""
    values = []
    for name, content in contents:
        with contextlib.suppress(UserError):
            values.append(list(tally_of(content, name).counts(palette)))
    return are_classes(values)


def _sample(masks: Sequence[str]) -> list[str]:
    return list(masks[:: max(1, len(masks) // SAMPLED)])


def _read_all(source: Source, names: Iterable[str]) -> list[tuple[str, bytes]]:
    found = []
    for name in names:
        try:
            found.append((name, source.read(name)))
        except UserError:
            continue  # named when it is imported
    return found


def _better_name(layout: str, source: Source) -> str:
    joined = "\n".join(source.names[:2000]).lower()
    if "segmentationclass/" in joined and "labelmap.txt" in joined:
        return "CVAT masks"
    if "segmentationclass/" in joined and "jpegimages/" in joined:
        return "Pascal VOC"
    return "Cityscapes" if "leftimg8bit" in joined and "gtfine" in joined else layout


def _ends(name: str, suffixes: Iterable[str]) -> bool:
    return stem_and_suffix(name.rsplit("/", 1)[-1])[1] in suffixes
