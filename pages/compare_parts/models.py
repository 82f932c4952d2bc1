"""Several models on the same images: which is better, by how much, and where they disagree."""

from functools import partial

import streamlit as st

from core.data.catalogue import page_count, page_of
from core.data.dataset import DataFolder
from core.errors import UserError
from core.evaluation import comparison, plots
from core.evaluation.cache import Evaluation
from core.evaluation.candidates import Candidate, baselines, of_entry
from core.evaluation.comparison import Scoreboard
from core.evaluation.pictures import errors_beside
from core.evaluation.statistics import mean_interval
from core.models import registry
from core.models.registry import Entry
from core.policy.disclosure import for_visitor
from core.system.formatting import plural
from core.system.parallel import all_cores
from core.system.score_names import DICE_MEAN, DICE_POOLED, IOU_MEAN, PIXEL_ACCURACY, SCORE_FORMAT, score
from core.system.spreadsheets import inert
from pages.compare_parts.images import error_legend
from pages.compare_parts.opening import evaluated, intervals
from pages.compare_parts.report import comparison_downloads
from pages.widgets.chart import chart
from pages.widgets.explained import numbers_explained
from pages.widgets.panel_rows import Row, panel_rows
from pages.widgets.wording import plain

PER_PAGE = 6
MAX_MODELS = 6


def models(entry: Entry, data: DataFolder, split: str) -> None:
    """Raises UserError when one of them cannot be scored."""
    chosen = choose(entry)
    if len(chosen) < 2:
        st.info("Choose another model, or a baseline to see what a score is worth.")
        return
    found = {label: evaluated(candidate, data, split) for label, candidate in chosen.items()}
    levels = {label: candidate.card.threshold for label, candidate in chosen.items()}
    board = comparison.compare(found, levels)
    for label, pair in zip(board.labels[1:], board.pairs, strict=True):
        verdict = st.success if pair.verdict.is_conclusive else st.info
        verdict(plain(pair.sentence(board.labels[0], label)), icon=":material/balance:")
    table(chosen, found, levels)
    numbers_explained()
    comparison_downloads(board, found, levels, data, split)
    charts(chosen, found, board)
    disagreements(found, levels, board, data)


def choose(entry: Entry) -> dict[str, Candidate]:
    """The models to compare, by label, the page's own first."""
    others = [
        e for e in registry.list_models() if e.card.task == entry.card.task and e.folder != entry.folder
    ]
    candidates = [of_entry(entry), *(of_entry(e) for e in others), *baselines(entry)]
    labels = comparison.unique_labels([candidate.label for candidate in candidates])
    by_label = dict(zip(labels, candidates, strict=True))
    picked = st.multiselect(
        f"Compare {plain(entry.card.name)} with", labels[1:], labels[1:2], max_selections=MAX_MODELS - 1,
        key=f"others_{entry.fingerprint}",
        help="Models of the same task, and two baselines: an untrained network, and predicting nothing.",
    )  # fmt: skip
    return {label: by_label[label] for label in [labels[0], *picked]}


def table(chosen: dict[str, Candidate], found: dict[str, Evaluation], levels: dict[str, float]) -> None:
    rows = []
    for label, candidate in chosen.items():
        figures = intervals(found[label], levels[label])
        rim = mean_interval(found[label].table["boundary_iou"])
        rows.append({
            "Model": label, DICE_MEAN: figures["dice_mean"].mean, "from": figures["dice_mean"].low,
            "to": figures["dice_mean"].high, DICE_POOLED: figures["dice_pooled"].mean,
            IOU_MEAN: figures["iou_mean"].mean, PIXEL_ACCURACY: figures["pixel_accuracy"].mean,
            "Boundary IoU": rim.mean,
            "Latency, ms": found[label].milliseconds, "Size, MB": candidate.megabytes,
        })  # fmt: skip
    numbers = {name: st.column_config.NumberColumn(format=SCORE_FORMAT) for name in list(rows[0])[1:8]}
    numbers |= {name: st.column_config.NumberColumn(format="%.1f") for name in list(rows[0])[8:]}
    st.dataframe(inert(rows), hide_index=True, column_config=numbers, placeholder=" ")
    one = next(iter(found.values()))
    st.caption(
        f"{plural(len(one.table), 'image')}. From and to: the 95 % interval of {DICE_MEAN}. "
        f"Latency: one forward pass at the model's own size, on {one.device}."
    )


def charts(chosen: dict[str, Candidate], found: dict[str, Evaluation], board: Scoreboard) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        second = board.labels[1]
        if len(board.labels) > 2:
            second = st.selectbox("Difference from the first", board.labels[1:], key="difference_of")
        by_name = board.dice.sort_index()
        values = (by_name[second] - by_name[board.labels[0]]).to_numpy()
        drawn = plots.differences(values, list(by_name.index), board.labels[0], second)
        chart(drawn, "differences")
    with right:
        cost = st.segmented_control(
            "Cost", ["Latency", "Size"], default="Latency", required=True, key="pareto_cost",
            label_visibility="collapsed",
        )  # fmt: skip
        if cost == "Latency":
            costs, title = [found[label].milliseconds for label in board.labels], "latency, ms"
        else:
            costs, title = [chosen[label].megabytes for label in board.labels], "size, MB"
        front = comparison.on_the_front([m.mean for m in board.means], costs)
        drawn = plots.pareto(board.labels, board.means, costs, front, title)
        chart(drawn, "pareto")
        st.caption(f"No model beats those on the line in both score and {cost.lower()}.")


@st.fragment
def disagreements(
    found: dict[str, Evaluation], levels: dict[str, float], board: Scoreboard, data: DataFolder
) -> None:
    """The images on which the models differ most, models in columns."""
    st.markdown("**Where they disagree most**")
    error_legend(next(iter(found.values())))
    pages = page_count(board.dice, PER_PAGE)
    page = min(st.session_state.get("versus_page", 1), pages)
    names = [str(name) for name in page_of(board.dice, page, PER_PAGE).index]
    with all_cores() as pool:
        pictures = list(pool.map(partial(columns, found, levels, data), names))
    rows = []
    for name, (shown, problem) in zip(names, pictures, strict=True):
        dice = board.dice.loc[name].to_dict()
        titled = shown[:1] + [(f"{label} · Dice {score(dice[label])}", url) for label, url in shown[1:]]
        rows.append(Row(name, f"Difference in Dice {score(board.spread[name])}", titled, problem))
    panel_rows(rows, f"versus_rows_{page}", ticks=False)
    if pages > 1:
        st.pagination(pages, key="versus_page")


def columns(
    found: dict[str, Evaluation], levels: dict[str, float], data: DataFolder, name: str
) -> tuple[list[tuple[str, str]], str]:
    """Ground truth, then each model's errors; or why there are none."""
    try:
        return errors_beside(found, data, levels, name), ""
    except UserError as error:
        return [], for_visitor(str(error))
