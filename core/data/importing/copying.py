"""From a plan to a data set folder of the workspace: whole, or nothing of it.

Files go into images/ and masks/ under names that are made here; no path that a source names is
ever written to.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from core.data import library
from core.data.classes import MaskEncoding
from core.data.dataset import DATASET_FILE, DataFolder, open_data, write_down
from core.data.importing.plan import Copying, Item, Outcome, Plan, upright_size
from core.data.importing.privacy import for_keeping
from core.data.importing.recognition import recognise
from core.data.importing.side_files import own_description
from core.data.importing.sources import HarmfulSourceError, Source, open_source
from core.data.importing.tables import with_tables
from core.data.jpeg_damage import is_damaged_jpeg
from core.data.pairing import Problem
from core.data.value_range import KEY, range_in
from core.errors import UserError, system_said
from core.policy.ownership import sign
from core.policy.permissions import needs
from core.system.atomic import atomic_folder
from core.system.file_names import short_stem
from core.system.formatting import plural
from core.system.workspace import write_json

KEPT_PROBLEMS = 2000  # sentences written down; more are counted


@dataclass(frozen=True, slots=True)
class Imported:
    """The new data set, opened, what was left out of it, and what only the whole set had shown."""

    data: DataFolder
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


@needs("add")
def import_data(
    given: Path | BinaryIO | Sequence[tuple[str, BinaryIO]], name: str
) -> Iterator[float | Imported]:
    """Open a source, take the most plausible plan for it and bring it in as data set `name`.

    Yields the share done, then the result. Raises UserError when it cannot be; then nothing is left.
    """
    library.new_folder(name)  # a name that is taken is refused before anything is read
    source = with_tables(open_source(given))
    try:
        yield from bring_in(source, recognise(source)[0], name)
    finally:
        source.close()


@needs("add")
def bring_in(source: Source, plan: Plan, name: str) -> Iterator[float | Imported]:
    """Copy what the plan says. Yields the share done, then the result.

    A pair that cannot be read is left out and named. Raises UserError when the name is taken, the
    disk is full or fewer than two pairs are left; then nothing is kept.
    """
    folder = library.new_folder(name)
    plan = replace(plan, items=tuple(replace(item, name=short_stem(item.name)) for item in plan.items))
    problems = list(plan.problems)
    splits: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    copying, damaged = plan.labels.copying(), []
    try:
        with atomic_folder(folder) as making:
            for part in ("images", "masks"):
                (making / part).mkdir()
            for done, item in enumerate(plan.items, 1):
                try:
                    photo = _copy_pair(source, copying, item, making)
                except HarmfulSourceError:
                    raise
                except UserError as error:
                    problems.append(Problem(item.image, str(error)))
                    continue
                if is_damaged_jpeg((making / "images" / photo).read_bytes()):
                    damaged.append(photo)
                if item.split:
                    splits[item.split].append(photo)
                if done % 8 == 0:
                    yield done / len(plan.items)
            _check_enough(len(list((making / "images").iterdir())), problems[len(plan.problems) :])
            sign(making)
            outcome = copying.outcome()
            _write_again(source, plan, outcome, making)
            notes = (*outcome.notes, *_damage_note(damaged))
            plan = replace(plan, labels=outcome.labels)
            about = _about(name, source, plan, splits, problems)
            about["origin"]["notes"] = list(notes)
            write_json(making / DATASET_FILE, about)
            write_down(open_data(making))
    except OSError as error:
        library.new_folder(name)  # another import may have taken the name meanwhile
        raise UserError(f"The import stopped: {system_said(error)}.") from error
    yield Imported(open_data(folder), tuple(problems), notes)


def _damage_note(damaged: Sequence[str]) -> tuple[str, ...]:
    if not damaged:
        return ()
    return (
        f"{plural(len(damaged), 'photo')} damaged inside, the first {damaged[0]}: the check lists them all.",
    )


def _check_enough(count: int, problems: Sequence[Problem]) -> None:
    """Raises UserError where what could not be read leaves fewer than two pairs."""
    if problems and count < 2:
        which = (
            "Only one pair could be read; at least two are needed."
            if count
            else "None of the pairs could be read."
        )
        raise UserError(f"{which} The first that could not: {problems[0].sentence}")


def _copy_pair(source: Source, copying: Copying, item: Item, making: Path) -> str:
    """Write one photo and its masks; returns the photo's file name."""
    if "/" in item.name or "\0" in item.name or item.name in ("", ".", ".."):
        raise UserError(f"'{item.image[:80]}' cannot be a file name: rename it.")
    content = source.read(item.image)
    suffix, photo = for_keeping(content, item.image)
    masks = copying.files(source, item, upright_size(content, item.image))
    target = making / "images" / f"{item.name}{suffix}"
    for path, mask in masks:
        where = making / "masks" / path
        where.parent.mkdir(exist_ok=True)
        where.write_bytes(mask)
    target.write_bytes(photo)
    return target.name


def _write_again(source: Source, plan: Plan, outcome: Outcome, making: Path) -> None:
    """Replace the masks that mean something else in the whole set than the sample showed."""
    for item in plan.items:
        if item.name not in outcome.again:
            continue
        for path, _ in plan.labels.files(source, item, (1, 1)):
            (making / "masks" / path).unlink(missing_ok=True)
        for path, mask in outcome.labels.files(source, item, (1, 1)):
            (making / "masks" / path).write_bytes(mask)


def _about(
    name: str, source: Source, plan: Plan, splits: dict[str, list[str]], problems: list[Problem]
) -> dict[str, Any]:
    """dataset.json: the name, where it came from, the meaning of the masks and the splits, if known."""
    about: dict[str, Any] = {
        "name": name.strip(),
        "origin": {
            "source": source.label,
            "layout": plan.layout,
            "time": time.strftime("%Y-%m-%dT%H:%M:%S"),
            "pairs": len(plan.items),
            "left_out": [[p.name, p.sentence] for p in problems[:KEPT_PROBLEMS]],
            "left_out_count": len(problems),
        },
    }
    encoding: MaskEncoding | None = plan.labels.encoding()
    if encoding is not None:
        about["mask_rule"] = encoding.to_dict()
    values = range_in(own_description(source))
    if values:
        about[KEY] = list(values)
    if splits["validation"] or splits["test"]:
        # Without a validation set of its own, one is split from what is not for testing.
        about["split"] = splits if splits["validation"] else {"test": splits["test"]}
    return about
