"""Rows of pictures of one image each: click to enlarge, tick to add to a group."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from pages.widgets.component import component

_rows = component(__file__)


@dataclass(frozen=True, slots=True)
class Row:
    """`detail` follows the name; `pictures` are (title, data URL); `problem` replaces them; `flag` is a short
    warning beside the name."""

    name: str
    detail: str
    pictures: Sequence[tuple[str, str]] = ()
    problem: str = ""
    flag: str = ""


def panel_rows(
    rows: Sequence[Row], key: str, on_open: Callable[[str], None] | None = None, ticks: bool = True
) -> list[str]:
    """Show the rows; returns the names that are ticked."""

    def opened() -> None:
        name = getattr(st.session_state.get(key), "opened", None)
        if on_open and name:
            on_open(str(name))

    shown = {row.name for row in rows}
    before: Any = getattr(st.session_state.get(key), "chosen", None) or []
    result = _rows(
        key=key,
        data={
            "rows": [asdict(row) for row in rows],
            "ticks": ticks,
            "opens": on_open is not None,
            "chosen": [name for name in before if name in shown],
        },
        default={"chosen": []},
        on_opened_change=opened,
        on_chosen_change=lambda: None,
    )
    return [str(name) for name in (result.chosen or []) if name in shown]
