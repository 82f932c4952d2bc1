"""All uploaded photos at once: each shown as soon as it is done, all of them as one zip."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.cutout_settings import CutOutSettings
from core.data.photos import photo_cost, read_photo
from core.imaging import rendering
from core.imaging.components import numbered
from core.inference import zip_writer
from core.models.registry import Entry
from core.policy.policy import current_policy
from core.system.concurrency import taking_turns
from core.system.formatting import plural
from core.system.progress import TimeLeft
from core.system.spreadsheets import csv_file, inert
from pages.segment_parts.work import take
from pages.widgets.loading import predictor_of
from pages.widgets.picture_grid import Cell, picture_grid
from pages.widgets.wording import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from core.inference.cutout import CutOut

KINDS = {"Cut-outs": "cutout", "Masks": "mask", "Overlays": "overlay", "Counts": "components"}
SMALL = 240  # pixels of the longer side of what is shown of each


def all_photos(files: "Sequence[UploadedFile]", entry: Entry, settings: CutOutSettings) -> None:
    """A button that works through all photos with the settings above."""
    if len(files) < 2 or entry.card.task.kind != "binary":
        return
    st.markdown(f"**All {plural(len(files), 'photo')}**, with the settings above")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect("Make", list(KINDS), ["Cut-outs"], key="batch_kinds", width=300)
        asked = st.button("Make them all", icon=":material/burst_mode:", disabled=not chosen)
    most = min(zip_writer.MAX_PHOTOS, current_policy().photos_at_once or zip_writer.MAX_PHOTOS)
    if asked:
        make(files[:most], entry, settings, [KINDS[kind] for kind in chosen])
    elif packed := st.session_state.get("batch"):
        offer(*packed)
    if len(files) > most:
        st.caption(f"The first {most} are made here; `python -m core predict` takes a whole folder.")


def make(files: "Sequence[UploadedFile]", entry: Entry, settings: CutOutSettings, kinds: list[str]) -> None:
    from core.inference.cutout import cut_out, files_of

    names = [file.name for file in files]
    predictor = predictor_of(entry)
    shown: dict[str, str] = {}
    tables: list[pd.DataFrame] = []

    def made(place: int) -> dict[str, bytes]:
        name, content = names[place], files[place].getvalue()
        take(photo_cost(content, name, settings.passes))
        with taking_turns():
            photo = read_photo(content, name, value_range=entry.card.value_range)
            found = cut_out(photo, predictor, settings)
            if "components" in kinds:
                tables.append(found.table(name))
            shown[name] = rendering.data_url(thumbnail(found, kinds[0]))
            return files_of(found, kinds, name)

    target = zip_writer.new_zip()
    bar, grid, problems = st.progress(0.0, "Starting …"), st.empty(), []
    left = TimeLeft(len(names))
    for number, done in enumerate(zip_writer.pack(names, made, target), 1):
        if done.problem:
            problems.append(done.problem)
        bar.progress(number / len(names), f"{number} of {len(names)} done{left.words(number)}")
        with grid.container():
            cells = [Cell(name, url, name) for name, url in shown.items()]
            picture_grid(cells, f"batch_grid_{target.stem}_{number}", least=120)
    bar.empty()
    counts = pd.concat(tables, ignore_index=True) if tables else None
    if before := st.session_state.get("batch"):
        before[0].unlink(missing_ok=True)
    st.session_state.batch = (target, problems, counts)
    offer(target, problems, counts)


def thumbnail(found: "CutOut", kind: str) -> "NDArray[np.uint8]":
    """What is shown of a photo while the others are made."""
    if kind == "components":
        return rendering.display_size(numbered(found.photo, *found.components()), SMALL)
    small = rendering.display_size(found.picture(kind), SMALL)
    return rendering.on_checkerboard(small) if small.shape[-1] == 4 else small


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
    totals = counts.groupby("file", sort=False).agg(components=("number", "count"), share=("share", "sum"))
    st.markdown(f"**{plural(len(counts), 'component')}** in {plural(len(totals), 'photo')}")
    st.dataframe(inert(totals), column_config={"share": st.column_config.NumberColumn(format="percent")})
    st.download_button(
        "All components as CSV", csv_file(counts), "components.csv", "text/csv",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
