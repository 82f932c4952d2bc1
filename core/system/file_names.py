"""Names for files that are made from other files: short enough for every disk, and no two alike."""

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath

LONGEST = 200  # bytes of a stem; disks take 255 for a name, and endings such as -12_overlay.png follow


def short_stem(text: str, most: int = LONGEST) -> str:
    """The text itself where it has at most so many bytes in UTF-8, else its beginning and a hash of the
    whole: long names that end differently stay apart, and the same name is always shortened alike.

    Bytes that are no UTF-8, which Linux allows in names, become U+FFFD.
    """
    raw = text.encode("utf-8", "surrogateescape")
    if len(raw) <= most:
        return raw.decode("utf-8", "replace")
    mark = hashlib.blake2b(raw, digest_size=4).hexdigest()
    return f"{raw[: most - len(mark) - 1].decode('utf-8', 'ignore')}-{mark}"


def is_unicode(name: str) -> bool:
    """Whether a name that Linux gave is text: it allows any bytes, which no other program can name."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(name: str) -> str:
    """Such a name for a sentence: what is no text becomes U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def unique_stems(names: Sequence[str]) -> list[str]:
    """A stem for each of these files, without folder and suffix, shortened. Where several have one, the
    first keeps it and the others get a number that no other file has, capitals not counted."""
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
