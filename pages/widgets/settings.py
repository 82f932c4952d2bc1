"""The settings of a training: few at first sight, all within reach."""

from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from core.config import DEFAULT_ENCODER, GROUPS, PRESETS, RUN, TrainConfig, preset_config
from core.data.dataset import may_hold_classes
from core.errors import UserError
from core.models.encoder_catalogue import cost, describe, offered_encoders
from core.settings import Setting, named, offered, settings_of
from pages.widgets.choices import choose_dataset, ensure_drawn
from pages.widgets.wording import plain

FOREGROUND, CLASSES = "Foreground", "Each class"


def choose_config() -> TrainConfig | None:
    """The settings, from the widgets; None, with a sentence, where they make no sense together."""
    data_column, encoder_column, preset_column = st.columns(3, gap="medium")
    with data_column:
        folder = choose_dataset(key="train_data")
        ensure_drawn(folder)
    with preset_column:
        name = st.selectbox("Preset", list(PRESETS), key="preset")
    preset = PRESETS[name]
    with encoder_column:
        encoder = _encoder(str(preset.settings.get("encoder", DEFAULT_ENCODER)), name)
    st.caption(f"**{name}**: {preset.summary} Encoder: {cost(encoder) or 'not measured yet'}.")
    changes = _task(folder)
    changes |= _more(name)
    try:
        return preset_config(name, folder.resolve(), encoder=encoder, **changes)
    except UserError as error:
        st.error(plain(str(error)))
        return None


def rate_key(preset: str) -> str:
    """Where the learning rate of the form is kept, so that a found one can be put there."""
    return f"rate_{preset}"


def _encoder(default: str, preset: str) -> str:
    encoders = offered_encoders()
    wanted = st.session_state.get("wanted_encoder", "")  # picked in the guide on the Models page
    if wanted and wanted not in encoders:
        encoders.append(wanted)
    encoder: str = st.selectbox(
        "Encoder", encoders, encoders.index(wanted or default), key=f"encoder_{preset}_{wanted}",
        format_func=describe,
        help="The part pretrained on ImageNet. The first few are good choices; type to search all of them.",
    )  # fmt: skip
    return encoder


def _task(folder: Path) -> dict[str, Any]:
    """Where the masks hold several values: one foreground, or each class on its own."""
    stamp = (folder / "dataset.json").stat().st_mtime if (folder / "dataset.json").is_file() else 0.0
    if not _may_hold_classes(str(folder), stamp):
        return {}
    kind, names, void = st.columns([2, 4, 1], vertical_alignment="bottom")
    with kind:
        wanted = st.segmented_control(
            "What to find", [FOREGROUND, CLASSES], default=FOREGROUND, required=True, key="task"
        )
    if wanted != CLASSES:
        return {"task": "binary"}
    with names:
        given = st.text_input(
            "Names of the classes, in order of their values", placeholder="sky, building, road …",
            help="Separated by commas. Leave empty to have them named by their values.",
        )  # fmt: skip
    with void:
        ignored = st.number_input("Void value", -1, 65535, -1, help="Mask value to ignore. -1: none.")
    return {"task": "multiclass", "class_names": given.strip(), "ignore_index": int(ignored)}


@st.cache_data(show_spinner="Looking at the masks …", max_entries=32)
def _may_hold_classes(folder: str, stamp: float) -> bool:
    try:
        return may_hold_classes(Path(folder))
    except UserError:
        return False


def _more(preset_name: str) -> dict[str, Any]:
    """Everything else, out of a newcomer's way: a widget for each setting that has a group."""
    defaults: dict[str, Any] = {**TrainConfig("-").to_dict(), **PRESETS[preset_name].settings}
    chosen: dict[str, Any] = {}
    with st.expander("More settings"):
        for column, group in zip(st.columns(len(GROUPS)), GROUPS, strict=True):
            with column:
                st.markdown(f"**{group}**")
                for name, kind, _, about in settings_of(TrainConfig):
                    if about.group == group:
                        chosen[name] = _widget(name, kind, about, defaults[name], preset_name)
                if group == RUN:
                    chosen["devices"] = _devices()
    return chosen


def _widget(name: str, kind: type, about: Setting, default: Any, preset: str) -> Any:
    """The widget that fits what the setting may be."""
    key = rate_key(preset) if name == "learning_rate" else f"{name}_{preset}"
    options: dict[str, Any] = {"key": key, "help": about.help or None}
    if about.choices or about.suggested or about.multiple_of > 1:
        listed = offered(about, default)
        words = partial(named, about)
        return st.selectbox(about.label, listed, listed.index(default), format_func=words, **options)
    if kind is bool:
        return st.checkbox(about.label, default, **options)
    if kind is str:
        return st.text_input(about.label, default, max_chars=80, **options).strip()
    st.session_state.setdefault(key, kind(default))
    low, high, step = (None if n is None else kind(n) for n in (about.low, about.high, about.step))
    form = None if kind is int else "%g"
    return kind(st.number_input(about.label, low, high, step=step, format=form, **options))


def _devices() -> int:
    """How many GPUs, where there is more than one."""
    gpus = _gpus()
    if gpus < 2:
        return 1
    return int(st.selectbox("GPUs", list(range(1, gpus + 1)), help="They share every batch."))


@st.cache_resource(show_spinner=False)
def _gpus() -> int:
    from core.system.device import gpu_count

    return gpu_count()
