"""A guide to encoders: what each takes, how good it is, how fast it is here."""

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
    "pace": "Speed", "here": "Here, images/s", "weights": "Weights",
}  # fmt: skip


def encoder_guide() -> None:
    st.caption(
        "The encoder is the part of the network that has seen ImageNet before your photos. "
        "Parameters are the encoder's; GMACs and speed those of a U-Net with it, a photo of 256x192. "
        "Speed is that of training, as a multiple of the first one's, measured on two processor cores."
    )
    shown = narrowed()
    shown["weights"] = [weights_of(name) for name in shown["encoder"]]
    if shown.empty:
        st.info("No encoder is called that. All of timm's are searched when that switch is on.")
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        picked = table(shown)
    with right:
        costs(shown, picked)
    if picked:
        about(picked)


def narrowed() -> pd.DataFrame:
    """The encoders that the search, the shortlist and the switches leave."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Search", placeholder="convnext, resnet, mobile …", width=260, key="encoder_search"
        )
        chosen = st.pills("Shortlists", list(SHORTLISTS), key="encoder_shortlist")
        every = st.toggle("All of timm's", False, key="encoder_every")
    found = encoder_table(every)
    if chosen:
        st.caption(SHORTLISTS[chosen].reason)
        found = found.set_index("encoder").reindex(SHORTLISTS[chosen].names).dropna(how="all").reset_index()
    for word in words.lower().split():
        found = found[found["encoder"].str.lower().str.contains(word, regex=False)]
    return found.reset_index(drop=True)


def table(shown: pd.DataFrame) -> str:
    """The rows; returns the encoder that is picked, "" for none."""
    number = st.column_config.NumberColumn
    event = st.dataframe(
        inert(shown.rename(columns=COLUMNS)[list(COLUMNS.values())]),
        hide_index=True, on_select="rerun", selection_mode="single-row-required", height=460,
        key=f"encoders_{len(shown)}",
        column_config={
            "Params, M": number(format="%.1f"), "GMACs": number(format="%.1f"),
            "ImageNet, %": number(format="%.1f"), "Speed": number(format="%.2f x"),
            "Here, images/s": number(format="%.1f"),
        },
        placeholder=" ",
    )  # fmt: skip
    st.caption(f"{plural(len(shown), 'encoder')}. Click a row; click a heading to sort.")
    rows = event.selection.rows
    return str(shown["encoder"][rows[0]]) if rows and rows[0] < len(shown) else ""


def costs(shown: pd.DataFrame, picked: str) -> None:
    """ImageNet accuracy against what it takes."""
    known = shown.dropna(subset=["top1", "gmacs"])
    if known.empty:
        st.caption("The ImageNet accuracy of none of these is known.")
        return
    front = on_the_front(known["top1"].tolist(), known["gmacs"].tolist())
    chart(encoder_costs(known, front, picked), "encoder_costs")
    st.caption("None takes fewer multiplications and is better on ImageNet than those on the line.")


def about(encoder: str) -> None:
    """The picked one: its weights, its speed here, and on to a training."""
    state = weights_of(encoder)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(short_name(encoder))}** · ImageNet weights: {state}", width="content")
        if state == HUB:
            st.caption("They are downloaded when a training starts.", width="content")
        if st.button("Train with it", icon=":material/model_training:", type="primary"):
            st.session_state.wanted_encoder = encoder
            st.switch_page("pages/train.py")
        if allowed("train") and st.button(
            "Measure here", icon=":material/speed:", help="Some seconds of training on noise."
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
