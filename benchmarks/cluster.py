"""What a second node of a Ray cluster is worth: predictions and trials a minute with one worker and with two.

    python benchmarks/cluster.py                # about eight minutes on two idle cores
    python benchmarks/cluster.py --workers 2    # with Ray Train too: one training by two processes

Starts a cluster on this machine: a head without cores and nodes of one core each, so that a machine with two
cores has room for both workers and little for what starts them. The rate of prediction is counted from when
all workers have loaded the model; that of trials includes all of their start, as a search has it. The photos
are drawn, and the model is untrained: neither changes the time.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from held_out import PROJECT
from PIL import Image

MODEL = PROJECT / "checkpoints" / "person-lite0"


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--photos", type=int, default=200, help="to predict (%(default)s)")
    parser.add_argument("--trials", type=int, default=4, help="of a sweep (%(default)s)")
    parser.add_argument("--epochs", type=int, default=8, help="of a trial (%(default)s)")
    parser.add_argument("--workers", type=int, default=0, help="of one training by Ray Train (none)")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    args = parser.parse_args()
    # One thread a worker, and workers with the priority of what starts them: Ray gives them the lowest.
    os.environ.update(OMP_NUM_THREADS="1", RAY_worker_niceness="0", RAY_USAGE_STATS_ENABLED="0")
    from core.policy.permissions import OWNER, acting_as

    with tempfile.TemporaryDirectory() as folder, acting_as(OWNER):
        os.environ["SEGMENTATION_STUDIO_WORKSPACE"] = f"{folder}/workspace"
        print(json.dumps(measured(Path(folder), args)) if args.json else report(Path(folder), args))


def report(work: Path, args: argparse.Namespace) -> str:
    found = measured(work, args)
    return "\n".join(f"{name:>28}: {value:8.2f}" for name, value in found.items())


def measured(work: Path, args: argparse.Namespace) -> dict[str, float]:
    from ray.cluster_utils import Cluster

    photos, data = draw(work / "photos", args.photos, 640, 480), draw(work / "data", 60, 256, 192)
    head = {"num_cpus": 0, "include_dashboard": False}
    cluster, found = Cluster(initialize_head=True, head_node_args=head), {}
    rates: dict[str, Callable[[], float]] = {
        "photos/s": lambda: predictions(photos / "images", args.photos, cluster.address),
        "trials/min": lambda: trials(data, args, cluster.address),
    }
    try:
        for workers in (1, 2):
            cluster.add_node(num_cpus=1)
            for what, rate in rates.items():
                found[f"{what} of {workers}"] = rate()
        for what in rates:
            found[f"{what}, times"] = found[f"{what} of 2"] / found[f"{what} of 1"]
        if args.workers:
            found[f"seconds of one by {args.workers}"] = training(data, args, cluster.address)
    finally:
        cluster.shutdown()
    return found


def draw(folder: Path, count: int, width: int, height: int) -> Path:
    """Discs on noise, with their masks."""
    rng, (yy, xx) = np.random.default_rng(0), np.mgrid[0:height, 0:width]
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for i in range(count):
        y, x, r = rng.integers(0, height), rng.integers(0, width), height // 4
        mask = ((yy - y) ** 2 + (xx - x) ** 2 < r * r).astype(np.uint8)
        photo = np.clip(mask[..., None] * 90 + rng.normal(90, 20, (height, width, 3)), 0, 255)
        Image.fromarray(photo.astype(np.uint8)).save(folder / "images" / f"{i:05d}.jpg")
        Image.fromarray(mask * np.uint8(255)).save(folder / "masks" / f"{i:05d}.png")
    return folder


def predictions(folder: Path, count: int, address: str) -> float:
    """Photos a second, by every worker that there is room for."""
    from core.cluster.connection import Demand, connected
    from core.cluster.prediction import Photo, Work, WorkerPool
    from core.cutout_settings import CutOutSettings

    photos = [Photo(i, path, path.name) for i, path in enumerate(sorted(folder.iterdir()))]
    with connected(address):
        pool = WorkerPool(Work(MODEL, ("mask",), CutOutSettings(), "cpu"), Demand())
        pool.warm_up(photos)
        began = time.monotonic()
        assert sum(1 for result in pool.results(photos) if result.files) == count
        return count / (time.monotonic() - began)


def trials(data: Path, args: argparse.Namespace, address: str) -> float:
    """Trials a minute of a sweep over as many seeds."""
    from core.cluster.connection import connected
    from core.cluster.search import backend
    from core.cluster.training import Place
    from core.search import jobs
    from core.search.search_folder import Plan

    config = settings(data, args)
    search = jobs.prepare(config, Plan(0, grid={"seed": list(range(args.trials))}))
    began = time.monotonic()
    with connected(address):
        assert jobs.work(search, backend=backend(Place(address))) == "finished"
    assert all(row.dice is not None for row in search.board.rows)
    return 60 * args.trials / (time.monotonic() - began)


def training(data: Path, args: argparse.Namespace, address: str) -> float:
    """Seconds of one training by several workers."""
    from core.cluster import training as on_cluster
    from core.cluster.training import Place
    from core.runs import run_folder

    run, began = run_folder.create(settings(data, args)), time.monotonic()
    assert on_cluster.work(run, Place(address, args.workers), lambda event: None) == "finished"
    return time.monotonic() - began


def settings(data: Path, args: argparse.Namespace) -> Any:
    from core.config import preset_config

    config = preset_config("Balanced", data, encoder_weights="none", batch_size=8, device="cpu")
    return replace(config, epochs=args.epochs, height=128, width=96)


if __name__ == "__main__":
    main()
