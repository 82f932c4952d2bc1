"""Start a search or a sweep, beside the button that starts a training."""

from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from core.config import TrainConfig
from core.data.dataset import DATASET_FILE, open_data
from core.errors import UserError
from core.models.encoder_catalogue import describe, offered_encoders
from core.policy.permissions import allowed
from core.search import jobs
from core.search.search_folder import Plan
from core.search.space import combinations, rates_around
from core.settings import named, setting_of
from core.system.formatting import plural
from pages.widgets.wording import plain

VIEW, TRAININGS, SEARCHES = "train_view", "Trainings", "Searches"
USUAL_MINUTES = 60
SWEPT = ("loss", "architecture", "augmentation")


def search_button(config: TrainConfig) -> None:
    """A popover with the minutes of a search."""
    with _popover("Find the best", ":material/trophy:", "search_popover"):
        minutes = st.number_input(
            "Minutes", int(jobs.LEAST_MINUTES), int(jobs.MOST_MINUTES), USUAL_MINUTES, step=10,
            key="search_minutes",
        )  # fmt: skip
        st.caption(
            "Begins with the settings above, then tries encoders, architectures, sizes, losses, learning "
            "rates and augmentations. Trials that fall behind are stopped early. The winner is trained to "
            "the end, and judged once on test photos that no trial has seen."
        )
        can_start = _test_set(Path(config.data))
        if _start_button("Start the search", "search", can_start):
            _start(config, Plan(float(minutes)))


def sweep_button(config: TrainConfig) -> None:
    """A popover with the values of a sweep."""
    with _popover("Sweep", ":material/grid_view:", "sweep_popover"):
        st.caption("Trains every combination of the values that are chosen here, one after the other.")
        encoders = list(dict.fromkeys([*offered_encoders(), config.encoder]))  # any may be chosen by a link
        grid: dict[str, list[Any]] = {
            "encoder": st.multiselect(
                "Encoders", encoders, [config.encoder], format_func=describe, key="sweep_encoder"
            )
        }
        for name in SWEPT:
            about = setting_of(TrainConfig, name)
            grid[name] = st.multiselect(
                about.label, list(about.choices), [getattr(config, name)], key=f"sweep_{name}",
                format_func=partial(named, about),
            )  # fmt: skip
        grid["learning_rate"] = st.multiselect(
            "Learning rate", rates_around(config.learning_rate), [config.learning_rate], key="sweep_rate",
            format_func=lambda rate: f"{rate:g}",
        )  # fmt: skip
        several = {name: values for name, values in grid.items() if len(values) > 1}
        count = len(combinations(several)) if several else 0
        st.caption(plural(count, "training") if count else "Choose two values or more of a setting.")
        if _start_button("Start the sweep", "sweep", count > 0):
            _start(config, Plan(0.0, grid=several))


def _popover(label: str, icon: str, key: str) -> Any:
    return st.popover(
        label, icon=icon, key=key, on_change="rerun"
    )  # its state can be set only with on_change


def _start_button(label: str, what: str, can_start: bool) -> bool:
    """A button that closes the popover around it, which covers what has been started."""

    def close() -> None:
        st.session_state[f"{what}_popover"] = False

    return st.button(label, type="primary", key=f"start_{what}", disabled=not can_start, on_click=close)


def _test_set(folder: Path) -> bool:
    """Says which photos the winner is judged on; False where there are none and may be none."""
    file = folder / DATASET_FILE
    photos = _test_photos(str(folder), file.stat().st_mtime if file.is_file() else 0.0)
    if photos:
        st.caption(f"Test set: {plural(photos, 'photo')}, as the data set has it.")
    elif allowed("change"):
        st.caption(
            "This data set has no test set: about one photo in seven, ten at least where there are enough, "
            "moves from training to test first, for good."
        )
    else:
        st.caption("This data set has no test set, and you may not change it.")
    return bool(photos) or allowed("change")


@st.cache_data(show_spinner=False, max_entries=32)
def _test_photos(folder: str, changed: float) -> int:
    try:
        return len(open_data(Path(folder)).split.test)
    except UserError:
        return 0


def _start(config: TrainConfig, plan: Plan) -> None:
    try:
        search = jobs.start(config, plan)
    except (UserError, OSError) as error:
        st.error(plain(str(error)))
        return
    st.session_state.watched_search = search.id
    st.session_state[VIEW] = SEARCHES
