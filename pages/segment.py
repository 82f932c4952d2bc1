"""Segment: a photo in, its subject cut out."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.cutout_settings import CutOutSettings
from core.errors import UserError
from core.models.card import purpose
from core.models.registry import Entry
from core.system.concurrency import taking_turns
from pages.segment_parts import batch, stage, video
from pages.segment_parts.controls import cut_out_controls, prediction_controls
from pages.segment_parts.counting import component_list
from pages.segment_parts.fixing import corrected_settings
from pages.segment_parts.photo import choose_photo
from pages.segment_parts.work import segmented
from pages.widgets.choices import choose_model
from pages.widgets.entry import open_page
from pages.widgets.wording import plain

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

LAYOUT = Path(__file__).parent / "segment_parts" / "layout.css"


def segment_page() -> None:
    st.title("Cut out the subject of a photo")
    st.html(LAYOUT)
    with st.container(key="workbench"):
        controls, shown = st.columns([2, 3], gap="medium")
    with controls:
        chosen = choose_photo()
        entry = choose_model()
        if entry is None:
            return
        if known := purpose(entry.card):
            st.caption(f"{plain(known)}.")
        try:
            settings = prediction_controls(entry)
            with taking_turns():
                work = segmented(chosen, entry, settings)
        except UserError as error:
            st.error(plain(str(error)))
            return
    if work.labels is not None:
        with shown:
            view = stage.choose_class_view(work)
            stage.class_stage(work, entry, view, settings)
        with controls:
            stage.class_shares(work)
        return
    with shown:
        view = stage.choose_view()
    settings = corrected_settings(work.content, settings)
    with controls:
        settings = cut_out_controls(entry, work, settings)
    with shown:
        stage.cut_out_stage(work, entry, view, settings)
    if view == "Count":
        component_list(work, settings)
    everything(controls, entry, settings)


def everything(controls: "DeltaGenerator", entry: Entry, settings: CutOutSettings) -> None:
    """All uploaded photos, or the whole video. Last, because it may take minutes."""
    if st.session_state.get("origin") == "Video":
        video.whole_clip(controls, entry, settings)
    else:
        batch.all_photos(controls, st.session_state.get("photos") or [], entry, settings)


open_page(segment_page)
