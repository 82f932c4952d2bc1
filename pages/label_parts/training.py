"""Train on what is accepted, and let the model propose the rest."""

from pathlib import Path

import streamlit as st

from core.errors import UserError
from core.labelling.session import LabelSession, PhotoState, Status, open_session
from core.models import registry
from core.policy.permissions import allowed
from core.runs import jobs, run_folder
from core.runs.history import History
from core.runs.run_folder import Run
from core.runs.status import LIVE
from core.system.formatting import plural
from core.system.score_names import DICE_MEAN, score
from pages.widgets.loading import predictor_of
from pages.widgets.run_labels import STATES
from pages.widgets.wording import plain

MINUTES = 4.0  # of the training: a first model while labelling continues
WORTH = 0.6  # Dice from which on its predictions replace the proposals by themselves
LEAST = 4  # accepted photos, of which one is held out


def train_on_these(session: LabelSession, photos: list[PhotoState]) -> None:
    """A button that starts a run on the accepted photos, and the run once there is one."""
    if not allowed("train"):
        return
    accepted = sum(photo.status is Status.ACCEPTED for photo in photos)
    run = latest_run(session.folder)
    is_live = run is not None and run.status().state in LIVE
    if st.button(
        "Train on these", icon=":material/model_training:", width="stretch",
        disabled=accepted < LEAST or is_live,
        help=f"On {plural(accepted, 'accepted photo')}, a fifth of them held out, for {MINUTES:g} minutes, "
        "with settings that fit them.",
    ):  # fmt: skip
        start(session)
    if 0 < accepted < LEAST:
        st.caption(f"Training takes {LEAST} accepted photos or more.")
    if run is not None:
        st.fragment(_watch, run_every=1.5 if is_live else None)(session.folder, run.id, is_live)


def latest_run(folder: Path) -> Run | None:
    """The newest run on this data set."""
    for run in run_folder.list_runs():
        try:
            if Path(run.config.data).resolve() == folder.resolve():
                return run
        except (UserError, OSError):
            continue
    return None


def start(session: LabelSession) -> None:
    from core.training.planning.plan import plan_training

    try:
        with st.spinner("Looking at the masks …"):
            plan = plan_training(session.folder.resolve(), MINUTES)
        run = jobs.start(plan.config, plan.to_dict())
    except (UserError, OSError) as error:
        st.error(plain(str(error)))
        return
    st.session_state.label_run = run.id
    st.rerun()


def _watch(folder: Path, run_id: str, was_live: bool) -> None:
    run = run_folder.find(run_id)
    if run is None:
        return
    status = run.status()
    if was_live and status.state not in LIVE:
        jobs.reap()
        propose_if_ours(folder, run)
        st.rerun()
    history = History(run).refresh()
    label, colour = STATES[status.state]
    if status.state in LIVE:
        st.progress(history.fraction_done, label)
    else:
        st.badge(label, color=colour)  # type: ignore[arg-type]
    card = None if status.state in LIVE else registry.card_of_run(run)
    if history.best:
        found = card.scores.get("dice_mean") if card else None
        st.metric(
            DICE_MEAN, score(history.best.dice_mean if found is None else found),
            help=f"On the accepted photos held out. From {WORTH:g} on its predictions become the proposals.",
        )  # fmt: skip
    has_model = status.state not in LIVE and (run.best / "config.json").exists()
    if has_model and st.button(
        "Propose with this model", icon=":material/auto_fix_high:", width="stretch",
        help="Its predictions become the proposals of the photos that nobody has drawn on.",
    ):  # fmt: skip
        propose_with(folder, run)
        st.rerun()
    if status.state in ("failed", "died"):
        st.error(plain(status.message))


def propose_if_ours(folder: Path, run: Run) -> None:
    """The predictions of a training that was started here become the proposals, if they are worth it."""
    if st.session_state.get("label_run") != run.id:
        return
    st.session_state.pop("label_run")
    best = History(run).refresh().best
    if best is not None and best.dice_mean is not None and best.dice_mean >= WORTH:
        propose_with(folder, run)


def propose_with(folder: Path, run: Run) -> None:
    from core.labelling import proposing
    from core.labelling.models import labels_by

    entry = next((entry for entry in registry.list_models() if entry.folder == run.best), None)
    if entry is None:
        return
    session = open_session(folder)
    try:
        proposing.use_model(session, labels_by(predictor_of(entry), session.scheme), entry.card.name)
    except UserError as error:
        st.error(plain(str(error)))
