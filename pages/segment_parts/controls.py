"""The settings of a cut-out: test-time augmentation, threshold, background, edges, components."""

from dataclasses import replace
from typing import Any

import streamlit as st

from core.cutout_settings import BACKGROUNDS, Background, CutOutSettings
from core.data.photos import photo_cost, read_photo
from core.errors import UserError
from core.imaging.components import inner_point, numbered
from core.imaging.rendering import display_size
from core.models.registry import Entry
from core.settings import setting_of
from core.system.formatting import dimensions, plural
from pages.segment_parts.work import Work
from pages.widgets.uploads import PHOTO_MEGABYTES, upload_one
from pages.widgets.wording import plain

TILES = {"Off": 1, "2 x 2": 2, "3 x 3": 3}
MOST = 20  # components to choose from


def prediction_controls(entry: Entry) -> CutOutSettings:
    """Test-time augmentation; off by default."""
    if entry.card.task.kind != "binary":
        return CutOutSettings()
    with st.popover("Test-time augmentation", icon=":material/visibility:"):
        flip, scales = _toggle("flip"), _toggle("scales")
        if window := entry.card.window:
            size = dimensions(window.height, window.width)
            st.caption(f"Photos are predicted at their own size, in windows of {size}.")
            return CutOutSettings(flip=flip, scales=scales)
        tiles = st.segmented_control(
            "Tiles", TILES, default="Off", required=True, key="tiles", help=_help("tiles")
        )
        settings = CutOutSettings(flip=flip, scales=scales, tiles=TILES[str(tiles)])
        st.caption(f"{plural(settings.passes, 'forward pass', 'forward passes')} for a photo.")
    return settings


def cut_out_controls(entry: Entry, work: Work, settings: CutOutSettings) -> CutOutSettings:
    """Everything that needs no prediction, added to the settings of the prediction. The same in every view,
    so that a change of view changes no result."""
    threshold = _slider("threshold", entry.card.threshold, key=f"threshold_{entry.fingerprint}")
    settings = replace(settings, threshold=threshold, background=background_controls())
    with st.popover("Edges and components", icon=":material/tune:"):
        settings = replace(
            settings,
            refine_edges=_toggle(
                "refine_edges", entry.card.refine_edges, f"refine_edges_{entry.fingerprint}"
            ),
            decontaminate=_toggle("decontaminate"),
        )
        settings = replace(settings, smallest_component=smallest_component())
        settings = replace(settings, separate_touching=_toggle("separate_touching"))
        settings = replace(settings, remove_specks=_toggle("remove_specks"))
        settings = replace(settings, **kept_components(work, settings))
        settings = replace(settings, fill_holes=_toggle("fill_holes"), feather=_slider("feather", 0.0))
        st.caption(f"The prediction took {work.seconds:.2f} s.")
    return settings


def smallest_component() -> float:
    """As a share of the photo, chosen in percent."""
    about = setting_of(CutOutSettings, "smallest_component")
    low, high, step = (100.0 * (n or 0.0) for n in (about.low, about.high, about.step))
    usual = 100 * CutOutSettings().smallest_component
    label = f"{about.label}, % of the photo"
    return st.slider(label, low, high, usual, step, key="smallest_component", help=about.help) / 100


def kept_components(work: Work, settings: CutOutSettings) -> dict[str, Any]:
    """All components, the largest, or those chosen by their numbers."""
    kept = st.segmented_control("Keep", KEEPS, default=KEEPS[0], required=True, key="keep_components")
    if kept != CHOSEN:
        return {"only_largest": kept == LARGEST}
    found = work.cut_out(replace(settings, feather=0.0))
    components, numbers = found.components()
    if len(components) < 2:
        st.caption("There is only one component.")
        return {}
    st.image(display_size(numbered(work.photo, components[:MOST], numbers), 300))
    wanted = st.pills(
        "Components", [each.number for each in components[:MOST]], default=[1], selection_mode="multi",
        key=f"components_{work.name}_{len(components)}",
    )  # fmt: skip
    return {"keep": tuple(inner_point(components[number - 1], numbers) for number in sorted(wanted))}


KEEPS = EVERYTHING, LARGEST, CHOSEN = ("All", "Largest", "Chosen")


def _toggle(name: str, value: bool | None = None, key: str = "") -> bool:
    about = setting_of(CutOutSettings, name)
    usual = getattr(CutOutSettings(), name) if value is None else value
    return st.toggle(about.label, usual, key=key or name, help=about.help)


def _slider(name: str, value: float, config: type[Any] = CutOutSettings, key: str = "") -> float:
    about = setting_of(config, name)
    low, high, step = (float(n or 0) for n in (about.low, about.high, about.step))
    return st.slider(about.label, low, high, value, step, key=key or name, help=about.help or None)


def _help(name: str) -> str:
    return setting_of(CutOutSettings, name).help


def background_controls() -> Background:
    kind = str(
        st.segmented_control(
            "Background", list(BACKGROUNDS), format_func=BACKGROUNDS.__getitem__, default="transparent",
            required=True, wrap=True, key="background",
        )
    )  # fmt: skip
    if kind == "colour":
        return Background.named(st.color_picker("Colour", "#FFFFFF", key="background_colour"))
    if kind == "blur":
        return Background(kind, strength=_slider("strength", Background().strength, Background))
    if kind != "picture":
        return Background(kind)
    file = upload_one("Background picture", ["jpg", "jpeg", "png", "webp", "heic"], PHOTO_MEGABYTES)
    if file is None:
        st.caption("White until you add a picture.")
        return Background(kind)
    try:
        photo_cost(file.getvalue(), file.name)  # refused before it is decoded, where it is too large
        picture = read_photo(file.getvalue(), file.name, max_side=4096)
        return Background(kind, picture=picture, picture_id=file.file_id)
    except UserError as error:
        st.error(plain(str(error)))
        return Background(kind)
