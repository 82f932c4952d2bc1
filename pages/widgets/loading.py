"""What is loaded once for the whole server, and loaded early so that nobody waits for it."""

import gc
import threading
from typing import TYPE_CHECKING

import streamlit as st

from core import logs

if TYPE_CHECKING:
    from core.inference import Predictor
    from core.shelf import Entry


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Import torch and the shipped model behind the first page's back."""
    logs.set_up()

    def load() -> None:
        from core import inference, shelf

        for entry in shelf.list_models()[:1]:
            inference.Predictor(entry.folder)
        # Streamlit collects garbage after every run of a script. Looking through torch's million
        # objects each time costs 0.2 s a click; frozen, they are passed over.
        gc.collect()
        gc.freeze()

    thread = threading.Thread(target=load, daemon=True, name="warm-up")
    thread.start()
    return thread


@st.cache_resource(show_spinner=False)
def keep_house() -> threading.Thread:
    """Delete what is older than the server's rules let it become."""
    from core.retention import housekeeping

    return housekeeping()


def sessions_open() -> int:
    from streamlit.runtime import get_instance

    return len(get_instance()._session_mgr.list_active_sessions())


def photos_waiting() -> int:
    """Before all the models that are loaded."""
    from core.batching import photos_waiting as waiting

    return waiting()


def predictor_of(entry: "Entry") -> "Predictor":
    """The loaded model of a shelf entry, shared by all sessions."""
    return _predictor(str(entry.folder), entry.key)


@st.cache_resource(max_entries=3, show_spinner="Loading the model …")
def _predictor(folder: str, key: str) -> "Predictor":
    from pathlib import Path

    from core.batching import SharedPredictor

    return SharedPredictor(Path(folder))
