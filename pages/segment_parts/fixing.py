"""Fixing the result by hand: clicks and strokes that keep or remove, for each photo."""

import hashlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.cutout_settings import Correction, CutOutSettings
from core.errors import UserError
from core.imaging import rendering
from core.system.concurrency import taking_turns
from core.system.formatting import plural
from pages.segment_parts.work import Work
from pages.widgets.fix_canvas import fix_canvas

if TYPE_CHECKING:
    from core.inference.cutout import CutOut

TOOLS = {"remove": "Remove", "keep": "Keep"}
RADII = {"Fine": 0.004, "Medium": 0.01, "Wide": 0.03}  # fractions of the longer side
MOST, PHOTOS = 200, 200  # corrections of a photo; photos that have some
CANVAS = "fix_canvas"


def corrections_of(content: bytes) -> tuple[Correction, ...]:
    """What was corrected in this photo, in this session."""
    kept: dict[str, tuple[Correction, ...]] = st.session_state.get("corrections", {})
    return kept.get(_key(content), ()) if kept else ()  # most sessions need no hash of fifty photos


def corrected_settings(content: bytes, settings: CutOutSettings) -> CutOutSettings:
    """The settings with the corrections of this photo."""
    return replace(settings, corrections=corrections_of(content))


def fixing_stage(work: Work, found: "CutOut") -> None:
    """The result as an overlay to click and to draw on."""
    done = corrections_of(work.content)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        tool = st.segmented_control(
            "Tool", list(TOOLS), format_func=TOOLS.__getitem__, default="remove", required=True,
            label_visibility="collapsed", key="fix_tool",
        )  # fmt: skip
        wide = st.segmented_control(
            "Brush", list(RADII), default="Medium", required=True, label_visibility="collapsed",
            key="fix_brush",
        )  # fmt: skip
        set_to = partial(_set, work.content)
        st.button("Undo", icon=":material/undo:", disabled=not done, on_click=set_to, args=(done[:-1],))
        st.button("Undo all", disabled=not done, on_click=set_to, args=((),))
    with taking_turns():
        picture = rendering.data_url(found.picture("overlay"))
    version = hashlib.sha256(repr((_key(work.content), done)).encode()).hexdigest()[:12]
    radius = RADII[str(wide)]
    fix_canvas(
        picture, work.photo.shape[:2], str(tool), radius, version, CANVAS,
        partial(_add, work.content, radius, version),
    )  # fmt: skip
    st.caption(
        f"Click or draw on what is wrong. {plural(len(done), 'correction')} in this photo; downloads and the "
        "batch have them too."
    )


def _add(content: bytes, radius: float, version: str) -> None:
    """Take over what was drawn; nothing that a manipulated browser sends is trusted."""
    sent: Any = getattr(st.session_state.get(CANVAS), "stroke", None)
    done = corrections_of(content)
    try:
        if sent["version"] != version or len(done) >= MOST:
            return
        points = tuple((float(x), float(y)) for x, y in sent["points"][:500])
        drawn = Correction(sent["tool"] == "keep", points, radius)
    except (UserError, TypeError, ValueError, KeyError):
        return
    _set(content, (*done, drawn))


def _set(content: bytes, corrections: tuple[Correction, ...]) -> None:
    kept: dict[str, tuple[Correction, ...]] = st.session_state.setdefault("corrections", {})
    kept.pop(_key(content), None)
    if corrections:
        kept[_key(content)] = corrections
    while len(kept) > PHOTOS:
        kept.pop(next(iter(kept)))


def _key(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
