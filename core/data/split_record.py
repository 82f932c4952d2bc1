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
SPLITS = ("test", "validation", "train")  # a name that stands in two lists belongs to the first of these
LATER = "later_photos"


@dataclass(frozen=True, slots=True)
class Split:
    """Photo file names of the splits, each sorted. Training never sees `test`, not even to choose by it."""

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

    split_of: Mapping[str, str]
    share: float = VALIDATION_SHARE
    pattern: str = ""
    later: int = 0
    later_validation: int = 0

    @classmethod
    def from_dict(cls, about: Mapping[str, Any]) -> "SplitRecord":
        """What dataset.json says, in this form or an older one. Raises UserError for anything else."""
        split_of = _listed(about.get("split", {}))
        later = about.get(LATER, {})
        try:
            share = float(later.get("validation_share", VALIDATION_SHARE))
            record = cls(
                split_of, share, str(later.get("pattern", "")), int(later.get("photos", 0)),
                int(later.get("to_validation", 0)),
            )  # fmt: skip
        except (AttributeError, TypeError, ValueError) as error:
            raise UserError(f"'{LATER}' in dataset.json cannot be read: delete that entry.") from error
        if not 0 <= share <= 1:
            raise UserError(f"'{LATER}' in dataset.json has a share of {share}: use 0 to 1.")
        return record

    def to_dict(self) -> dict[str, Any]:
        """The entries of dataset.json."""
        kept: dict[str, Any] = {"split": {split: list(self._names(split)) for split in reversed(SPLITS)}}
        if self != SplitRecord(self.split_of):
            kept[LATER] = {
                "validation_share": self.share,
                "photos": self.later,
                "to_validation": self.later_validation,
            } | ({"pattern": self.pattern} if self.pattern else {})
        return kept

    def among(self, names: Iterable[str]) -> Split:
        """The split of these photos."""
        splits: dict[str, list[str]] = {split: [] for split in SPLITS}
        for name in sorted(names):
            splits[self.split_of[name]].append(name)
        return Split(tuple(splits["train"]), tuple(splits["validation"]), tuple(splits["test"]))

    def named(self, current: Callable[[str], str]) -> "SplitRecord":
        """The same with every name replaced by `current(name)`."""
        return replace(
            self, split_of={current(name): split for split in reversed(SPLITS) for name in self._names(split)}
        )

    def resplit(self, split: Split, pattern: str = "") -> "SplitRecord":
        """The record after a person has re-split the photos.

        Photos that are not in `split` (excluded, or gone) stay held out if they were, and else are
        new when they come back. Later photos follow the shares of `split`.
        """
        held_out = {name: split for name, split in self.split_of.items() if split != "train"}
        given = {name: of for of in SPLITS for name in getattr(split, of)}
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
        split_of = dict(self.split_of)
        new = [name for name in present if name not in split_of]
        stems = {_bare(name): split for name, split in split_of.items()} if new else {}
        moved = self.moved(present) if new else {}
        given: dict[str, str | None] = {}
        for name in new:
            given[name] = stems.get(_bare(name)) or (by_folder or {}).get(name)
            if before := split_of.get(moved.get(name, "")):
                given[name] = min(before, given[name] or before, key=SPLITS.index)
        split_of |= {name: split for name, split in given.items() if split}
        new = [name for name, split in given.items() if not split]
        random.Random(seed).shuffle(new)
        if set(self.split_of.values()) <= {"test"}:
            split_of |= _first(new, split_of, present, self.share)
            later = (self.later, self.later_validation)
        else:
            drawn, later = self._later(new, split_of, seed)
            split_of |= drawn
        _fill_both(split_of, present, new)
        return replace(self, split_of=split_of, later=later[0], later_validation=later[1])

    def moved(self, names: Iterable[str]) -> dict[str, str]:
        """Those of the photos that are there now which were in another folder, by their names there: one
        photo of the same file name, and only one, is no longer where it was."""
        here, gone = _by_file(names), _by_file(set(self.split_of) - set(names))
        return {
            own[0]: gone[file][0]
            for file, own in here.items()
            if len(own) == 1 and len(gone.get(file, ())) == 1
        }

    def _names(self, split: str) -> list[str]:
        return sorted(name for name, own in self.split_of.items() if own == split)

    def _later(
        self, new: Sequence[str], split_of: Mapping[str, str], seed: int
    ) -> tuple[dict[str, str], tuple[int, int]]:
        """The sets of photos that come later, and the two counts after them.

        With each, validation is drawn with just the probability that is due, so that its count is
        never a whole photo (or group) away from the share, and yet follows no rhythm of the names.
        """
        groups = _groups(new, self.pattern)
        known = _splits_of_groups(split_of, self.pattern)
        drawn: dict[str, str] = {}
        later, held = self.later, self.later_validation
        for group, members in groups.items():
            split = known.get(group)
            if split is None:
                due = ((later + len(members)) * self.share - held) / len(members)
                split = "validation" if random.Random(f"{seed} {later}").random() < due else "train"
            later += len(members)
            held += len(members) if split == "validation" else 0
            drawn |= dict.fromkeys(members, split)
        return drawn, (later, held)


def group_of(name: str, pattern: str) -> str:
    """What photos of one group have in common: the pattern's first group, else the whole match.

    A name that the pattern does not match is a group of its own. Raises UserError for no pattern.
    """
    try:
        found = re.search(pattern, name.rsplit("/", 1)[-1])
    except re.error as error:
        raise UserError(f"'{pattern}' is not a regular expression ({error}).") from error
    if not found:
        return name
    return (found.group(1) if found.groups() else found.group(0)) or name


def _first(
    new: Sequence[str], split_of: Mapping[str, str], present: Sequence[str], share: float
) -> dict[str, str]:
    """The first photos of a data set, shuffled: the beginning goes to validation."""
    taken = {split_of[name] for name in present if name in split_of}
    wanted = round(len(new) * share)
    if "validation" not in taken:
        wanted = max(1, wanted)
    if "train" not in taken:
        wanted = min(wanted, max(0, len(new) - 1))
    return {name: "validation" if i < wanted else "train" for i, name in enumerate(new)}


def _fill_both(split_of: dict[str, str], present: Sequence[str], new: Sequence[str]) -> None:
    """Where training or validation has no photo, one of the other becomes it, a new one if there is;
    but none that was held out before becomes one to train on."""
    sets = {split: [name for name in present if split_of[name] == split] for split in ("train", "validation")}
    fresh = {split: sorted(set(names) & set(new)) for split, names in sets.items()}
    if not sets["validation"] and len(sets["train"]) > 1:
        split_of[min(fresh["train"] or sets["train"])] = "validation"
    elif not sets["train"] and len(sets["validation"]) > 1 and fresh["validation"]:
        split_of[min(fresh["validation"])] = "train"


def _groups(names: Sequence[str], pattern: str) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(group_of(name, pattern) if pattern else name, []).append(name)
    return groups


def _splits_of_groups(split_of: Mapping[str, str], pattern: str) -> dict[str, str]:
    """The set of every known group; one that is in several counts as held out."""
    if not pattern:
        return {}
    found: dict[str, str] = {}
    for name, split in split_of.items():
        group = group_of(name, pattern)
        found[group] = min(split, found.get(group, split), key=SPLITS.index)
    return found


def _listed(given: Any) -> dict[str, str]:
    lists = {split: given.get(split, ()) if isinstance(given, dict) else () for split in reversed(SPLITS)}
    if not all(isinstance(names, list | tuple) for names in lists.values()):
        raise UserError("The split in dataset.json should be lists of file names: delete the file.")
    return {str(name): split for split, names in lists.items() for name in names}


def _by_file(names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.rpartition("/")[2], []).append(name)
    return found


def _bare(name: str) -> str:
    """The name without its suffix: photos of one folder are told apart by their stems."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + (file.rpartition(".")[0] or file)
