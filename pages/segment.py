"""Segment: a photo in, its subject cut out."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core import pictures
from core.data.photos import read_photo
from core.data.samples import SAMPLES, sample_bytes
from core.errors import UserError
from core.shelf import Entry
from core.words import megapixels, percent, plain
from pages.widgets.choices import choose_model
from pages.widgets.image_slider import image_slider
from pages.widgets.loading import predictor_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHOWN_SIDE = 1100  # pixels; larger than any column it is shown in
KEPT_PHOTOS = 3
TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "heic", "heif", "gif"]
VIEWS = ("Cut-out", "Overlay", "Mask")


@dataclass(frozen=True)
class Work:
    """One photo with its prediction, at full size and as shown."""

    name: str
    photo: "NDArray[np.uint8]"
    probability: "NDArray[np.float32]"
    shown_photo: "NDArray[np.uint8]"
    shown_probability: "NDArray[np.float32]"


def segment_page() -> None:
    st.title("Cut out the subject of a photo")
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        chosen = choose_photo()
        entry = choose_model()
        if entry is None:
            return
        try:
            work = segmented(chosen, entry)
        except UserError as error:
            st.error(plain(str(error)))
            return
        view, threshold = adjust(work, entry)
    with stage:
        picture = rendered(work.shown_photo, work.shown_probability, threshold, view)
        image_slider(
            pictures.encode(work.shown_photo, "JPEG"), pictures.encode(picture, "JPEG"),
            work.shown_photo.shape[:2], ("Photo", view), key="before_after",
        )  # fmt: skip


def choose_photo() -> tuple[str, bytes]:
    """The name and the bytes of the photo to work on; a sample until there is one."""
    origin = st.segmented_control(
        "Photo from",
        ["Upload", "Camera", "Samples"],
        default="Upload",
        label_visibility="collapsed",
        key="origin",
    )
    if origin == "Camera":
        taken = st.camera_input("Take a photo", label_visibility="collapsed")
        if taken is not None:
            return "camera.jpg", taken.getvalue()
    elif origin == "Samples":
        title = st.radio("Sample", list(SAMPLES), horizontal=True, label_visibility="collapsed")
        st.caption(SAMPLES[title].credit)
        return SAMPLES[title].file_name, sample_bytes(title)
    else:
        files = st.file_uploader(
            "Photos", TYPES, accept_multiple_files=True, max_upload_size=100, label_visibility="collapsed"
        )
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


def segmented(chosen: tuple[str, bytes], entry: Entry) -> Work:
    """The prediction for a photo, made once per session and model. Raises UserError for bad files."""
    name, content = chosen
    key = f"{hashlib.sha256(content).hexdigest()}|{entry.key}"
    kept: dict[str, Work] = st.session_state.setdefault("works", {})
    if key not in kept:
        photo = read_photo(content, name)
        predictor = predictor_of(entry)
        with st.spinner("Looking for the subject …"):
            probability = predictor(photo)
        shown = pictures.display_size(photo, SHOWN_SIDE)
        shown_probability = pictures.display_map(probability, shown.shape[:2])
        while len(kept) >= KEPT_PHOTOS:
            kept.pop(next(iter(kept)))
        kept[key] = Work(name, photo, probability, shown, shown_probability)
    return kept[key]


def adjust(work: Work, entry: Entry) -> tuple[str, float]:
    """What is shown and at which threshold, with what follows from it. No forward pass is needed."""
    view = st.segmented_control("Show", VIEWS, default="Cut-out", key="view") or "Cut-out"
    threshold = st.slider(
        "Threshold", 0.01, 0.99, entry.card.threshold, 0.01,
        key=f"threshold_{entry.key}", help="How sure the model must be before a pixel counts as subject.",
    )  # fmt: skip
    share = pictures.foreground_share(work.shown_probability, threshold)
    if share == 0:
        st.warning("Nothing is found at this threshold: move it down, or try another model.")
    downloads(work, threshold)
    st.caption(f"{plain(work.name)} · {megapixels(*work.photo.shape[:2])} · subject covers {percent(share)}")
    return view, threshold


def rendered(
    photo: "NDArray[np.uint8]", probability: "NDArray[np.float32]", threshold: float, view: str
) -> "NDArray[np.uint8]":
    if view == "Overlay":
        return pictures.overlay(photo, probability, threshold)
    if view == "Mask":
        return pictures.mask_picture(probability, threshold)
    return pictures.on_checkerboard(pictures.cutout(photo, probability, threshold))


def downloads(work: Work, threshold: float) -> None:
    """Full-size files, made when asked for and not before."""
    stem = work.name.rsplit(".", 1)[0]
    st.caption("Download at full size")
    with st.container(horizontal=True):
        st.download_button(
            "Cut-out",
            lambda: pictures.encode(pictures.cutout(work.photo, work.probability, threshold)),
            f"{stem}_cutout.png", "image/png", icon=":material/download:", type="primary", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Mask",
            lambda: pictures.encode(pictures.mask_picture(work.probability, threshold)),
            f"{stem}_mask.png", "image/png", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Overlay",
            lambda: pictures.encode(pictures.overlay(work.photo, work.probability, threshold), "JPEG"),
            f"{stem}_overlay.jpg", "image/jpeg", icon=":material/download:", on_click="ignore",
        )  # fmt: skip


segment_page()
