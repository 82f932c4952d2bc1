"""Files of annotations: which tool wrote them, what they say, and the plan that comes of it.

A tool is a name, a way to know its files and a reader of one. Every file is read and parsed once, whatever
the number of tools; one that cannot be used is named by its tool, and the others are imported.
"""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from core.data.importing.claims import claims_of_files, claims_of_lists
from core.data.importing.names import common_folder, is_picture, split_in, splits_by_folder
from core.data.importing.outlines import UNREADABLE, Drawn, drawn_plan
from core.data.importing.plan import Plan
from core.data.importing.references import split_of
from core.data.importing.shapes import Outline, Shape
from core.data.importing.sources import Source
from core.data.pairing import Problem
from core.errors import UserError


@dataclass(slots=True)
class Annotations:
    """What one file says of its photos, by the names that it gives them.

    `categories` are the classes of all files of the tool, as indices by name; `sizes` (height, width) of
    the photos; `other` counts boxes, lines and points, which have no area to learn from; `refused` are
    photos whose labels cannot be used, with the reason; `damage` are such reasons that may mean that the
    file is damaged; `remarks` are sentences about the whole file.
    """

    categories: dict[str, int]
    outlines: dict[str, list[Outline]] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    other: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    refused: dict[str, str] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add_photo(self, name: str, height: Any = None, width: Any = None) -> None:
        """A photo that the file speaks of, with or without labels."""
        self.outlines.setdefault(name, [])
        if height and width:
            with self.naming_damage("The size", name):
                self.sizes[name] = int(height), int(width)

    def add(self, name: str, label: str, shape: Shape, order: int = 0) -> None:
        """A shape of this class in a photo that was added before."""
        category = self.categories.setdefault(label.strip() or "no class", len(self.categories))
        self.outlines[name].append(Outline(category, shape, order))

    @contextlib.contextmanager
    def naming_damage(self, what: str, name: str) -> Iterator[None]:
        """Around the reading of what a file says of one photo: damage there refuses that photo, not the file.

        `what` is named in the sentence: "Outline 2".
        """
        try:
            yield
        except UNREADABLE as error:
            sentence = f"{what} of {name} cannot be read ({_reason(error)}): correct the annotations."
            self.refused.setdefault(name, sentence)
            self.damage.append(sentence)


@dataclass(frozen=True, slots=True)
class Tool:
    """`name` is what people call it, `layout` its files where that is not enough, and `suffix` is that of
    these files. `owns` says whether parsed content is
    of this tool. `read` gives what a file (its name, its content) says; it raises UserError with the end
    of a sentence, "x.json is a LabelMe file, but …", where that is nothing that can be used.

    `is_of_one_photo`: every file is, and lies beside it or in a tree that mirrors the photos'. `by_stem`:
    names of photos in a list may lack their suffix. `other_name` gives a second name for a photo, to be
    looked for where there is none of the first.
    """

    name: str
    suffix: str
    owns: Callable[[Any], bool]
    read: Callable[[str, Any, dict[str, int]], Annotations]
    is_of_one_photo: bool = False
    by_stem: bool = False
    other_name: Callable[[str], str] | None = None
    layout: str = ""


@dataclass(slots=True)
class Found:
    """The files of one tool: what they say by file name, and those that cannot be used."""

    files: dict[str, Annotations] = field(default_factory=dict)
    categories: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def take(self, tool: Tool, file: str, content: Any) -> None:
        """Read one file; where it cannot be, name it."""
        categories = dict(self.categories)
        try:
            read = tool.read(file, content, categories)
            if read.damage and not any(read.outlines.values()):
                raise UserError(read.damage[0])
            self.files[file], self.categories = read, categories
        except UserError as error:
            self.problems.append(Problem(file, f"{file} is a {tool.name} file, but {error}"))
        except UNREADABLE as error:
            sentence = f"it is not as {tool.name} writes it ({_reason(error)}): export it again."
            self.problems.append(Problem(file, f"{file} is a {tool.name} file, but {sentence}"))


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:80]}"


def annotated_plan(source: Source, tool: Tool, found: Found) -> Plan:
    """The plan for the files of one tool. Raises UserError where no photo of the source has an outline."""
    photos = [name for name in source.names if is_picture(name)]
    folders = splits_by_folder(photos, common_folder(photos))
    references = {file: list(one.outlines) for file, one in found.files.items()}
    if tool.is_of_one_photo:
        claims = claims_of_files(photos, {file: names[0] for file, names in references.items()})
    else:
        claims = claims_of_lists(photos, folders, references, tool.by_stem, tool.other_name)
    outlines: dict[str, list[Outline]] = {}
    sizes: dict[str, tuple[int, int]] = {}
    splits: dict[str, str] = {}
    other: dict[str, int] = defaultdict(int)
    refused: dict[str, str] = {}
    problems = list(found.problems)
    for file, one in found.files.items():
        problems += [Problem(file, remark) for remark in one.remarks]
        split_of_file = split_in(PurePosixPath(file).stem)
        for reference, drawn in one.outlines.items():
            photo = claims.photos.get((file, reference))
            if photo is None:
                problems.append(Problem(reference, claims.reasons[file, reference]))
                continue
            outlines.setdefault(photo, []).extend(drawn)
            other[photo] += one.other.get(reference, 0)
            splits[photo] = splits.get(photo) or split_of_file or split_of(photo, folders)
            if reference in one.sizes:
                sizes[photo] = one.sizes[reference]
            if reference in one.refused:
                refused[photo] = one.refused[reference]
    for photo, count in other.items():
        if photo in refused or (count and not outlines[photo]):
            del outlines[photo]
            why = refused.get(photo) or f"{photo} has boxes and no outline: training a mask needs outlines."
            problems.append(Problem(photo, why))
    if not any(outlines.values()):
        raise UserError(_nothing_usable(source, tool, found, problems, sum(other.values())))
    problems += [
        Problem(photo, f"{photo} is named in none of the {tool.name} files.")
        for photo in photos
        if photo not in outlines and photo not in refused and not other.get(photo)
    ]
    labels = Drawn(tuple(found.categories), outlines, sizes)
    return drawn_plan(
        tool.layout or tool.name, labels, splits, problems, source, _more(outlines, sum(other.values()))
    )


def _more(outlines: Mapping[str, list[Outline]], other: int) -> str:
    more = f" Boxes, lines and points are left out: {other:,}." if other else ""
    empty = sum(not drawn for drawn in outlines.values())
    return more + (f" Photos without an outline are background: {empty:,}." if empty else "")


def _nothing_usable(source: Source, tool: Tool, found: Found, problems: list[Problem], other: int) -> str:
    if other:
        return (
            f"The {tool.name} files of {source.label} hold boxes, lines or points ({other:,}) and no "
            "outlines: training a mask needs outlines, or masks painted on the Data page."
        )
    if problems:
        first = problems[0]
        own = first.sentence if first in found.problems else ""
        file = next(iter(found.files), "")
        return own or f"{file} is a {tool.name} file, but none of its photos is here: {first.sentence}"
    return f"The {tool.name} files of {source.label} hold no outlines: annotate the photos first."
