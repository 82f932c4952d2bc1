"""All uploaded photos at once: each shown as soon as it is done, all of them as one zip."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core import batch, pictures
from core.data.photos import read_photo
from core.looking import small_map
from core.refining import enlarge
from core.shelf import Entry
from core.words import duration, plain, plural
from pages.segment_parts.work import Look, rendered
from pages.widgets.loading import predictor_of
from pages.widgets.picture_grid import Cell, picture_grid

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

KINDS = {"Cut-outs": "cutout", "Masks": "mask", "Overlays": "overlay"}
SMALL = 240  # pixels of the longer side of what is shown of each


def all_photos(files: "Sequence[UploadedFile]", entry: Entry, look: Look) -> None:
    """A button that works through all photos with the settings above."""
    if len(files) < 2 or entry.card.task.kind != "binary":
        return
    st.markdown(f"**All {plural(len(files), 'photo')}**, with the settings above")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect("Make", list(KINDS), ["Cut-outs"], key="batch_kinds", width=300)
        asked = st.button("Make them all", icon=":material/burst_mode:", disabled=not chosen)
    if asked:
        make(files[: batch.MAX_PHOTOS], entry, look, [KINDS[kind] for kind in chosen])
    elif packed := st.session_state.get("batch"):
        offer(*packed)
    if len(files) > batch.MAX_PHOTOS:
        st.caption(
            f"The first {batch.MAX_PHOTOS} are made here; `python -m core predict` takes a whole folder."
        )


def make(files: "Sequence[UploadedFile]", entry: Entry, look: Look, kinds: list[str]) -> None:
    names = [file.name for file in files]
    predictor = predictor_of(entry)
    shown: dict[str, str] = {}

    def picture(place: int, kind: str) -> bytes:
        photo = read_photo(files[place].getvalue(), names[place])
        probability = enlarge(small_map(predictor, photo, look.gaze), photo, look.fine)
        made = rendered(photo, probability, kind, look)
        small = pictures.display_size(made, SMALL)
        on_board = pictures.on_checkerboard(small) if small.shape[-1] == 4 else small
        shown[names[place]] = pictures.data_url(on_board)
        return pictures.encode(made)

    target = batch.new_zip()
    bar, grid, started, problems = st.progress(0.0, "Starting …"), st.empty(), time.monotonic(), []
    for number, done in enumerate(batch.pack(names, kinds, picture, target), 1):
        if done.problem:
            problems.append(done.problem)
        left = (time.monotonic() - started) * (len(names) - number) / number
        bar.progress(number / len(names), f"{number} of {len(names)} done, {duration(left)} left")
        with grid.container():
            cells = [Cell(name, url, name) for name, url in shown.items()]
            picture_grid(cells, f"batch_grid_{target.stem}_{number}", least=120)
    bar.empty()
    st.session_state.batch = (target, problems)
    offer(target, problems)


def offer(packed: Path, problems: list[str]) -> None:
    """The zip stays on the disk until it is asked for."""
    for problem in problems[:5]:
        st.warning(plain(problem))
    if not packed.is_file():
        return
    st.download_button(
        f"Download the zip, {batch.megabytes(packed):.1f} MB", packed.read_bytes, "photos.zip",
        "application/zip",
        icon=":material/folder_zip:", type="primary", on_click="ignore",
    )  # fmt: skip
