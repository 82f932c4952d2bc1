"""`python -m core data check | import | demo`."""

import argparse
from pathlib import Path
from typing import Any


def data_arguments(p: argparse.ArgumentParser) -> None:
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
