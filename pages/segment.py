"""Segment: a photo in, its subject cut out."""

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.cutout_settings import CutOutSettings
from core.data.samples import SAMPLES, sample_bytes
from core.errors import UserError
from core.imaging import rendering
from core.models.registry import Entry
from core.system.concurrency import taking_turns
from core.system.formatting import megapixels, percent
from core.system.spreadsheets import inert
from pages.segment_parts.batch import all_photos
from pages.segment_parts.controls import cut_out_controls, prediction_controls
from pages.segment_parts.counting import counted
from pages.segment_parts.video import choose_clip, whole_clip
from pages.segment_parts.work import Work, segmented
from pages.widgets.choices import choose_model
from pages.widgets.classes import class_legend
from pages.widgets.entry import open_page
from pages.widgets.image_slider import image_slider
from pages.widgets.paste_photo import paste_photo
from pages.widgets.uploads import PHOTO_MEGABYTES, take_photo, upload_many
from pages.widgets.wording import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "heic", "heif", "gif"]
DOWNLOADS = (("Cut-out", "cutout", "PNG"), ("Mask", "mask", "PNG"), ("Overlay", "overlay", "JPEG"))
SHORTCUTS = {"cutout": "D", "mask": "M"}
VIEWS = ("Cut-out", "Overlay", "Mask", "Count")
CLASS_DOWNLOADS = (("Overlay", "overlay", "JPEG"), ("Mask", "mask", "PNG"))
CLASS_VIEWS = ("Overlay", "Mask")
# In a narrow window columns lie below each other: then the picture comes first, not after all controls.
PICTURE_FIRST = """
@media (max-width: 640px) {
  .st-key-workbench > * > [data-testid="stHorizontalBlock"] > :last-child { order: -1; }
}
"""


def segment_page() -> None:
    st.title("Cut out the subject of a photo")
    st.html(f"<style>{PICTURE_FIRST}</style>")
    with st.container(key="workbench"):
        controls, stage = st.columns([2, 3], gap="large")
    with controls:
        chosen = choose_photo()
        entry = choose_model()
        if entry is None:
            return
        try:
            settings = prediction_controls(entry)
            with taking_turns():
                work = segmented(chosen, entry, settings)
        except UserError as error:
            st.error(plain(str(error)))
            return
        if work.labels is not None:
            view = look_at_classes(work)
        else:
            view = st.segmented_control("Show", VIEWS, default="Cut-out", required=True, key="view")
            settings = cut_out_controls(entry, view, work, settings)
    with stage:
        if work.labels is not None:
            show(work, view, rendering.pair_picture(work.photo, work.labels, view, work.task))
            downloads(work, entry, settings, CLASS_DOWNLOADS)
            st.caption(
                f"{plain(work.name)} · {megapixels(*work.size)}. The mask holds each pixel's class number."
            )
        elif view == "Count":
            counted(work, settings, lambda picture: show(work, view, picture))
        else:
            cut_out_stage(work, entry, view, settings)
    if work.labels is None:
        with controls:  # last, because it may take minutes
            if st.session_state.get("origin") == "Video":
                whole_clip(entry, settings)
            else:
                all_photos(st.session_state.get("photos") or [], entry, settings)


def show(work: Work, view: str, picture: "NDArray[np.uint8]") -> None:
    """Photo and result under one slider."""
    with taking_turns():
        image_slider(
            rendering.encode(work.photo, "JPEG"), rendering.encode(picture, "JPEG"),
            work.photo.shape[:2], ("Photo", view), key="before_after",
        )  # fmt: skip


def choose_photo() -> tuple[str, bytes]:
    """The name and the bytes of the photo to work on; a sample until there is one."""
    origin = st.segmented_control(
        "Photo from",
        ["Upload", "Camera", "Video", "Samples"],
        default="Upload",
        required=True,
        wrap=True,
        label_visibility="collapsed",
        key="origin",
    )
    if origin == "Camera":
        taken = take_photo("Take a photo")
        if taken is not None:
            return "camera.jpg", taken.getvalue()
    elif origin == "Video":
        frame = choose_clip()
        if frame is not None:
            return frame
    elif origin == "Samples":
        title = st.radio("Sample", list(SAMPLES), horizontal=True, label_visibility="collapsed")
        st.caption(SAMPLES[title].credit)
        return SAMPLES[title].file_name, sample_bytes(title)
    else:
        files = upload_many("Photos", TYPES, PHOTO_MEGABYTES, key="uploads", show="collapsed")
        st.session_state.photos = files
        paste_photo("Or paste a picture: Ctrl+V", "paste_photo")
        if files:
            number = 0
            if len(files) > 1:
                number = st.selectbox(
                    "Photo", range(len(files)), format_func=lambda i: f"{i + 1}. {files[i].name}"
                )
            return files[number].name, files[number].getvalue()
    first = next(iter(SAMPLES))
    st.caption(f"Until you add a photo, this is a sample. {SAMPLES[first].credit}")
    return SAMPLES[first].file_name, sample_bytes(first)


def cut_out_stage(work: Work, entry: Entry, view: str, settings: CutOutSettings) -> None:
    """The picture, what may be downloaded, and how much was found. No forward pass is needed."""
    with taking_turns():
        found = work.cut_out(settings)
        kind = {"Overlay": "overlay", "Mask": "mask"}.get(view, "cutout")
        picture = found.picture(kind)
        picture = rendering.on_checkerboard(picture) if picture.shape[-1] == 4 else picture
    share = found.share
    if share == 0:
        st.warning("Nothing is found at this threshold: move it down, or try another model.")
    show(work, view, picture)
    downloads(work, entry, settings)
    st.caption(f"{plain(work.name)} · {megapixels(*work.size)} · subject covers {percent(share)}")


def look_at_classes(work: Work) -> str:
    """What is shown of a model that tells several classes apart, and what it found."""
    view = st.segmented_control("Show", CLASS_VIEWS, default="Overlay", required=True, key="class_view")
    class_legend(work.task)
    assert work.labels is not None
    shares = rendering.class_shares(work.labels, work.task)
    st.dataframe(
        inert([{"Class": name, "Share": share} for name, share in shares]), hide_index=True,
        column_config={"Share": st.column_config.ProgressColumn("Share", format="percent")},
    )  # fmt: skip
    return view


@st.fragment
def downloads(
    work: Work,
    entry: Entry,
    settings: CutOutSettings,
    offered: tuple[tuple[str, str, str], ...] = DOWNLOADS,
) -> None:
    """Full-size files, made on a click, each of which counts towards the visitor's quota."""
    stem = work.name.rsplit(".", 1)[0]
    refusal = ""
    try:
        work.check_quota(settings)
    except UserError as error:
        refusal = plain(str(error))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("At full size", width="content")
        for label, kind, form in offered:
            st.download_button(
                label,
                partial(work.full_size, kind, settings, entry, form),
                f"{stem}_{kind}.{'png' if form == 'PNG' else 'jpg'}",
                f"image/{form.lower()}",
                icon=":material/download:",
                type="primary" if kind == "cutout" else "secondary",
                on_click="rerun",  # of this fragment: another file may not be left
                disabled=bool(refusal),
                shortcut=SHORTCUTS.get(kind),
            )
    if refusal:
        st.caption(refusal)


open_page(segment_page)
