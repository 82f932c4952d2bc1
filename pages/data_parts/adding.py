"""A new data set: imported, downloaded, painted or composed."""

import streamlit as st

from core.data import composing, painting
from core.data.photos import PHOTO_SUFFIXES
from core.errors import UserError
from core.policy.permissions import allowed
from core.system.formatting import percent, plural
from pages.data_parts import importing
from pages.widgets.choices import select_dataset
from pages.widgets.uploads import PHOTO_MEGABYTES, upload_many
from pages.widgets.wording import plain

WAYS = ("Import", "Download", "Paint masks", "Compose")


def add() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        way = st.segmented_control(
            "How",
            [way for way in WAYS if way != "Download" or allowed("machine")],
            default="Import",
            required=True,
            key="adding_way",
            label_visibility="collapsed",
        )
        if st.button("Back to the data sets", icon=":material/arrow_back:"):
            importing.leave()
            st.rerun()
    match way:
        case "Import":
            importing.from_files()
        case "Download":
            importing.from_the_net()
        case "Paint masks":
            paint_new()
        case _:
            compose_new()


def paint_new() -> None:
    st.caption("Photos without masks: paint the masks here, then train on them. Ten are enough to start.")
    uploads = upload_many("Photos", [suffix[1:] for suffix in sorted(PHOTO_SUFFIXES)], PHOTO_MEGABYTES)
    name = st.text_input("Name of the data set", key="paint_name", width=360)
    if not st.button("Start painting", type="primary", disabled=not (uploads and name.strip())):
        return
    try:
        folder, problems = painting.start(name, [(file.name, file.getvalue()) for file in uploads])
    except UserError as error:
        st.error(plain(str(error)))
        return
    importing.open_painter(folder, [problem.sentence for problem in problems])


def compose_new() -> None:
    st.caption(
        "Place cut-outs with a transparent background on other backgrounds: as many pairs as you want, with "
        "exact masks."
    )
    left, right = st.columns(2)
    with left:
        cutouts = upload_many("Cut-outs, with transparency", ["png", "webp"], PHOTO_MEGABYTES)
    with right:
        backgrounds = upload_many("Backgrounds", ["jpg", "jpeg", "png", "webp"], PHOTO_MEGABYTES)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        count = st.number_input("Pairs", 2, composing.MAX_PAIRS, 100, width=120)
        width = st.number_input("Width", 32, composing.MAX_SIDE, 640, width=110)
        height = st.number_input("Height", 32, composing.MAX_SIDE, 480, width=110)
        subjects = st.number_input("Cut-outs a picture, at most", 1, 20, 2, width=160)
        smallest, largest = st.slider("Size, % of the picture", 5, 200, (30, 95), width=190)
        light = st.slider("Light", 0.0, 1.0, 0.5, width=120)
        blur = st.slider("Blur and noise", 0.0, 1.0, 0.3, width=120)
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, width=110)
    name = st.text_input("Name of the data set", key="compose_name", width=360)
    if not (cutouts and backgrounds):
        return
    try:
        how = composing.Composition(
            int(count),
            int(height),
            int(width),
            int(subjects),
            smallest / 100,
            largest / 100,
            light,
            blur,
            int(seed),
        )
        subjects_read, odd = composing.read_each(
            ((file.getvalue(), file.name) for file in cutouts), composing.read_cutout
        )
        grounds, damaged = composing.read_each(
            ((file.getvalue(), file.name) for file in backgrounds), composing.read_background
        )
    except UserError as error:
        st.error(plain(str(error)))
        return
    for sentence in [*odd, *damaged]:
        st.warning(f"Excluded: {plain(sentence)}")
    st.image([composing.compose_one(how, subjects_read, grounds, index)[0] for index in range(4)], width=220)
    if not st.button(f"Make {plural(int(count), 'pair')}", type="primary", disabled=not name.strip()):
        return
    bar = st.progress(0.0, "Composing …")
    try:
        for step in composing.compose(name, how, subjects_read, grounds):
            if isinstance(step, float):
                bar.progress(step, f"Composed {percent(step)}")
            else:
                select_dataset(step)
    except UserError as error:
        bar.empty()
        st.error(plain(str(error)))
        return
    importing.leave()
    st.rerun()
