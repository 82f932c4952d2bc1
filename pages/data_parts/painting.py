"""Masks by hand: brush, polygon, a box for GrabCut, or a model's prediction to start from."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.data import painting
from core.data.library import is_owned
from core.data.painting import Waiting
from core.data.photos import PHOTO_SUFFIXES, photo_size
from core.errors import UserError
from core.imaging import rendering
from core.models import registry
from core.system.formatting import plural
from pages.widgets.loading import predictor_of
from pages.widgets.mask_painter import Painted, Saved, mask_painter
from pages.widgets.uploads import PHOTO_MEGABYTES, upload_many
from pages.widgets.wording import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PAINTER = "painter"
PHOTO, VERSION = "paint_photo", "paint_photo_version"
CANVAS = 1600  # pixels of the longer side of the photo that is shown; the mask has the photo's own size


@dataclass(slots=True)
class Canvas:
    """The mask that the painter starts from, a data URL, and how often it was replaced."""

    photo_id: str
    mask: str = ""
    version: int = 0


@st.fragment
def paint(folder: Path, is_new: bool = False) -> None:
    """Paint the masks of a data set, which are saved by themselves. `is_new`: it has too few masks yet to be
    anything else than painted, and the page is shown again when it has enough."""
    try:
        painting.require_paintable(folder)
    except UserError as error:
        st.info(plain(str(error)))
        open_in_label(folder)
        return
    photos = painting.photos_of(folder)
    done = sum(photo.is_done for photo in photos)
    if is_new and done >= 2:
        st.session_state.data_section = "Paint"  # stay here: choices that are not shown are forgotten
        st.rerun()
    canvas_side, controls = st.columns([7, 2], gap="medium")
    with controls:
        waiting = choose(photos)
        st.progress(done / len(photos), f"{done:,} of {plural(len(photos), 'photo')} have a mask")
        starts(waiting)
        more(folder)
        open_in_label(folder)
    with canvas_side:
        show(waiting)


def show(waiting: Waiting) -> None:
    """The painter, or why this photo cannot be painted on."""
    for sentence in st.session_state.pop("paint_errors", []):
        st.error(sentence)
    try:
        painting.require_paintable(waiting.photo.parent.parent, waiting.name)
        photo, size = painting.canvas_of(waiting, CANVAS)
    except UserError as error:
        st.error(plain(str(error)))
        return
    canvas = canvas_of(waiting)
    url = rendering.data_url(rendering.display_size(photo, CANVAS))
    mask_painter(url, size, waiting.photo_id, PAINTER, canvas.mask, canvas.version, saved(), save)


def saved() -> Saved:
    found: Saved = st.session_state.setdefault("paint_saved", Saved())
    return found


def choose(photos: list[Waiting]) -> Waiting:
    """The photo to paint: the one chosen, else the first without a mask."""
    names = [photo.name for photo in photos]
    if st.session_state.get(PHOTO) not in names:
        go_to(next((p.name for p in photos if not p.is_done), names[0]))
    # A choice made by the app is another box with another default: a mask that is sent at this moment brings
    # the browser's old choice with it, which must not undo the new one. Options keep their texts for the
    # same reason: Streamlit knows them again by these.
    version = st.session_state[VERSION]
    box = f"paint_box_{version}"
    place = names.index(st.session_state[PHOTO])
    st.selectbox("Photo", names, place, key=box, on_change=pick, args=(box, version))
    with st.container(horizontal=True):
        st.button(
            "Previous", icon=":material/chevron_left:", disabled=place == 0,
            on_click=go_to, args=(names[max(0, place - 1)],),
        )  # fmt: skip
        st.button(
            "Next", icon=":material/chevron_right:", disabled=place == len(names) - 1,
            on_click=go_to, args=(names[min(len(names) - 1, place + 1)],),
        )  # fmt: skip
    return photos[place]


def pick(box: str, version: int) -> None:
    """A choice in the box, unless the app has chosen another photo since."""
    if st.session_state[VERSION] == version:
        st.session_state[PHOTO] = st.session_state[box]


def go_to(name: str) -> None:
    st.session_state[PHOTO] = name
    st.session_state[VERSION] = st.session_state.get(VERSION, 0) + 1


def canvas_of(waiting: Waiting) -> Canvas:
    """The mask that the canvas starts from: the saved one, until it is replaced."""
    canvas: Canvas | None = st.session_state.get("canvas")
    if canvas is None or canvas.photo_id != waiting.photo_id:
        canvas = st.session_state.canvas = Canvas(waiting.photo_id)
        if waiting.is_done:
            try:
                canvas.mask = painting.mask_url(painting.saved_mask(waiting))
            except UserError as error:
                st.warning(plain(str(error)))
    return canvas


def starts(waiting: Waiting) -> None:
    """Ways not to start from nothing."""
    if st.button(
        "Find in the box",
        icon=":material/select:",
        disabled=painted_box() is None,
        help="Draw a box with the Box tool first. GrabCut then finds what stands out in it.",
        width="stretch",
    ):
        put(waiting, None)
    models = registry.list_models()
    if not models:
        return
    with st.expander("Start from a model", icon=":material/auto_fix_high:"):
        labels = [entry.label for entry in models]
        chosen = st.selectbox("Model", labels, key="paint_model", label_visibility="collapsed")
        if st.button("Predict the mask", width="stretch"):
            put(waiting, models[labels.index(chosen)])


def painted_box() -> tuple[int, int, int, int] | None:
    """The box that is drawn on the canvas now: left, top, right, bottom in the photo's pixels."""
    box = getattr(st.session_state.get(PAINTER), "box", None)
    return (int(box[0]), int(box[1]), int(box[2]), int(box[3])) if box and len(box) == 4 else None


def put(waiting: Waiting, model: registry.Entry | None) -> None:
    """Replace what is on the canvas by what GrabCut finds in the box, or by a model's prediction."""
    try:
        photo = painting.photo_to_paint(waiting)
        if model is None:
            mask = painting.grabcut(photo, painted_box() or (0, 0, 0, 0))
        else:
            mask = predicted(model, photo)
    except UserError as error:
        st.error(plain(str(error)))
        return
    canvas = canvas_of(waiting)
    canvas.mask, canvas.version = painting.mask_url(mask), canvas.version + 1


def predicted(model: registry.Entry, photo: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    predictor = predictor_of(model)
    if predictor.card.task.kind != "binary":
        raise UserError("This model has several classes: choose one that finds one foreground.")
    return rendering.mask_picture(predictor(photo), predictor.card.threshold) // 255


def save(masks: list[Painted], wants_next: bool) -> None:
    """Save what the painter sends, each mask to the photo that it was painted on."""
    errors: list[str] = []
    for painted in masks:
        try:
            waiting = painting.waiting_photo(painted.photo_id)
            size = photo_size(waiting.photo)
            painting.save_mask(waiting, painting.mask_from(painted.mask, size))
        except (UserError, OSError) as error:
            saved().failed = max(saved().failed, painted.number)
            errors.append(plain(str(error)))
            continue
        saved().stored = max(saved().stored, painted.number)
        canvas: Canvas | None = st.session_state.get("canvas")
        if canvas is not None and canvas.photo_id == painted.photo_id:
            canvas.mask = painted.mask
    st.session_state.paint_errors = errors
    if wants_next and masks and not errors:
        go_to(after(painting.waiting_photo(masks[-1].photo_id)))


def after(waiting: Waiting) -> str:
    """The photo to paint after this one: the next without a mask, else the next."""
    photos = painting.photos_of(waiting.photo.parent.parent)
    place = next(i for i, photo in enumerate(photos) if photo.name == waiting.name)
    rest = [*photos[place + 1 :], *photos[:place]]
    return next((p.name for p in rest if not p.is_done), photos[min(place + 1, len(photos) - 1)].name)


def open_in_label(folder: Path) -> None:
    """The page that makes masks from clicks, of several classes, and proposes them for all photos."""
    if is_owned(folder) and st.button(
        "Open in Label", icon=":material/ink_marker:", help="Masks from clicks, and proposals for all photos."
    ):
        st.session_state.chosen_dataset = str(folder)
        st.switch_page("pages/label.py")


def more(folder: Path) -> None:
    with st.expander("Add photos", icon=":material/add_photo_alternate:"):
        uploads = upload_many("Photos", [suffix[1:] for suffix in sorted(PHOTO_SUFFIXES)], PHOTO_MEGABYTES)
        if uploads and st.button(f"Add {plural(len(uploads), 'photo')}"):
            try:
                problems = painting.add_photos(folder, [(file.name, file.getvalue()) for file in uploads])
            except UserError as error:
                st.error(plain(str(error)))
                return
            for problem in problems:
                st.toast(plain(problem.sentence), icon=":material/visibility_off:")
            st.rerun()
