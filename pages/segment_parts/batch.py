"""All uploaded photos at once: each shown as soon as it is done, all of them as one zip."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.data.photos import photo_cost, read_photo
from core.imaging import rendering
from core.imaging.components import find_parts, numbered, part_table
from core.imaging.guided_filter import enlarge
from core.imaging.matting import alpha_of
from core.inference import zip_writer
from core.inference.test_time_augmentation import small_map
from core.models.registry import Entry
from core.policy.policy import current_policy
from core.system.concurrency import taking_turns
from core.system.formatting import duration, plural
from core.system.spreadsheets import csv_file, inert
from pages.segment_parts.work import Look, rendered, take
from pages.widgets.loading import predictor_of
from pages.widgets.picture_grid import Cell, picture_grid
from pages.widgets.wording import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from streamlit.runtime.uploaded_file_manager import UploadedFile

KINDS = {"Cut-outs": "cutout", "Masks": "mask", "Overlays": "overlay", "Counts": "parts"}
LEAST = 0.001  # share of a photo below which a part is a speck
SMALL = 240  # pixels of the longer side of what is shown of each


def all_photos(files: "Sequence[UploadedFile]", entry: Entry, look: Look) -> None:
    """A button that works through all photos with the settings above."""
    if len(files) < 2 or entry.card.task.kind != "binary":
        return
    st.markdown(f"**All {plural(len(files), 'photo')}**, with the settings above")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect("Make", list(KINDS), ["Cut-outs"], key="batch_kinds", width=300)
        asked = st.button("Make them all", icon=":material/burst_mode:", disabled=not chosen)
    most = min(zip_writer.MAX_PHOTOS, current_policy().photos_at_once or zip_writer.MAX_PHOTOS)
    if asked:
        make(files[:most], entry, look, [KINDS[kind] for kind in chosen])
    elif packed := st.session_state.get("batch"):
        offer(*packed)
    if len(files) > most:
        st.caption(f"The first {most} are made here; `python -m core predict` takes a whole folder.")


def make(files: "Sequence[UploadedFile]", entry: Entry, look: Look, kinds: list[str]) -> None:
    names = [file.name for file in files]
    predictor = predictor_of(entry)
    shown: dict[str, str] = {}
    tables: list[pd.DataFrame] = []

    def picture(place: int, kind: str) -> bytes:
        take(photo_cost(files[place].getvalue(), names[place]))
        with taking_turns():
            return made_of(place, kind)

    def made_of(place: int, kind: str) -> bytes:
        photo = read_photo(files[place].getvalue(), names[place], value_range=entry.card.value_range)
        probability = enlarge(small_map(predictor, photo, look.gaze), photo, look.fine)
        if kind == "parts":
            table, made = counted(photo, probability, names[place], look)
            tables.append(table)
            shown[names[place]] = rendering.data_url(rendering.display_size(made, SMALL))
            return csv_file(table)
        made = rendered(photo, probability, kind, look)
        small = rendering.display_size(made, SMALL)
        on_board = rendering.on_checkerboard(small) if small.shape[-1] == 4 else small
        shown[names[place]] = rendering.data_url(on_board)
        return rendering.encode(made)

    target = zip_writer.new_zip()
    bar, grid, started, problems = st.progress(0.0, "Starting …"), st.empty(), time.monotonic(), []
    for number, done in enumerate(zip_writer.pack(names, kinds, picture, target), 1):
        if done.problem:
            problems.append(done.problem)
        left = (time.monotonic() - started) * (len(names) - number) / number
        bar.progress(number / len(names), f"{number} of {len(names)} done, {duration(left)} left")
        with grid.container():
            cells = [Cell(name, url, name) for name, url in shown.items()]
            picture_grid(cells, f"batch_grid_{target.stem}_{number}", least=120)
    bar.empty()
    counts = pd.concat(tables, ignore_index=True) if tables else None
    if before := st.session_state.get("batch"):
        before[0].unlink(missing_ok=True)
    st.session_state.batch = (target, problems, counts)
    offer(target, problems, counts)


def counted(
    photo: "NDArray[np.uint8]", probability: "NDArray[np.float32]", name: str, look: Look
) -> "tuple[pd.DataFrame, NDArray[np.uint8]]":
    """The table of a photo's parts, and the photo with their numbers."""
    alpha = alpha_of(probability, look.threshold, look.finish)
    parts, numbers = find_parts((alpha >= 0.5).astype("uint8"), LEAST)
    return part_table(parts, name), numbered(photo, parts, numbers)


def offer(packed: Path, problems: list[str], counts: "pd.DataFrame | None") -> None:
    """The zip stays on the disk until it is asked for."""
    for problem in problems[:5]:
        st.warning(plain(problem))
    if not packed.is_file():
        return
    st.download_button(
        f"Download the zip, {zip_writer.megabytes(packed):.1f} MB", packed.read_bytes, "photos.zip",
        "application/zip",
        icon=":material/folder_zip:", type="primary", on_click="ignore",
    )  # fmt: skip
    if counts is None:
        return
    totals = counts.groupby("file", sort=False).agg(parts=("number", "count"), share=("share", "sum"))
    st.markdown(f"**{plural(len(counts), 'part')}** in {plural(len(totals), 'photo')}")
    st.dataframe(inert(totals), column_config={"share": st.column_config.NumberColumn(format="percent")})
    st.download_button(
        "All parts as CSV", csv_file(counts), "parts.csv", "text/csv",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
