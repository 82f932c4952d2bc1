"""What may be changed about a cut-out, live: threshold, edges, parts, background."""

from dataclasses import replace

import numpy as np
import streamlit as st

from core.data.photos import photo_cost, read_photo
from core.errors import UserError
from core.imaging.components import find_parts, inner_point, numbered
from core.imaging.matting import BACKGROUNDS, Background, Finish
from core.imaging.rendering import display_size
from core.inference.test_time_augmentation import Gaze
from core.models.registry import Entry
from core.system.formatting import plural
from pages.segment_parts.work import ONCE, Look, Work
from pages.widgets.uploads import PHOTO_MEGABYTES, upload_one
from pages.widgets.wording import plain


def gaze_controls(entry: Entry) -> Gaze:
    """How often the model looks at the photo; once unless asked."""
    if entry.card.task.kind != "binary":
        return ONCE
    with st.popover("How the model looks", icon=":material/visibility:"):
        mirror = st.toggle("Mirrored, too", False, key="gaze_mirror", help=MIRROR_HELP)
        scales = st.toggle("Larger and smaller, too", False, key="gaze_scales", help=SCALES_HELP)
        pieces = st.segmented_control(
            "In pieces, too", PIECES, default="Whole", required=True, key="gaze_pieces", help=PIECES_HELP
        )
        gaze = Gaze(mirror, scales, PIECES[str(pieces)])
        st.caption(f"{plural(gaze.looks, 'look')} at the photo. What each gains on average is in its help.")
    return gaze


PIECES = {"Whole": 1, "2 x 2": 2, "3 x 3": 3}
MIRROR_HELP = (
    "Twice the time. With the model that ships nothing sure is gained; a model of your own may differ."
)
SCALES_HELP = "Three times the time. As with mirrors, nothing sure is gained with the model that ships."
PIECES_HELP = (
    "For small subjects in large photos: with subjects of half the usual size mean Dice was 0.08 higher with "
    "2 x 2 pieces, with a third of it 0.13 higher with 3 x 3. Where the subject fills the photo nothing is "
    "gained. Five and ten times the time."
)


def look_controls(entry: Entry, view: str, work: Work, gaze: Gaze) -> Look:
    """The sliders and switches."""
    threshold = st.slider(
        "Threshold", 0.01, 0.99, entry.card.threshold, 0.01,
        key=f"threshold_{entry.fingerprint}",
        help="How sure the model must be before a pixel counts as subject.",
    )  # fmt: skip
    background = background_controls() if view == "Cut-out" else Background()
    with st.popover("Edges and parts", icon=":material/tune:"):
        fine = st.toggle("Follow the photo's edges", True, key="fine_edges", help=FINE_HELP)
        clean = st.toggle("Free the edge of the old background's colour", True, key="clean_colours")
        kept = kept_parts(work, threshold, fine)
        filled = st.toggle("Fill holes", False, key="fill_holes")
        feather = st.slider("Feather", 0.0, 10.0, 0.0, 0.5, key="feather", help=FEATHER_HELP)
        st.caption(f"The model looked for {work.seconds:.2f} s.")
    return Look(
        threshold,
        fine,
        gaze,
        replace(kept, fill_holes=filled, feather=feather, clean_colours=clean),
        background,
    )


def kept_parts(work: Work, threshold: float, fine: bool) -> Finish:
    """Everything that is found, the largest part, or those that are chosen by their numbers."""
    kept = st.segmented_control("Keep", KEEPS, default=KEEPS[0], required=True, key="keep_parts")
    if kept != CHOSEN:
        return Finish(only_largest=kept == LARGEST)
    inside = (work.probability(fine) >= threshold).astype(np.uint8)
    parts, numbers = find_parts(inside, LEAST)
    if len(parts) < 2:
        st.caption("Only one part is found: there is nothing to choose.")
        return Finish()
    st.image(display_size(numbered(work.photo, parts[:MOST], numbers), 300))
    wanted = st.pills(
        "Parts", [part.number for part in parts[:MOST]], default=[1], selection_mode="multi",
        key=f"parts_{work.name}_{len(parts)}",
    )  # fmt: skip
    return Finish(keep=tuple(inner_point(parts[number - 1], numbers) for number in sorted(wanted)))


KEEPS = EVERYTHING, LARGEST, CHOSEN = ("Everything", "The largest part", "Chosen parts")
LEAST, MOST = 0.001, 20  # share of the photo below which a part is a speck; parts to choose from


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
    file = upload_one("Picture behind", ["jpg", "jpeg", "png", "webp", "heic"], PHOTO_MEGABYTES)
    if file is None:
        st.caption("White until you add one.")
        return Background(kind)
    try:
        photo_cost(file.getvalue(), file.name)  # refused before it is decoded, where it is too large
        return Background(kind, picture=read_photo(file.getvalue(), file.name, max_side=4096))
    except UserError as error:
        st.error(plain(str(error)))
        return Background(kind)
