"""The command line: the same code as the pages, for scripts and for machines without a browser.

    python -m core train    --data DIR          teach a model
    python -m core evaluate --model M --data D  score it, at each photo's own size
    python -m core predict  --model M PHOTO...  cut out what it finds
    python -m core data     check | import | demo

`--json` puts one JSON object on the last line of standard output; everything else may change.
"""

import argparse
import dataclasses
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.config import CHOICES, PRESETS, TrainConfig, preset_config
from core.errors import UserError
from core.events import EpochEnd, Event, Finished, Note, Started, Step

SAVES = ("mask", "cutout", "overlay")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 said why not, 2 wrong arguments, 130 interrupted."""
    args = parser().parse_args(arguments)
    try:
        result: dict[str, Any] = args.work(args)
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    if getattr(args, "json", False) and result:
        print(json.dumps(result, ensure_ascii=False))
    return 0


def parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser("python -m core", description=__doc__, formatter_class=form)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _train_arguments(commands.add_parser(
        "train", formatter_class=form, help="teach a model to find the foreground",
        description="Train on a folder with images/ and masks/ (same file names). Every fifth photo, "
        "chosen by a seeded shuffle and written down in dataset.json, is kept for validation.\n\n"
        "  python -m core train --data my_photos\n"
        "  python -m core train --data my_photos --preset Balanced --encoder resnet34 --epochs 30\n\n"
        "  torchrun --nproc-per-node 2 -m core train --data my_photos\n\n"
        "The run's folder holds best/ and last/ models, previews and events. Ctrl+C stops and keeps them; "
        "--resume RUN goes on.",
    ))  # fmt: skip
    _evaluate_arguments(commands.add_parser(
        "evaluate", formatter_class=form, help="score a model on photos with masks",
        description="Score a model at each photo's own size: on the validation part of the data set, or "
        "on the images that --names lists.\n\n"
        "  python -m core evaluate --model checkpoints/person-lite0 --data my_photos --json",
    ))  # fmt: skip
    _predict_arguments(commands.add_parser(
        "predict", formatter_class=form, help="cut the foreground out of photos",
        description="Write masks, cut-outs or overlays of photos at their own size.\n\n"
        "  python -m core predict --model checkpoints/person-lite0 me.jpg --out cut --save cutout",
    ))  # fmt: skip
    _data_arguments(commands.add_parser("data", help="check, import or generate a data set"))
    return top


def _train_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--data", help="folder with images/ and masks/")
    p.add_argument(
        "--preset", default="Balanced", choices=list(PRESETS), help="starting settings (%(default)s)"
    )
    p.add_argument("--run", type=Path, help=argparse.SUPPRESS)  # a folder that is ready: the worker's way in
    p.add_argument("--out", type=Path, help="the run's folder (default: a new one in the workspace)")
    p.add_argument(
        "--resume", type=Path, metavar="RUN", help="folder of a run that ended early, to go on with"
    )
    p.add_argument("--list-encoders", action="store_true", help="print the encoders smp names, and end")
    for field in dataclasses.fields(TrainConfig):
        if field.name in ("data", "preset", "channels_last"):
            continue
        kind: Any = field.type
        option = f"--{field.name.replace('_', '-')}"
        if kind is bool:
            p.add_argument(option, action=argparse.BooleanOptionalAction, help="default: the preset's")
            continue
        p.add_argument(
            option,
            type=kind,
            choices=CHOICES.get(field.name),
            metavar=None if field.name in CHOICES else field.name.upper(),
            help=f"default: the preset's, else {field.default!r}",
        )
    p.add_argument("--json", action="store_true", help="one JSON object on the last line")
    p.set_defaults(work=_train)


def _train(args: argparse.Namespace) -> dict[str, Any]:
    if args.list_encoders:
        from core.models import encoder_names

        print("\n".join(encoder_names()))
        return {"encoders": encoder_names()}
    from core import runs, worker
    from core.hardware import is_first_process

    ready = args.run or args.resume
    config = runs.Run(ready.resolve()).config if ready else _config_of(args)
    _start_all_processes(config)
    if not is_first_process():
        worker.assist(config, ready.resolve() if ready else Path())
        return {}
    if ready:
        run = runs.Run(ready.resolve())
        if args.resume:
            run.make_ready_to_resume()
    else:
        run = runs.create(config, args.out)
        print(f"Run: {run.folder}", flush=True)
    state = worker.work(run, _print_event)
    best = runs.History(run).refresh().best
    scores = {k: v for k, v in dataclasses.asdict(best).items() if k != "is_best"} if best else {}
    return {"run": str(run.folder), "model": str(run.best), "state": state, "best": scores}


def _config_of(args: argparse.Namespace) -> TrainConfig:
    from core.data.pairing import find_root

    if not args.data:
        raise UserError("Which data? Give --data FOLDER, with images/ and masks/ in it.")
    find_root(Path(args.data))  # before a run's folder is made for nothing
    names = {f.name for f in dataclasses.fields(TrainConfig)} - {"data", "preset"}
    changes = {k: v for k, v in vars(args).items() if k in names and v is not None}
    return preset_config(args.preset, Path(args.data).resolve(), **changes)


def _start_all_processes(config: TrainConfig) -> None:
    """Where the settings ask for several and torchrun has not started them, become torchrun."""
    if config.devices == 1 or "WORLD_SIZE" in os.environ:
        return
    threads = max(1, (os.cpu_count() or 1) // config.devices)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={config.devices}"]
    os.execv(sys.executable, [sys.executable, *launcher, "-m", "core", *sys.argv[1:]])


def _print_event(event: Event) -> None:
    match event:
        case Note():
            print(event.text, flush=True)
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
                f"Dice {event.dice:.4f}, IoU {event.iou:.4f}, pixel accuracy {event.pixel_accuracy:.4f}"
                f"{' (best)' if event.is_best else ''}",
                flush=True,
            )
        case Finished():
            print(f"{event.reason.capitalize()}: best Dice {event.best_dice:.4f} (epoch {event.best_epoch}).")


def _evaluate_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--model", type=Path, required=True, help="folder with config.json and model.safetensors")
    p.add_argument("--data", type=Path, required=True, help="folder with images/ and masks/")
    p.add_argument("--names", type=Path, help="file with image file names, one a line")
    p.add_argument("--threshold", type=float, help="0..1 (default: the model's own)")
    p.add_argument("--long-side", type=int, help="pixels of the longer side the network sees")
    p.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (%(default)s)")
    p.add_argument("--json", action="store_true", help="one JSON object on the last line")
    p.set_defaults(work=_evaluate)


def _evaluate(args: argparse.Namespace) -> dict[str, Any]:
    from core import metrics
    from core.data.dataset import open_data
    from core.data.pairing import Problem
    from core.evaluation import score_images
    from core.inference import Predictor

    data = open_data(args.data)
    pairs = data.part("validation")
    if args.names:
        pairs = _named(data.part("all"), args.names)
    predictor = Predictor(args.model, args.device)
    threshold = predictor.card.threshold if args.threshold is None else args.threshold
    if not 0 <= threshold <= 1:
        raise UserError(f"--threshold cannot be {threshold}: use 0 to 1.")
    counts, shown = [], time.monotonic()
    for number, result in enumerate(score_images(predictor, pairs, data.rule, threshold, args.long_side), 1):
        if isinstance(result, Problem):
            print(f"Left out: {result.sentence}", file=sys.stderr)
            continue
        counts.append(result.counts)
        if time.monotonic() - shown > 5:
            shown = time.monotonic()
            print(f"{number} of {len(pairs)} images", file=sys.stderr)
    if not counts:
        raise UserError("No image could be scored.")
    scores = dataclasses.asdict(metrics.summarise(metrics.join(counts)))
    for key in ("dice", "iou", "miou", "pixel_accuracy", "dice_mean"):
        print(f"{key:15} {scores[key]:.4f}")
    print(f"{'images':15} {scores['images']}")
    return {**scores, "threshold": threshold}


def _named(pairs: list[Any], names_file: Path) -> list[Any]:
    try:
        wanted = [line.strip() for line in names_file.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{names_file} cannot be read: {error}.") from error
    by_name = {pair.name: pair for pair in pairs}
    missing = [name for name in wanted if name not in by_name]
    if missing:
        raise UserError(f"{names_file.name} names {missing[0]}, which is not a photo with a mask here.")
    return [by_name[name] for name in wanted]


def _predict_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("photos", type=Path, nargs="+", metavar="PHOTO")
    p.add_argument("--model", type=Path, required=True, help="folder with config.json and model.safetensors")
    p.add_argument("--out", type=Path, required=True, help="folder for the results")
    p.add_argument("--save", default="mask,cutout", help=f"any of {','.join(SAVES)} (%(default)s)")
    p.add_argument("--threshold", type=float, help="0..1 (default: the model's own)")
    p.add_argument("--long-side", type=int, help="pixels of the longer side the network sees")
    p.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (%(default)s)")
    p.add_argument("--json", action="store_true", help="one JSON object on the last line")
    p.set_defaults(work=_predict)


def _predict(args: argparse.Namespace) -> dict[str, Any]:
    from core import pictures
    from core.data.photos import read_photo
    from core.inference import Predictor

    wanted = [part.strip() for part in args.save.split(",") if part.strip()]
    unknown = [part for part in wanted if part not in SAVES]
    if unknown or not wanted:
        raise UserError(f"--save cannot be '{args.save}': name any of {', '.join(SAVES)}.")
    predictor = Predictor(args.model, args.device)
    threshold = predictor.card.threshold if args.threshold is None else args.threshold
    args.out.mkdir(parents=True, exist_ok=True)
    written: list[str] = []
    failed: dict[str, str] = {}
    for path in args.photos:
        try:
            photo = read_photo(path)
        except UserError as error:
            failed[str(path)] = str(error)
            print(f"Left out: {error}", file=sys.stderr)
            continue
        probability = predictor(photo, args.long_side)
        for part in wanted:
            target = _free_name(args.out, f"{path.stem}_{part}", written)
            target.write_bytes(pictures.encode(pictures.result(part, photo, probability, threshold)))
            written.append(str(target))
            print(target, flush=True)
    if failed and not written:
        raise UserError("None of the photos could be read.")
    return {"written": written, "failed": failed}


def _free_name(folder: Path, stem: str, written: list[str]) -> Path:
    """Two photos of one name in one call get two files."""
    path, number = folder / f"{stem}.png", 2
    while str(path) in written:
        path, number = folder / f"{stem}-{number}.png", number + 1
    return path


def _data_arguments(p: argparse.ArgumentParser) -> None:
    commands = p.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="say what is in a data set and what is wrong with it")
    check.add_argument("folder", type=Path)
    check.add_argument("--json", action="store_true", help="one JSON object on the last line")
    check.set_defaults(work=_check)
    bring = commands.add_parser("import", help="copy a folder or a zip into the workspace")
    bring.add_argument("source", type=Path)
    bring.add_argument("--name", required=True)
    bring.add_argument("--json", action="store_true", help="one JSON object on the last line")
    bring.set_defaults(work=_import)
    demo = commands.add_parser("demo", help="generate the data set that comes with the project")
    demo.add_argument("--json", action="store_true", help="one JSON object on the last line")
    demo.set_defaults(work=_demo)


def _check(args: argparse.Namespace) -> dict[str, Any]:
    from core.data import validation
    from core.data.dataset import open_data

    data = open_data(args.folder)
    report = next(r for r in validation.check(data) if isinstance(r, validation.Report))
    summary = report.summary()
    print(f"{data.name}: {summary['pairs']} usable pairs, {summary['train']} for training and "
          f"{summary['validation']} for validation.")  # fmt: skip
    print(f"Masks: {data.rule.meaning}. Foreground covers {summary['foreground']:.1%} on average.")
    for _, row in report.problems.iterrows():
        print(f"Left out: {row['problem']}")
    for _, row in report.notes.iterrows():
        print(f"{row['name']}: {row['note']}")
    return {"name": data.name, "masks": data.rule.meaning, **summary, "notes": len(report.notes)}


def _import(args: argparse.Namespace) -> dict[str, Any]:
    from core.data.importing import Imported, import_data

    result = next(r for r in import_data(args.source, args.name) if isinstance(r, Imported))
    data = result.data
    print(f"{data.name}: {len(data.pairs)} pairs in {data.root}")
    for problem in data.problems:
        print(f"Left out: {problem.sentence}")
    return {"folder": str(data.root), "pairs": len(data.pairs), "left_out": len(data.problems)}


def _demo(args: argparse.Namespace) -> dict[str, Any]:
    from core.data import demo

    count = len(list(demo.generate())) if not demo.is_ready() else demo.PAIRS
    print(f"{count} pairs in {demo.demo_folder()}")
    return {"folder": str(demo.demo_folder()), "pairs": count}
