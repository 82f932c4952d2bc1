"""The result beside its photo, what may be downloaded, and how much was found."""

from functools import partial
from typing import TYPE_CHECKING, Literal

import streamlit as st

from core.cutout_settings import CutOutSettings
from core.errors import UserError
from core.imaging import rendering
from core.imaging.components import numbered
from core.models.card import purpose
from core.models.registry import Entry
from core.system.concurrency import taking_turns
from core.system.formatting import dimensions, percent, plural
from core.system.spreadsheets import inert
from pages.segment_parts.fixing import fixing_stage
from pages.segment_parts.work import Work
from pages.widgets.classes import class_legend
from pages.widgets.image_slider import image_slider
from pages.widgets.wording import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FIX = "Fix"
VIEWS = ("Cut-out", "Overlay", "Mask", "Count", FIX)
KINDS = {"Cut-out": "cutout", "Overlay": "overlay", "Mask": "mask"}
CLASS_VIEWS = ("Overlay", "Mask")
DOWNLOADS = (("Cut-out", "cutout", "PNG"), ("Mask", "mask", "PNG"), ("Overlay", "overlay", "JPEG"))
CLASS_DOWNLOADS = (("Overlay", "overlay", "JPEG"), ("Mask", "mask", "PNG"))
SHORTCUTS = {"cutout": "D", "mask": "M"}


def choose_view() -> str:
    return str(
        st.segmented_control(
            "Show", VIEWS, default="Cut-out", required=True, label_visibility="collapsed", key="view"
        )
    )


def cut_out_stage(work: Work, entry: Entry, view: str, settings: CutOutSettings) -> None:
    """The chosen view of the cut-out. No forward pass is needed."""
    with taking_turns():
        found = work.cut_out(settings)
        if view == "Count":
            components, numbers = found.components()
            picture = numbered(work.photo, components, numbers)
        elif view != FIX:
            picture = found.picture(KINDS[view])
            picture = rendering.on_checkerboard(picture) if picture.shape[-1] == 4 else picture
    if view == FIX:
        fixing_stage(work, found)
    else:
        show(work, view, picture)
    if found.share == 0:
        st.warning(nothing_found(entry))
    downloads(work, entry, settings, DOWNLOADS)
    facts = [plain(work.name), dimensions(*work.size), f"subject covers {percent(found.share)}"]
    if view == "Count":
        facts.append(plural(len(components), "component"))
    st.caption(" · ".join(facts))


def nothing_found(entry: Entry) -> str:
    known = purpose(entry.card)
    return (
        f"{plain(known) + '. ' if known else ''}"
        "No pixel of this photo reaches the threshold: lower it, or choose another model."
    )


def choose_class_view(work: Work) -> str:
    """The view of a multi-class model, with the legend of its colours."""
    view = st.segmented_control(
        "Show", CLASS_VIEWS, default="Overlay", required=True, label_visibility="collapsed", key="class_view"
    )
    class_legend(work.task)
    return str(view)


def class_shares(work: Work) -> None:
    """How much of the photo each class covers."""
    assert work.labels is not None
    shares = rendering.class_shares(work.labels, work.task)
    column = "Share of the photo"
    st.dataframe(
        inert([{"Class": name, column: 100 * share} for name, share in shares]), hide_index=True,
        column_config={column: st.column_config.ProgressColumn(format="%.1f %%", min_value=0, max_value=100)},
    )  # fmt: skip


def class_stage(work: Work, entry: Entry, view: str, settings: CutOutSettings) -> None:
    """The chosen view of the classes."""
    assert work.labels is not None
    show(work, view, rendering.pair_picture(work.photo, work.labels, view, work.task))
    downloads(work, entry, settings, CLASS_DOWNLOADS)
    st.caption(f"{plain(work.name)} · {dimensions(*work.size)} · the mask file holds class numbers")


def show(work: Work, view: str, picture: "NDArray[np.uint8]") -> None:
    """Photo and result under one slider. Numbers of components are shown in full, without the photo."""
    with taking_turns():
        image_slider(
            rendering.encode(work.photo, "JPEG"), rendering.encode(picture, "JPEG"),
            work.photo.shape[:2], ("Photo", view),
            key="photo_and_count" if view == "Count" else "before_after", start=0 if view == "Count" else 50,
        )  # fmt: skip


@st.fragment
def downloads(
    work: Work, entry: Entry, settings: CutOutSettings, offered: tuple[tuple[str, str, str], ...]
) -> None:
    """Full-size files, made on a click, each of which counts towards the visitor's quota."""
    stem = work.name.rsplit(".", 1)[0]
    # Only where a quota may close the buttons are they drawn again. That gives them new files, and Streamlit
    # forgets the old one that a click names: so not before the clicked file is being made.
    after: Literal["rerun", "ignore"] = "rerun" if work.is_limited else "ignore"
    if any(st.session_state.get(f"download_{kind}") for _, kind, _ in offered):
        work.wait_for_download()
    refusal = ""
    try:
        work.check_quota(settings, entry)
    except UserError as error:
        refusal = plain(str(error))
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        for label, kind, form in offered:
            st.download_button(
                label,
                partial(work.full_size, kind, settings, entry, form),
                f"{stem}_{kind}.{'png' if form == 'PNG' else 'jpg'}",
                f"image/{form.lower()}",
                icon=":material/download:",
                help="At the photo's full size",
                type="primary" if kind == "cutout" else "secondary",
                on_click=after,
                disabled=bool(refusal),
                shortcut=SHORTCUTS.get(kind),
                key=f"download_{kind}",
            )
    if refusal:
        st.caption(refusal)
