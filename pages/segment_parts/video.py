"""A short video: its first frame is worked on like a photo, then all of it is made the same way."""

import secrets
import time
from pathlib import Path

import streamlit as st

from core.cutout_settings import CutOutSettings
from core.errors import UserError
from core.imaging import rendering
from core.inference.clips import SUFFIXES, clip_cost, keep_clip
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

MAX_MEGABYTES = 200


def choose_clip() -> tuple[str, bytes] | None:
    """The name and the first frame, as the bytes of a PNG, of an uploaded video; None without one."""
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
    st.caption(f"{seen.width} x {seen.height}, {duration(seen.seconds)}. Below: its first frame.")
    return f"{file.name}.png", content


def this_session() -> str:
    """Tells this visitor's videos from those of others."""
    return str(st.session_state.setdefault("clip_owner", secrets.token_hex(16)))


def replace_file(key: str, path: Path) -> None:
    """Remember a file of this session, and delete the one before it."""
    before = st.session_state.get(key)
    if before is not None and before != path:
        before.unlink(missing_ok=True)
    st.session_state[key] = path


def whole_clip(entry: Entry, settings: CutOutSettings) -> None:
    """A button that treats every frame as the first one is shown."""
    if not st.session_state.get("clip"):
        return
    clip, seen = st.session_state.clip
    steady = st.toggle("Steady the mask over time", True, key="clip_steady")
    if st.button("Make the whole video", icon=":material/movie:", type="primary"):
        target = clip.with_name(f"{clip.stem}-{time.time_ns()}{suffix_for(settings.background)}")
        bar, frames = st.progress(0.0, "Starting …"), max(1, seen.frames)
        left = TimeLeft(frames)
        try:
            take(clip_cost(seen, settings.passes))
            scratch.make_room("videos")
            for done in replace_background(clip, target, predictor_of(entry), settings, steady):
                bar.progress(min(1.0, done / frames), f"{done} of {frames} frames{left.words(done)}")
        except UserError as error:
            st.error(plain(str(error)))
            return
        finally:
            bar.empty()
        replace_file("made_clip", target)
    made = st.session_state.get("made_clip")
    if made is not None and made.is_file():
        st.video(str(made))
        kind = made.suffix[1:]
        st.download_button(
            "Download the video", made.read_bytes, f"cut-out.{kind}", f"video/{kind}",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
