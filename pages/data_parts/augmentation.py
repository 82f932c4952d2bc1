"""The augmentation of training, applied nine times to one photo and its mask."""

import streamlit as st

from core.config import SIZE_STEP
from core.data import thumbnails
from core.data.catalogue import Catalogue
from core.data.store import read_pair, stored_side
from core.errors import UserError
from core.imaging import rendering
from pages.widgets.picture_grid import Cell, picture_grid
from pages.widgets.wording import plain

KINDS = ("light", "standard", "strong", "tutorial")
NINE = 9


def augmentation(shown: Catalogue) -> None:
    names = shown.report.usable["name"].tolist()
    if not names:
        st.info("There is no usable pair to show.")
        return
    st.caption(
        "This is the transform that training uses. Where a flipped or rotated photo would need another mask, "
        "choose a lighter one."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Photo", names[:5000], width=200)
        kind = st.segmented_control("Augmentation", KINDS, default="standard", required=True)
        strength = st.slider("Strength", 0.0, 3.0, 1.0, 0.1, width=140)
        height = st.number_input("Height", 32, 2048, 256, SIZE_STEP, width=90)
        width = st.number_input("Width", 32, 2048, 192, SIZE_STEP, width=90)
        view = st.segmented_control(
            "Show", thumbnails.VIEWS, default="Overlay", required=True, key="augmented_show"
        )
        if st.button("Show nine others", icon=":material/casino:"):
            st.session_state.augmentation_round = st.session_state.get("augmentation_round", 0) + 1
    first = NINE * st.session_state.get("augmentation_round", 0)
    try:
        urls = nine(shown, name, kind, strength, (int(height), int(width)), first, view)
    except UserError as error:
        st.error(plain(str(error)))
        return
    cells = [Cell(str(first + i), url, f"{kind}, variant {first + i + 1}") for i, url in enumerate(urls)]
    picture_grid(cells, "augmented", least=260)
    st.caption(f"To train with it: settings on the Train page, augmentation {kind}, strength {strength:g}.")


def nine(
    shown: Catalogue, name: str, kind: str, strength: float, size: tuple[int, int], first: int, view: str
) -> list[str]:
    """Nine variants as data URLs, beginning with this seed."""
    from core.data import transforms
    from core.data.store import stored_form

    photo, labels = read_pair(shown.pair(name), shown.encoding, max_side=2 * stored_side(*size))
    photo, labels = stored_form(photo, labels, shown.encoding, stored_side(*size))
    transform = transforms.augmentation(kind, *size, strength)
    made = transforms.variants(photo, labels, transform, range(first, first + NINE))
    return [rendering.data_url(thumbnails.pair_view(p, m, view, shown.encoding.task)) for p, m in made]
