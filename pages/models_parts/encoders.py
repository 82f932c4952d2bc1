"""The guide to encoders: cost, accuracy and speed of each."""

import pandas as pd
import streamlit as st

from core.errors import UserError
from core.evaluation.comparison import on_the_front
from core.models.encoder_catalogue import short_name
from core.models.encoder_table import HUB, SHORTLISTS, encoder_table, measure_here, weights_state
from core.policy.permissions import allowed
from core.runs.plots import encoder_costs
from core.system.formatting import plural
from core.system.spreadsheets import inert
from pages.widgets.chart import chart
from pages.widgets.wording import plain

COLUMNS = {
    "encoder": "Encoder", "parameters": "Params, M", "gmacs": "GMACs", "top1": "ImageNet, %",
    "pace": "Speed", "here": "Speed here, images/s", "weights": "Weights",
}  # fmt: skip


def encoder_guide() -> None:
    st.caption(
        "The encoder is the part of the network that was trained on ImageNet. Parameters are the encoder's; "
        "GMACs and speed are those of a U-Net with it at 192 x 256 px. Speed is relative to the first row, "
        "in training on two CPU cores."
    )
    shown = narrowed()
    shown["weights"] = [weights_of(name) for name in shown["encoder"]]
    if shown.empty:
        st.info('No encoder matches. Switch on "All of timm" to search all of timm\'s.')
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        picked = table(shown)
    with right:
        costs(shown, picked)
    if picked:
        about(picked)


def narrowed() -> pd.DataFrame:
    """The encoders that match the search, the shortlist and the switch."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Search", placeholder="convnext, resnet, mobile …", width=260, key="encoder_search"
        )
        chosen = st.pills("Shortlists", list(SHORTLISTS), key="encoder_shortlist")
        every = st.toggle("All of timm", False, key="encoder_every")
    found = encoder_table(every)
    if chosen:
        st.caption(SHORTLISTS[chosen].reason)
        found = found.set_index("encoder").reindex(SHORTLISTS[chosen].names).dropna(how="all").reset_index()
    for word in words.lower().split():
        found = found[found["encoder"].str.lower().str.contains(word, regex=False)]
    return found.reset_index(drop=True)


def table(shown: pd.DataFrame) -> str:
    """Show the rows; returns the selected encoder, "" for none."""
    number = st.column_config.NumberColumn
    event = st.dataframe(
        inert(shown.rename(columns=COLUMNS)[list(COLUMNS.values())]),
        hide_index=True, on_select="rerun", selection_mode="single-row-required", height=460,
        key=f"encoders_{len(shown)}",
        column_config={
            "Params, M": number(format="%.1f"), "GMACs": number(format="%.1f"),
            "ImageNet, %": number(format="%.1f"), "Speed": number(format="%.2f x"),
            "Speed here, images/s": number(format="%.1f"),
        },
        placeholder=" ",
    )  # fmt: skip
    st.caption(f"{plural(len(shown), 'encoder')}. Click a row to select it, a heading to sort.")
    rows = event.selection.rows
    return str(shown["encoder"][rows[0]]) if rows and rows[0] < len(shown) else ""


def costs(shown: pd.DataFrame, picked: str) -> None:
    """A chart of ImageNet accuracy against cost."""
    known = shown.dropna(subset=["top1", "gmacs"])
    if known.empty:
        st.caption("No ImageNet accuracy is known for these.")
        return
    front = on_the_front(known["top1"].tolist(), known["gmacs"].tolist())
    chart(encoder_costs(known, front, picked), "encoder_costs")
    st.caption("Encoders on the line: none is both cheaper and more accurate.")


def about(encoder: str) -> None:
    """The selected encoder: its weights, its speed here, and a button that trains with it."""
    state = weights_of(encoder)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(short_name(encoder))}** · ImageNet weights: {state}", width="content")
        if state == HUB:
            st.caption("Downloaded when a training starts.", width="content")
        if st.button("Train with it", icon=":material/model_training:", type="primary"):
            st.session_state.wanted_encoder = encoder
            st.switch_page("pages/train.py")
        if allowed("train") and st.button(
            "Measure here", icon=":material/speed:", help="Trains on noise for some seconds."
        ):
            try:
                with st.spinner(f"Training a U-Net with {short_name(encoder)} for some seconds …"):
                    measure_here(encoder)
            except UserError as error:
                st.error(plain(str(error)))
                return
            st.rerun()


@st.cache_data(ttl=300, show_spinner=False)
def weights_of(encoder: str) -> str:
    return weights_state(encoder)
