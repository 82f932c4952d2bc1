"""Choosing a model or a data set, the same way on every page."""

from pathlib import Path

import streamlit as st

from core import shelf
from core.data import demo
from core.data.library import display_name, list_datasets
from core.shelf import Entry


def choose_model(label: str = "Model", key: str = "model", prefer_trained: bool = False) -> Entry | None:
    """A list of models; None, with a sentence, where there is none. Remembered across pages.

    Until one is chosen it is the first that ships, or, with `prefer_trained`, the newest run's.
    """
    entries = shelf.list_models()
    if not entries:
        st.info("There is no model yet: train one on the Train page.")
        return None
    folders = [str(entry.folder) for entry in entries]
    wanted = st.session_state.get("chosen_model")
    first = next((i for i, entry in enumerate(entries) if entry.run and prefer_trained), 0)
    index = folders.index(wanted) if wanted in folders else first
    chosen = st.selectbox(
        label, folders, index, key=f"{key}_box", format_func=lambda f: entries[folders.index(f)].label
    )
    st.session_state.chosen_model = chosen
    return entries[folders.index(chosen)]


def choose_dataset(label: str = "Data set", key: str = "dataset", prefer: str = "") -> Path | None:
    """A list of the workspace's data sets; the built-in one is drawn when first asked for."""
    folders = [str(p) for p in list_datasets()]
    builtin = str(demo.demo_folder())
    if builtin not in folders:
        folders.insert(0, builtin)
    if prefer and prefer not in folders and Path(prefer).is_dir():
        folders.append(prefer)  # a model trained on a folder outside the workspace
    wanted = prefer if prefer in folders else st.session_state.get("chosen_dataset")
    index = folders.index(wanted) if wanted in folders else folders.index(builtin)
    if f"{key}_box" in st.session_state:
        index = 0  # the box knows its choice; another default beside it is a mistake to Streamlit
    chosen = st.selectbox(label, folders, index, key=f"{key}_box", format_func=_dataset_label)
    st.session_state.chosen_dataset = chosen
    if chosen == builtin:
        ensure_demo()
    return Path(chosen)


def select_dataset(folder: Path, key: str = "dataset") -> None:
    """Make this the chosen data set from the next run of the page on."""
    st.session_state.chosen_dataset = str(folder)
    st.session_state[f"{key}_box"] = str(folder)


def ensure_demo() -> None:
    """Draw the built-in data set if it is not there yet, with progress."""
    if demo.is_ready():
        return
    bar = st.progress(0.0, "Drawing the built-in data set, once …")
    for done in demo.generate():
        bar.progress(done / demo.PAIRS)
    bar.empty()


def _dataset_label(folder: str) -> str:
    path = Path(folder)
    if path == demo.demo_folder():
        return "Drawn people (comes with the project)"
    return display_name(path)
