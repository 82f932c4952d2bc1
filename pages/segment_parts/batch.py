"""All uploaded photos at once: each is shown as soon as it is done, and all of them become one zip."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.cutout_settings import CutOutSettings
from core.data.photos import read_photo
from core.imaging import rendering
from core.imaging.components import numbered
from core.inference import zip_writer
from core.inference.price import photo_price
from core.models.registry import Entry
from core.policy.policy import current_policy
from core.system.concurrency import taking_turns
from core.system.formatting import plural
from core.system.progress import TimeLeft
from core.system.spreadsheets import csv_file, inert
from pages.segment_parts.fixing import corrected_settings, corrections_of
from pages.segment_parts.photo import PHOTO_NUMBER
from pages.segment_parts.work import take
from pages.widgets.loading import predictor_of
from pages.widgets.picture_grid import Cell, picture_grid
from pages.widgets.wording import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from core.inference.cutout import CutOut

KINDS = {"Cut-outs": "cutout", "Masks": "mask", "Overlays": "overlay", "Counts": "components"}
SMALL = 240  # pixels of the longer side of what is shown of each
STALE = "These results are of other photos, another model or other settings: process the photos again."


@dataclass(frozen=True)
class Batch:
    """What was made of many photos, and a `recipe` that equals another where the results would too."""

    recipe: Hashable
    packed: Path
    cells: list[Cell]
    problems: list[str]
    counts: pd.DataFrame | None


def all_photos(
    controls: "DeltaGenerator", files: "Sequence[UploadedFile]", entry: Entry, settings: CutOutSettings
) -> None:
    """A button among the controls that processes all photos, and the results in the whole width."""
    if len(files) < 2 or entry.card.task.kind != "binary":
        return
    most = min(zip_writer.MAX_PHOTOS, current_policy().photos_at_once or zip_writer.MAX_PHOTOS)
    settings = replace(settings, keep=(), corrections=())  # chosen in one photo
    with controls:
        chosen = st.multiselect("Results for all photos", list(KINDS), ["Cut-outs"], key="batch_kinds")
        asked = st.button(
            f"Process all {min(most, len(files))} photos",
            icon=":material/burst_mode:",
            key="process_all",
            disabled=not chosen,
        )
        if len(files) > most:
            st.caption(f"The first {most}; `python -m core predict` takes a whole folder.")
    kinds = [KINDS[kind] for kind in chosen]
    fixed = tuple(corrections_of(file.getvalue()) for file in files[:most])
    recipe = (tuple(file.file_id for file in files[:most]), entry.key, settings, tuple(kinds), fixed)
    if asked:
        before: Batch | None = st.session_state.pop("batch", None)
        if before is not None:
            before.packed.unlink(missing_ok=True)
        st.session_state.batch = process(files[:most], entry, settings, kinds, recipe)
    if "batch" in st.session_state:
        results(st.session_state.batch, recipe)


def process(
    files: "Sequence[UploadedFile]",
    entry: Entry,
    settings: CutOutSettings,
    kinds: list[str],
    recipe: Hashable,
) -> Batch:
    from core.inference.cutout import cut_out, files_of

    names = [file.name for file in files]
    predictor = predictor_of(entry)
    cells: list[Cell] = []
    tables: list[pd.DataFrame] = []

    # Here, because the work runs in threads that have no session.
    corrected = [corrected_settings(file.getvalue(), settings) for file in files]

    def made(place: int) -> dict[str, bytes]:
        name, content = names[place], files[place].getvalue()
        take(photo_price(content, name, entry.card, settings))
        with taking_turns():
            photo = read_photo(content, name, value_range=entry.card.value_range)
            found = cut_out(photo, predictor, corrected[place])
            if "components" in kinds:
                tables.append(found.table(name))
            cells.append(Cell(name, rendering.data_url(thumbnail(found, kinds[0])), name))
            return files_of(found, kinds, name)

    target = zip_writer.new_zip()
    bar, grid, problems = st.progress(0.0, "Starting …"), st.empty(), []
    left = TimeLeft(len(names))
    for number, done in enumerate(zip_writer.pack(names, made, target), 1):
        if done.problem:
            problems.append(done.problem)
        bar.progress(number / len(names), f"{number} of {len(names)} done{left.words(number)}")
        with grid.container():
            picture_grid(cells, f"batch_grid_{target.stem}_{number}", least=160)
    bar.empty()
    grid.empty()
    counts = pd.concat(tables, ignore_index=True) if tables else None
    return Batch(recipe, target, cells, problems, counts)


def thumbnail(found: "CutOut", kind: str) -> "NDArray[np.uint8]":
    """A small picture of a result."""
    if kind == "components":
        return rendering.display_size(numbered(found.photo, *found.components()), SMALL)
    small = rendering.display_size(found.picture(kind), SMALL)
    return rendering.on_checkerboard(small) if small.shape[-1] == 4 else small


def results(batch: Batch, recipe: Hashable) -> None:
    """The zip, which stays on the disk until it is asked for, and what is in it."""
    fresh = batch.recipe == recipe
    if not fresh:
        st.warning(STALE)
    for problem in batch.problems[:5]:
        st.warning(plain(problem))
    if batch.packed.is_file():
        megabytes = zip_writer.megabytes(batch.packed)
        st.download_button(
            f"Download the {'' if fresh else 'earlier '}zip, {megabytes:.1f} MB", batch.packed.read_bytes,
            "photos.zip", "application/zip",
            icon=":material/folder_zip:", type="primary" if fresh else "secondary", on_click="ignore",
        )  # fmt: skip
    picture_grid(batch.cells, f"batch_grid_{batch.packed.stem}", on_open=open_photo, least=160)
    if batch.counts is not None:
        totals_of(batch.counts)


def open_photo(name: str) -> None:
    """Show the uploaded photo of this name large."""
    names = [file.name for file in st.session_state.get("photos") or []]
    if name in names:
        st.session_state[PHOTO_NUMBER] = names.index(name)


def totals_of(counts: pd.DataFrame) -> None:
    """How many components each photo has."""
    totals = counts.groupby("file", sort=False).agg(components=("number", "count"), share=("share", "sum"))
    st.markdown(f"**{plural(len(counts), 'component')}** in {plural(len(totals), 'photo')}")
    st.dataframe(
        inert(totals),
        column_config={
            "file": "Photo", "components": "Components",
            "share": st.column_config.NumberColumn("Share of the photo (%)", format="percent"),
        },
    )  # fmt: skip
    st.download_button(
        "All components as CSV", csv_file(counts), "components.csv", "text/csv",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
