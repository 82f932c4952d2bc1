"""A model's predictions on a split of a data set, made once, with progress and time left."""

import streamlit as st

from core.data.dataset import DataFolder
from core.errors import UserError
from core.evaluation import thresholds
from core.evaluation.cache import Evaluation, evaluate
from core.evaluation.candidates import Candidate
from core.evaluation.statistics import Interval, pooled_intervals
from core.system.formatting import plural
from core.system.progress import TimeLeft
from pages.widgets.wording import plain

SPLITS = {"Validation": "validation", "Test": "test", "Training": "train", "All": "all"}
NAMES = {split: name.lower() for name, split in SPLITS.items()}


def evaluated(candidate: Candidate, data: DataFolder, split: str) -> Evaluation:
    """Raises UserError when nothing can be scored."""
    count = len(data.pairs_of(split))
    images = plural(count, f"{NAMES[split]} image") if split != "all" else plural(count, "image")
    bar, left = st.empty(), None
    for step in evaluate(candidate, data, split):
        if isinstance(step, Evaluation):
            bar.empty()
            return step
        left = left or TimeLeft(count, step)  # an earlier visit may have done the first ones
        words = f"{plain(candidate.label)}: predicted {step:,} of {images}{left.words(step)}"
        bar.progress(min(1.0, step / max(1, count)), words)
    raise UserError("The evaluation did not finish: reload the page.")


def intervals(found: Evaluation, threshold: float) -> dict[str, Interval]:
    """Every figure with its 95 % interval."""
    return _intervals(str(found.folder), threshold, found)


def pixel_intervals(found: Evaluation) -> tuple[Interval, Interval]:
    """Average precision and expected calibration error."""
    return _pixel_intervals(str(found.folder), found)


@st.cache_data(max_entries=50, show_spinner=False)
def _pixel_intervals(folder: str, _found: Evaluation) -> tuple[Interval, Interval]:
    assert _found.histograms is not None
    return thresholds.pixel_intervals(_found.histograms, _found.sums)


@st.cache_data(max_entries=200, show_spinner=False)
def _intervals(folder: str, threshold: float, _found: Evaluation) -> dict[str, Interval]:
    return pooled_intervals(_found.counts_at(threshold), _found.task)
