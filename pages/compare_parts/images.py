"""The images one by one: filtered and sorted, in rows of four pictures, and one of them enlarged."""

import math
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from core.data.catalogue import page_count, page_of
from core.data.dataset import DataFolder
from core.data.library import is_owned
from core.errors import UserError
from core.evaluation import cache, groups, label_errors
from core.evaluation import filters as image_filters
from core.evaluation.cache import Evaluation
from core.evaluation.filters import Filter
from core.evaluation.pictures import large_pictures, small_pictures
from core.imaging import palette, rendering
from core.models.registry import Entry
from core.policy.disclosure import for_visitor
from core.policy.permissions import allowed
from core.system.formatting import percent, pixels_of, plural
from core.system.parallel import all_cores
from core.system.score_names import score
from pages.label_parts.view import correct_in_label
from pages.widgets.classes import class_legend, legend
from pages.widgets.panel_rows import Row, panel_rows
from pages.widgets.panes_view import panes_view
from pages.widgets.wording import plain

PER_PAGE = 6
LARGE = 1280  # pixels of the longer side in the large view
ERROR_COLOURS = [
    ("true positive (TP)", palette.css_colour(rendering.TRUE_POSITIVE)),
    ("false negative (FN), missed", palette.css_colour(rendering.FALSE_NEGATIVE)),
    ("false positive (FP)", palette.css_colour(rendering.FALSE_POSITIVE)),
]


@st.fragment
def mistakes(found: Evaluation, data: DataFolder, entry: Entry, threshold: float) -> None:
    """Every image of the split, worst first."""
    judged = found.judged(threshold)
    suspect_masks(judged)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.selectbox("Sort by", image_filters.orders(judged), key="compare_order", width=240)
        with st.popover("Filter", icon=":material/filter_alt:"):
            wanted = filters(judged, data)
        rows = image_filters.chosen(judged, wanted, order)
        st.caption(f"{len(rows):,} of {plural(len(judged), 'image')}")
    error_legend(found)
    image_rows(found, data, entry, threshold, rows, "compare")


def suspect_masks(judged: pd.DataFrame) -> None:
    """Where the ground truth is more likely wrong than the model."""
    count = int(label_errors.suspects(judged).sum())
    if not count:
        return

    def show() -> None:
        st.session_state.compare_order = image_filters.SUSPECT_FIRST

    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(
            f"Check {plural(count, 'mask')}: on at least {percent(label_errors.SUSPECT)} of the subject the "
            f"model is {percent(label_errors.SURE)} sure of the opposite."
        )
        st.button(f"Show {'it' if count == 1 else 'them'} first", on_click=show)


def filters(judged: pd.DataFrame, data: DataFolder) -> Filter:
    """Ranges in per cent, a part of the name, a group."""
    ranges = {}
    for label, key in (
        ("Dice", "dice"),
        ("IoU", "iou"),
        ("Foreground", "foreground"),
        ("Brightness", "light"),
    ):
        low, high = st.slider(f"{label}, %", 0, 100, (0, 100), key=f"compare_{key}", width=300)
        ranges[key] = low / 100, high / 100
    shortest, longest = (int(n) for n in judged[["height", "width"]].max(axis=1).agg(["min", "max"]))
    side = (shortest, longest)
    if shortest < longest:
        side = st.slider("Longer side, pixels", shortest, longest, side, key="compare_side", width=300)
    text = st.text_input("Name contains", key="compare_text", width=300)
    known = groups.read_groups(data.root)
    names: Collection[str] | None = None
    if known:
        group = st.selectbox("Group", ["", *known], key="compare_group", width=300)
        names = known[group] if group else None
    return Filter(ranges["dice"], ranges["iou"], ranges["foreground"], ranges["light"], side, text, names)


def image_rows(
    found: Evaluation, data: DataFolder, entry: Entry, threshold: float, rows: pd.DataFrame, key: str
) -> None:
    """A page of rows, with pagination, and what can be done with those that are ticked."""
    if rows.empty:
        st.info("No image matches the filter.")
        return
    pages = page_count(rows, PER_PAGE)
    page = min(st.session_state.get(f"{key}_page", 1), pages)
    records = page_of(rows, page, PER_PAGE).to_dict("records")
    names = [str(record["name"]) for record in records]
    judged = found.judged(threshold)
    suspected = set(judged["name"][label_errors.suspects(judged)])
    with all_cores() as pool:
        shown = list(pool.map(partial(pictures_of, found, data, threshold), names))
    listed = [
        Row(name, detail(record), *row, flag="Check the mask" if name in suspected else "")
        for name, record, row in zip(names, records, shown, strict=True)
    ]
    above = st.container()
    ticked = panel_rows(listed, f"{key}_rows_{page}", on_open=remember_opened)
    if pages > 1:
        st.pagination(pages, key=f"{key}_page")
    if ticked and allowed("change"):
        with above, st.container(horizontal=True, vertical_alignment="bottom"):
            into_group(data, ticked, key)
            if is_owned(data.root) and st.button(
                "Correct in Label", icon=":material/ink_marker:", key=f"{key}_label",
                help="Open them on the Label page, each with the prediction to start from.",
            ):  # fmt: skip
                correct_in_label(data.root, ticked, entry)
    opened = st.session_state.pop("opened_image", None)
    if opened:
        large(found, data, threshold, opened)


def pictures_of(
    found: Evaluation, data: DataFolder, threshold: float, name: str
) -> tuple[list[tuple[str, str]], str]:
    """A row's pictures, or why there are none."""
    try:
        panels = cache.panels(found, data.pair(name), data, threshold)
    except UserError as error:
        return [], for_visitor(str(error))
    return small_pictures(panels, found.task), ""


def detail(record: Mapping[Any, Any]) -> str:
    """One image's scores in a line."""
    far = record["hd95"]
    outline = "" if far is None or math.isnan(far) else f" · Hausdorff 95 {pixels_of(far)}"
    return (
        f"Dice {score(record['dice'])} · IoU {score(record['iou'])} · "
        f"precision {score(record['precision'])} · recall {score(record['recall'])} · "
        f"foreground {percent(record['foreground'])}{outline}"
    )


def remember_opened(name: str) -> None:
    st.session_state.opened_image = name


@st.dialog("Image", width="large")
def large(found: Evaluation, data: DataFolder, threshold: float, name: str) -> None:
    judged = found.judged(threshold)
    record = judged[judged["name"] == name].to_dict("records")[0]
    st.markdown(f"**{plain(name)}** · {record['width']} x {record['height']}")
    st.caption(detail(record))
    try:
        panels = cache.panels(found, data.pair(name), data, threshold, LARGE)
    except UserError as error:
        st.warning(plain(str(error)))
        return
    height, width = panels.photo.shape[:2]
    shown = large_pictures(panels, found.task)
    panes_view(shown, (height, width), "large_panes", ("Ground truth", "Prediction"))
    if found.task.kind == "binary":
        st.caption(
            "Probability: violet is 0, yellow is 1. Edge distance: the true outline is white; the predicted "
            "one turns from violet to yellow with its distance from it."
        )


def into_group(data: DataFolder, names: list[str], key: str) -> None:
    """Put the ticked images into a named group."""
    known = list(groups.read_groups(data.root))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        group = st.selectbox(
            "Group", known, index=None, accept_new_options=True, key=f"{key}_into",
            placeholder="A name, such as hair", width=240,
        )  # fmt: skip
        if st.button(f"Add {plural(len(names), 'image')} to it", disabled=not group):
            try:
                groups.put(data.root, str(group), names)
            except UserError as error:
                st.error(plain(str(error)))
                return
            st.toast(f"{plural(len(names), 'image')} added to {plain(str(group))}.")


def error_legend(found: Evaluation) -> None:
    """What the colours of the pictures mean, and the one figure that needs a word."""
    if found.task.kind == "binary":
        legend(ERROR_COLOURS, "Errors:")
    else:
        class_legend(found.task)
        st.caption("Errors: where the class is wrong, in the colour of what was predicted.")
    st.caption(
        "Hausdorff 95: 95 % of each outline, true and predicted, lies within this distance of the other."
    )
