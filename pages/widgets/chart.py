"""A Plotly figure without its tool bar."""

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    import plotly.graph_objects as go

CONFIG = {"displayModeBar": False}


def chart(figure: "go.Figure", key: str) -> None:
    st.plotly_chart(figure, key=key, config=CONFIG)
