"""`python -m core train` and `find-rate`."""

import argparse
import contextlib
import dataclasses
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.arguments import DATA, add_settings, data_set, is_first_process
from core.cli.cluster import cluster_arguments, pack_argument, place_of
from core.config import AUTO, PRESETS, TrainConfig
from core.errors import UserError
from core.runs.events import EpochEnd, Event, Finished, Note, RateFound, RatePoint, Started, Step
from core.system.score_names import DICE_MEAN, IOU_MEAN, score

if TYPE_CHECKING:
    from core.training.planning.plan import Plan

STOPPED = 130  # exit status after an interruption
ASKED_AGAIN_SECONDS = 0.5
PATIENCE_SECONDS = 30.0
MEASURED_MINUTES = 1.0  # of a training, below which it is not worth the time to measure the machine first


def train_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--out", type=Path, help="the run's folder (default: a new one in the workspace)")
    p.add_argument(
        "--resume", type=Path, metavar="RUN", help="continue a run that ended early, given its folder"
    )
    p.add_argument("--list-encoders", action="store_true", help="list the encoders of smp and exit")
    setting_arguments(p)
    cluster_arguments(p, several="processes that train together (1)")
    pack_argument(p)
    p.set_defaults(work=_train)


def rate_arguments(p: argparse.ArgumentParser) -> None:
    setting_arguments(p)
    p.set_defaults(work=_find_rate)


def setting_arguments(p: argparse.ArgumentParser, without: Collection[str] = ()) -> None:
    """Add every setting of TrainConfig but those that the command has a meaning of its own for."""
    p.add_argument("--data", help=DATA)
    p.add_argument("--preset", default=AUTO, choices=list(PRESETS), help="starting settings (%(default)s)")
    # Used by the worker, for a folder that exists. Not "--run", which torchrun would read as its own.
    p.add_argument("--run-folder", dest="run", type=Path, help=argparse.SUPPRESS)
    names = [f.name for f in dataclasses.fields(TrainConfig) if f.name not in without]
    add_settings(p, TrainConfig, names, "the preset's, else {!r}")
    p.set_defaults(without=without)
    p.add_argument("--json", action="store_true", help="one JSON object on the last line")


def _train(args: argparse.Namespace) -> dict[str, Any]:
    if args.list_encoders:
        from core.models.factory import encoder_names

        print("\n".join(encoder_names()))
        return {"encoders": encoder_names()}
    from core.runs import run_folder
    from core.runs.history import History
    from core.training import worker

    ready = args.run or args.resume
    config, plan = (run_folder.Run(ready.resolve()).config, None) if ready else config_and_plan(args)
    if not args.ray:
        _start_all_processes(config)
    if not is_first_process():
        worker.assist(config, ready.resolve() if ready else Path())
        return {}
    if ready:
        run = run_folder.Run(ready.resolve())
        if args.resume:
            run.make_ready_to_resume()
    else:
        run = run_folder.create(config, args.out, plan.to_dict() if plan else None)
        print(f"Run: {run.folder}", flush=True)
    if args.ray:
        from core.cluster import training

        state = training.work(run, place_of(args, args.workers or 1), _print_event)
    else:
        from core.system.device import part_from_the_others

        state = worker.work(run, _print_event, args.begun)
        part_from_the_others()
    best = History(run).refresh().best
    scores = {k: v for k, v in dataclasses.asdict(best).items() if k != "is_best"} if best else {}
    return {"run": str(run.folder), "model": str(run.best), "state": state, "best": scores}


def _find_rate(args: argparse.Namespace) -> dict[str, Any]:
    from core.runs.run_folder import Run
    from core.training import worker
    from core.training.lr_finder import sweep

    if args.run:
        worker.find_rate(Run(args.run.resolve()))
        return {}
    found, points = 0.0, []
    for event in sweep(config_of(args)):
        match event:
            case Note():
                print(event.text, flush=True)
            case RatePoint():
                points.append([event.rate, event.loss])
                print(f"  rate {event.rate:.1e}: loss {event.loss:.4f}", flush=True)
            case RateFound():
                found = event.rate
    print(f"The loss falls fastest at a learning rate of {found:g}." if found else "The loss did not fall.")
    return {"rate": found, "points": points}


def config_of(args: argparse.Namespace) -> TrainConfig:
    return config_and_plan(args)[0]


def config_and_plan(args: argparse.Namespace) -> "tuple[TrainConfig, Plan | None]":
    """The settings that were asked for; of preset Auto also the plan that they are from, which is printed."""
    from core.data.pairing import find_root

    if not args.data:
        raise UserError(f"--data is missing: give a {DATA}.")
    folder = data_set(args.data)
    find_root(folder)  # before creating the run's folder
    names = {f.name for f in dataclasses.fields(TrainConfig)} - {"data", "preset", *args.without}
    changes = {k: v for k, v in vars(args).items() if k in names and v is not None}
    from core.training import estimate
    from core.training.planning.plan import settings_for

    minutes = (
        changes.get("minutes") or getattr(args, "plan_minutes", 0.0) or PRESETS[AUTO].settings["minutes"]
    )
    is_worth_it = args.preset == AUTO and minutes >= MEASURED_MINUTES and "WORLD_SIZE" not in os.environ
    if is_worth_it and not estimate.is_known():
        print("Measuring the speed of this machine.", flush=True)
        estimate.measure()
    if args.preset == AUTO and getattr(args, "plan_minutes", 0.0):  # of one training of a search
        changes["minutes"] = args.plan_minutes
    config, plan = settings_for(args.preset, folder.resolve(), **changes)
    if plan and is_first_process():
        print("\n".join([*plan.sentences, *plan.warnings]), flush=True)
    return config, plan


def was_stopped(result: dict[str, Any]) -> bool:
    """Whether a training was stopped early. False in one of several processes, because torchrun treats
    every exit status except 0 as a failure."""
    return result.get("state") == "stopped" and "WORLD_SIZE" not in os.environ


def _start_all_processes(config: TrainConfig) -> None:
    """If the settings ask for several processes and torchrun has not started them, run it and exit."""
    if "WORLD_SIZE" in os.environ:
        # Until a handler is installed: an exit while libraries load would look like a failure.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return
    if config.devices == 1:
        return
    threads = max(1, (os.cpu_count() or 1) // config.devices)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    launcher = ["-m", "core.cli.processes", str(config.devices)]
    sys.exit(_supervised([sys.executable, *launcher, *sys.argv[1:]]))


def _supervised(command: list[str]) -> int:
    """Run torchrun and return its exit status. Signals are passed to the training processes, which agree on
    where to stop; torchrun itself would report a failure."""
    import psutil

    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: asked.append(number))
    child = subprocess.Popen(command, start_new_session=True)
    since = math.inf
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = child.wait(ASKED_AGAIN_SECONDS)
            return STOPPED if asked else status
        if not asked:
            continue
        since = min(since, time.monotonic())
        end = time.monotonic() - since > PATIENCE_SECONDS
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(child.pid).children():
                process.send_signal(signal.SIGKILL if end else signal.SIGINT)


def _print_event(event: Event) -> None:
    match event:
        case Note():
            print(f"Warning: {event.text}" if event.level == "warning" else event.text, flush=True)
        case Started():
            print(
                f"{event.train_images} training and {event.validation_images} validation images, "
                f"{event.parameters / 1e6:.1f} M parameters, {event.device}, {event.precision}.",
                flush=True,
            )
        case Step() if event.step % 10 == 0:
            print(
                f"  epoch {event.epoch} step {event.step}: loss {event.loss:.4f}, "
                f"{event.images_per_second:.1f} images/s, {event.seconds_left:.0f} s left",
                flush=True,
            )
        case EpochEnd():
            print(
                f"{'Untrained' if event.epoch == 0 else f'Epoch {event.epoch}'}: "
                f"{DICE_MEAN} {score(event.dice_mean)}, {IOU_MEAN} {score(event.iou_mean)}, "
                f"pixel accuracy {score(event.pixel_accuracy)}"
                f"{' (best)' if event.is_best else ''}",
                flush=True,
            )
        case Finished():
            best = f"{DICE_MEAN} {score(event.best_dice_mean)} (epoch {event.best_epoch})"
            print(f"{event.reason.capitalize()}: best {best}.")
