"""A new session: photos from files, a folder or the camera, and the names of the classes."""

import streamlit as st

from core.data import painting
from core.data.importing.sources import open_source
from core.data.photos import PHOTO_SUFFIXES
from core.errors import UserError
from core.labelling import session
from core.policy.permissions import allowed
from core.system.formatting import plural
from pages.widgets.choices import select_dataset
from pages.widgets.uploads import PHOTO_MEGABYTES, take_photo, upload_many
from pages.widgets.wording import plain

STARTING = "label_starting"
WAYS = ("Files", "Folder", "Camera")


def start_form(may_cancel: bool) -> None:
    """Ask for photos, a name and classes, and open the session."""
    st.subheader("Label new photos", anchor=False)
    way = st.segmented_control(
        "Photos from", [way for way in WAYS if way != "Folder" or allowed("machine")], default="Files",
        required=True, key="label_way", label_visibility="collapsed",
    )  # fmt: skip
    photos, folder = chosen_photos(way)
    left, right = st.columns(2)
    name = left.text_input("Name of the data set", key="label_name", placeholder="horses")
    classes = right.text_input(
        "Classes, separated by commas", key="label_classes", placeholder="horse, rider",
        help="What is to be found. Everything else is background. Classes can be added later.",
    )  # fmt: skip
    with st.container(horizontal=True):
        ready = bool((photos or folder) and name.strip() and classes.strip())
        if st.button("Start labelling", type="primary", icon=":material/ink_marker:", disabled=not ready):
            begin(name, photos, folder, classes.split(","))
        if may_cancel and st.button("Cancel"):
            st.session_state[STARTING] = False
            st.rerun()


def chosen_photos(way: str) -> tuple[list[tuple[str, bytes]], str]:
    """The uploaded photos as (name, content), or the folder that was typed."""
    if way == "Folder":
        return [], st.text_input("Folder of this machine", key="label_folder").strip()
    if way == "Camera":
        taken: dict[str, bytes] = st.session_state.setdefault("label_taken", {})
        photo = take_photo("Photo")
        if photo and photo.file_id not in taken:
            taken[photo.file_id] = photo.getvalue()
        st.caption(f"{plural(len(taken), 'photo')} taken. Take as many as you want.")
        return [(f"camera-{i:03d}.jpg", content) for i, content in enumerate(taken.values(), 1)], ""
    suffixes = [suffix[1:] for suffix in sorted(PHOTO_SUFFIXES)]
    return [(f.name, f.getvalue()) for f in upload_many("Photos", suffixes, PHOTO_MEGABYTES)], ""


def add_photos(opened: session.LabelSession) -> None:
    """More photos for a data set that was made here."""
    with st.popover("Add photos", icon=":material/add_photo_alternate:"):
        suffixes = [suffix[1:] for suffix in sorted(PHOTO_SUFFIXES)]
        uploads = upload_many(
            "More photos", suffixes, PHOTO_MEGABYTES, key=f"label_more_{len(opened.photos())}"
        )
        if uploads and st.button(f"Add {plural(len(uploads), 'photo')}", key="label_add"):
            try:
                problems = painting.add_photos(opened.folder, [(f.name, f.getvalue()) for f in uploads])
            except UserError as error:
                st.error(plain(str(error)))
                return
            for problem in problems[:5]:
                st.toast(plain(problem.sentence), icon=":material/visibility_off:")
            st.rerun()


def begin(name: str, photos: list[tuple[str, bytes]], folder: str, classes: list[str]) -> None:
    from pathlib import Path

    try:
        with st.spinner("Copying the photos …"):
            if folder:
                source = open_source(Path(folder))
                names = [n for n in source.names if Path(n).suffix.lower() in PHOTO_SUFFIXES]
                photos = list(painting.photos_in(source, names))
            opened, problems = session.start(name, photos, classes)
    except UserError as error:
        st.error(plain(str(error)))
        return
    for problem in problems[:5]:
        st.toast(plain(problem.sentence), icon=":material/visibility_off:")
    select_dataset(opened.folder)
    st.session_state[STARTING] = False
    st.session_state.pop("label_taken", None)
    st.rerun()
