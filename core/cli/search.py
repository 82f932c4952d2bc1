"""`python -m core search`."""

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.cluster import cluster_arguments, pack_argument, place_of
from core.cli.train import config_of, setting_arguments
from core.errors import UserError
from core.runs.events import Event, Note

if TYPE_CHECKING:
    from core.cluster.training import Place
    from core.search.search_folder import Plan, Search


def search_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--minutes", type=float, help="for all of it (default: 60; of a sweep: no limit)")
    p.add_argument("--trials", type=int, default=0, help="at most (default: as many as there is time for)")
    p.add_argument(
        "--grid", metavar="VALUES", help='a sweep of these values: "encoder=resnet18,resnet34 loss=bce,dice"'
    )
    p.add_argument("--resume", type=Path, metavar="SEARCH", help="continue a search, given its folder")
    setting_arguments(p, without=("minutes",))
    cluster_arguments(p)
    pack_argument(p)
    p.set_defaults(work=_search)


def _search(args: argparse.Namespace) -> dict[str, Any]:
    from core.search import jobs, search_folder
    from core.search.pace import pace

    folder = args.run or args.resume
    if folder:
        search = search_folder.open_search(folder)
        if args.resume and not search.can_resume:
            raise UserError(f"{search.run.name} cannot be resumed: it is running or done.")
        if args.resume:
            search.run.make_ready_to_start()
    else:
        plan = _plan(args)
        args.plan_minutes = 0.0 if plan.grid else pace(plan.minutes).trial / 60  # of the first trial
        search = jobs.prepare(config_of(args), plan)
    print(f"Search: {search.folder}", flush=True)
    state = _on_cluster(search, place_of(args)) if args.ray else jobs.work(search, _print)
    if state == "stopped":
        where = f" --ray {args.ray}" if args.ray else ""
        print(f"Stopped. Continue with: python -m core search --resume {search.folder}{where}")
    return {"search": str(search.folder), "state": state} | _result(search)


def _on_cluster(search: "Search", place: "Place") -> str:
    from core.cluster.connection import connected
    from core.cluster.search import backend
    from core.search import jobs

    with connected(place.address):
        return jobs.work(search, _print, backend(place))


def _plan(args: argparse.Namespace) -> "Plan":
    from core.config import TrainConfig
    from core.search.search_folder import Plan
    from core.search.space import read_grid

    grid = read_grid(args.grid) if args.grid else {}
    minutes = args.minutes if args.minutes is not None else (0.0 if grid else 60.0)
    names = {f.name for f in dataclasses.fields(TrainConfig)} - {*args.without}
    fixed = [name for name, value in vars(args).items() if name in names and value is not None]
    return Plan(minutes, args.trials, grid, fixed)


def _result(search: "Search") -> dict[str, Any]:
    from core.search.board import to_dict

    board = search.board
    best = board.best
    return {
        "best": {"dice": best.dice, "values": best.values, "run": best.run} if best else {},
        "importance": board.importance,
        "verdict": to_dict(board)["verdict"],
        "trials": len(board.rows),
        "seconds": board.seconds,
    }


def _print(event: Event) -> None:
    if isinstance(event, Note):
        print(event.text, flush=True)
