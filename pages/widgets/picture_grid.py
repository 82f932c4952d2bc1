"""A page of pictures: click one to open it, tick some to do something with them together."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

HTML = '<div class="grid" role="list"></div>'

CSS = """
.grid { display: grid; gap: 14px;
        grid-template-columns: repeat(auto-fill, minmax(min(var(--least), 50% - 7px), 1fr)); }
.cell { position: relative; min-width: 0; }
.cell .open { all: unset; display: block; width: 100%; cursor: zoom-in; border-radius: 8px; overflow: hidden;
              aspect-ratio: 4 / 3; background: var(--st-secondary-background-color); }
.cell .open:focus-visible { outline: 3px solid var(--st-primary-color); }
.cell img { width: 100%; height: 100%; object-fit: contain; display: block; }
.cell .tick { position: absolute; top: 8px; left: 8px; width: 20px; height: 20px; margin: 0; cursor: pointer;
              accent-color: var(--st-primary-color); opacity: .55; }
.cell:hover .tick, .cell .tick:checked, .cell .tick:focus-visible { opacity: 1; }
.cell .text { font: 13px/1.4 var(--st-font, sans-serif); color: var(--st-text-color); margin-top: 4px;
              overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.cell .small { opacity: .75; font-size: 12px; }
.cell .bad { position: absolute; top: 8px; right: 8px; max-width: 75%; padding: 2px 8px; border-radius: 10px;
             background: #b45309; color: #fff; font: 11px/1.5 var(--st-font, sans-serif);
             overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
"""

JS = """
export default function ({ data, parentElement, setTriggerValue, setStateValue }) {
  const grid = parentElement.querySelector(".grid");
  grid.style.setProperty("--least", data.least + "px");
  const chosen = new Set(data.chosen);
  grid.replaceChildren(...data.cells.map((cell) => {
    const box = document.createElement("div");
    box.className = "cell";
    box.setAttribute("role", "listitem");
    const open = document.createElement("button");
    open.className = "open";
    open.title = cell.name;
    open.setAttribute("aria-label", "Open " + cell.name);
    open.onclick = () => setTriggerValue("opened", cell.name);
    if (cell.picture) {
      const img = document.createElement("img");
      img.src = cell.picture; img.alt = cell.name; open.append(img);
    }
    box.append(open);
    if (data.ticks) {
      const tick = document.createElement("input");
      tick.type = "checkbox"; tick.className = "tick"; tick.checked = chosen.has(cell.name);
      tick.setAttribute("aria-label", "Choose " + cell.name);
      tick.onchange = () => {
        tick.checked ? chosen.add(cell.name) : chosen.delete(cell.name);
        setStateValue("chosen", [...chosen]);
      };
      box.append(tick);
    }
    if (cell.badge) {
      const badge = document.createElement("span");
      badge.className = "bad"; badge.textContent = cell.badge; badge.title = cell.badge; box.append(badge);
    }
    for (const [kind, words] of [["text", cell.title], ["text small", cell.detail]]) {
      const line = document.createElement("div");
      line.className = kind; line.textContent = words; line.title = words; box.append(line);
    }
    return box;
  }));
}
"""

_grid = st.components.v2.component("segmentation_studio.picture_grid", html=HTML, css=CSS, js=JS)


@dataclass(frozen=True, slots=True)
class Cell:
    """`picture` is a data URL, "" for none; `badge` a short warning on it."""

    name: str
    picture: str
    title: str
    detail: str = ""
    badge: str = ""


def picture_grid(
    cells: Sequence[Cell],
    key: str,
    on_open: Callable[[str], None] | None = None,
    ticks: bool = False,
    least: int = 210,
) -> list[str]:
    """Show the cells; returns the names that are ticked. `least` is a column's width in screen pixels."""

    def opened() -> None:
        name = getattr(st.session_state.get(key), "opened", None)
        if on_open and name:
            on_open(str(name))

    before: Any = getattr(st.session_state.get(key), "chosen", None) or []
    shown = {cell.name for cell in cells}
    result = _grid(
        key=key,
        data={
            "cells": [asdict(cell) for cell in cells],
            "ticks": ticks,
            "least": least,
            "chosen": [name for name in before if name in shown],
        },
        default={"chosen": []},
        on_opened_change=opened,
        on_chosen_change=lambda: None,
    )
    return [str(name) for name in (result.chosen or []) if name in shown]
