"""What a server allows, in one file: studio.toml in the project, or where $SEGMENTATION_STUDIO_RULES says.

Without a file everything is allowed, as it should be on one's own machine. With `public = true`
whatever the file does not name is closed.
"""

import dataclasses
import functools
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.system.workspace import PROJECT

VARIABLE = "SEGMENTATION_STUDIO_RULES"
WHO = ("everyone", "signed-in", "admins", "nobody")


@dataclass(frozen=True, slots=True)
class Rules:
    """`train`, `add`, `change`, `machine` and `rest` name who may, one of WHO. 0 means: no limit.

    sign_in                nobody sees anything before `st.login` knows who they are
    admins                 e-mail addresses, as the provider of the sign-in tells them
    unverified_emails      an address counts though the provider never says whether it has checked it
    train                  trainings and whatever else keeps the machine busy for minutes
    add                    data sets and models
    change                 names, masks, splits; deleting; stopping a training
    machine                folders of the server, downloads to it and from it, its load
    rest                   the REST endpoint; a key, where one is set, is asked for as well
    photos_per_hour        of one session, or one address at the REST endpoint; each of 12 megapixels,
                           a larger one counts as several
    photo_megapixels       of a photo or a frame
    photos_at_once         in one batch
    video_seconds          length of a clip
    training_minutes       after which a training is ended; what it learned is kept
    trainings_at_once      running and waiting, of all people together
    upload_megabytes       of a data set's or model's files
    page_megabytes         of the files that one open page holds
    pages_megabytes        of those of all open pages together
    keep_hours             after which what visitors imported, made or trained is deleted, and caches
    stop_trainings_at_exit ask trainings to stop when the server ends, so that they can be resumed
    """

    public: bool = False
    sign_in: bool = False
    admins: tuple[str, ...] = ()
    unverified_emails: bool = False
    train: str = "everyone"
    add: str = "everyone"
    change: str = "everyone"
    machine: str = "everyone"
    rest: str = "everyone"
    photos_per_hour: int = 0
    photo_megapixels: int = 0
    photos_at_once: int = 50
    video_seconds: int = 120
    training_minutes: int = 0
    trainings_at_once: int = 0
    upload_megabytes: int = 1024
    page_megabytes: int = 0
    pages_megabytes: int = 0
    keep_hours: int = 0
    stop_trainings_at_exit: bool = False


# What `public = true` means where the file says nothing else.
CLOSED: dict[str, Any] = {
    "train": "admins",
    "add": "admins",
    "change": "admins",
    "machine": "admins",
    "rest": "nobody",
    "photos_per_hour": 200,
    "photo_megapixels": 64,
    "photos_at_once": 10,
    "video_seconds": 10,
    "training_minutes": 30,
    "trainings_at_once": 3,
    "upload_megabytes": 200,
    "page_megabytes": 400,
    "pages_megabytes": 2000,
    "keep_hours": 24,
}


def rules() -> Rules:
    """Those of this server; the file is read again when it changes.

    Raises UserError, naming the file and the setting, where it holds something else.
    """
    file = Path(os.environ.get(VARIABLE) or PROJECT / "studio.toml")
    try:
        changed = file.stat().st_mtime_ns
    except FileNotFoundError:
        if os.environ.get(VARIABLE):  # asked for and absent: better closed than open by mistake
            raise UserError(f"{file}, which {VARIABLE} names, is not there.") from None
        return Rules()
    return _read(file, changed)


@functools.lru_cache(maxsize=2)
def _read(file: Path, changed: int) -> Rules:
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read as TOML: {error}.") from error
    return parsed(values, file)


def parsed(values: dict[str, Any], file: Path = Path("studio.toml")) -> Rules:
    """Rules out of what a file holds. Raises UserError for an unknown setting or value."""
    fields = {f.name: f.default for f in dataclasses.fields(Rules)}
    known: dict[str, Any] = dict(CLOSED) if values.get("public") is True else {}
    for name, value in values.items():
        if name not in fields:
            raise UserError(f"{file} holds '{name}', which is none of {', '.join(fields)}.")
        given = tuple(value) if isinstance(value, list) else value
        if type(given) is not type(fields[name]) or (type(given) is int and given < 0):
            raise UserError(f"{file}: {name} cannot be {value!r}, for example {fields[name]!r}.")
        if type(given) is str and given not in WHO:
            raise UserError(f"{file}: {name} cannot be '{given}': use one of {', '.join(WHO)}.")
        if type(given) is tuple and not all(isinstance(item, str) for item in given):
            raise UserError(f"{file}: {name} holds something that is no text.")
        known[name] = given
    return Rules(**known)
