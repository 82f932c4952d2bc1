"""The scores of one model on one split, their intervals, and what they depend on."""

import math
from typing import Any

import streamlit as st

from core.data.dataset import DataFolder
from core.errors import UserError
from core.evaluation import filters, plots, statistics, thresholds
from core.evaluation.cache import Evaluation
from core.evaluation.filters import Filter
from core.evaluation.statistics import Interval
from core.models.card import update_card
from core.models.registry import Entry
from core.policy.permissions import allowed
from core.system.formatting import pixels_of, plural
from core.system.score_names import DICE_MEAN, DICE_POOLED, IOU_MEAN, MIOU, PIXEL_ACCURACY, score
from pages.compare_parts.images import error_legend, image_rows
from pages.compare_parts.opening import intervals, pixel_intervals
from pages.widgets.chart import CONFIG, chart
from pages.widgets.classes import class_table
from pages.widgets.explained import numbers_explained
from pages.widgets.wording import plain


def headline(found: Evaluation, threshold: float) -> None:
    """The headline scores, each with its interval."""
    figures = intervals(found, threshold)
    binary = found.task.kind == "binary"
    over = "over all pixels" if binary else "mean over the classes that occur, over all pixels"
    with st.container(horizontal=True):
        figure(DICE_MEAN, figures["dice_mean"], "Each image counts the same.")
        figure(DICE_POOLED, figures["dice_pooled"], f"Taken {over}: large subjects count more.")
        figure(IOU_MEAN, figures["iou_mean"], "Each image counts the same.")
        what = "background's and foreground's" if binary else "the classes'"
        figure(MIOU, figures["miou"], f"Mean of {what} IoU over all pixels.")
        figure(
            PIXEL_ACCURACY,
            figures["pixel_accuracy"],
            "Over all pixels. High wherever most pixels are background.",
        )
    edges = ", edges refined" if found.refined else ""
    images = figures["dice_mean"].images
    known = f"Below each score is its 95 % interval, by bootstrap over {plural(images, 'image')}"
    if not figures["dice_mean"].is_known:
        known = f"{plural(images, 'image')}: an interval takes {statistics.MIN_IMAGES} or more"
    st.caption(f"Each photo at its own size{edges}. {known}.")
    numbers_explained()
    for problem in found.problems[:5]:
        st.warning(plain(problem.sentence))


def figure(label: str, value: Interval, help: str) -> None:
    st.metric(label, score(value.mean), value.range_as() if value.is_known else None, help=help, border=True,
              delta_color="off", delta_arrow="off")  # fmt: skip


@st.fragment
def scores(found: Evaluation, data: DataFolder, entry: Entry, threshold: float) -> None:
    """Every score, and the images of a bar that is clicked."""
    judged = found.judged(threshold)
    left, right = st.columns(2, gap="large")
    with left:
        bar, closed = chosen_bar(), st.session_state.get("bars_closed", 0)
        picked = st.plotly_chart(
            plots.dice_histogram(judged["dice"], bar), key=f"dice_bars_{closed}", on_select="rerun",
            selection_mode="points", config=CONFIG,
        )  # fmt: skip
        remember_bar(picked)
        st.caption(f"{plural(len(judged), 'image')}. Click a bar to see its images.")
    with right:
        st.markdown("**Boundary**")
        boundary(found)
    bar = chosen_bar()
    if bar is not None:
        low, high = plots.dice_range(bar)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Images with a Dice of {low:.2f} to {high:.2f}**")
            if st.button("Close", icon=":material/close:", key="close_bar"):
                st.session_state.pop("dice_bar", None)
                # A new chart: the old one would report its selection again.
                st.session_state.bars_closed = st.session_state.get("bars_closed", 0) + 1
                st.rerun(scope="fragment")
        error_legend(found)
        rows = filters.chosen(judged, Filter(dice=(low, high)))
        image_rows(found, data, entry, threshold, rows, f"bar_{bar}")
    if found.histograms is not None:
        curves(found, entry, threshold)
    else:
        class_scores(found)
    against(judged)


def chosen_bar() -> int | None:
    bar: int | None = st.session_state.get("dice_bar")
    return bar


def remember_bar(picked: Any) -> None:
    """Which bar was clicked, kept until another is or Close is pressed."""
    points = picked.selection.point_indices if picked else []
    if points and points[0] != st.session_state.get("dice_bar"):
        st.session_state.dice_bar = int(points[0])
        st.rerun(scope="fragment")


def boundary(found: Evaluation) -> None:
    rim = statistics.mean_interval(found.table["boundary_iou"])
    far = statistics.mean_interval(found.table["hd95"].astype(float), bounds=(0, math.inf))
    with st.container(horizontal=True):
        figure(
            "Boundary IoU",
            rim,
            "IoU of the bands inside both outlines, 2 % of the diagonal wide. Mean over images.",
        )
        st.metric(
            "Hausdorff 95", pixels_of(far.mean), far.range_as(pixels_of) if far.is_known else None,
            border=True, delta_color="off", delta_arrow="off",
            help=f"95 % of each outline lies within this distance of the other. Mean over the {far.images:,} "
            "images with foreground in both the ground truth and the prediction.",
        )  # fmt: skip
    at = "" if found.task.kind == "multiclass" else f", at threshold {found.threshold:g}"
    st.caption(f"Mean over {plural(rim.images, 'image')}{at}.")


def curves(found: Evaluation, entry: Entry, threshold: float) -> None:
    """Every threshold, precision against recall, and calibration."""
    assert found.histograms is not None
    swept = thresholds.sweep(found.histograms)
    calibrated = thresholds.calibration(found.histograms, found.sums)
    area, calibration_error = pixel_intervals(found)
    count = plural(len(found.table), "image")
    first, second, third = st.columns(3, gap="large")
    with first:
        chart(plots.threshold_curves(swept, threshold), "sweep_chart")
        at_best = intervals(found, swept.best)["dice_mean"]
        st.caption(
            f"At {swept.best:g} {DICE_MEAN} is **{at_best}**, over {count}. Precision and recall are pooled."
        )
        if swept.is_far_off:
            st.caption(
                ":material/info: So far from 0.5, the best threshold says that the model's probabilities are "
                "not calibrated: another training helps more than another threshold."
            )
        set_threshold(entry, None if swept.is_far_off else swept.best, threshold)
    with second:
        chart(plots.precision_recall(swept, threshold), "pr_chart")
        st.caption(f"Average precision **{area}**, over all pixels of {count}.")
    with third:
        chart(plots.reliability(calibrated), "reliability_chart")
        st.caption(
            f"Expected calibration error **{calibration_error}**, over all pixels of {count} in "
            f"{thresholds.CALIBRATION_BINS} bins. Below the dashed line the model is overconfident."
        )


def set_threshold(entry: Entry, best: float | None, threshold: float) -> None:
    """Save the best threshold, where there is one to advise, or the current one in the model's card."""
    own = entry.card.threshold
    if entry.run is None:
        st.caption(f"The model uses {own:g}. The threshold of an included model stays as it is.")
        return
    if not allowed("change"):
        st.caption(f"The model uses {own:g}.")
        return
    with st.container(horizontal=True):
        for value in dict.fromkeys((threshold,) if best is None else (best, threshold)):
            if value != own and st.button(f"Use {value:g} for this model", key=f"set_{value}"):
                try:
                    update_card(entry.folder, threshold=value)
                except (OSError, UserError) as error:
                    st.error(plain(str(error)))
                    return
                st.session_state.pop("compare_threshold", None)
                st.rerun()
    st.caption(f"The model uses {own:g}.")


def class_scores(found: Evaluation) -> None:
    """The scores of each class, and the confusion matrix."""
    from core.evaluation import metrics

    summary = metrics.summarise(found.counts_at(found.threshold), found.task)
    count = plural(len(found.table), "image")
    table, matrix = st.columns(2, gap="large") if found.confusion else (st.container(), None)
    with table:
        st.markdown("**Each class**")
        class_table(found.task, summary.class_dice, summary.class_iou)
        st.caption(f"Over all pixels of {count}.")
    if matrix:
        with matrix:
            drawn = plots.confusion_matrix(found.confusion, found.task.classes)
            chart(drawn, "confusion")


def against(judged: Any) -> None:
    """Does the score depend on the subject's size or on the photo's brightness?"""
    left, right = st.columns(2, gap="large")
    for column, key, unit, logarithmic in (
        (left, "foreground", "% of the photo", True),
        (right, "brightness", "%", False),
    ):
        with column:
            together = statistics.rank_correlation(judged[key], judged["dice"])
            drawn = plots.score_against(
                100 * judged[key], judged["dice"], list(judged["name"]), key, unit, logarithmic
            )
            chart(drawn, f"against_{key}")
            known = "too few to correlate" if math.isnan(together) else f"rank correlation {together:+.2f}"
            st.caption(f"{plural(len(judged), 'image')}, {known}. The line joins the medians of ten groups.")
