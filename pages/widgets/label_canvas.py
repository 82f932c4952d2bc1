"""The canvas of the Label page: clicks, strokes, boxes, brush, polygon, fill; by mouse, pen, touch or keys.

The mask has the photo's own size, an id for each pixel. What is done is sent to Python until Python has
confirmed it, and the mask that Python sends back is shown once nothing is on its way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.widgets.component import component

_canvas = component(__file__, "painting.js")
_photo = st.components.v2.component(
    "segmentation_studio.label_photo", js=Path(__file__).with_name("label_photo.js").read_text("utf-8")
)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a tab sends: which photo it shows and what revision of it; actions of that and earlier photos, as
    dictionaries that nobody has checked; where it wants to go, "" for nowhere; and when it was sent."""

    tab: str
    photo_id: str
    seen: int
    actions: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]
    go: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """A photo on the canvas. `size` is (height, width); `mask` a PNG of ids as a data URL, and
    `version` changes with it; `prompts` what is
    marked on it; `answered` the highest number that was confirmed to this tab, by photo."""

    photo_id: str
    size: tuple[int, int]
    mask: str
    revision: int
    version: str
    classes: Sequence[Mapping[str, Any]]
    prompts: Sequence[Mapping[str, Any]] = ()
    answered: Mapping[str, int] | None = None
    can_undo: bool = False
    can_redo: bool = False
    notice: str = ""


def label_photo(photo_id: str, picture: str) -> None:
    """Send a photo, a data URL of any resolution, to the browser, once: Streamlit sends again what changes,
    and this does not when the mask does."""
    _photo(key=f"label_photo_{photo_id}", data={"id": photo_id, "picture": picture})


def label_canvas(shown: Shown, key: str, on_sent: Callable[[Sent], None]) -> None:
    """Show a photo whose `label_photo` was sent. `on_sent` is called before the page runs."""

    def received() -> None:
        sent: Any = getattr(st.session_state.get(key), "sent", None)
        if isinstance(sent, dict):
            groups = [(str(group["id"]), list(group["actions"])) for group in sent["actions"]]
            tab, seen, at = str(sent["tab"])[:20], int(sent["seen"]), int(sent["at"])
            on_sent(Sent(tab, str(sent["id"]), seen, groups, str(sent["go"]), at))

    height, width = shown.size
    _canvas(
        key=key,
        data={
            "id": shown.photo_id, "height": height, "width": width, "mask": shown.mask, "canvas": key,
            "revision": shown.revision, "version": shown.version,
            "classes": list(shown.classes), "prompts": list(shown.prompts),
            "answered": dict(shown.answered or {}), "can_undo": shown.can_undo, "can_redo": shown.can_redo,
            "notice": shown.notice,
        },
        on_sent_change=received,
    )  # fmt: skip
