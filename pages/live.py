"""Live: a model on the visitor's camera, in their browser."""

import streamlit as st

from core.live.pages import page_of
from core.models import registry
from core.policy.permissions import allowed
from core.runs import jobs
from pages.live_parts.sharing import runtime_button, share
from pages.widgets.entry import open_page
from pages.widgets.live_view import live_view
from pages.widgets.wording import plain


def live_page() -> None:
    st.title("Live")
    st.caption("The model runs in your browser, on your camera or a video file. Nothing is uploaded.")
    chosen = choose_live_model()
    if chosen is None:
        return
    live_view(f"web/{page_of(chosen)}", st.context.theme.type or "light", key=f"live_{chosen}")
    if allowed("machine"):
        runtime_button()
        share(chosen)


def choose_live_model() -> str | None:
    """The id of a model of the library, or of one that is training."""
    runs = [run for run in jobs.active() if not run.is_rate_finder]
    training = {run.id: f"Training now: {plain(run.title)}" for run in runs}
    entries = registry.list_models()
    library = {entry.id: entry.label for entry in entries}
    labels = {**training, **{key: label for key, label in library.items() if key not in training}}
    if not labels:
        st.info("There is no model yet: train one on the Train page.")
        return None
    handed = st.session_state.get("chosen_model")
    folders = {entry.id: str(entry.folder) for entry in entries}
    ready = [key for key in labels if key in library] or list(labels)  # others wait for their first epoch
    first = next((key for key in labels if folders.get(key) == handed), ready[0])
    return st.selectbox(
        "Model",
        list(labels),
        list(labels).index(first),
        format_func=labels.__getitem__,
        key="live_model",
        bind="query-params",
    )


open_page(live_page)
