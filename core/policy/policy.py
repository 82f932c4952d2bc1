"""What a server allows: read from studio.toml in the project, or from the file $SEGMENTATION_STUDIO_POLICY.

Without a file everything is allowed, which suits a machine of one's own. With `public = true` everything
that the file does not mention is forbidden.
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

VARIABLE = "SEGMENTATION_STUDIO_POLICY"
FORMER_VARIABLE = "SEGMENTATION_STUDIO_RULES"
WHO = ("everyone", "signed-in", "admins", "nobody")


@dataclass(frozen=True, slots=True)
class Policy:
    """`train`, `add`, `change`, `machine` and `rest` hold one of WHO. A limit of 0 means no limit.

    sign_in                visitors must sign in with `st.login` before they see a page
    admins                 e-mail addresses, as the identity provider reports them
    unverified_emails      accept an address when the provider sends no `email_verified` claim
    train                  start trainings and other work that takes minutes
    add                    import or create data sets and models
    change                 edit names, masks and splits; delete; stop trainings
    machine                name folders of the server, download to and from it, see its load
    rest                   use the REST endpoint, with a key where one is set
    photos_per_hour        for each session, or each key or address at the REST endpoint; counted in units
                           of 12 megapixels, once for each time that the model sees the photo
    photo_megapixels       largest photo or video frame
    photos_at_once         largest batch
    video_seconds          longest video
    training_minutes       a training is stopped after this time; its best model is kept
    trainings_at_once      running and queued, all people together
    upload_megabytes       largest file of a data set or model
    page_megabytes         uploaded files that one open page may hold
    pages_megabytes        uploaded files that all open pages together may hold
    keep_hours             what visitors imported, made or trained is deleted after this time, and caches
    stop_trainings_at_exit stop trainings when the server shuts down; they can be resumed
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


# The defaults of a file with `public = true`.
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


def current_policy() -> Policy:
    """The policy of this server; the file is read again when it changes.

    Raises UserError, naming the file and the setting, if the file is missing or not valid.
    """
    if os.environ.get(FORMER_VARIABLE):  # ignored, it would leave a server open that was closed before
        raise UserError(f"{FORMER_VARIABLE} is called {VARIABLE} now: rename it.")
    file = Path(os.environ.get(VARIABLE) or PROJECT / "studio.toml")
    try:
        changed = file.stat().st_mtime_ns
    except FileNotFoundError:
        if os.environ.get(VARIABLE):  # a mistyped path must not open the server
            raise UserError(f"{file}, named by {VARIABLE}, does not exist.") from None
        return Policy()
    return _read(file, changed)


@functools.lru_cache(maxsize=2)
def _read(file: Path, changed: int) -> Policy:
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read as TOML: {error}.") from error
    return parsed(values, file)


def parsed(values: dict[str, Any], file: Path = Path("studio.toml")) -> Policy:
    """The Policy that the content of a file stands for. Raises UserError for an unknown setting or value."""
    fields = {f.name: f.default for f in dataclasses.fields(Policy)}
    known: dict[str, Any] = dict(CLOSED) if values.get("public") is True else {}
    for name, value in values.items():
        if name not in fields:
            raise UserError(f"{file}: there is no setting '{name}'. Use one of {', '.join(fields)}.")
        given = tuple(value) if isinstance(value, list) else value
        if type(given) is not type(fields[name]) or (type(given) is int and given < 0):
            raise UserError(f"{file}: {name} cannot be {value!r}. Use a value such as {fields[name]!r}.")
        if type(given) is str and given not in WHO:
            raise UserError(f"{file}: {name} cannot be '{given}': use one of {', '.join(WHO)}.")
        if type(given) is tuple and not all(isinstance(item, str) for item in given):
            raise UserError(f"{file}: {name} may hold text only.")
        known[name] = given
    return Policy(**known)
