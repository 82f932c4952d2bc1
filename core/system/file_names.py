"""Names for files that are derived from other files: short enough for every file system, and unique."""

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath

LONGEST = 200  # bytes of a stem: file systems allow 255, and endings such as -12_overlay.png are added


def short_stem(text: str, most: int = LONGEST) -> str:
    """The text itself if it has at most `most` bytes in UTF-8, else its beginning and a hash of all of it:
    long names that differ only at the end stay different, and the same name is always shortened alike.

    Bytes that are not UTF-8, which Linux allows in names, become U+FFFD.
    """
    raw = text.encode("utf-8", "surrogateescape")
    if len(raw) <= most:
        return raw.decode("utf-8", "replace")
    mark = hashlib.blake2b(raw, digest_size=4).hexdigest()
    return f"{raw[: most - len(mark) - 1].decode('utf-8', 'ignore')}-{mark}"


def is_unicode(name: str) -> bool:
    """Whether a file name is valid text: Linux allows any bytes in names, which many programs cannot open."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(name: str) -> str:
    """Any file name as text for a message: invalid bytes become U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def unique_stems(names: Sequence[str]) -> list[str]:
    """A shortened stem for each of these files, without folder and suffix. Of equal ones, ignoring case,
    the first stays and the others get a number."""
    stems = [short_stem(PurePosixPath(name.replace("\\", "/")).stem) or "photo" for name in names]
    own = {stem.casefold() for stem in stems}
    taken: set[str] = set()
    following: dict[str, int] = {}
    found = []
    for stem in stems:
        key, unique = stem.casefold(), stem
        if key in taken:
            number = following.get(key, 2)
            while (unique := f"{stem}-{number}").casefold() in taken or unique.casefold() in own:
                number += 1
            following[key] = number + 1
        taken.add(unique.casefold())
        found.append(unique)
    return found
