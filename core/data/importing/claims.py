"""Which photo the labels in a file of annotations are for.

A file either lists photos by name, or is of one photo and has its place in the tree. Every name gets a
photo or a reason why it has none, and no photo is given to two of them.
"""

import posixpath
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.data.importing.matching import match
from core.data.importing.names import common_folder, is_picture, read_name, splits_by_folder, stem_and_suffix
from core.data.importing.references import PhotoIndex, Resolved, clean, one_claim_each

FOLDERS_OF_FILES = {"ann", "anns", "json", "jsons"}  # say as little about the place as images/ does
Claim = tuple[str, str]  # a file, and the name that it gives a photo


@dataclass(slots=True)
class Claims:
    photos: dict[Claim, str] = field(default_factory=dict)
    reasons: dict[Claim, str] = field(default_factory=dict)


def claims_of_lists(
    photos: Sequence[str], folders: Mapping[str, str], references: Mapping[str, Sequence[str]],
    by_stem: bool, other_name: Callable[[str], str] | None,
) -> Claims:  # fmt: skip
    """The photos of files that list them. `folders` are those that stand for a split of the data;
    `by_stem` and `other_name` are a tool's."""
    whole = PhotoIndex(photos, folders)
    stems = PhotoIndex(photos, folders, by_stem=True) if by_stem else None
    resolved: dict[str, Resolved] = {}
    for file, names in references.items():
        found = resolved[file] = whole.resolve(names, file)
        if other_name is not None:
            _look_again(whole, {r: other_name(r) for r in names if not _is_settled(r, found)}, file, found)
        if stems is not None:
            bare = {r: r for r in names if not _is_settled(r, found) and not is_picture(r)}
            _look_again(stems, bare, file, found)
    meant, lost = one_claim_each(resolved)
    claims = Claims()
    for file, names in references.items():
        for name in names:
            if name in meant[file]:
                claims.photos[file, name] = meant[file][name]
            else:
                unclear = resolved[file].unclear.get(name, [])
                claims.reasons[file, name] = _why_not(name, file, unclear, name in lost[file])
    return claims


def claims_of_files(photos: Sequence[str], references: Mapping[str, str]) -> Claims:
    """The photos of files that are of one photo each, by file: what its name means from the file's own
    folder, else the photo of that name in the file's place."""
    claims, known = Claims(), set(photos)
    beside: dict[str, list[str]] = defaultdict(list)
    for file, name in references.items():
        path = posixpath.normpath(posixpath.join(posixpath.dirname(file), clean(name)))
        if path in known:
            beside[path].append(file)
    for photo, files in beside.items():
        _settle(claims, photo, files, references)
    open_files = references.keys() - {file for files in beside.values() for file in files}
    if not open_files:
        return claims
    below = common_folder([*photos, *references])
    splits = splits_by_folder([*photos, *references], below)
    texts = []
    for file in sorted(open_files):
        whole = posixpath.basename(clean(references[file]))
        text = read_name(file, below, splits)
        folders = tuple(folder for folder in text.folders if folder.lower() not in FOLDERS_OF_FILES)
        texts.append(replace(text, folders=folders, whole=whole, as_mask=whole))
    # All photos take part, also those that have a file: they say which places have their own.
    pictures = [replace(p, as_photo=p.whole) for p in (read_name(name, below, splits) for name in photos)]
    matches = match(pictures, texts)
    for photo, found in matches.masks.items():
        files = [text.name for text in found]
        if photo not in beside:
            _settle(claims, photo, files, references)
        for file in files if photo in beside else ():
            claims.reasons[file, references[file]] = _why_not(references[file], file, [], is_lost=True)
    for problem in matches.unclear:
        claims.reasons[problem.name, references[problem.name]] = problem.sentence
    for text in matches.alone:
        claims.reasons[text.name, references[text.name]] = _why_not(
            references[text.name], text.name, [], False
        )
    return claims


def _settle(claims: Claims, photo: str, files: Sequence[str], references: Mapping[str, str]) -> None:
    """Give a photo to the one file that names it, or of several to the one that is called like it."""
    own = posixpath.basename(photo)
    called = {own, stem_and_suffix(own)[0]}
    alike = [file for file in files if stem_and_suffix(posixpath.basename(file))[0] in called]
    winner = files[0] if len(files) == 1 else alike[0] if len(alike) == 1 else ""
    for file in files:
        if file == winner:
            claims.photos[file, references[file]] = photo
        else:
            sentence = f"{photo} is described by {' and '.join(files[:3])}: keep one of them."
            claims.reasons[file, references[file]] = sentence


def _is_settled(reference: str, resolved: Resolved) -> bool:
    return reference in resolved.photos or reference in resolved.unclear


def _look_again(index: PhotoIndex, names: Mapping[str, str], file: str, resolved: Resolved) -> None:
    """Resolve references by these names. A name that two of them share means neither."""
    shared: dict[str, list[str]] = defaultdict(list)
    for reference, name in names.items():
        shared[name].append(reference)
    again = index.resolve(shared, file)
    for name, references in shared.items():
        fitting = again.unclear.get(name, [again.photos[name]] if name in again.photos else [])
        if len(fitting) == 1 and len(references) == 1:
            resolved.photos[references[0]] = fitting[0]
        elif fitting:
            resolved.unclear |= dict.fromkeys(references, fitting)


def _why_not(reference: str, file: str, unclear: Sequence[str], is_lost: bool) -> str:
    if unclear:
        return f"{reference} in {file} may be any of {', '.join(unclear[:3])}: name it with its folder."
    if is_lost:
        return f"{reference} in {file} is not the only name that fits its photo: name it with its folder."
    return f"{reference} is named in {file}, but there is no such photo."
