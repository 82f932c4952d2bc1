"""A new session: photos from files, a folder, the camera or a data set, and the names of the classes."""

from pathlib import Path

import streamlit as st

from core.data import library, painting
from core.data.photos import PHOTO_SUFFIXES
from core.errors import UserError
from core.labelling import session
from core.policy.permissions import allowed
from core.system.formatting import plural
from pages.widgets.choices import select_dataset
from pages.widgets.uploads import PHOTO_MEGABYTES, take_photo, upload_many
from pages.widgets.wording import plain

STARTING = "label_starting"
CAMERA_WIDTH = 560  # pixels: its button below stays on the screen
MOST_TAKEN = 100  # photos of the camera, which are kept in memory until the labelling begins
WAYS = ("Files", "Folder", "Camera", "Data set")


def start_form(may_cancel: bool) -> None:
    """Ask for photos, a name and classes, and open the session."""
    st.subheader("Label new photos", anchor=False)
    way = st.segmented_control(
        "Photos from", ways(), default="Files", required=True, key="label_way", label_visibility="collapsed",
    )  # fmt: skip
    photos = chosen_photos(way)
    left, right = st.columns(2)
    name = left.text_input("Name of the data set", key="label_name", placeholder="horses")
    classes = right.text_input(
        "Classes, separated by commas", key="label_classes", placeholder="horse, rider",
        help="What is to be found. Everything else is background. Classes can be added later.",
    )  # fmt: skip
    with st.container(horizontal=True):
        ready = name.strip() and classes.strip() and photos
        begins = st.button(
            "Start labelling", type="primary", icon=":material/ink_marker:", disabled=not ready
        )
        if begins and photos:
            begin(name, photos, classes.split(","))
        if may_cancel and st.button("Cancel"):
            st.session_state[STARTING] = False
            st.rerun()
    wanted = {"photos": photos, "a name": name.strip(), "a class": classes.strip()}
    missing = [what for what, given in wanted.items() if not given]
    if 0 < len(missing) < len(wanted):
        st.caption(f"Still needed: {' and '.join(missing)}.")


def ways() -> list[str]:
    """Where photos may come from here."""
    there = {"Folder": allowed("machine"), "Data set": bool(library.list_datasets())}
    return [way for way in WAYS if there.get(way, True)]


def chosen_photos(way: str) -> list[tuple[str, bytes]] | Path | None:
    """The uploaded photos, or the folder that holds them."""
    if way == "Folder":
        typed = st.text_input("Folder of this machine", key="label_folder").strip()
        return Path(typed) if typed else None
    if way == "Data set":
        return chosen_dataset()
    if way == "Camera":
        taken: dict[str, bytes] = st.session_state.setdefault("label_taken", {})
        with st.container(width=CAMERA_WIDTH):
            photo = take_photo("Photo")
        if photo and photo.file_id not in taken and len(taken) < MOST_TAKEN:
            taken[photo.file_id] = photo.getvalue()
        st.caption(f"{plural(len(taken), 'photo')} taken, of {MOST_TAKEN} at most.")
        return [(f"camera-{i:03d}.jpg", content) for i, content in enumerate(taken.values(), 1)]
    suffixes = [suffix[1:] for suffix in sorted(PHOTO_SUFFIXES)]
    return [(f.name, f.getvalue()) for f in upload_many("Photos", suffixes, PHOTO_MEGABYTES)]


def chosen_dataset() -> Path | None:
    folders = library.list_datasets()
    chosen = st.selectbox(
        "Photos of", folders, index=None, format_func=lambda folder: plain(library.display_name(folder)),
        key="label_source", placeholder="Choose a data set",
    )  # fmt: skip
    st.caption(
        "Its photos are copied without their masks, to be labelled with classes of your own. To correct "
        "its masks, choose it under Data set on this page instead."
    )
    return chosen


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


def begin(name: str, photos: list[tuple[str, bytes]] | Path, classes: list[str]) -> None:
    try:
        with st.spinner("Copying the photos …"):
            found = painting.photos_in_folder(photos) if isinstance(photos, Path) else photos
            opened, problems = session.start(name, found, classes)
    except UserError as error:
        st.error(plain(str(error)))
        return
    for problem in problems[:5]:
        st.toast(plain(problem.sentence), icon=":material/visibility_off:")
    select_dataset(opened.folder)
    st.session_state[STARTING] = False
    st.session_state.pop("label_taken", None)
    st.rerun()
