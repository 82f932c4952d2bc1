"""Compare: where a model is wrong, how sure its scores are, and which of several is better."""

from pathlib import Path

import streamlit as st

from core.data.dataset import DataFolder, open_data
from core.data.reading import reading
from core.errors import UserError
from core.evaluation.cache import Evaluation
from core.evaluation.candidates import newest_on, of_entry
from core.models.registry import Entry, has_new_scores
from pages.compare_parts.groups import group_list
from pages.compare_parts.images import mistakes
from pages.compare_parts.models import models
from pages.compare_parts.opening import SPLITS, evaluated
from pages.compare_parts.report import downloads
from pages.compare_parts.runs import compare_runs
from pages.compare_parts.scores import headline, scores
from pages.widgets.choices import choose_dataset, choose_model, ensure_drawn, show_new_label
from pages.widgets.entry import open_page
from pages.widgets.wording import plain

MODEL = "compare_model"  # the key of the list of models
SECTIONS = ("Images", "Scores", "Models", "Runs", "Groups")


def compare_page() -> None:
    st.title("Prediction against ground truth")
    left, middle, right = st.columns([5, 3, 2], gap="medium")
    with left:
        entry = choose_model(key=MODEL, order=newest_first)
    if entry is None:
        return
    with middle:
        trained_on = str(entry.card.settings.get("data", ""))
        folder = choose_dataset(key=f"compare_data_{entry.fingerprint}", prefer=trained_on)
    with right:
        split = SPLITS[st.selectbox("Split", list(SPLITS), key="compare_split")]
    ensure_drawn(folder)
    chosen = st.segmented_control(
        "Section", SECTIONS, default="Images", required=True, key="compare_section",
        label_visibility="collapsed",
    )  # fmt: skip
    if chosen == "Runs":
        compare_runs(folder)
        return
    try:
        data = open_data(folder)
        if chosen == "Models":
            models(entry, data, split)
        elif chosen == "Groups":
            group_list(data)
        else:
            one_model(entry, data, split, chosen)
    except UserError as error:
        st.error(plain(str(error)))


def newest_first(entries: list[Entry]) -> list[Entry]:
    """What was trained on the data set that another page has shown comes first, and the newest of it."""
    shown = st.session_state.get("chosen_dataset")
    return newest_on(entries, Path(shown) if shown else None)


def one_model(entry: Entry, data: DataFolder, split: str, section: str) -> None:
    """Its images or its scores. Raises UserError when nothing can be scored."""
    trained_on = entry.card.settings.get("data")
    elsewhere = not trained_on or Path(str(trained_on)).resolve() != data.root.resolve()
    note = reading(data, entry.card.task).note
    if note and elsewhere:
        st.info(plain(note))
    found = evaluated(of_entry(entry), data, split)
    if has_new_scores(entry):  # its label quotes them
        show_new_label(entry, MODEL)
    if trained_on and elsewhere:
        st.info(f"{plain(entry.card.name)} was trained on another data set.")
    if split in ("train", "all") and trained_on:
        st.info("The model has learnt from the training images: their scores say little about new photos.")
    at_threshold(found, data, entry, split, section)


@st.fragment
def at_threshold(found: Evaluation, data: DataFolder, entry: Entry, split: str, section: str) -> None:
    """Everything that follows the threshold; the data set is not read again when it moves."""
    threshold = entry.card.threshold
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if found.task.kind == "binary":
            threshold = st.slider(
                "Threshold", 0.005, 0.995, threshold, 0.005, format="%.3g", width=360,
                key=f"threshold_{entry.fingerprint}_{entry.card.threshold}",
                help="A pixel is foreground where the model's probability is at least this.",
            )  # fmt: skip
        downloads(found, data, entry, split, threshold)
    headline(found, threshold)
    if section == "Images":
        mistakes(found, data, entry, threshold)
    else:
        scores(found, data, entry, threshold)


open_page(compare_page)
