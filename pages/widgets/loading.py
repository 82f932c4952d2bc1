"""What is loaded once for the whole server, and loaded early so that nobody waits for it."""

import gc
import threading
import time
from typing import TYPE_CHECKING

import streamlit as st

from core.system import logs
from core.system.concurrency import few_arenas, give_back

if TYPE_CHECKING:
    from core.inference.predictor import Predictor
    from core.models.registry import Entry


GARBAGE_SECONDS = 8.0


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Import torch and the shipped model behind the first page's back."""
    logs.set_up()
    few_arenas()

    def load() -> None:
        from core.inference import predictor
        from core.models import registry

        for entry in registry.list_models()[:1]:
            predictor.Predictor(entry.folder)
        # Looking for garbage among torch's million objects costs 0.2 s each time; frozen, they are
        # passed over.
        gc.collect()
        gc.freeze()

    thread = threading.Thread(target=load, daemon=True, name="warm-up")
    thread.start()
    return thread


@st.cache_resource(show_spinner=False)
def keep_house() -> threading.Thread:
    """Delete what the policy lets expire, and free memory now and then.

    Streamlit would look for garbage after every run of a page, while all other pages stand still; with
    thirty open that was half of the server's time. Once in some seconds, if anything ran, is enough.
    """
    from core.server.retention import housekeeping

    threading.Thread(target=_collect, daemon=True, name="garbage").start()
    return housekeeping()


def _collect() -> None:
    while True:
        time.sleep(GARBAGE_SECONDS)
        if gc.get_count()[1] or gc.get_count()[2]:  # something was made since the last time
            gc.collect()
            give_back()


def sessions_open() -> int:
    """Streamlit counts its sessions, but has no public word for it: 0 where that changes."""
    from streamlit.runtime import get_instance

    manager = getattr(get_instance(), "_session_mgr", None)
    return len(manager.list_active_sessions()) if manager else 0


def photos_waiting() -> int:
    """Before all the models that are loaded."""
    from core.inference.request_queue import photos_waiting as waiting

    return waiting()


def predictor_of(entry: "Entry") -> "Predictor":
    """The loaded model of a shelf entry, shared by all sessions."""
    return _predictor(str(entry.folder), entry.key)


@st.cache_resource(max_entries=3, show_spinner="Loading the model …")
def _predictor(folder: str, key: str) -> "Predictor":
    from pathlib import Path

    from core.inference.request_queue import SharedPredictor

    return SharedPredictor(Path(folder))
