"""What may be changed about a cut-out, live: threshold, edges, parts, background."""

import streamlit as st

from core.data.photos import read_photo
from core.errors import UserError
from core.finishing import BACKGROUNDS, Background, Finish
from core.shelf import Entry
from core.words import plain
from pages.segment_parts.work import Look


def look_controls(entry: Entry, view: str) -> Look:
    """The sliders and switches."""
    threshold = st.slider(
        "Threshold", 0.01, 0.99, entry.card.threshold, 0.01,
        key=f"threshold_{entry.key}", help="How sure the model must be before a pixel counts as subject.",
    )  # fmt: skip
    background = background_controls() if view == "Cut-out" else Background()
    with st.popover("Edges and parts", icon=":material/tune:"):
        fine = st.toggle("Follow the photo's edges", True, key="fine_edges", help=FINE_HELP)
        clean = st.toggle("Free the edge of the old background's colour", True, key="clean_colours")
        largest = st.toggle("Keep only the largest part", False, key="only_largest")
        filled = st.toggle("Fill holes", False, key="fill_holes")
        feather = st.slider("Feather", 0.0, 10.0, 0.0, 0.5, key="feather", help=FEATHER_HELP)
    return Look(threshold, fine, Finish(largest, filled, feather, clean), background)


FINE_HELP = (
    "The network sees a photo small. With this its answer is brought to the photo's own size along the "
    "photo's colours; without it, plainly. Costs a few hundredths of a second."
)
FEATHER_HELP = "Softens the edge, in thousandths of the photo's longer side."


def background_controls() -> Background:
    kind = str(
        st.segmented_control(
            "Background", BACKGROUNDS, default="Transparent", required=True, wrap=True, key="background"
        )
    )
    if kind == "Colour":
        chosen = st.color_picker("Colour", "#FFFFFF", key="background_colour")
        return Background(kind, (int(chosen[1:3], 16), int(chosen[3:5], 16), int(chosen[5:7], 16)))
    if kind == "Blur":
        return Background(kind, strength=st.slider("Strength", 0.0, 1.0, 0.4, 0.05, key="blur_strength"))
    if kind != "Picture":
        return Background(kind)
    file = st.file_uploader("Picture behind", ["jpg", "jpeg", "png", "webp", "heic"], max_upload_size=100)
    if file is None:
        st.caption("White until you add one.")
        return Background(kind)
    try:
        return Background(kind, picture=read_photo(file.getvalue(), file.name, max_side=4096))
    except UserError as error:
        st.error(plain(str(error)))
        return Background(kind)
