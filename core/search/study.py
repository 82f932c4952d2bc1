"""The Optuna study of a search: which settings are tried next, and which trials continue.

Trials are compared at a sixth, a half and the end of the same length in seconds: successive halving (Li et
al. 2020, https://arxiv.org/abs/1810.05934) lets the best third of those that got as far continue. New
settings are chosen by a tree-structured Parzen estimator (Bergstra et al. 2011).
"""

import contextlib
import dataclasses
import json
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.search.board import Row, TrialState
from core.search.search_folder import STUDY_FILE, Search
from core.search.space import Dimension, Space, combinations

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

CHECKS = (1, 3, 6)  # in sixths of a trial's length
KEPT = 3  # one in KEPT continues at a check
AT_RANDOM = 6  # trials before the estimator has something to go by
ENOUGH = 8  # trials with a score, to say what mattered
NAME = "search"
RUN, SECONDS, MESSAGE, SHARE, DICE = "run", "seconds", "message", "share", "dice"


def open_study(search: Search, start: dict[str, Any], space: Space, slots: int = 1) -> "Study":
    """The study of a search, created where there is none: then `start`, or every combination of a sweep,
    is what is tried first. `space` is kept with it, as choices cannot change in between. `slots`: how many
    trials run at once."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    plan = search.plan
    from optuna.storages.journal import JournalFileBackend

    journal = search.folder / STUDY_FILE
    _repair(journal)
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(journal)))
    study = optuna.create_study(
        storage=storage, study_name=NAME, direction="maximize",
        load_if_exists=True, pruner=_pruner(bool(plan.grid)),
    )  # fmt: skip
    if "space" not in study.user_attrs:
        for values in combinations(plan.grid) if plan.grid else [start]:
            study.enqueue_trial(values, skip_if_exists=True)
        study.set_user_attr("space", json.dumps([dataclasses.asdict(d) for d in space]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # multivariate is called experimental
        study.sampler = optuna.samplers.TPESampler(
            seed=plan.seed + len(study.trials), n_startup_trials=AT_RANDOM, multivariate=True,
            constant_liar=slots > 1,  # not twice what another trial is trying at the moment
        )  # fmt: skip
    return study


def _repair(journal: Path) -> None:
    """Remove what a killed process left: part of a line, after which Optuna could read nothing more, and the
    lock, for which it would wait half a minute."""
    journal.with_name(journal.name + ".lock").unlink(missing_ok=True)
    if journal.is_file() and not (written := journal.read_bytes()).endswith(b"\n"):
        os.truncate(journal, written.rfind(b"\n") + 1)


def space_of(study: "Study") -> Space:
    """The space that is kept with a study."""
    return tuple(
        Dimension(**{**d, "choices": tuple(d["choices"])}) for d in json.loads(study.user_attrs["space"])
    )


def _pruner(is_sweep: bool) -> Any:
    import optuna

    if is_sweep:
        return optuna.pruners.NopPruner()
    return optuna.pruners.SuccessiveHalvingPruner(min_resource=CHECKS[0], reduction_factor=KEPT)


def unfinished(study: "Study") -> Iterator["Trial"]:
    """Trials that were running when the search ended."""
    import optuna

    for frozen in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        yield optuna.trial.Trial(study, frozen._trial_id)


def waiting(study: "Study") -> int:
    """Trials that were put in line and have not begun."""
    import optuna

    return len(study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.WAITING,)))


def rows(study: "Study") -> tuple[Row, ...]:
    """Every trial in order."""
    return tuple(_row(trial) for trial in study.get_trials(deepcopy=False))


def _row(trial: "FrozenTrial") -> Row:
    import optuna

    states = {
        optuna.trial.TrialState.WAITING: TrialState.WAITING,
        optuna.trial.TrialState.RUNNING: TrialState.RUNNING,
        optuna.trial.TrialState.COMPLETE: TrialState.COMPLETE,
        optuna.trial.TrialState.PRUNED: TrialState.CUT,
        optuna.trial.TrialState.FAIL: TrialState.FAILED,
    }
    kept = trial.user_attrs
    values = trial.params or dict(trial.system_attrs.get("fixed_params", {}))
    return Row(
        trial.number, states[trial.state], values, kept.get(DICE), kept.get(SHARE, 0.0),
        kept.get(SECONDS, 0.0), kept.get(RUN, ""), kept.get(MESSAGE, ""),
    )  # fmt: skip


def importance(study: "Study") -> dict[str, float]:
    """How much of the differences between trials each setting explains, in shares, largest first.

    Compared is Dice at the first check, which every trial reached; of a sweep, at the end. Empty with fewer
    than ENOUGH trials, unless a sweep has made all of its own. PED-ANOVA: Watanabe et al. 2023,
    https://arxiv.org/abs/2304.10255.
    """
    import optuna

    trials = study.get_trials(deepcopy=False)
    scored = [(trial, value) for trial in trials if (value := _first_score(trial)) is not None]
    searched = {name for trial, _ in scored for name in trial.params}
    if len(scored) < ENOUGH or len(searched) < 2:
        return {}
    with _quiet():
        alike = optuna.create_study(direction="maximize")
        alike.add_trials([
            optuna.create_trial(params=t.params, distributions=t.distributions, value=value)
            for t, value in scored
        ])  # fmt: skip
        found = optuna.importance.get_param_importances(
            alike, evaluator=optuna.importance.PedAnovaImportanceEvaluator(target_quantile=1 / KEPT)
        )
    return {name: float(share) for name, share in sorted(found.items(), key=lambda item: -item[1])}


def _first_score(trial: "FrozenTrial") -> float | None:
    steps = sorted(trial.intermediate_values)
    return trial.intermediate_values[steps[0]] if steps else trial.value


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def best_of(found: Sequence[Row]) -> Row | None:
    """The best of the trials that went on to their end."""
    complete = [row for row in found if row.state is TrialState.COMPLETE and row.dice is not None]
    return max(complete, key=lambda row: row.dice or 0.0, default=None)
