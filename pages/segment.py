"""Segment: a photo in, its subject cut out."""

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core import pictures
from core.data.classes import nearest
from core.data.photos import photo_size, read_photo
from core.data.samples import SAMPLES, sample_bytes
from core.errors import UserError
from core.shelf import Entry
from core.task import Task
from core.words import megapixels, percent, plain
from pages.widgets.choices import choose_model
from pages.widgets.classes import class_legend
from pages.widgets.entry import open_page
from pages.widgets.image_slider import image_slider
from pages.widgets.loading import predictor_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHOWN_SIDE = 1200  # pixels; larger than any column it is shown in
KEPT_PHOTOS = 6
TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "heic", "heif", "gif"]
DOWNLOADS = (("Cut-out", "cutout", "PNG"), ("Mask", "mask", "PNG"), ("Overlay", "overlay", "JPEG"))
VIEWS = ("Cut-out", "Overlay", "Mask")
CLASS_DOWNLOADS = (("Overlay", "overlay", "JPEG"), ("Mask", "mask", "PNG"))
CLASS_VIEWS = ("Overlay", "Mask")
ONE_FOREGROUND = Task()


@dataclass(frozen=True)
class Work:
    """One photo, as uploaded and as shown, with its prediction at the size it is shown: the
    probability of the foreground or, where a model tells several classes apart, labels.

    The pixels at full size are not kept: a phone's photo has fifty megabytes of them.
    """

    name: str
    content: bytes
    size: tuple[int, int]
    photo: "NDArray[np.uint8]"
    probability: "NDArray[np.float32]"
    labels: "NDArray[np.uint8] | None" = None
    task: Task = ONE_FOREGROUND

    def full_size(self, kind: str, threshold: float, form: str = "PNG") -> bytes:
        """The "mask", "cutout" or "overlay" at the photo's own size, as a file."""
        photo = read_photo(self.content, self.name)
        if self.labels is not None:
            labels = nearest(self.labels, (photo.shape[0], photo.shape[1]))
            return pictures.encode(pictures.label_result(kind, photo, labels, self.task), form)
        probability = pictures.fit_map(self.probability, photo.shape[:2])
        return pictures.encode(pictures.result(kind, photo, probability, threshold), form)


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
        if work.labels is not None:
            view, threshold = look_at_classes(work), 0.0
        else:
            view, threshold = adjust(work, entry)
    with stage:
        picture = rendered(work, threshold, view)
        image_slider(
            pictures.encode(work.photo, "JPEG"), pictures.encode(picture, "JPEG"),
            work.photo.shape[:2], ("Photo", view), key="before_after",
        )  # fmt: skip


def choose_photo() -> tuple[str, bytes]:
    """The name and the bytes of the photo to work on; a sample until there is one."""
    origin = st.segmented_control(
        "Photo from",
        ["Upload", "Camera", "Samples"],
        default="Upload",
        required=True,
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
        photo = read_photo(content, name, max_side=SHOWN_SIDE)
        predictor = predictor_of(entry)
        task = entry.card.task
        with st.spinner("Looking for the subject …"):
            if task.kind == "binary":
                probability, labels = predictor(photo), None
            else:
                probability, labels = pictures.nothing(photo), predictor.labels(photo)
        while len(kept) >= KEPT_PHOTOS:
            kept.pop(next(iter(kept)))
        kept[key] = Work(name, content, photo_size(content, name), photo, probability, labels, task)
    return kept[key]


def adjust(work: Work, entry: Entry) -> tuple[str, float]:
    """What is shown and at which threshold, with what follows from it. No forward pass is needed."""
    view = st.segmented_control("Show", VIEWS, default="Cut-out", required=True, key="view")
    threshold = st.slider(
        "Threshold", 0.01, 0.99, entry.card.threshold, 0.01,
        key=f"threshold_{entry.key}", help="How sure the model must be before a pixel counts as subject.",
    )  # fmt: skip
    share = pictures.foreground_share(work.probability, threshold)
    if share == 0:
        st.warning("Nothing is found at this threshold: move it down, or try another model.")
    downloads(work, threshold)
    st.caption(f"{plain(work.name)} · {megapixels(*work.size)} · subject covers {percent(share)}")
    return view, threshold


def look_at_classes(work: Work) -> str:
    """What is shown of a model that tells several classes apart, and what it found."""
    view = st.segmented_control("Show", CLASS_VIEWS, default="Overlay", required=True, key="class_view")
    class_legend(work.task)
    assert work.labels is not None
    shares = pictures.class_shares(work.labels, work.task)
    st.dataframe(
        {"Class": [name for name, _ in shares], "Share": [share for _, share in shares]}, hide_index=True,
        column_config={"Share": st.column_config.ProgressColumn("Share", format="percent")},
    )  # fmt: skip
    downloads(work, 0.0, CLASS_DOWNLOADS)
    st.caption(f"{plain(work.name)} · {megapixels(*work.size)}. The mask holds each pixel's class number.")
    return view


def rendered(work: Work, threshold: float, view: str) -> "NDArray[np.uint8]":
    """What the right-hand side of the slider shows."""
    if work.labels is not None:
        return pictures.pair_picture(work.photo, work.labels, view, work.task)
    kind = {"Overlay": "overlay", "Mask": "mask"}.get(view, "cutout")
    picture = pictures.result(kind, work.photo, work.probability, threshold)
    return pictures.on_checkerboard(picture) if kind == "cutout" else picture


def downloads(work: Work, threshold: float, offered: tuple[tuple[str, str, str], ...] = DOWNLOADS) -> None:
    """Full-size files, made when asked for and not before."""
    stem = work.name.rsplit(".", 1)[0]
    st.caption("Download at full size")
    with st.container(horizontal=True):
        for label, kind, form in offered:
            st.download_button(
                label,
                partial(work.full_size, kind, threshold, form),
                f"{stem}_{kind}.{'png' if form == 'PNG' else 'jpg'}",
                f"image/{form.lower()}",
                icon=":material/download:",
                type="primary" if kind == "cutout" else "secondary",
                on_click="ignore",
            )


open_page(segment_page)
