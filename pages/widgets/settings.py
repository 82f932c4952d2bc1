"""The settings of a training: few at first sight, all within reach."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from core.config import ARCHITECTURES, DEFAULT_ENCODER, PRESETS, SIZE_STEP, TrainConfig, preset_config
from core.data.dataset import may_hold_classes
from core.errors import UserError
from core.models.encoder_catalogue import cost, describe, offered_encoders
from core.system.formatting import plain
from pages.widgets.choices import choose_dataset, ensure_drawn

SIZES = list(range(SIZE_STEP, 1025, SIZE_STEP))
BATCHES = [0, 1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256]
LOSSES = {
    "bce+dice": "Cross entropy + Dice", "bce": "Cross entropy (BCE)", "dice": "Dice", "focal": "Focal",
    "tversky": "Tversky", "lovasz": "Lovász",
}  # fmt: skip
OPTIMIZERS = {"adamw": "AdamW", "adam": "Adam", "sgd": "SGD, momentum 0.9"}
SCHEDULES = {
    "one-cycle": "One cycle", "cosine": "Cosine", "constant": "Constant", "plateau": "Lower on a plateau",
}  # fmt: skip
WEIGHTS = {"none": "All pixels alike", "balanced": "Lift rare classes"}
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
        help="The part that has seen ImageNet. The first few are good choices; type to search all of them.",
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
    """Everything else, out of a newcomer's way."""
    settings: dict[str, Any] = {**TrainConfig("-").to_dict(), **PRESETS[preset_name].settings}

    def number(label: str, field: str, low: float, high: float, **options: Any) -> Any:
        key = f"{field}_{preset_name}"
        st.session_state.setdefault(key, settings[field])
        return st.number_input(label, low, high, key=key, **options)

    def choice(label: str, field: str, values: Any, words: Callable[[Any], str] = str, **options: Any) -> Any:
        listed = list(values)
        index = listed.index(settings[field])
        key = f"{field}_{preset_name}"
        return st.selectbox(label, listed, index, key=key, format_func=words, **options)

    with st.expander("More settings"):
        one, two, three, four = st.columns(4)
        with one:
            st.markdown("**Length and size**")
            chosen = {
                "epochs": int(number("Epochs", "epochs", 1, 1000)),
                "batch_size": choice("Batch size", "batch_size", BATCHES, _batch_words),
                "height": choice("Height", "height", SIZES),
                "width": choice("Width", "width", SIZES),
                "early_stopping": int(number(
                    "Stop after epochs without gain", "early_stopping", 0, 1000, help="0: never.")),
            }  # fmt: skip
        with two:
            st.markdown("**Optimizer**")
            st.session_state.setdefault(rate_key(preset_name), float(settings["learning_rate"]))
            rate = st.number_input(
                "Learning rate", 1e-6, 1.0, format="%.5f", step=1e-4, key=rate_key(preset_name)
            )
            chosen |= {
                "learning_rate": float(rate),
                "encoder_rate": float(number(
                    "Encoder's share of it", "encoder_rate", 0.0, 10.0, step=0.1,
                    help="0.1: the pretrained encoder learns ten times slower than the decoder.")),
                "optimizer": choice("Optimizer", "optimizer", OPTIMIZERS, OPTIMIZERS.__getitem__),
                "schedule": choice("Schedule", "schedule", SCHEDULES, SCHEDULES.__getitem__),
                "gradient_clip": float(number(
                    "Gradient clip", "gradient_clip", 0.0, 1000.0, help="Largest norm; 0: as it is.")),
            }  # fmt: skip
        with three:
            st.markdown("**Model and loss**")
            chosen |= {
                "architecture": choice("Architecture", "architecture", ARCHITECTURES),
                "loss": choice("Loss", "loss", LOSSES, LOSSES.__getitem__),
                "class_weights": choice("Class weights", "class_weights", WEIGHTS, WEIGHTS.__getitem__),
                "augmentation": choice(
                    "Augmentation", "augmentation", ("none", "tutorial", "light", "standard", "strong")),
                "augmentation_strength": float(number(
                    "Its strength", "augmentation_strength", 0.0, 3.0, step=0.1,
                    help="1: as described; see what it does on the Data page, under Augmentation.")),
                "freeze_encoder": st.checkbox(
                    "Freeze the encoder", key=f"frozen_{preset_name}",
                    help="Only the decoder learns: the quickest look, at some cost in quality."),
            }  # fmt: skip
        with four:
            st.markdown("**Run**")
            chosen |= {
                "ema_decay": float(number(
                    "Average of weights", "ema_decay", 0.0, 0.9999, step=0.005, format="%.4f",
                    help="Decay a step of the running average that is kept as the model; 0: none.")),
                "accumulate": int(number(
                    "Batches a step", "accumulate", 1, 64, help="Gradients of so many batches make a step.")),
                "seed": int(number("Seed", "seed", 0, 2**31 - 1)),
                "devices": _devices(),
                "name": st.text_input(
                    "Name of the model", placeholder="what you will call it", max_chars=80).strip(),
            }  # fmt: skip
    return chosen


def _batch_words(size: int) -> str:
    return str(size) if size else "Find the best"


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
