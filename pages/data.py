"""Data: import photos and masks, check and fix them, split, paint and compose."""

from pathlib import Path

import streamlit as st

from core.data import demo, findings, library, painting
from core.data.catalogue import Catalogue, open_catalogue
from core.errors import UserError
from core.policy.permissions import allowed
from core.system.formatting import percent, plural
from core.system.progress import TimeLeft
from pages.data_parts.adding import add
from pages.data_parts.augmentation import augmentation
from pages.data_parts.deleting import delete_dialog, undo_bars
from pages.data_parts.exporting import exporting
from pages.data_parts.findings import found, history
from pages.data_parts.importing import ADDING
from pages.data_parts.painting import paint
from pages.data_parts.pictures import gallery
from pages.data_parts.splits import splits
from pages.widgets.choices import choose_dataset, ensure_drawn
from pages.widgets.entry import open_page
from pages.widgets.wording import plain

LOOKING = ("Pictures", "Findings", "Augmentation", "Export")
SECTIONS = ("Pictures", "Findings", "Split", "Augmentation", "Paint", "Export")


def data_page() -> None:
    st.title("Data sets")
    if st.query_params.pop("new", ""):  # the sidebar's link to the import
        st.session_state[ADDING] = True
    if st.session_state.get(ADDING) and allowed("add"):
        add()
        return
    with st.container():  # what appears in it never moves, or for a moment doubles, what follows
        undo_bars()
    left, right = st.columns(2, gap="medium", vertical_alignment="bottom")
    with left:
        folder = choose_dataset()
    with right, st.container(horizontal=True):
        if allowed("add") and st.button("New data set", icon=":material/add:", type="primary"):
            st.session_state[ADDING] = True
            st.rerun()
        if allowed("train") and st.button(
            "Check again", icon=":material/refresh:", help="Read every file again."
        ):
            st.session_state.check_fresh = True
        is_own = allowed("change") and library.is_owned(folder) and folder != demo.demo_folder()
        if is_own and st.button("Delete", icon=":material/delete:"):
            delete_dialog(folder)
    ensure_drawn(folder)
    try:
        shown = checked(folder)
    except UserError as error:
        unfinished(folder, error)
        return
    section(shown)


def checked(folder: Path) -> Catalogue:
    """The data set's table, read or made, with progress and time left."""
    bar, left = st.empty(), None
    fresh = st.session_state.pop("check_fresh", False)
    for step in open_catalogue(folder, fresh):
        if isinstance(step, Catalogue):
            bar.empty()
            return step
        done, total = step
        left = left or TimeLeft(total)
        bar.progress(done / total, f"Read {done:,} of {total:,} pairs{left.words(done)}")
    raise UserError("The check did not finish: reload the page.")


def unfinished(folder: Path, refusal: UserError) -> None:
    """A data set that is still being painted has no pairs yet; any other says what is wrong."""
    if not library.is_owned(folder) or not painting.photos_of(folder):
        st.error(plain(str(refusal)))
        return
    try:
        painting.require_paintable(folder)
    except UserError as error:
        st.error(plain(str(error)))
        return
    st.caption("Paint two masks or more to make a data set.")
    paint(folder, is_new=True)


def overview(shown: Catalogue) -> None:
    summary = shown.report.summary()
    with st.container(horizontal=True):
        st.metric("Pairs", f"{summary['pairs']:,}", border=True)
        st.metric("Training", f"{summary['train']:,}", border=True)
        st.metric("Validation", f"{summary['validation']:,}", border=True)
        if summary["test"]:
            st.metric("Test", f"{summary['test']:,}", border=True)
        covered = "Foreground" if shown.encoding.task.kind == "binary" else "Labelled"
        st.metric(covered, percent(summary["foreground"]), border=True, help="Mean over the images.")
        st.metric("Excluded", f"{summary['left_out']:,}", border=True)
        if summary["to_paint"]:
            st.metric("To paint", f"{summary['to_paint']:,}", border=True)
    st.caption(f"Masks: {plain(shown.encoding.meaning)}. The split is kept by file name in dataset.json.")


def to_paint(shown: Catalogue) -> None:
    """Photos of a painted data set that have no mask yet."""
    count = findings.counts(shown.report.table).get("unpainted", 0)
    if not count or not allowed("change"):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{plural(count, 'photo')} {'has' if count == 1 else 'have'} no mask yet.")
        st.button("Paint", icon=":material/brush:", on_click=go_to_painter)


def go_to_painter() -> None:
    st.session_state.data_section = "Paint"


def section(shown: Catalogue) -> None:
    """One section of the page."""
    worth = findings.to_look_at(shown.report.table)
    names = {name: f"{name} ({worth:,})" if name == "Findings" and worth else name for name in SECTIONS}
    offered: tuple[str, ...] = SECTIONS if allowed("change") else LOOKING
    if not allowed("train"):
        offered = tuple(name for name in offered if name != "Export")
    chosen = st.segmented_control(
        "Section", offered, default="Pictures", key="data_section",
        format_func=names.__getitem__, label_visibility="collapsed", required=True,
    )  # fmt: skip
    if chosen in ("Pictures", "Findings"):
        overview(shown)
        to_paint(shown)
    history(shown)
    match chosen:
        case "Pictures":
            gallery(shown)
        case "Findings":
            found(shown)
        case "Split":
            splits(shown)
        case "Augmentation":
            augmentation(shown)
        case "Paint":
            paint(shown.root)
        case _:
            exporting(shown)


open_page(data_page)
