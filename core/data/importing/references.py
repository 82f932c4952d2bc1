"""Which photo a file of annotations means when it names one.

A reference such as `train/0.jpg`, `C:\\work\\train\\0.jpg` or just `0.jpg` was right on the machine that
wrote it. Here it is compared folder by folder, never letter by letter, and all references of one file
together: they were written in one way. What fits several photos alike is left open, for the caller to name.
"""

import posixpath
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from core.data.importing.names import is_picture, split_in, split_of_folder, stem_and_suffix, steps_of

DEPTH = 12  # folders of a path that are compared
TOO_MANY = 50  # photos of one name: without its folder the name means none of them


@dataclass(slots=True)
class Resolved:
    """`photos` maps references to photos; `unclear` to several that fit alike. What is in neither has
    no photo. `guessed` is how many leading folders of the references had to be disregarded."""

    photos: dict[str, str] = field(default_factory=dict)
    unclear: dict[str, list[str]] = field(default_factory=dict)
    guessed: int = 0


class PhotoIndex:
    """The photos of a source by every ending of their paths.

    `splits` are folders that stand for a split of the data, as `splits_by_folder` gives them.
    `by_stem`: references may lack the file's suffix.
    """

    def __init__(self, names: Iterable[str], splits: Mapping[str, str], by_stem: bool = False) -> None:
        self._splits = splits
        self._by_stem = by_stem
        self._by_path: dict[str, list[str]] = defaultdict(list)  # by the whole path
        self._by_ending: dict[str, list[str]] = defaultdict(list)
        for name in names:
            self._by_path[self._path(name)].append(name)
            steps = self._steps(name)
            for depth in range(1, min(DEPTH, len(steps)) + 1):
                self._by_ending["/".join(steps[-depth:]).casefold()].append(name)

    def resolve(self, references: Iterable[str], near: str) -> Resolved:
        """The photos that the references in the file `near` mean."""
        wanted = {reference: self._steps(reference) for reference in dict.fromkeys(references)}
        beside = str(PurePosixPath(near).parent)
        exact = {r: photo for r in wanted if (photo := self._beside(r, beside))}
        if exact:
            return Resolved(exact)
        split = split_in(PurePosixPath(near).stem) or self.split_of(near)
        longest = max((len(steps) for steps in wanted.values()), default=0)
        for dropped in range(min(longest, DEPTH)):
            fitting = {
                reference: found
                for reference, steps in wanted.items()
                if len(steps) > dropped and (found := self._candidates(steps, dropped, split))
            }
            if fitting:
                resolved = _chosen(fitting, {r: len(wanted[r]) - dropped for r in fitting}, near)
                resolved.guessed = dropped
                return resolved
        return Resolved()

    def split_of(self, name: str) -> str:
        """The split that the nearest telling folder above a file stands for, or ""."""
        return split_of(name, self._splits)

    def _beside(self, reference: str, folder: str) -> str | None:
        """The photo that a path gives when it is followed from the annotations' own folder."""
        path = self._path(posixpath.normpath(posixpath.join(folder, clean(reference))))
        found = self._by_path.get(path, [])
        return found[0] if len(found) == 1 else None

    def _path(self, name: str) -> str:
        return name.rpartition(".")[0] if self._by_stem and is_picture(name) else name

    def _candidates(self, steps: Sequence[str], dropped: int, split: str) -> list[str]:
        folders = reversed(steps[:-1])
        own = next((p for f in folders if (p := self._splits.get(f.lower()) or split_of_folder(f))), split)
        kept = "/".join(steps[dropped:])
        found = self._by_ending.get(kept.casefold(), [])
        if len(found) > TOO_MANY:
            return []
        exact = [name for name in found if "/".join(self._steps(name)[-(len(steps) - dropped) :]) == kept]
        return [name for name in exact or found if not own or self.split_of(name) in ("", own)]

    def _steps(self, name: str) -> tuple[str, ...]:
        steps = [step for step in steps_of(clean(name)) if step != ".."]
        if self._by_stem and steps and is_picture(steps[-1]):
            steps[-1] = stem_and_suffix(steps[-1])[0]
        return tuple(steps[-DEPTH:])


def split_of(name: str, folders: Mapping[str, str]) -> str:
    """The split that the nearest of these folders above a file stands for, or ""."""
    return next((p for f in reversed(steps_of(name)[:-1]) if (p := folders.get(f.lower(), ""))), "")


def clean(reference: str) -> str:
    """A reference with forward slashes and its letters composed, as sources give their names."""
    return unicodedata.normalize("NFC", reference.replace("\\", "/"))


def _chosen(fitting: Mapping[str, list[str]], depth: Mapping[str, int], near: str) -> Resolved:
    """One photo for each reference, all from folders that do not hold the same names twice."""

    def root(reference: str, name: str) -> tuple[str, ...]:
        steps = steps_of(name)
        return steps[: len(steps) - depth[reference]]

    counts = Counter(root(r, name) for r, names in fitting.items() for name in names)
    rivals: dict[tuple[str, ...], set[tuple[str, ...]]] = defaultdict(set)
    for reference, names in fitting.items():
        if len(names) > 1:
            roots = {root(reference, name) for name in names}
            for one in roots:
                rivals[one] |= roots - {one}

    def rank(one: tuple[str, ...]) -> tuple[bool, int, int]:
        stem = PurePosixPath(near).stem.casefold()
        shared = len(posixpath.commonprefix([one, PurePosixPath(near).parts]))
        return bool(one) and one[-1].casefold() in stem, counts[one], shared

    taken: set[tuple[str, ...]] = set()
    for one in sorted(counts, key=rank, reverse=True):
        equals = {other for other in rivals[one] if rank(other) == rank(one)}
        if not rivals[one] & taken and not equals:
            taken.add(one)
    resolved = Resolved()
    for reference, names in fitting.items():
        kept = [name for name in names if root(reference, name) in taken]
        if len(kept) == 1:
            resolved.photos[reference] = kept[0]
        elif len(names) > 1:
            resolved.unclear[reference] = names
    return resolved


def one_claim_each(files: Mapping[str, Resolved]) -> tuple[dict[str, dict[str, str]], dict[str, list[str]]]:
    """References to photos, file by file, where no photo is meant by two different references.

    A reference whose folders all fit wins over one that was guessed; of equals none does. Returns the
    photos of each file, and by file the references that lost.
    """
    claims: dict[str, list[tuple[tuple[int, bool], str, str]]] = defaultdict(list)
    for file, resolved in files.items():
        for reference, photo in resolved.photos.items():
            other_case = photo.rsplit("/", 1)[-1] != clean(reference).rsplit("/", 1)[-1]
            claims[photo].append(((resolved.guessed, other_case), file, reference))
    kept: dict[str, dict[str, str]] = {file: {} for file in files}
    lost: dict[str, list[str]] = {file: [] for file in files}
    for photo, all_claims in claims.items():
        best = min(weight for weight, _, _ in all_claims)
        winners = Counter(file for weight, file, _ in all_claims if weight == best)
        for weight, file, reference in all_claims:
            if weight == best and winners[file] == 1:
                kept[file][reference] = photo
            else:
                lost[file].append(reference)
    return kept, lost
