"""A search whose trials train on a cluster, several at once.

Each trial keeps the process of its own that every run has, `train --ray`, which follows it from here. What is
scored is sent to a node too.
"""

import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from core.cluster.connection import prepare_worker, slots
from core.cluster.packing import Pack, pack
from core.cluster.training import Place, data_here
from core.errors import UserError
from core.policy.permissions import OWNER, acting_as
from core.runs import jobs
from core.runs.run_folder import Run
from core.search.scoring import dice_of
from core.search.trainings import Backend

SCORED_AGAIN = 5  # times, where the node is lost


def backend(place: Place) -> Backend:
    """Trainings on this cluster, which this process is connected to (`connected`), as many at once as its
    nodes have room for."""
    options = options_of(place)
    return Backend(
        start=partial(jobs.start, options=options),
        resume=partial(jobs.resume, options=options),
        score=partial(_score, place),
        slots=lambda: max(1, slots(place.demand)),
    )


def options_of(place: Place) -> list[str]:
    """The place as options of the command line."""
    return [
        "--ray", place.address, "--worker-cpus", f"{place.demand.cpus:g}", "--worker-gpus",
        f"{place.demand.gpus:g}", *(["--pack-data"] if place.packs_data else []),
    ]  # fmt: skip


def _score(place: Place, run: Run, names: Sequence[str]) -> float:
    """As core.search.scoring.validation_dice, on a node: beside the trainings, as on one machine."""
    import ray

    data = pack(Path(run.config.data).resolve()) if place.packs_data else None
    task = ray.remote(score_here).options(num_cpus=0, max_retries=SCORED_AGAIN, scheduling_strategy="SPREAD")
    found: float | str = ray.get(task.remote(pack(run.best), run.config.data, data, list(names)))
    if isinstance(found, str):
        raise UserError(found)
    return found


def score_here(model: Pack, data: str, packed: Pack | None, names: list[str]) -> Any:
    """The score, or why there is none, on a node."""
    prepare_worker()
    with acting_as(OWNER):
        try:
            return dice_of(model.unpacked(), data_here(data, packed), names)
        except UserError as error:
            return f"{error} (on {socket.gethostname()})"
