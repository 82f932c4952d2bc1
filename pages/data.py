"""Data: choose or import a data set, look at it, see what is wrong with which file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from core import pictures
from core.data import demo, importing, validation
from core.data.dataset import DataFolder, open_data, write_down
from core.data.pairing import Pair
from core.data.store import read_pair
from core.data.validation import Report
from core.errors import UserError
from core.words import percent, plain, plural
from pages.widgets.choices import choose_dataset, select_dataset
from pages.widgets.entry import open_page

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PER_PAGE = 12
THUMBNAIL = 320  # pixels of the longer side
VIEWS = ("Overlay", "Photo", "Mask")


def data_page() -> None:
    st.title("Data sets")
    left, right = st.columns([3, 2], gap="large", vertical_alignment="bottom")
    with left:
        folder = choose_dataset()
    with right, st.container(horizontal=True):
        if st.button("Import photos and masks", icon=":material/upload:"):
            import_dialog()
        if folder and folder != demo.demo_folder() and st.button("Delete", icon=":material/delete:"):
            delete_dialog(folder)
    if folder is None:
        return
    try:
        data = open_data(folder)
        write_down(data)
        report = checked(data)
    except UserError as error:
        st.error(plain(str(error)))
        return
    overview(data, report)
    findings(report)
    gallery(data, report)


def checked(data: DataFolder) -> Report:
    bar = st.progress(0.0, "Reading every photo and mask …")
    for result in validation.check(data):
        if isinstance(result, Report):
            bar.empty()
            return result
        bar.progress(result / len(data.pairs), f"Read {result:,} of {len(data.pairs):,} pairs")
    raise UserError("The check did not finish: reload the page.")


def overview(data: DataFolder, report: Report) -> None:
    summary = report.summary()
    with st.container(horizontal=True):
        st.metric("Pairs", f"{summary['pairs']:,}", border=True)
        st.metric("Training", f"{summary['train']:,}", border=True)
        st.metric("Validation", f"{summary['validation']:,}", border=True)
        st.metric("Foreground", percent(summary["foreground"]), border=True, help="Mean over the images.")
        st.metric("Left out", f"{summary['left_out']:,}", border=True)
    st.caption(f"Masks: {data.rule.meaning}. The split is kept by file name in dataset.json.")


def findings(report: Report) -> None:
    """What is wrong, file by file, and what was mended."""
    if len(report.problems):
        st.warning(f"{plural(len(report.problems), 'file')} cannot be used and will be left out of training.")
        st.dataframe(
            report.problems[["name", "problem"]], hide_index=True,
            column_config={"name": "File", "problem": wide("What is wrong")},
        )  # fmt: skip
    if len(report.notes):
        with st.expander(f"{plural(len(report.notes), 'pair')} with something to know"):
            st.dataframe(
                report.notes[["name", "note"]], hide_index=True,
                column_config={"name": "Photo", "note": wide("Note")},
            )  # fmt: skip


def wide(label: str) -> Any:
    return st.column_config.TextColumn(label, width="large")


@st.fragment
def gallery(data: DataFolder, report: Report) -> None:
    """The pairs, a page at a time."""
    usable = report.usable
    if usable.empty:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part = st.segmented_control("Part", ["All", "Training", "Validation"], default="All", key="part")
        view = st.segmented_control("Show", VIEWS, default="Overlay", key="gallery_view") or "Overlay"
        order = st.selectbox(
            "Sort by", ["Name", "Least foreground", "Most foreground"], key="order", width=200
        )
    rows = validation.arranged(usable, part or "All", order)
    pages = max(1, -(-len(rows) // PER_PAGE))
    page = st.pagination(pages, key="gallery_page") if pages > 1 else 1
    by_name = {pair.name: pair for pair in data.pairs}
    shown = rows.iloc[(page - 1) * PER_PAGE : page * PER_PAGE]
    columns = st.columns(4)
    for position, (_, row) in enumerate(shown.iterrows()):
        with columns[position % 4]:
            try:
                st.image(thumbnail(by_name[row["name"]], data, view), width="stretch")
            except UserError as error:
                st.warning(plain(str(error)))
            st.caption(
                f"{plain(row['name'])} · {row['width']} x {row['height']} · {percent(row['foreground'])}"
            )


def thumbnail(pair: Pair, data: DataFolder, view: str) -> "NDArray[np.uint8]":
    photo, mask = read_pair(pair, data.rule, max_side=THUMBNAIL)
    return pictures.pair_picture(pictures.display_size(photo, THUMBNAIL), mask, view, data.rule.task)


@st.dialog("Import photos and masks", width="large")
def import_dialog() -> None:
    st.markdown(
        "Put the photos into a folder `images` and the masks, **under the same file names**, into a folder "
        "`masks`. White (or any value above 0) marks what the model should find."
    )
    name = st.text_input("Name of the data set", placeholder="that of the zip or folder")
    upload_tab, folder_tab = st.tabs(["Upload a zip", "A folder on this machine"])
    with upload_tab:
        upload = st.file_uploader("Zip with images/ and masks/", ["zip"])
    with folder_tab:
        path = st.text_input("Folder or zip on the machine that runs this app", placeholder="/home/me/photos")
    if not st.button("Import", type="primary"):
        return
    if not (upload or path.strip()):
        st.error("Upload a zip or name a folder first.")
        return
    source = upload or Path(path.strip()).expanduser()
    bar = st.progress(0.0, "Copying …")
    try:
        for result in importing.import_data(source, name.strip() or Path(source.name).stem):
            if isinstance(result, importing.Imported):
                select_dataset(result.data.root)
            else:
                bar.progress(result, f"Copied {percent(result)}")
    except UserError as error:
        bar.empty()
        st.error(plain(str(error)))
        return
    st.rerun()


@st.dialog("Delete this data set?")
def delete_dialog(folder: Path) -> None:
    st.write(f"**{plain(importing.display_name(folder))}** and its files in the workspace will be gone.")
    if st.button("Delete", type="primary"):
        importing.delete_dataset(folder)
        select_dataset(demo.demo_folder())
        st.rerun()


open_page(data_page)
