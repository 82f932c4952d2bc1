"""A short video: the controls act on its first frame, then all frames are processed the same way."""

import secrets
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.cutout_settings import CutOutSettings
from core.errors import UserError
from core.imaging import rendering
from core.inference.clips import SUFFIXES, Clip, keep_clip
from core.inference.price import clip_price
from core.inference.video import replace_background, suffix_for
from core.models.registry import Entry
from core.system import scratch
from core.system.concurrency import taking_turns
from core.system.formatting import duration
from core.system.progress import TimeLeft
from pages.segment_parts.work import take
from pages.widgets.loading import predictor_of
from pages.widgets.uploads import discard, upload_one
from pages.widgets.wording import plain

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

MAX_MEGABYTES = 200
STALE = "This is of another video, another model or other settings: process the video again."


def choose_clip() -> tuple[str, bytes] | None:
    """The name and the first frame, a PNG, of an uploaded video; None if there is none."""
    types = [suffix[1:] for suffix in SUFFIXES]
    file = upload_one("Video", types, MAX_MEGABYTES, key="clip_upload", show="collapsed")
    st.session_state.clip = None
    if file is None:
        return None
    opened = st.session_state.get("clip_opened")
    if opened is None or opened[0] != file.file_id or not opened[1].is_file():
        try:
            with taking_turns():
                clip, seen, frame = keep_clip(file.getvalue(), file.name, this_session())
                opened = file.file_id, clip, seen, rendering.encode(frame)
        except UserError as error:
            discard(file)
            st.error(plain(str(error)))
            return None
        replace_file("clip_file", clip)
        st.session_state.clip_opened = opened
    _, clip, seen, content = opened
    st.session_state.clip = (clip, seen)
    st.caption(f"{seen.width} x {seen.height}, {duration(seen.seconds)}. The picture shows its first frame.")
    return f"{file.name}.png", content


def this_session() -> str:
    """A random name for this session, so that visitors' videos stay apart."""
    return str(st.session_state.setdefault("clip_owner", secrets.token_hex(16)))


def replace_file(key: str, path: Path) -> None:
    """Remember a file of this session, and delete the one before it."""
    before = st.session_state.get(key)
    if before is not None and before != path:
        before.unlink(missing_ok=True)
    st.session_state[key] = path


def whole_clip(controls: "DeltaGenerator", entry: Entry, settings: CutOutSettings) -> None:
    """A button among the controls that processes all frames like the first, and the result in the whole
    width."""
    if not st.session_state.get("clip"):
        return
    clip, seen = st.session_state.clip
    with controls:
        steady = st.toggle("Steady the mask over time", True, key="clip_steady")
        asked = st.button(
            "Process the whole video", icon=":material/movie:", type="primary", key="process_video"
        )
    settings = replace(settings, corrections=())  # those of the first frame
    recipe = (clip, entry.key, settings, steady)
    if asked:
        replace_file("made_clip", process(clip, seen, entry, settings, steady))
        st.session_state.made_clip_recipe = recipe
    made = st.session_state.get("made_clip")
    if made is not None and made.is_file():
        result(made, st.session_state.made_clip_recipe == recipe, 640 if seen.width > seen.height else 360)


def process(clip: Path, seen: Clip, entry: Entry, settings: CutOutSettings, steady: bool) -> Path:
    """The video's file. Raises UserError."""
    target = clip.with_name(f"{clip.stem}-{time.time_ns()}{suffix_for(settings.background)}")
    bar, frames = st.progress(0.0, "Starting …"), max(1, seen.frames)
    left = TimeLeft(frames)
    try:
        take(clip_price(seen, entry.card, settings))
        scratch.make_room("videos")
        for done in replace_background(clip, target, predictor_of(entry), settings, steady):
            bar.progress(min(1.0, done / frames), f"{done} of {frames} frames{left.words(done)}")
    finally:
        bar.empty()
    return target


def result(made: Path, fresh: bool, width: int) -> None:
    """`width` in screen pixels."""
    if not fresh:
        st.warning(STALE)
    kind = made.suffix[1:]
    st.download_button(
        "Download the video" if fresh else "Download the earlier video", made.read_bytes,
        f"cut-out.{kind}", f"video/{kind}",
        icon=":material/download:", type="primary" if fresh else "secondary", on_click="ignore",
    )  # fmt: skip
    st.video(str(made), width=width)
