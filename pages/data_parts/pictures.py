"""The gallery: pairs page by page, filtered, and one of them enlarged."""

from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from core.data import catalogue, findings, fixes, thumbnails
from core.data.catalogue import Catalogue, View, page_count, page_of, rows_of
from core.data.dataset import open_data
from core.data.store import read_pair
from core.errors import UserError
from core.imaging import rendering
from core.imaging.label_resizing import resize_labels
from core.policy.disclosure import for_visitor
from core.system.formatting import percent, plural
from pages.data_parts.class_names import rename_popover
from pages.widgets.classes import class_legend
from pages.widgets.picture_grid import Cell, picture_grid
from pages.widgets.wording import plain
from pages.widgets.zoom_view import zoom_view

PER_PAGE, PER_PAGE_ON_A_PHONE = 24, 12
LARGE = 1600  # pixels of the longer side in the large view
SETS = {"All": "", "Training": "train", "Validation": "validation", "Test": "test"}
SET_NAMES = {split: name for name, split in SETS.items()}


@st.fragment
def gallery(shown: Catalogue, finding: str = "") -> None:
    """Pictures with filters; with a finding, those that have it."""
    key = f"grid_{finding or 'all'}"
    view, picture = filters(shown, finding, key)
    rows = rows_of(shown, view)
    if rows.empty:
        st.info("No photo fits these filters.")
        return
    per_page = PER_PAGE_ON_A_PHONE if "Mobi" in st.context.headers.get("User-Agent", "") else PER_PAGE
    pages = page_count(rows, per_page)
    page = min(st.session_state.get(f"{key}_page", 1), pages)
    part = page_of(rows, page, per_page)
    usable = [name for name, image in zip(part["name"], part["image"], strict=True) if image]
    urls = dict(
        zip(
            usable,
            thumbnails.thumbnails([shown.pair(n) for n in usable], shown.encoding, picture),
            strict=True,
        )
    )
    cells = [cell(row, urls) for row in part.to_dict("records")]
    chosen = picture_grid(cells, f"{key}_{page}", on_open=remember_opened, ticks=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{plural(len(rows), 'photo')}")
        if pages > 1:
            st.pagination(pages, key=f"{key}_page")
        if chosen and st.button(f"Exclude {plural(len(chosen), 'photo')}", icon=":material/visibility_off:"):
            apply(lambda: fixes.exclude(open_data(shown.root), chosen))
    opened = st.session_state.pop("opened_picture", None)
    if opened:
        large(shown, opened)


def cell(row: dict[Hashable, Any], urls: dict[str, str]) -> Cell:
    """A row of the table as the grid shows it."""
    detail = for_visitor(row["problem"])
    if row["width"]:
        split = SET_NAMES.get(row["split"], "not used")
        detail = f"{row['width']} x {row['height']} · {percent(row['foreground'])} · {split}"
    return Cell(row["name"], urls.get(row["name"], ""), row["name"], detail, first_badge(row["findings"]))


def filters(shown: Catalogue, finding: str, key: str) -> tuple[View, str]:
    """What to show, and how: a row of controls above the pictures."""
    task = shown.encoding.task
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picture = st.segmented_control(
            "Show", thumbnails.VIEWS, default="Overlay", required=True, key=f"{key}_show"
        )
        order = st.selectbox("Sort by", list(catalogue.ORDERS), key=f"{key}_order", width=170)
        with st.popover("Filter", icon=":material/filter_list:"):
            chosen_set = st.selectbox("Split", list(SETS), key=f"{key}_split")
            class_name = ""
            if task.kind != "binary":
                class_name = st.selectbox("With class", ["", *task.classes], key=f"{key}_class")
            text = st.text_input("Name contains", key=f"{key}_text")
            covered = "Foreground, %" if task.kind == "binary" else "Labelled, %"
            low, high = st.slider(covered, 0, 100, (0, 100), key=f"{key}_range")
        rename_popover(shown)
    if task.kind != "binary":
        class_legend(task)
    return View(SETS[chosen_set], finding, class_name or "", low / 100, high / 100, text, order), picture


def first_badge(codes: str) -> str:
    """The most important finding of a picture, in words."""
    known = [kind.title for kind in findings.KINDS if kind.code in codes.split() and kind.code != "resized"]
    return known[0] if known else ""


def remember_opened(name: str) -> None:
    st.session_state.opened_picture = name


@st.dialog("Photo", width="large")
def large(shown: Catalogue, name: str) -> None:
    rows = shown.report.table[shown.report.table["name"] == name]
    row = rows.iloc[0]
    share = percent(float(row["foreground"]))
    st.markdown(f"**{plain(name)}** · {row['width']} x {row['height']} · {share} foreground")
    try:
        pair = shown.pair(name)
        photo, labels = read_pair(pair, shown.encoding, max_side=LARGE)
    except UserError as error:
        st.warning(plain(str(error)))
    else:
        photo = rendering.display_size(photo, LARGE)
        fitted = resize_labels(labels, photo.shape[:2])
        zoom_view(
            rendering.data_url(photo),
            rendering.data_url(rendering.mask_layer(fitted, shown.encoding.task), "PNG"),
            rendering.data_url(rendering.contour_layer(fitted, shown.encoding.task), "PNG"),
            (photo.shape[0], photo.shape[1]),
            key="large_view",
        )
    for note in filter(None, [row["problem"], *str(row["note"]).split("; ")]):
        st.caption(plain(note))
    twin = str(row["twin"])
    if twin:
        beside(shown, twin)
    with st.container(horizontal=True):
        if row["problem"] == "" and st.button("Exclude", icon=":material/visibility_off:"):
            apply(lambda: fixes.exclude(open_data(shown.root), [name]))
        if "chosen" in str(row["findings"]) and st.button("Restore", icon=":material/undo:"):
            apply(lambda: fixes.restore(open_data(shown.root), [name]))
        if (
            row["problem"] == ""
            and shown.encoding.task.kind == "binary"
            and st.button("Invert the mask", icon=":material/invert_colors:")
        ):
            apply(lambda: fixes.invert(open_data(shown.root), [name]))


def beside(shown: Catalogue, twin: str) -> None:
    """The near duplicate of the opened photo."""
    try:
        url = thumbnails.thumbnails([shown.pair(twin)], shown.encoding, "Photo")[0]
    except UserError:
        return
    if url:
        st.image(url, caption=f"Near duplicate: {plain(twin)}", width=240)


def apply(fix: Callable[[], object]) -> None:
    """Apply a fix and show the result; a fix that fails is one sentence."""
    try:
        fix()
    except UserError as error:
        st.error(plain(str(error)))
        return
    st.rerun()
