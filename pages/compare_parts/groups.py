"""Groups of images: what is in them, as a list to keep, or as a data set of their own."""

from pathlib import Path

import streamlit as st

from core.data import thumbnails
from core.data.dataset import DataFolder
from core.data.subset import make_subset
from core.errors import UserError
from core.evaluation import groups
from core.policy.permissions import allowed
from core.system.formatting import percent, plural
from pages.widgets.choices import select_dataset
from pages.widgets.picture_grid import Cell, picture_grid
from pages.widgets.wording import plain

MAX_SHOWN = 60


def group_list(data: DataFolder) -> None:
    known = groups.read_groups(data.root)
    if not known:
        st.info("No group yet: tick images under Images, name what they have in common, and find them here.")
        return
    group = st.selectbox("Group", list(known), key="group_shown", width=360,
                         format_func=lambda name: f"{name} ({len(known[name])})")  # fmt: skip
    names = known[group]
    there = {pair.name: pair for pair in data.pairs}
    present = [name for name in names if name in there]
    urls = thumbnails.thumbnails([there[name] for name in present[:MAX_SHOWN]], data.encoding, "Overlay")
    cells = [Cell(name, url, name) for name, url in zip(present, urls, strict=False)]
    ticked = picture_grid(cells, f"group_{group}", ticks=True)
    gone = len(names) - len(present)
    st.caption(f"{plural(len(names), 'image')}{f', {gone} of them no longer there' if gone else ''}.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.download_button(
            "List as text", "\n".join(names) + "\n", f"{group}.txt", "text/plain",
            icon=":material/download:",
        )  # fmt: skip
        may_change = allowed("change")
        taken = f"Remove {plural(len(ticked), 'image')} from the group"
        if may_change and ticked and st.button(taken, icon=":material/remove:"):
            groups.take_out(data.root, group, ticked)
            st.rerun()
        if may_change and st.button("Forget this group", icon=":material/delete:"):
            groups.take_out(data.root, group, names)
            st.rerun()
        if not allowed("add"):
            return
        name = st.text_input("Name of a data set made of them", f"{data.name} {group}", width=300)
        if st.button("Make a data set", type="primary", icon=":material/library_add:"):
            as_dataset(data, present, name)


def as_dataset(data: DataFolder, names: list[str], name: str) -> None:
    """Copy the images, and open them on the Data page, where masks are painted again."""
    bar = st.progress(0.0, "Copying …")
    try:
        for step in make_subset(data, names, name):
            if isinstance(step, Path):
                select_dataset(step)
                st.switch_page("pages/data.py")
            bar.progress(step, f"Copied {percent(step)}")
    except UserError as error:
        bar.empty()
        st.error(plain(str(error)))
