"""What the commands that can use a cluster have in common: `--ray` and its kin."""

import argparse
from typing import TYPE_CHECKING

from core.errors import UserError

if TYPE_CHECKING:
    from core.cluster.training import Place


def cluster_arguments(p: argparse.ArgumentParser, several: str = "") -> None:
    """`several` is the help of --workers, where the command has it."""
    group = p.add_argument_group("on a Ray cluster")
    group.add_argument("--ray", metavar="ADDRESS", help="auto, or HOST:PORT of the cluster's head")
    if several:
        group.add_argument("--workers", type=int, default=0, help=several)
    group.add_argument("--worker-cpus", type=float, default=1.0, help="CPUs of each worker (%(default)g)")
    group.add_argument("--worker-gpus", type=float, default=0.0, help="GPUs of each worker (%(default)g)")


def pack_argument(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--pack-data", action="store_true",
        help="with --ray: send the data set to every node once, instead of reading it there under its path",
    )  # fmt: skip


def place_of(args: argparse.Namespace, workers: int = 1) -> "Place":
    """Where --ray says that the work is done. Raises UserError for demands that make no sense."""
    from core.cluster.connection import Demand
    from core.cluster.training import Place

    if workers < 1:
        raise UserError("--workers must be 1 or more.")
    if args.worker_cpus <= 0 or args.worker_gpus < 0:
        raise UserError("--worker-cpus must be above 0, and --worker-gpus 0 or more.")
    demand = Demand(args.worker_cpus, args.worker_gpus)
    return Place(args.ray, workers, demand, getattr(args, "pack_data", False))
