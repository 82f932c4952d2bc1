"""Layouts in which a picture is the mask of a photo.

images/ beside masks/, with train/ and val/ above or below them; 001.jpg beside 001_mask.png; a
folder of masks for each label; Pascal VOC's and Cityscapes' folders; masks whose colours are classes.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np

from core.data.classes import classes_for_values, rule_from_dict
from core.data.importing.mask_labels import AsTheyAre, Colour, Coloured, Layered, colour_of
from core.data.importing.names import Picture, common_folder, is_picture, read_name
from core.data.importing.plan import Item, Plan
from core.data.importing.side_files import (
    VOC_CLASSES,
    class_names,
    listed_parts,
    own_description,
    palette_names,
)
from core.data.importing.sources import Source
from core.data.masks import LOSSY_SUFFIXES, MaskRule, rule_for_values, value_counts
from core.data.pairing import Problem
from core.data.photos import MASK_SUFFIXES, PHOTO_SUFFIXES, open_picture, reading
from core.errors import UserError

SAMPLED = 60  # masks that are looked at before the whole is imported
MAX_COLOURS = 64


def mask_file_plans(source: Source, photos: str = "", masks: str = "") -> list[Plan]:
    """Plans for what the names tell; with two folders given, for these. Empty where nothing fits."""
    names = [name for name in source.names if is_picture(name)]
    if not names:
        return []
    below = common_folder(names)
    plans = []
    if photos and masks:
        return _plan(source, _by_hand(names, photos, masks), f"Photos in {photos}, masks in {masks}")
    by_folder = [read_name(name, below, True) for name in names]
    roles = {p.role for p in by_folder}
    if "mask" in roles and roles & {"photo", ""}:
        plans += _plan(source, by_folder, "Folders of photos and masks")
    beside = _with_partners([read_name(name, below, False) for name in names])
    if any(p.role == "mask" for p in beside):
        plans += _plan(source, beside, "Photos and masks side by side")
    return sorted(plans, key=lambda plan: -len(plan.items))


def folders_of(source: Source) -> list[str]:
    """Folders that hold pictures, to choose from by hand."""
    return sorted({str(PurePosixPath(n).parent) for n in source.names if is_picture(n)})


def _by_hand(names: Iterable[str], photos: str, masks: str) -> list[Picture]:
    found = []
    for name in names:
        for folder, role in ((photos, "photo"), (masks, "mask")):
            path, root = PurePosixPath(name), PurePosixPath(folder)
            if path.is_relative_to(root) and (
                role == "photo" or photos == masks or not _inside(name, photos)
            ):
                read = read_name(name, root, False)
                found.append(replace(read, role=role if photos != masks else read.role))
                break
    return found


def _with_partners(found: list[Picture]) -> list[Picture]:
    """A photo may be called cat_m.jpg: it is a mask only beside a cat.jpg."""
    photos = {p.stem.casefold() for p in found if p.role == "photo"}
    return [
        p if p.role == "photo" or p.stem.casefold() in photos
        else replace(p, role="photo", stem=PurePosixPath(p.name).stem)
        for p in found
    ]  # fmt: skip


def _inside(name: str, folder: str) -> bool:
    return folder != "." and PurePosixPath(name).is_relative_to(folder)


def _plan(source: Source, found: Sequence[Picture], layout: str) -> list[Plan]:
    """One plan, or none where nothing pairs."""
    photos = [p for p in found if p.role in ("photo", "") and _ends(p.name, PHOTO_SUFFIXES)]
    masks = [p for p in found if p.role == "mask" and _ends(p.name, MASK_SUFFIXES)]
    masks = [p for p in masks if not p.name.lower().rsplit(".", 1)[0].endswith(("instanceids",))]
    pairs, layers, problems = _paired(photos, masks)
    if not pairs:
        return []
    parts = listed_parts(source)
    items = _named([
        Item(photo.stem, photo.name, chosen, photo.part or parts.get(photo.stem.casefold(), ""))
        for photo, chosen in pairs
    ])  # fmt: skip
    problems = [*source.problems, *problems]
    told = f"{len(items):,} photos with masks"
    if layers:
        inner = _rule_of(source, [m for item in items for m in item.masks if m])
        return [Plan(f"{layout}, a folder for each label", f"{told}; labels: {', '.join(layers)}.",
                     tuple(items), Layered(layers, inner), tuple(problems))]  # fmt: skip
    labels = _labels_of(source, items)
    return [Plan(_better_name(layout, source), told + ".", tuple(items), labels, tuple(problems))]


def _paired(
    photos: list[Picture], masks: list[Picture]
) -> tuple[list[tuple[Picture, tuple[str, ...]]], tuple[str, ...], list[Problem]]:
    """Photos with the names of their masks, the labels where each has a folder, and what is left."""
    by_key: dict[tuple[str, tuple[str, ...], str], list[Picture]] = {}
    for mask in masks:
        by_key.setdefault(mask.key, []).append(mask)
    stems: dict[str, list[Picture]] = {}
    for mask in masks:
        stems.setdefault(mask.stem.casefold(), []).append(mask)
    layers = _layers(photos, masks)
    photo_stems = Counter(photo.stem.casefold() for photo in photos)
    pairs, problems, used = [], [], set()
    for photo in photos:
        stem = photo.stem.casefold()
        if layers:
            own = {m.folders[-1]: m.name for m in stems.get(stem, ())}
            chosen = tuple(own.get(layer, "") for layer in layers)
        else:
            matches = by_key.get(photo.key) or (stems.get(stem, []) if photo_stems[stem] == 1 else [])
            if len(matches) > 1 and len({m.rank for m in matches}) < len(matches):
                problems.append(Problem(matches[1].name, f"{photo.name} has several masks: {matches[0].name} "
                                                         "is taken."))  # fmt: skip
            best = min(matches, key=lambda m: m.rank, default=None)
            chosen = (best.name,) if best else ()
            used |= {m.name for m in matches}
        if not any(chosen):
            problems.append(Problem(photo.name, f"{photo.name} has no mask."))
            continue
        used |= set(chosen)
        pairs.append((photo, chosen))
    problems += [
        Problem(m.name, f"{m.name} has no photo of the same name.") for m in masks if m.name not in used
    ]
    return pairs, layers, problems


def _layers(photos: list[Picture], masks: list[Picture]) -> tuple[str, ...]:
    """Names of the labels, where each has a folder of masks: masks/dog/1.png beside masks/cat/1.png."""
    deeper = {m.folders[-1] for m in masks if m.folders}
    own = {p.folders for p in photos}
    if not 2 <= len(deeper) <= 8 or any(not m.folders or m.folders in own for m in masks):
        return ()
    stems = {p.stem.casefold() for p in photos}
    return tuple(sorted(deeper)) if sum(m.stem.casefold() in stems for m in masks) > len(masks) / 2 else ()


def _named(items: list[Item]) -> list[Item]:
    """Stems that no two files share, not even where capitals do not count."""
    stems = Counter(item.name.casefold() for item in items)
    taken: set[str] = set()
    named = []
    for item in items:
        name = item.name
        if stems[name.casefold()] > 1:
            above = PurePosixPath(item.image).parts[:-1][-2:]
            name = "-".join([*above, name])
        number, whole = 2, name
        while whole.casefold() in taken:
            whole, number = f"{name}-{number}", number + 1
        taken.add(whole.casefold())
        named.append(replace(item, name=whole))
    return named


def _labels_of(source: Source, items: list[Item]) -> AsTheyAre | Coloured:
    every = [item.masks[0] for item in items]
    known = own_description(source).get("mask_rule")
    if isinstance(known, dict):
        return AsTheyAre(rule_from_dict(known))
    sample = every[:: max(1, len(every) // SAMPLED)]
    colours = _colours(source, sample)
    if colours:
        return Coloured(colours)
    counts = value_counts(_read_all(source, sample))
    rule = rule_for_values(counts, any(_ends(name, LOSSY_SUFFIXES) for name in sample))
    names = class_names(source)
    is_voc = any("segmentationclass" in name.lower() for name in sample)
    if is_voc and max((v for v in counts if v != 255), default=0) < len(VOC_CLASSES):
        names = VOC_CLASSES
    if not rule.is_of_ids:
        return AsTheyAre(rule)
    try:
        classes = classes_for_values(counts, 255 if 255 in counts else -1, names)
    except UserError:
        return AsTheyAre(rule)
    return AsTheyAre(classes if names else rule, classes)


def _rule_of(source: Source, masks: list[str]) -> MaskRule:
    sample = masks[:: max(1, len(masks) // SAMPLED)]
    lossy = any(_ends(name, LOSSY_SUFFIXES) for name in sample)
    return rule_for_values(value_counts(_read_all(source, sample)), lossy)


def _read_all(source: Source, names: Iterable[str]) -> list[bytes]:
    found = []
    for name in names:
        try:
            found.append(source.read(name))
        except UserError:
            continue  # named when it is imported
    return found


def _colours(source: Source, masks: Sequence[str]) -> dict[Colour, str]:
    """The colours of these masks and their names, where they are colours that mean classes."""
    if any(_ends(name, LOSSY_SUFFIXES) for name in masks):
        return {}
    seen: Counter[int] = Counter()
    for content in _read_all(source, masks):
        try:
            picture = open_picture(content)
            if picture.mode not in ("RGB", "RGBA"):
                return {}
            with reading("A mask"):
                rgb = np.asarray(picture.convert("RGB")).astype(np.int64)
        except UserError:
            continue  # named when it is imported
        codes, counts = np.unique(rgb @ np.array([65536, 256, 1]), return_counts=True)
        seen.update(dict(zip(codes.tolist(), counts.tolist(), strict=True)))
        if len(seen) > 4096:
            return {}
    total = sum(seen.values())
    # Blended edges are many colours of few pixels; classes are few colours of many.
    strong = [code for code, count in seen.most_common(MAX_COLOURS) if count > total * 2e-5]
    colours = [code for code in strong if len({code >> 16, code >> 8 & 255, code & 255}) > 1]
    if len(colours) < 2 or sum(seen[code] for code in strong) < 0.97 * total:
        return {}
    named = palette_names(source)
    table = {colour_of(code): named.get(colour_of(code), f"colour #{code:06x}") for code in sorted(strong)}
    return {**table, **{c: n for c, n in named.items() if c not in table}}


def _better_name(layout: str, source: Source) -> str:
    joined = "\n".join(source.names[:2000]).lower()
    if "segmentationclass/" in joined and "jpegimages/" in joined:
        return "Pascal VOC"
    return "Cityscapes" if "leftimg8bit" in joined and "gtfine" in joined else layout


def _ends(name: str, suffixes: Iterable[str]) -> bool:
    return PurePosixPath(name).suffix.lower() in suffixes
