"""Choosing a model or a data set, the same way on every page."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.data import demo
from core.data.library import display_name, list_datasets
from core.models import registry
from core.models.registry import Entry
from core.policy.folders import may_open


def choose_model(
    label: str = "Model", key: str = "model", order: Callable[[list[Entry]], list[Entry]] = list
) -> Entry | None:
    """A list of models in an `order`; None, with a sentence, where there is none.

    The choice is this page's own until another page hands over a model by `chosen_model`. Until one is
    chosen it is the first.
    """
    entries = order(registry.list_models())
    if not entries:
        st.info("There is no model yet: train one on the Train page.")
        return None
    folders = [str(entry.folder) for entry in entries]
    handed = st.session_state.get("chosen_model")
    handed_then, picked = st.session_state.get(f"{key}_picked", (None, None))
    wanted = picked if picked in folders and handed_then == handed else handed
    index = folders.index(wanted) if wanted in folders else 0

    version = st.session_state.get(f"{key}_version", 0)
    box = f"{key}_box_{version}" if version else f"{key}_box"

    def pick() -> None:
        st.session_state[f"{key}_picked"] = (handed, st.session_state[box])

    chosen = st.selectbox(
        label, folders, index, key=box, on_change=pick,
        format_func=lambda f: entries[folders.index(f)].label,
    )  # fmt: skip
    return entries[folders.index(chosen)]


def show_new_label(entry: Entry, key: str = "model") -> None:
    """Draw the list of models anew with this one chosen, whose label has changed: in the same box a browser
    keeps showing the old one."""
    st.session_state[f"{key}_picked"] = (st.session_state.get("chosen_model"), str(entry.folder))
    st.session_state[f"{key}_version"] = st.session_state.get(f"{key}_version", 0) + 1
    st.rerun()


def choose_dataset(label: str = "Data set", key: str = "dataset", prefer: str = "") -> Path:
    """A list of the workspace's data sets, the built-in one among them; see `ensure_drawn`."""
    folders = [str(p) for p in list_datasets()]
    builtin = str(demo.demo_folder())
    if builtin not in folders:
        folders.insert(0, builtin)
    if prefer and prefer not in folders and may_open(Path(prefer)) and Path(prefer).is_dir():
        folders.append(prefer)  # a model trained on a folder outside the workspace
    wanted = prefer if prefer in folders else st.session_state.get("chosen_dataset")
    index = folders.index(wanted) if wanted in folders else folders.index(builtin)
    labels = _labels(folders)
    # A choice made by the app is another box with another default. A value written into the same box
    # is lost, and the first entry shown, when the page's run is interrupted before it was sent.
    version = st.session_state.get("dataset_version", 0)
    chosen = st.selectbox(label, folders, index, key=f"{key}_box_{version}", format_func=labels.__getitem__)
    st.session_state.chosen_dataset = chosen
    return Path(chosen)


def select_dataset(folder: Path) -> None:
    """Make this the chosen data set from the next run of the page on."""
    st.session_state.chosen_dataset = str(folder)
    st.session_state.dataset_version = st.session_state.get("dataset_version", 0) + 1


def ensure_drawn(folder: Path) -> None:
    """Draw the built-in data set, with progress, if that is the chosen one and it is not there yet."""
    if folder != demo.demo_folder() or demo.is_ready():
        return
    words = "Drawing the built-in data set, once …"
    bar = st.progress(0.0, words)
    for done in demo.generate():
        bar.progress(done / demo.PAIRS, words)
    bar.empty()


def _labels(folders: list[str]) -> dict[str, str]:
    """What each data set is called; two of one name are told apart by their folders."""
    named = {folder: _dataset_label(folder) for folder in folders}
    often = Counter(named.values())
    return {f: name if often[name] == 1 else f"{name} ({Path(f).name})" for f, name in named.items()}


def _dataset_label(folder: str) -> str:
    path = Path(folder)
    if path == demo.demo_folder():
        return "Drawn people (comes with the project)"
    return display_name(path)
