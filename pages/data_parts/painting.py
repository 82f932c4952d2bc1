"""Masks by hand: brush, polygon, a box for GrabCut, or a model's answer to begin with."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.data import library, painting
from core.data.painting import Waiting
from core.errors import UserError
from core.imaging import rendering
from core.models import registry
from core.system.formatting import plural
from pages.widgets.loading import predictor_of
from pages.widgets.mask_painter import mask_painter
from pages.widgets.uploads import PHOTO_MEGABYTES, upload_many
from pages.widgets.wording import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PAINTER = "painter"
CANVAS = 1600  # pixels of the longer side of the photo that is shown; the mask has the photo's own size


@dataclass(slots=True)
class Canvas:
    """The mask that the painter starts from, a data URL, and how often it was replaced."""

    mask: str
    version: int = 0


def paint(folder: Path) -> None:
    """Choose a photo of a data set, paint, save."""
    if not library.is_owned(folder):
        st.info("Import this data set into the app first: its masks are painted in the app's own copy.")
        return
    photos = painting.photos_of(folder)
    if not photos:
        st.info("Masks can be painted where photos lie in images/ and masks of one foreground in masks/.")
        return
    done = sum(photo.is_done for photo in photos)
    st.progress(done / len(photos), f"{done:,} of {plural(len(photos), 'photo')} have a mask")
    waiting = choose(photos)
    canvas = canvas_state(waiting)
    starts(waiting, canvas)
    try:
        photo, size = painting.canvas_of(waiting, CANVAS)
    except UserError as error:
        st.error(plain(str(error)))
        return
    url = rendering.data_url(rendering.display_size(photo, CANVAS))
    saved = mask_painter(url, size, str(waiting.photo), PAINTER, canvas.mask, canvas.version)
    if saved:
        save(waiting, saved, size, photos)
    more(folder)


def choose(photos: list[Waiting]) -> Waiting:
    """The photo to paint: the one chosen, else the first without a mask."""
    names = [photo.name for photo in photos]
    marks = {photo.name: "✓ " if photo.is_done else "" for photo in photos}
    wanted = st.session_state.pop("paint_next", None)
    if wanted in names:
        st.session_state.paint_photo = wanted
    elif st.session_state.get("paint_photo") not in names:
        st.session_state.paint_photo = next((p.name for p in photos if not p.is_done), names[0])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Photo", names, key="paint_photo", format_func=lambda n: marks[n] + n, width=340)
        place = names.index(name)
        if st.button("Previous", icon=":material/chevron_left:", disabled=place == 0):
            st.session_state.paint_next = names[place - 1]
            st.rerun()
        if st.button("Next", icon=":material/chevron_right:", disabled=place == len(names) - 1):
            st.session_state.paint_next = names[place + 1]
            st.rerun()
    return photos[place]


def canvas_state(waiting: Waiting) -> Canvas:
    """The mask that the canvas starts from, and how often it was replaced."""
    key = f"canvas {waiting.photo}"
    if st.session_state.get("canvas_key") != key:
        mask = ""
        if waiting.is_done:
            try:
                mask = painting.mask_url(painting.saved_mask(waiting))
            except UserError as error:
                st.warning(plain(str(error)))
        st.session_state.canvas_key = key
        st.session_state.canvas = Canvas(mask)
    canvas: Canvas = st.session_state.canvas
    return canvas


def starts(waiting: Waiting, canvas: Canvas) -> None:
    """Ways not to begin with nothing."""
    models = registry.list_models()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        box = painted_box()
        if st.button(
            "Find inside the box",
            icon=":material/select:",
            disabled=box is None,
            help="Draw a box with the Box tool first. GrabCut then looks for what stands out in it.",
        ):
            put(waiting, canvas, None)
        if models:
            labels = [entry.label for entry in models]
            chosen = st.selectbox("Model", labels, width=260, key="paint_model", label_visibility="collapsed")
            if st.button("Start from the model's answer", icon=":material/auto_fix_high:"):
                put(waiting, canvas, models[labels.index(chosen)])


def painted_box() -> tuple[int, int, int, int] | None:
    """The box that is drawn on the canvas now: left, top, right, bottom in the photo's pixels."""
    box = getattr(st.session_state.get(PAINTER), "box", None)
    return (int(box[0]), int(box[1]), int(box[2]), int(box[3])) if box and len(box) == 4 else None


def put(waiting: Waiting, canvas: Canvas, model: registry.Entry | None) -> None:
    """Replace what is on the canvas by GrabCut's answer for the box, or by a model's."""
    try:
        photo = painting.photo_to_paint(waiting)
        if model is None:
            mask = painting.grabcut(photo, painted_box() or (0, 0, 0, 0))
        else:
            mask = predicted(model, photo)
    except UserError as error:
        st.error(plain(str(error)))
        return
    canvas.mask, canvas.version = painting.mask_url(mask), canvas.version + 1


def predicted(model: registry.Entry, photo: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    predictor = predictor_of(model)
    if predictor.card.task.kind != "binary":
        raise UserError("This model tells several classes apart: choose one that finds one foreground.")
    return rendering.mask_picture(predictor(photo), predictor.card.threshold) // 255


def save(waiting: Waiting, url: str, size: tuple[int, int], photos: list[Waiting]) -> None:
    try:
        painting.save_mask(waiting, painting.mask_from(url, size))
    except (UserError, OSError) as error:
        st.error(plain(str(error)))
        return
    st.session_state.pop("canvas_key", None)
    rest = [p.name for p in photos if not p.is_done and p.name != waiting.name]
    if rest and not waiting.is_done:
        st.session_state.paint_next = rest[0]
    st.toast(f"Saved the mask of {plain(waiting.name)}.")
    st.rerun()


def more(folder: Path) -> None:
    with st.expander("Add photos to this data set"):
        uploads = upload_many(
            "Photos", ["jpg", "jpeg", "png", "webp", "heic", "tif", "tiff"], PHOTO_MEGABYTES
        )
        if uploads and st.button(f"Add {plural(len(uploads), 'photo')}"):
            try:
                problems = painting.add_photos(folder, [(file.name, file.getvalue()) for file in uploads])
            except UserError as error:
                st.error(plain(str(error)))
                return
            for problem in problems:
                st.toast(plain(problem.sentence), icon=":material/visibility_off:")
            st.rerun()
