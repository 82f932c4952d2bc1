"""What is loaded once for the whole server, early, so that no visitor waits for it, and maintenance."""

import gc
import logging
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
    """Import torch and load the first model in the background, as pages use it."""
    logs.set_up()
    few_arenas()

    def load() -> None:
        from core.models import registry

        # There is no page to show the spinner on, which Streamlit would warn of.
        logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").setLevel(logging.ERROR)
        for entry in registry.list_models()[:1]:
            predictor_of(entry)  # the one that pages use: it is loaded once
        # Each collection of garbage takes 0.2 s to scan torch's million objects; frozen ones are skipped.
        gc.collect()
        gc.freeze()

    thread = threading.Thread(target=load, daemon=True, name="warm-up")
    thread.start()
    return thread


@st.cache_resource(show_spinner=False)
def maintain() -> threading.Thread:
    """Start the threads that delete what has expired and free memory.

    By default Streamlit collects garbage after every run of a page, which blocks all other pages; with
    thirty open that was half of the server's time. Once every GARBAGE_SECONDS, if anything ran, is enough.
    """
    from core.server.retention import housekeeping

    threading.Thread(target=_collect, daemon=True, name="garbage").start()
    return housekeeping()


def _collect() -> None:
    while True:
        time.sleep(GARBAGE_SECONDS)
        if gc.get_count()[1] or gc.get_count()[2]:  # something was allocated since the last time
            gc.collect()
            give_back()


def sessions_open() -> int:
    """The number of open pages. Streamlit has no public function for it: 0 if its internals change."""
    from streamlit.runtime import get_instance

    manager = getattr(get_instance(), "_session_mgr", None)
    return len(manager.list_active_sessions()) if manager else 0


def photos_waiting() -> int:
    """In the queues of all loaded models."""
    from core.inference.request_queue import photos_waiting as waiting

    return waiting()


def predictor_of(entry: "Entry") -> "Predictor":
    """The loaded model of an entry of the library, shared by all sessions."""
    return _predictor(str(entry.folder), entry.key)


@st.cache_resource(max_entries=3, show_spinner="Loading the model …")
def _predictor(folder: str, key: str) -> "Predictor":
    from pathlib import Path

    from core.inference.request_queue import SharedPredictor

    return SharedPredictor(Path(folder))
