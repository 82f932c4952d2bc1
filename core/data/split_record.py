"""Which photos are for training, validation and test, written down by name for good.

dataset.json keeps the set of every photo that ever was in the data set, of those that are excluded
or gone too. So a photo that was held out once never trains, whichever way it comes back.
"""

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.errors import UserError

VALIDATION_SHARE = 0.2
PARTS = ("test", "validation", "train")  # a name that stands in two lists belongs to the first of these
LATER = "later_photos"


@dataclass(frozen=True, slots=True)
class Split:
    """Photo file names of the parts, each sorted. Training never sees `test`, not even to choose by it."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SplitRecord:
    """The set of every photo that ever was in a data set.

    `share` of the photos that come later goes to validation; `later` counts those that came and
    `later_validation` those of them that went there. With a `pattern`, photos of one group
    (`group_of`) stay in one set.
    """

    part_of: Mapping[str, str]
    share: float = VALIDATION_SHARE
    pattern: str = ""
    later: int = 0
    later_validation: int = 0

    @classmethod
    def from_dict(cls, about: Mapping[str, Any]) -> "SplitRecord":
        """What dataset.json says, in this form or an older one. Raises UserError for anything else."""
        part_of = _listed_parts(about.get("split", {}))
        later = about.get(LATER, {})
        try:
            share = float(later.get("validation_share", VALIDATION_SHARE))
            record = cls(
                part_of, share, str(later.get("pattern", "")), int(later.get("photos", 0)),
                int(later.get("to_validation", 0)),
            )  # fmt: skip
        except (AttributeError, TypeError, ValueError) as error:
            raise UserError(f"'{LATER}' in dataset.json cannot be read: delete that entry.") from error
        if not 0 <= share <= 1:
            raise UserError(f"'{LATER}' in dataset.json has a share of {share}: use 0 to 1.")
        return record

    def to_dict(self) -> dict[str, Any]:
        """The entries of dataset.json."""
        kept: dict[str, Any] = {"split": {part: list(self._names(part)) for part in reversed(PARTS)}}
        if self != SplitRecord(self.part_of):
            kept[LATER] = {
                "validation_share": self.share,
                "photos": self.later,
                "to_validation": self.later_validation,
            } | ({"pattern": self.pattern} if self.pattern else {})
        return kept

    def among(self, names: Iterable[str]) -> Split:
        """The split of these photos."""
        parts: dict[str, list[str]] = {part: [] for part in PARTS}
        for name in sorted(names):
            parts[self.part_of[name]].append(name)
        return Split(tuple(parts["train"]), tuple(parts["validation"]), tuple(parts["test"]))

    def named(self, current: Callable[[str], str]) -> "SplitRecord":
        """The same with every name replaced by `current(name)`."""
        return replace(
            self, part_of={current(name): part for part in reversed(PARTS) for name in self._names(part)}
        )

    def resplit(self, split: Split, pattern: str = "") -> "SplitRecord":
        """The record after a person has split anew.

        Photos that are not in `split` (excluded, or gone) stay held out if they were, and else are
        new when they come back. Later photos follow the shares of `split`.
        """
        held_out = {name: part for name, part in self.part_of.items() if part != "train"}
        given = {name: part for part in PARTS for name in getattr(split, part)}
        share = len(split.validation) / max(1, len(split.train) + len(split.validation))
        return SplitRecord(held_out | given, share, pattern)

    def extended(
        self, names: Iterable[str], seed: int, by_folder: Mapping[str, str] | None = None
    ) -> "SplitRecord":
        """The record with a set for each of these names; what is known stays where it is.

        A new name goes where its file's folder says (`by_folder`), or where a photo of the same stem
        was, in another format. A file that was in another folder (`moved`) does not train if it was held
        out there. All others are shuffled by the seed: the first photos of a data set are
        split by `share` at once, later ones so that the share holds however few come at a time. None of
        them goes to the test set, which stays what it was. At least one of the names is in training
        and one in validation, where that is possible without training on what was held out.
        """
        present = sorted(set(names))
        part_of = dict(self.part_of)
        new = [name for name in present if name not in part_of]
        stems = {_bare(name): part for name, part in part_of.items()} if new else {}
        moved = self.moved(present) if new else {}
        given: dict[str, str | None] = {}
        for name in new:
            given[name] = stems.get(_bare(name)) or (by_folder or {}).get(name)
            if before := part_of.get(moved.get(name, "")):
                given[name] = min(before, given[name] or before, key=PARTS.index)
        part_of |= {name: part for name, part in given.items() if part}
        new = [name for name, part in given.items() if not part]
        random.Random(seed).shuffle(new)
        if set(self.part_of.values()) <= {"test"}:
            part_of |= _first(new, part_of, present, self.share)
            later = (self.later, self.later_validation)
        else:
            drawn, later = self._later(new, part_of, seed)
            part_of |= drawn
        _fill_both(part_of, present, new)
        return replace(self, part_of=part_of, later=later[0], later_validation=later[1])

    def moved(self, names: Iterable[str]) -> dict[str, str]:
        """Those of the photos that are there now which were in another folder, by their names there: one
        photo of the same file name, and only one, is no longer where it was."""
        here, gone = _by_file(names), _by_file(set(self.part_of) - set(names))
        return {
            own[0]: gone[file][0]
            for file, own in here.items()
            if len(own) == 1 and len(gone.get(file, ())) == 1
        }

    def _names(self, part: str) -> list[str]:
        return sorted(name for name, own in self.part_of.items() if own == part)

    def _later(
        self, new: Sequence[str], part_of: Mapping[str, str], seed: int
    ) -> tuple[dict[str, str], tuple[int, int]]:
        """The sets of photos that come later, and the two counts after them.

        With each, validation is drawn with just the probability that is due, so that its count is
        never a whole photo (or group) away from the share, and yet follows no rhythm of the names.
        """
        groups = _groups(new, self.pattern)
        known = _parts_of_groups(part_of, self.pattern)
        drawn: dict[str, str] = {}
        later, held = self.later, self.later_validation
        for group, members in groups.items():
            part = known.get(group)
            if part is None:
                due = ((later + len(members)) * self.share - held) / len(members)
                part = "validation" if random.Random(f"{seed} {later}").random() < due else "train"
            later += len(members)
            held += len(members) if part == "validation" else 0
            drawn |= dict.fromkeys(members, part)
        return drawn, (later, held)


def group_of(name: str, pattern: str) -> str:
    """What photos of one group have in common: the pattern's first group, else the whole match.

    A name that the pattern does not match is a group of its own. Raises UserError for no pattern.
    """
    try:
        found = re.search(pattern, name.rsplit("/", 1)[-1])
    except re.error as error:
        raise UserError(f"'{pattern}' is no regular expression ({error}).") from error
    if not found:
        return name
    return (found.group(1) if found.groups() else found.group(0)) or name


def _first(
    new: Sequence[str], part_of: Mapping[str, str], present: Sequence[str], share: float
) -> dict[str, str]:
    """The first photos of a data set, shuffled: the beginning goes to validation."""
    taken = {part_of[name] for name in present if name in part_of}
    wanted = round(len(new) * share)
    if "validation" not in taken:
        wanted = max(1, wanted)
    if "train" not in taken:
        wanted = min(wanted, max(0, len(new) - 1))
    return {name: "validation" if i < wanted else "train" for i, name in enumerate(new)}


def _fill_both(part_of: dict[str, str], present: Sequence[str], new: Sequence[str]) -> None:
    """Where training or validation has no photo, one of the other becomes it, a new one if there is;
    but none that was held out before becomes one to train on."""
    sets = {part: [name for name in present if part_of[name] == part] for part in ("train", "validation")}
    fresh = {part: sorted(set(names) & set(new)) for part, names in sets.items()}
    if not sets["validation"] and len(sets["train"]) > 1:
        part_of[min(fresh["train"] or sets["train"])] = "validation"
    elif not sets["train"] and len(sets["validation"]) > 1 and fresh["validation"]:
        part_of[min(fresh["validation"])] = "train"


def _groups(names: Sequence[str], pattern: str) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(group_of(name, pattern) if pattern else name, []).append(name)
    return groups


def _parts_of_groups(part_of: Mapping[str, str], pattern: str) -> dict[str, str]:
    """The set of every known group; one that is in several counts as held out."""
    if not pattern:
        return {}
    found: dict[str, str] = {}
    for name, part in part_of.items():
        group = group_of(name, pattern)
        found[group] = min(part, found.get(group, part), key=PARTS.index)
    return found


def _listed_parts(given: Any) -> dict[str, str]:
    lists = {part: given.get(part, ()) if isinstance(given, dict) else () for part in reversed(PARTS)}
    if not all(isinstance(names, list | tuple) for names in lists.values()):
        raise UserError("The split in dataset.json should be lists of file names: delete the file.")
    return {str(name): part for part, names in lists.items() for name in names}


def _by_file(names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.rpartition("/")[2], []).append(name)
    return found


def _bare(name: str) -> str:
    """The name without its suffix: photos of one folder are told apart by their stems."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + (file.rpartition(".")[0] or file)
