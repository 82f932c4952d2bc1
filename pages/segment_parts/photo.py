"""Where the photo comes from: files, the clipboard, the camera, a video or the samples."""

import streamlit as st

from core.data.samples import SAMPLES, sample_bytes
from pages.segment_parts.video import choose_clip
from pages.widgets.paste_photo import paste_photo
from pages.widgets.uploads import PHOTO_MEGABYTES, take_photo, upload_many

TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "heic", "heif", "gif"]
PHOTO_NUMBER = "photo_number"  # the key of the chosen place among the uploaded photos


def choose_photo() -> tuple[str, bytes]:
    """The name and the bytes of the photo to work on; a sample until there is one."""
    origin = st.segmented_control(
        "Photo from", ["Upload", "Camera", "Video", "Samples"], default="Upload", required=True, wrap=True,
        label_visibility="collapsed", key="origin",
    )  # fmt: skip
    if origin == "Samples":
        title = st.radio("Sample", list(SAMPLES), horizontal=True, label_visibility="collapsed")
        st.caption(SAMPLES[title].credit)
        return SAMPLES[title].file_name, sample_bytes(title)
    if origin == "Camera":
        taken = take_photo("Take a photo")
        photo = ("camera.jpg", taken.getvalue()) if taken else None
    elif origin == "Video":
        photo = choose_clip()
    else:
        photo = _uploaded()
    if photo is not None:
        return photo
    first = next(iter(SAMPLES))
    st.caption(f"Sample photo: {SAMPLES[first].credit}")
    return SAMPLES[first].file_name, sample_bytes(first)


def _uploaded() -> tuple[str, bytes] | None:
    """The chosen one of the uploaded photos."""
    files = upload_many("Photos", TYPES, PHOTO_MEGABYTES, key="uploads", show="collapsed")
    st.session_state.photos = files
    paste_photo("Or paste a picture: Ctrl+V", "paste_photo")
    if not files:
        return None
    number = 0
    if len(files) > 1:
        number = st.selectbox(
            "Photo", range(len(files)), key=PHOTO_NUMBER,
            format_func=lambda i: f"{i + 1} of {len(files)}: {files[i].name}",
        )  # fmt: skip
    return files[number].name, files[number].getvalue()
