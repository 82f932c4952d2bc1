"""How an ONNX file of another program is used: asked where it does not say so itself, with a live preview."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.models.onnx_families import Guess
from core.models.onnx_spec import NORMALISATIONS, OnnxSpec
from core.settings import setting_of
from core.system.formatting import plural
from core.task import Task
from pages.widgets.wording import plain

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from core.models.onnx_files import Preview


def import_onnx_file(file: "UploadedFile", name: str) -> Path | None:
    """The form for an uploaded file; the folder of its model once it is imported. Raises UserError."""
    from core.models.onnx_files import import_onnx

    guess = guess_of(file)
    if guess.is_known:
        st.caption(f"{plain(guess.spec.family) or 'An export of this app'}: its preprocessing is known.")
        with st.expander("Preprocessing"):
            spec, task = asked(guess, file)
    else:
        st.caption("The file does not say how it is used. Change this until the preview is right.")
        spec, task = asked(guess, file)
    subject = guess.subject
    if task.kind == "binary":
        subject = st.text_input("Finds", subject, max_chars=60, placeholder="people", help="In the plural.")
    found = preview_of(file, spec, task)
    if found.problem:
        st.error(plain(f"{file.name}: {found.problem}"))
    with st.container(horizontal=True, gap="small"):
        for picture in found.pictures:
            st.image(picture, width=200)
    if not st.button("Import", type="primary", disabled=bool(found.problem)):
        return None
    with st.spinner("Checking and copying the model …"):
        return import_onnx(file, name, spec, task, subject)


def guess_of(file: "UploadedFile") -> Guess:
    """What the file says of itself, looked at once for each upload."""
    from core.models.onnx_files import guess_of_upload

    kept = st.session_state.setdefault("onnx_guesses", {})
    if file.file_id not in kept:
        kept.clear()
        with st.spinner("Looking at the file …"):
            kept[file.file_id] = guess_of_upload(file, file.name)
    found: Guess = kept[file.file_id]
    return found


def preview_of(file: "UploadedFile", spec: OnnxSpec, task: Task) -> "Preview":
    """The samples with what the network finds, for each way to use the file once."""
    from core.models.onnx_files import preview

    kept = st.session_state.setdefault("onnx_previews", {})
    key = (file.file_id, spec, task)
    if key not in kept:
        while len(kept) > 8:
            kept.pop(next(iter(kept)))
        with st.spinner("Running the network on sample photos …"):
            kept[key] = preview(file, file.name, spec, task)
    found: Preview = kept[key]
    return found


def asked(guess: Guess, file: "UploadedFile") -> tuple[OnnxSpec, Task]:
    """The widgets, with what was guessed as their defaults."""
    spec, key = guess.spec, file.file_id
    left, right = st.columns(2)
    with left:
        if spec.are_free:
            side = size_of_input(spec, key)
            spec = replace(spec, height=side, width=side)
        else:
            st.caption(f"Input: {spec.width}x{spec.height} pixels")
        spec = replace(spec, fit=choice("fit", spec, key), scaling=choice("scaling", spec, key))
    with right:
        named = {label: pair for label, pair in NORMALISATIONS.items() if pair != (spec.mean, spec.std)}
        own = f"As {spec.family}" if spec.family else "Mean and deviation of ImageNet"
        wanted = {own: (spec.mean, spec.std), **named}
        mean, std = wanted[str(st.selectbox("Normalisation", list(wanted), key=f"onnx_norm_{key}"))]
        spec = replace(spec, mean=mean, std=std, order=choice("order", spec, key))
        spec = replace(spec, meaning=choice("meaning", spec, key))
    return outputs(spec, guess, key)


def outputs(spec: OnnxSpec, guess: Guess, key: str) -> tuple[OnnxSpec, Task]:
    """Which output, and what its channels are, where there are several."""
    if len(guess.outputs) > 1:
        number = st.selectbox(
            "Output", range(len(guess.outputs)), spec.output, key=f"onnx_output_{key}",
            format_func=lambda i: f"{i + 1}: {guess.outputs[i]}",
        )  # fmt: skip
        spec = replace(spec, output=number)
    channels = guess.channels_of(spec.output)
    if channels < 2:
        return spec, guess.task
    classes = plural(channels, "class", "classes")
    ways = [f"The foreground is channel {i + 1}" for i in range(channels)] + [f"{classes}, one a pixel"]
    first = channels if guess.task.kind == "multiclass" else min(max(1, spec.channel), channels - 1)
    chosen = st.selectbox(
        "Channels", range(len(ways)), first, key=f"onnx_channel_{key}", format_func=ways.__getitem__
    )
    if chosen < channels:
        return replace(spec, channel=chosen), Task()
    known = guess.task if guess.task.outputs == channels else guess.classes_of(spec.output)
    return spec, known


def size_of_input(spec: OnnxSpec, key: str) -> int:
    about = setting_of(OnnxSpec, "height")
    low, high = int(about.low or 0), int(about.high or 0)
    label = "Longer side" if spec.fit == "pad" else "Height and width"
    return int(
        st.number_input(f"{label}, pixels", low, high, spec.long_side, step=32, key=f"onnx_side_{key}")
    )


def choice(name: str, spec: OnnxSpec, key: str) -> str:
    about = setting_of(OnnxSpec, name)
    values: list[Any] = list(about.choices)
    return str(
        st.selectbox(
            about.label, values, values.index(getattr(spec, name)), key=f"onnx_{name}_{key}",
            format_func=about.choices.__getitem__, help=about.help or None,
        )
    )  # fmt: skip
