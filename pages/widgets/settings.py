"""The settings of a training: few at first sight, all within reach."""

import threading
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.config import AUTO, DEFAULT_ENCODER, GROUPS, PRESETS, RUN, TrainConfig, preset_config
from core.data.class_ids import Content, content
from core.data.dataset import open_data
from core.errors import UserError
from core.models.encoder_catalogue import cost, describe, offered_encoders
from core.policy.permissions import later
from core.policy.policy import current_policy
from core.settings import Setting, named, offered, setting_of, settings_of
from core.system.formatting import MANY_TIMES, about, dimensions, plural, times
from core.training import estimate
from pages.widgets.choices import choose_dataset, ensure_drawn
from pages.widgets.classes import class_legend
from pages.widgets.wording import plain

if TYPE_CHECKING:
    from core.training.planning.fingerprint import Fingerprint

FOREGROUND, CLASSES = "One foreground", "Each class"
NO_CHANGE = {"data", "preset", "name", "task", "class_names", "ignore_index", "devices"}  # of a preset


@dataclass(frozen=True, slots=True)
class SettingsPlan:
    """What the page shows of a plan; `usual` are the settings without any that somebody has changed."""

    usual: TrainConfig
    sentences: list[str]
    warnings: tuple[str, ...]


def choose_config() -> tuple[Path, TrainConfig | None]:
    """The data set and the settings, from the widgets; None, with a sentence, where they cannot be used."""
    data_column, encoder_column, preset_column, minutes_column = st.columns([3, 3, 2, 1], gap="medium")
    with data_column:
        folder = choose_dataset(key="train_data")
        ensure_drawn(folder)
    with preset_column:
        name = st.selectbox("Preset", list(PRESETS), key="preset")
    preset = PRESETS[name]
    with encoder_column:
        encoder = _encoder(str(preset.settings.get("encoder", DEFAULT_ENCODER)), name)
    summary = st.container(gap=None)
    found = _content(str(folder), _stamp(folder))
    task = _task(folder.name, found) if found else {}
    st.session_state.plan = None
    try:
        if name == AUTO:
            with minutes_column:
                minutes = _minutes()
            config, plan = _planned(folder, encoder, task, minutes)
            usual = plan.usual
        else:
            plan, usual = None, preset_config(name, folder.resolve())
            changes = {**task, **_more(name, {**TrainConfig("-").to_dict(), **preset.settings})}
            config = preset_config(name, folder.resolve(), encoder=encoder, **changes)
    except UserError as error:
        st.error(plain(str(error)))
        return folder, None
    with summary:
        st.caption(f"**{name}**{_changed(config, usual)}: {preset.summary}")
        if found:
            _costs(config, found)
        if plan:
            _sentences(plan)
    return folder, config


def plan_of(config: TrainConfig) -> dict[str, Any] | None:
    """The plan that these settings, which `choose_config` has just returned, are from."""
    plan: dict[str, Any] | None = st.session_state.get("plan") if config.preset == AUTO else None
    return plan


def _minutes() -> float:
    """How long a planned training may take."""
    about = setting_of(TrainConfig, "minutes")
    most = float(current_policy().training_minutes or about.high or 0)
    usual = min(most, float(PRESETS[AUTO].settings["minutes"]))
    return float(
        st.number_input("Minutes", 0.1, most, usual, step=1.0, format="%g", key="minutes", help=about.help)
    )


def _planned(
    folder: Path, encoder: str, task: dict[str, Any], minutes: float
) -> tuple[TrainConfig, "SettingsPlan"]:
    """The settings of a plan, with what is changed in the form left as it is."""
    from core.training.planning.plan import make_plan, speed_here

    data = _fingerprint(str(folder), _stamp(folder), **task)
    root = folder.resolve()
    usual = make_plan(data, speed_here(task), root, minutes, task).config
    chosen = {"encoder": encoder, **_more(AUTO, usual.to_dict())}
    given = task | {key: value for key, value in chosen.items() if value != getattr(usual, key)}
    plan = make_plan(data, speed_here(given), root, minutes, given)
    st.session_state.plan = plan.to_dict()
    own = replace(plan.config, **{key: getattr(usual, key) for key in given.keys() - task.keys()})
    return plan.config, SettingsPlan(own, plan.sentences, plan.warnings)


@st.cache_data(show_spinner="Looking at the photos and masks …", max_entries=32)
def _fingerprint(folder: str, stamp: float, **task: Any) -> "Fingerprint":
    from core.training.planning.plan import fingerprint_for

    return fingerprint_for(open_data(Path(folder)), **task)


def _sentences(plan: "SettingsPlan") -> None:
    """The plan, a line for each choice."""
    with st.expander("The plan, and why", expanded=True):
        titles = [sentence.split(": ", 1) for sentence in plan.sentences]
        st.caption("\n".join(f"- **{title}**: {plain(reason)}" for title, reason in titles))
        for warning in plan.warnings:
            st.caption(f":material/info: {plain(warning)}")


def _changed(config: TrainConfig, usual: TrainConfig) -> str:
    """Which settings are no longer the preset's or the plan's."""
    as_preset, now = usual.to_dict(), config.to_dict()
    labels = {name: about.label for name, _, _, about in settings_of(TrainConfig)}
    changed = [labels.get(key, key) for key in now if now[key] != as_preset[key] and key not in NO_CHANGE]
    return f", changed ({', '.join(changed)})" if changed else ""


def _costs(config: TrainConfig, found: Content) -> None:
    """How much is learnt from, and how long that takes; renewed until this machine's speed is measured."""
    waits = not estimate.is_known()
    if waits:
        _measuring()
    st.fragment(_show_costs, run_every=2 if waits else None)(config, found, waits)


def _show_costs(config: TrainConfig, found: Content, waited: bool) -> None:
    if waited and estimate.is_known():
        st.rerun()
    images = found.training, found.validation, found.photo
    seconds = estimate.seconds(config, *images)
    time = f"{about(seconds)} on this machine" if seconds else "time not known for this encoder"
    measuring = waited and _measuring().is_alive()
    if waited and not config.minutes:
        time = "measuring the speed of this machine …" if measuring else "time not known yet"
    elif measuring:
        time += ", whose speed is being measured: the plan may change"
    what, at = ("patch", "of") if config.sampling == "patches" else ("photo", "at")
    drawn = plural(estimate.epoch_of(config, *images).trained, what, "patches" if what == "patch" else "")
    seen = f"{plural(config.epochs, 'epoch')} of {drawn}"
    if config.minutes:
        seen = f"{drawn} {times(config.epochs)}" if config.epochs > MANY_TIMES else f"About {seen}"
    st.caption(" · ".join(part for part in (
        f"{seen} {at} {dimensions(config.height, config.width)}",
        cost(config.encoder), f"**{time}**",
    ) if part))  # fmt: skip


@st.cache_resource(show_spinner=False, ttl=90)
def _measuring() -> threading.Thread:
    """Measures this machine for all pages, and again after a while where it was busy."""
    thread = threading.Thread(target=later(estimate.measure), daemon=True, name="speed")
    thread.start()
    return thread


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
        help="The pretrained part. The first few are good choices; type to search all of them.",
    )  # fmt: skip
    return encoder


def _task(data: str, found: Content) -> dict[str, Any]:
    """Where the masks hold several values: each class, or one foreground. What the masks are comes first."""
    if not found.several:
        return {}
    kinds = [CLASSES, FOREGROUND] if found.are_classes else [FOREGROUND, CLASSES]
    kind, right = st.columns([2, 5], vertical_alignment="bottom")
    with kind:
        wanted = st.segmented_control(
            "What to find", kinds, default=kinds[0], required=True, key=f"task_{data}"
        )
    named = found.task.kind == "multiclass"
    with right:
        if wanted == FOREGROUND:
            st.caption(f"Foreground: {'every class but the background' if named else 'every value above 0'}.")
            return {"task": "binary"}
        if named:
            class_legend(found.task)
            return {"task": "auto"}
        return _class_names()


def _class_names() -> dict[str, Any]:
    names, void = st.columns([4, 1], vertical_alignment="bottom")
    with names:
        given = st.text_input(
            "Class names, in order of their mask values", placeholder="sky, building, road …",
            help="Separated by commas. Without names, classes are called by their values.",
        )  # fmt: skip
    with void:
        ignored = st.number_input("Void value", -1, 65535, -1, help="Mask value to ignore. -1: none.")
    return {"task": "multiclass", "class_names": given.strip(), "ignore_index": int(ignored)}


def _stamp(folder: Path) -> float:
    """Changes when the data set does."""
    watched = (folder / "dataset.json", folder / "images", folder / "masks")
    return max((path.stat().st_mtime for path in watched if path.exists()), default=0.0)


@st.cache_data(show_spinner="Reading the masks …", max_entries=32)
def _content(folder: str, stamp: float) -> Content | None:
    try:
        return content(open_data(Path(folder)))
    except UserError:
        return None


def _more(preset_name: str, defaults: dict[str, Any]) -> dict[str, Any]:
    """Every other setting that has a group, collapsed."""
    chosen: dict[str, Any] = {}
    with st.expander("More settings"):
        for column, group in zip(st.columns(len(GROUPS)), GROUPS, strict=True):
            with column:
                st.markdown(f"**{group}**")
                for name, kind, _, about in settings_of(TrainConfig):
                    if about.group == group and not (preset_name == AUTO and name == "minutes"):
                        chosen[name] = _widget(name, kind, about, defaults[name], preset_name)
                if group == RUN:
                    chosen["devices"] = _devices()
    return chosen


def _widget(name: str, kind: type, about: Setting, default: Any, preset: str) -> Any:
    """The widget that fits the setting's type and choices."""
    key = rate_key(preset) if name == "learning_rate" else f"{name}_{preset}"
    options: dict[str, Any] = {"key": key, "help": about.help or None}
    if preset == AUTO:
        _follow_the_plan(key, default)
    now = st.session_state.get(key, default)
    if about.choices or about.suggested or about.multiple_of > 1:
        listed = offered(about, now)
        words, place = partial(named, about), 0 if key in st.session_state else listed.index(default)
        return st.selectbox(about.label, listed, place, format_func=words, **options)
    if kind is bool:
        return st.checkbox(about.label, default and key not in st.session_state, **options)
    if kind is str:
        return st.text_input(about.label, default, max_chars=80, **options).strip()
    st.session_state.setdefault(key, kind(default))
    low, high, step = (None if n is None else kind(n) for n in (about.low, about.high, about.step))
    form = None if kind is int else "%g"
    return kind(st.number_input(about.label, low, high, step=step, format=form, **options))


def _follow_the_plan(key: str, planned: Any) -> None:
    """Let a widget show what the plan says, unless somebody has chosen another value in it."""
    before = st.session_state.get(f"planned_{key}")
    if key not in st.session_state or st.session_state[key] == before:
        st.session_state[key] = planned
    st.session_state[f"planned_{key}"] = planned


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
