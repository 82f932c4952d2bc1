"""The leaderboard of a data set."""

import streamlit as st

from core.data.dataset import DataFolder, open_data
from core.errors import UserError
from core.evaluation.leaderboard import Standing, standings
from core.models import registry
from core.policy.permissions import allowed
from core.system.formatting import plural
from core.system.score_names import DICE_MEAN, IOU_MEAN, PIXEL_ACCURACY, SCORE_FORMAT
from core.system.spreadsheets import inert
from pages.compare_parts.opening import SPLITS, evaluated
from pages.widgets.choices import choose_dataset, ensure_drawn
from pages.widgets.explained import numbers_explained
from pages.widgets.wording import plain


def leaderboard() -> None:
    left, right = st.columns([3, 2])
    with left:
        folder = choose_dataset("Data set", "leaderboard_data")
    with right:
        split = SPLITS[
            str(
                st.segmented_control(
                    "Split", list(SPLITS), default="Validation", required=True, key="board_split"
                )
            )
        ]
    try:
        ensure_drawn(folder)
        data = open_data(folder)
        board = standings(registry.list_models(), data, split)
        images = len(data.pairs_of(split))
    except UserError as error:
        st.error(plain(str(error)))
        return
    if not images:
        st.info("This data set has no such split: re-split it on the Data page.")
    elif not board:
        st.info("No model has the classes of this data set.")
    else:
        table(board, images)
        missing = [s for s in board if s.dice is None]
        if (
            missing
            and allowed("train")
            and st.button(
                f"Score {plural(len(missing), 'more model')}", icon=":material/leaderboard:", type="primary"
            )
        ):
            score(missing, data, split)
        numbers_explained()


def table(board: list[Standing], images: int) -> None:
    rows = [
        {
            "Model": s.entry.card.name + (f" #{s.entry.short_id}" if s.entry.has_namesake else ""),
            DICE_MEAN: s.dice.mean if s.dice else None,
            "95 % low": s.dice.low if s.dice else None,
            "95 % high": s.dice.high if s.dice else None,
            IOU_MEAN: s.iou,
            PIXEL_ACCURACY: s.pixel_accuracy,
            "Latency, ms": s.milliseconds,
            "Size, MB": s.entry.megabytes,
            "Trained on": s.entry.card.data,
        }
        for s in board
    ]
    numbers = {
        name: st.column_config.NumberColumn(format=SCORE_FORMAT)
        for name in (DICE_MEAN, "95 % low", "95 % high", IOU_MEAN, PIXEL_ACCURACY)
    }
    numbers |= {n: st.column_config.NumberColumn(format="%.1f") for n in ("Latency, ms", "Size, MB")}
    st.dataframe(inert(rows), hide_index=True, column_config=numbers, placeholder=" ")
    devices = {s.device for s in board if s.device}
    st.caption(
        f"{plural(images, 'image')}, each at its own size, with refined edges where the model has "
        f"one foreground and gains by them. The interval is that of {DICE_MEAN}. "
        "A model trained on this data set was also chosen by its validation set."
        + (f" Latency: one forward pass on {', '.join(sorted(devices))}." if devices else "")
    )


def score(missing: list[Standing], data: DataFolder, split: str) -> None:
    for s in missing:
        try:
            evaluated(s.candidate, data, split)
        except UserError as error:
            st.error(plain(f"{s.entry.card.name}: {error}"))
            return
    st.rerun()
