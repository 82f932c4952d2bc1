"""Train: choose data, encoder and preset, start, and watch it learn."""

from typing import Any

import streamlit as st

from core import figures, jobs, runs
from core.config import ARCHITECTURES, DEFAULT_ENCODER, PRESETS, SIZE_STEP, TrainConfig, preset_config
from core.encoder_guide import all_encoders, describe
from core.errors import UserError
from core.runs import LIVE, History, Run, Status
from core.words import duration, percent, plain
from pages.widgets.choices import choose_dataset
from pages.widgets.entry import open_page

SIZES = list(range(SIZE_STEP, 1025, SIZE_STEP))
LOSSES = {"bce+dice": "BCE + Dice", "bce": "BCE", "dice": "Dice"}
BADGES = {
    "starting": ("Starting", "blue"),
    "queued": ("Waiting in line", "orange"),
    "running": ("Training", "blue"),
    "finished": ("Finished", "green"),
    "stopped": ("Stopped", "gray"),
    "failed": ("Failed", "red"),
    "died": ("Died", "red"),
}

_PLAIN: dict[str, Any] = {"border": True, "delta_color": "off", "delta_arrow": "off"}


def train_page() -> None:
    st.title("Train a model")
    with st.container(border=True):
        config = choose_config()
        if config and st.button("Start training", type="primary", icon=":material/play_arrow:"):
            start(config)
    run = selected_run()
    if run is None:
        st.caption("Nothing has been trained yet. Press **Start training** and watch it learn.")
        return
    watch(run)


def choose_config() -> TrainConfig | None:
    """The settings, from the widgets; None, with a sentence, where they make no sense together."""
    data_column, encoder_column, preset_column = st.columns(3, gap="medium")
    with data_column:
        folder = choose_dataset(key="train_data")
    with preset_column:
        name = st.selectbox("Preset", list(PRESETS), key="preset")
    preset = PRESETS[name]
    with encoder_column:
        encoder = choose_encoder(str(preset.settings.get("encoder", DEFAULT_ENCODER)), name)
    st.caption(f"**{name}**: {preset.summary}")
    changes = more_settings(name)
    if folder is None:
        return None
    try:
        return preset_config(name, folder.resolve(), encoder=encoder, **changes)
    except UserError as error:
        st.error(plain(str(error)))
        return None


def choose_encoder(default: str, preset: str) -> str:
    encoders = all_encoders()
    encoder: str = st.selectbox(
        "Encoder", encoders, encoders.index(default), key=f"encoder_{preset}", format_func=describe,
        help="The part that has seen ImageNet. The first few are good choices; type to search all of them.",
    )  # fmt: skip
    return encoder


def more_settings(preset_name: str) -> dict[str, Any]:
    """Everything else, out of a newcomer's way."""
    settings: dict[str, Any] = {**TrainConfig("-").to_dict(), **PRESETS[preset_name].settings}

    def key(field: str) -> str:
        return f"{field}_{preset_name}"

    with st.expander("More settings"):
        one, two, three, four = st.columns(4)
        with one:
            epochs = st.number_input("Epochs", 1, 1000, settings["epochs"], key=key("epochs"))
            batch = st.number_input("Batch size", 1, 512, settings["batch_size"], key=key("batch"))
        with two:
            height = st.selectbox("Height", SIZES, SIZES.index(settings["height"]), key=key("height"))
            width = st.selectbox("Width", SIZES, SIZES.index(settings["width"]), key=key("width"))
        with three:
            rate = st.number_input(
                "Learning rate",
                1e-6,
                1.0,
                settings["learning_rate"],
                format="%.5f",
                step=1e-4,
                key=key("rate"),
            )
            loss = st.selectbox(
                "Loss",
                list(LOSSES),
                list(LOSSES).index(settings["loss"]),
                format_func=lambda loss: LOSSES[loss],
                key=key("loss"),
            )
        with four:
            architecture = st.selectbox("Architecture", ARCHITECTURES, key=key("architecture"))
            seed = st.number_input("Seed", 0, 2**31 - 1, settings["seed"], key=key("seed"))
        run_name = st.text_input("Name of the model", placeholder="what you will call it", max_chars=80)
    return {
        "epochs": int(epochs), "batch_size": int(batch), "height": height, "width": width,
        "learning_rate": float(rate), "loss": loss, "architecture": architecture, "seed": int(seed),
        "name": run_name.strip(),
    }  # fmt: skip


def start(config: TrainConfig) -> None:
    try:
        run = jobs.start(config)
    except (UserError, OSError) as error:
        st.error(plain(str(error)))
        return
    st.session_state.watched_run = run.id
    st.query_params["run"] = run.id


def selected_run() -> Run | None:
    """The run to watch: named in the address, just started, training now, or the newest."""
    everything = runs.list_runs()
    if not everything:
        return None
    ids = [run.id for run in everything]
    active = [run.id for run in jobs.active()]
    wanted = st.query_params.get("run") or st.session_state.get("watched_run") or (active or ids)[0]
    if wanted not in ids:
        wanted = (active or ids)[0]
    if len(ids) > 1:
        st.session_state.run_box = wanted
        wanted = st.selectbox("Run", ids, key="run_box", on_change=_remember_run, format_func=_run_label)
    return runs.find(wanted)


def _remember_run() -> None:
    st.session_state.watched_run = st.session_state.run_box
    st.query_params["run"] = st.session_state.run_box


def _run_label(run_id: str) -> str:
    run = runs.find(run_id)
    if run is None:
        return run_id
    try:
        config = run.config
        return (
            f"{config.name or run_id} · {config.preset} · {describe(config.encoder)} · {run.status().state}"
        )
    except UserError:
        return run_id


def watch(run: Run) -> None:
    """The run's state, charts and previews; renewed every second while it lives."""
    live = run.status().state in LIVE
    st.fragment(_watch, run_every=0.9 if live else None)(run.id, live)


def _watch(run_id: str, was_live: bool) -> None:
    run = runs.find(run_id)
    if run is None:
        st.warning("This run's folder is gone.")
        return
    kept: dict[str, History] = st.session_state.setdefault("histories", {})
    if run_id not in kept:
        kept.clear()
        kept[run_id] = History(run)
    history, status = kept[run_id].refresh(), run.status()
    if was_live and status.state not in LIVE:
        jobs.reap()
        st.rerun()
    # A container each: what appears in one never moves, or for a moment doubles, the next.
    with st.container():
        headline(run, status, history)
    with st.container():
        numbers(history)
        what_next(run, status)
    with st.container():
        charts(history)
    with st.container():
        previews(run, history, status)
    log(run, history)


def headline(run: Run, status: Status, history: History) -> None:
    label, colour = BADGES[status.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(label, color=colour)  # type: ignore[arg-type]
        st.progress(history.fraction_done, progress_text(status, history))
        if status.state in LIVE and st.button("Stop", icon=":material/stop:", key="stop"):
            with st.spinner("Stopping …"):
                jobs.stop(run)
            st.rerun()
    if status.state in ("failed", "died"):
        st.error(plain(status.message))
    elif status.state == "queued":
        st.info(plain(status.message))
    for note in [n for n in history.notes if n.level == "warning"][:5]:
        st.warning(plain(note.text))


def what_next(run: Run, status: Status) -> None:
    """Once there is a model: look at its mistakes, or use it."""
    if status.state not in LIVE and (run.best / "config.json").exists():
        with st.container(horizontal=True):
            if st.button("Compare with the ground truth", icon=":material/compare:", type="primary"):
                st.session_state.chosen_model = str(run.best)
                st.switch_page("pages/compare.py")
            if st.button("Use it on a photo", icon=":material/content_cut:"):
                st.session_state.chosen_model = str(run.best)
                st.switch_page("pages/segment.py")


def progress_text(status: Status, history: History) -> str:
    if status.state == "queued":
        return "waiting"
    if status.state not in LIVE:
        seconds = history.finished.seconds if history.finished else None
        return f"trained for {duration(seconds)}" if seconds is not None else "ended"
    if not history.steps:
        return history.notes[-1].text if history.notes else "Starting …"
    step = history.steps[-1]
    total = history.started.epochs if history.started else 0
    speed, left = f"{step.images_per_second:.1f} images/s", f"{duration(step.seconds_left)} left"
    return f"epoch {step.epoch} of {total} · {speed} · {left}"


def numbers(history: History) -> None:
    """The latest validation scores, with what the untrained model had."""
    if not history.epochs:
        return
    first, last, best = history.epochs[0], history.epochs[-1], history.best
    with st.container(horizontal=True):
        if best is None:
            st.metric("Dice, untrained", f"{first.dice:.4f}", border=True)
            st.metric("IoU, untrained", f"{first.iou:.4f}", border=True)
            st.metric("Pixel accuracy, untrained", percent(first.pixel_accuracy), border=True)
            return
        st.metric("Dice", f"{last.dice:.4f}", f"untrained {first.dice:.4f}", **_PLAIN)
        st.metric("IoU", f"{last.iou:.4f}", f"untrained {first.iou:.4f}", **_PLAIN)
        accuracy = percent(first.pixel_accuracy)
        st.metric("Pixel accuracy", percent(last.pixel_accuracy), f"untrained {accuracy}", **_PLAIN)
        st.metric("Best Dice", f"{best.dice:.4f}", f"epoch {best.epoch}", **_PLAIN)


def charts(history: History) -> None:
    per_epoch = history.started.steps_per_epoch if history.started else 1
    total = history.started.epochs if history.started else 1
    columns = st.columns(3)
    drawn = (
        ("loss_chart", figures.loss_curve),
        ("overlap_chart", figures.overlap_curve),
        ("accuracy_chart", figures.accuracy_curve),
    )
    for column, (key, draw) in zip(columns, drawn, strict=True):
        with column:
            figure = draw(history.steps, history.epochs, per_epoch, total)
            st.plotly_chart(figure, key=key, config={"displayModeBar": False})


def previews(run: Run, history: History, status: Status) -> None:
    """The same validation images after each epoch, under the truth."""
    if not history.previews:
        return
    epochs = sorted(history.previews)
    latest = epochs[-1]
    shown = latest
    if status.state not in LIVE and len(epochs) > 1:
        shown = st.select_slider("Predictions after epoch", epochs, latest, key="preview_epoch")
    st.markdown(f"**Predictions {'before training' if shown == 0 else f'after epoch {shown}'}**, truth below")
    files = history.previews[shown].files
    columns = st.columns(max(1, len(files)))
    names = history.started.preview_names if history.started else []
    for i, (column, file) in enumerate(zip(columns, files, strict=True)):
        with column:
            for path in (run.folder / file, run.folder / "previews" / f"truth_{i}.jpg"):
                if path.is_file():
                    st.image(str(path), width="stretch")
            if i < len(names):
                st.caption(plain(names[i]))


def log(run: Run, history: History) -> None:
    with st.expander("Log and settings"):
        started = history.started
        if started:
            st.caption(
                f"{started.train_images} training and {started.validation_images} validation images · "
                f"{started.parameters / 1e6:.1f} M parameters · {started.device} · {started.precision} · "
                f"weights: {started.weights} · folder {plain(str(run.folder))}"
            )
        st.code(run.log or "Nothing yet.", language=None, height=220)
        st.json(run.config.to_dict(), expanded=False)


open_page(train_page)
