"""A short video: its first frame is worked on like a photo, then all of it is made the same way."""

import hashlib
import time
from pathlib import Path

import streamlit as st

from core.errors import UserError
from core.imaging import rendering
from core.inference.video import SUFFIXES, Recipe, first_frame, read_clip, replace_background, suffix_for
from core.models.registry import Entry
from core.system import workspace
from core.system.formatting import duration, plain
from core.system.workspace import write_atomically
from pages.segment_parts.work import Look
from pages.widgets.loading import predictor_of
from pages.widgets.uploads import upload_one

MAX_MEGABYTES = 200
KEPT_SECONDS = 24 * 3600


def choose_clip() -> tuple[str, bytes] | None:
    """The name and the first frame, as the bytes of a PNG, of an uploaded video; None without one."""
    types = [suffix[1:] for suffix in SUFFIXES]
    file = upload_one("Video", types, MAX_MEGABYTES, key="clip_upload", show="collapsed")
    st.session_state.clip = None
    if file is None:
        return None
    try:
        clip = kept_clip(file.getvalue(), Path(file.name).suffix.lower())
        told = read_clip(clip)
        frame = rendering.encode(first_frame(clip))
    except UserError as error:
        st.error(plain(str(error)))
        return None
    st.session_state.clip = (clip, told)
    st.caption(f"{told.width} x {told.height}, {duration(told.seconds)}. Below: its first frame.")
    return f"{file.name}.png", frame


def kept_clip(content: bytes, suffix: str) -> Path:
    """The uploaded video as a file, which decoders want. Those of yesterday are deleted."""
    folder = workspace.cache() / "videos"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if time.time() - old.stat().st_mtime > KEPT_SECONDS:
            old.unlink(missing_ok=True)
    path = folder / f"{hashlib.sha256(content).hexdigest()[:32]}{suffix}"
    if not path.is_file():
        write_atomically(path, content)
    return path


def whole_clip(entry: Entry, look: Look) -> None:
    """A button that treats every frame as the first one is shown."""
    if not st.session_state.get("clip"):
        return
    clip, told = st.session_state.clip
    steady = st.toggle("Steady the mask over time", True, key="clip_steady")
    if st.button("Make the whole video", icon=":material/movie:", type="primary"):
        target = clip.with_name(f"{clip.stem}-{time.time_ns()}{suffix_for(look.background)}")
        recipe = Recipe(look.threshold, look.fine, look.gaze, look.finish, look.background, steady)
        bar, started = st.progress(0.0, "Starting …"), time.monotonic()
        frames = max(1, round(told.seconds * told.rate))
        try:
            for done in replace_background(clip, target, predictor_of(entry), recipe):
                left = (time.monotonic() - started) * max(0, frames - done) / done
                bar.progress(min(1.0, done / frames), f"{done} of {frames} frames, {duration(left)} left")
        except UserError as error:
            st.error(plain(str(error)))
            return
        finally:
            bar.empty()
        st.session_state.made_clip = target
    made = st.session_state.get("made_clip")
    if made is not None and made.is_file():
        st.video(str(made))
        kind = made.suffix[1:]
        st.download_button(
            "Download the video", made.read_bytes, f"cut-out.{kind}", f"video/{kind}",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
