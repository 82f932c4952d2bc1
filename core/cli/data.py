"""`python -m core data check | import | split | compose | export | demo`."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from core.cli.arguments import DATA, data_set
from core.cli.progress import ProgressPrinter
from core.errors import UserError
from core.system.formatting import percent

_Result = TypeVar("_Result")
SHOWN = 20  # messages about single files


def data_arguments(p: argparse.ArgumentParser) -> None:
    commands = p.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="report what is in a data set and what is wrong with it")
    check.add_argument("folder", help=DATA)
    check.add_argument("--csv", type=Path, help="write all findings to this file")
    check.set_defaults(work=_check)
    bring = commands.add_parser("import", help="copy a folder, a zip or a public data set into the workspace")
    bring.add_argument("source", help="a folder, a zip, kaggle:OWNER/NAME or hf:OWNER/NAME")
    bring.add_argument("--name", required=True)
    bring.add_argument(
        "--photos", default="", help="folder of photos in the source, if its name does not show"
    )
    bring.add_argument("--masks", default="", help="folder of masks in the source")
    bring.add_argument("--classes", default="", help="classes to import, separated by commas")
    meaning = bring.add_mutually_exclusive_group()
    meaning.add_argument(
        "--foreground", action="store_true", help="merge the chosen classes into one foreground"
    )
    meaning.add_argument("--as-classes", action="store_true", help="keep the classes separate")
    bring.add_argument("--dry-run", action="store_true", help="report what was recognised and copy nothing")
    bring.set_defaults(work=_import)
    split = commands.add_parser("split", help="re-split the photos into training, validation and test sets")
    split.add_argument("folder", help=DATA)
    split.add_argument("--kind", default="random", choices=("random", "stratified", "grouped", "listed"))
    split.add_argument("--validation", type=float, default=0.2, help="share of all photos (%(default)s)")
    split.add_argument("--test", type=float, default=0.0, help="share that training never sees (%(default)s)")
    split.add_argument("--seed", type=int, default=42)
    split.add_argument("--pattern", help="regular expression whose first group names a photo's group")
    split.add_argument("--fold", default="", metavar="N/K", help="validate on fold N of K")
    split.add_argument("--validation-list", type=Path, help="file with one name per line")
    split.add_argument("--test-list", type=Path, help="file with one name per line")
    split.set_defaults(work=_split)
    compose = commands.add_parser("compose", help="compose pairs from cut-outs and backgrounds")
    compose.add_argument("cutouts", type=Path, help="folder of pictures with transparency")
    compose.add_argument("backgrounds", type=Path, help="folder of photos")
    compose.add_argument("--name", required=True)
    for option, kind, default in (("count", int, 100), ("height", int, 480), ("width", int, 640),
                                  ("subjects", int, 2), ("light", float, 0.5), ("blur", float, 0.3),
                                  ("seed", int, 0)):  # fmt: skip
        compose.add_argument(f"--{option}", type=kind, default=default, help="%(default)s")
    compose.set_defaults(work=_compose)
    out = commands.add_parser("export", help="write a data set to a zip")
    out.add_argument("folder", help=DATA)
    out.add_argument("target", type=Path)
    out.add_argument("--form", default="zip", choices=("zip", "coco"))
    out.set_defaults(work=_export)
    demo = commands.add_parser("demo", help="generate the built-in data set")
    demo.set_defaults(work=_demo)
    for command in (check, bring, split, compose, out, demo):
        command.add_argument("--json", action="store_true", help="one JSON object on the last line")


def _check(args: argparse.Namespace) -> dict[str, Any]:
    from core.data import checks, findings
    from core.data.dataset import open_data, write_down
    from core.system.workspace import write_atomically

    data = open_data(data_set(args.folder))
    write_down(data)
    total = len(data.pairs)
    steps = ((r if isinstance(r, checks.Report) else r / total) for r in checks.check(data))
    report = _last(steps, checks.Report, "Read")
    summary = report.summary()
    print(f"{data.name}: {summary['pairs']} usable pairs, {summary['train']} for training, "
          f"{summary['validation']} for validation, {summary['test']} for test.")  # fmt: skip
    print(f"Masks: {data.encoding.meaning}. Foreground covers {percent(summary['foreground'])} on average.")
    for name, share in report.class_balance(data.encoding.task.classes).items():
        print(f"  {name:20} {share:6.1%} of all pixels")
    for code, count in summary["findings"].items():
        kind = findings.BY_CODE[code]
        print(f"{count:6,}  {kind.title}: {kind.advice}")
    for _, row in report.problems.head(SHOWN).iterrows():
        print(f"Skipped: {row['problem']}")
    for _, row in report.notes.head(SHOWN).iterrows():
        print(f"{row['name']}: {row['note']}")
    more = max(0, len(report.problems) - SHOWN) + max(0, len(report.notes) - SHOWN)
    if more:
        print(f"… and {more:,} more; --csv FILE writes them all.")
    if args.csv:
        write_atomically(args.csv, findings.download(report.table))
    return {"name": data.name, "masks": data.encoding.meaning, **summary, "notes": len(report.notes)}


def _import(args: argparse.Namespace) -> dict[str, Any]:
    from core.data.importing.copying import Imported, bring_in
    from core.data.importing.downloads import downloaded_source
    from core.data.importing.recognition import recognise
    from core.data.importing.sources import open_source
    from core.data.importing.tables import with_tables

    downloaded = _downloaded(args.source)
    source = downloaded_source(downloaded) if downloaded else with_tables(open_source(Path(args.source)))
    try:
        plan = recognise(source, args.photos, args.masks)[0]
        names = tuple(n.strip() for n in args.classes.split(",") if n.strip())
        unknown = set(names) - set(plan.labels.classes)
        if unknown:
            raise UserError(
                f"There is no class '{min(unknown)}': it has {', '.join(plan.labels.classes) or 'none'}."
            )
        if names or args.foreground or args.as_classes:
            as_one = args.foreground or (len(names) == 1 and not args.as_classes)
            plan = plan.choosing(names or plan.labels.classes, as_one)
        print(f"{plan.layout}: {plan.summary}")
        if args.dry_run:
            return {"layout": plan.layout, "pairs": len(plan.items), "splits": plan.splits(),
                    "classes": list(plan.labels.classes), "left_out": len(plan.problems)}  # fmt: skip
        result = _last(bring_in(source, plan, args.name), Imported, "Copied")
    finally:
        source.close()
    data = result.data
    print(f"{data.name}: {len(data.pairs)} pairs in {data.root}")
    for problem in result.problems[:SHOWN]:
        print(f"Skipped: {problem.sentence}")
    for note in result.notes[:SHOWN]:
        print(note)
    return {"folder": str(data.root), "layout": plan.layout, "pairs": len(data.pairs),
            "left_out": len(result.problems), "notes": list(result.notes),
            "masks": data.encoding.meaning}  # fmt: skip


def _downloaded(source: str) -> Path | None:
    from core.data.importing.downloads import from_hub, from_kaggle
    from core.system.downloads import Progress

    if not source.startswith(("kaggle:", "hf:")):
        return None
    fetch, name = (from_kaggle if source.startswith("kaggle:") else from_hub), source.split(":", 1)[1]
    printer = ProgressPrinter(2)
    for step in fetch(name):
        if isinstance(step, Path):
            return step
        assert isinstance(step, Progress)
        printer.show(f"{step.received / 1e6:.0f} MB received")
    raise UserError(f"{name} could not be downloaded: try again.")


def _split(args: argparse.Namespace) -> dict[str, Any]:
    from core.data import checks, splitting
    from core.data.dataset import open_data

    data = open_data(data_set(args.folder))
    fold, folds = _fold(args.fold)
    foreground = None
    if args.kind == "stratified":
        report = next(r for r in checks.check(data) if isinstance(r, checks.Report))
        foreground = dict(zip(report.table["name"], report.table["foreground"], strict=True))
    plan = splitting.SplitPlan(
        args.kind, args.validation, args.test, args.seed, args.pattern or splitting.FRAMES,
        folds, fold, _names(args.validation_list), _names(args.test_list),
    )  # fmt: skip
    split = splitting.make_split(plan, [p.name for p in data.pairs], foreground)
    splitting.apply_split(data, split, plan)
    counts = {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)}
    print(", ".join(f"{count} {split}" for split, count in counts.items()))
    return counts


def _compose(args: argparse.Namespace) -> dict[str, Any]:
    from core.data import composing

    how = composing.Composition(
        count=args.count, height=args.height, width=args.width, subjects=args.subjects,
        light=args.light, blur=args.blur, seed=args.seed,
    )  # fmt: skip
    cutouts, odd = composing.read_each(
        ((p, p.name) for p in composing.pictures_in(args.cutouts)), composing.read_cutout
    )
    backgrounds, damaged = composing.read_each(
        ((p, p.name) for p in composing.pictures_in(args.backgrounds)), composing.read_background
    )
    for sentence in [*odd, *damaged]:
        print(f"Skipped: {sentence}", file=sys.stderr)
    folder = _last(composing.compose(args.name, how, cutouts, backgrounds), Path, "Made")
    print(f"{how.count} pairs in {folder}")
    return {"folder": str(folder), "pairs": how.count, "left_out": len(odd) + len(damaged)}


def _export(args: argparse.Namespace) -> dict[str, Any]:
    from core.data.dataset import open_data
    from core.data.exporting import export
    from core.data.pairing import Problem

    data = open_data(data_set(args.folder))
    problems: list[Problem] = []
    path = _last(export(data, args.target, args.form, problems.append), Path, "Packed")
    for problem in problems[:SHOWN]:
        print(f"Skipped: {problem.sentence}", file=sys.stderr)
    count = len(data.pairs) - len(problems)
    print(f"{count} pairs in {path}")
    return {"file": str(path), "pairs": count, "left_out": len(problems), "bytes": path.stat().st_size}


def _demo(args: argparse.Namespace) -> dict[str, Any]:
    from core.data import demo

    count = len(list(demo.generate())) if not demo.is_ready() else demo.PAIRS
    print(f"{count} pairs in {demo.demo_folder()}")
    return {"folder": str(demo.demo_folder()), "pairs": count}


def _last(steps: Iterator[float | _Result], kind: type[_Result], word: str) -> _Result:
    """The result after the last step, printing progress on the way."""
    printer = ProgressPrinter()
    for step in steps:
        if isinstance(step, kind):
            return step
        printer.show(f"{word} {step:.0%}")
    raise UserError("This did not finish: try again.")


def _fold(text: str) -> tuple[int, int]:
    if not text:
        return 1, 0
    fold, _, folds = text.partition("/")
    if not (fold.isdigit() and folds.isdigit()):
        raise UserError(f"--fold cannot be {text}: give it as 1/5.")
    return int(fold), int(folds)


def _names(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return ()
    try:
        return tuple(line.strip() for line in path.read_text("utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error
