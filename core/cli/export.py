"""`python -m core export`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from core.cli.arguments import DATA, data_set
from core.export.formats import DEFAULT, FORMATS


def export_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--model", type=Path, required=True, help="folder with config.json and model.safetensors")
    p.add_argument("--out", type=Path, required=True, help="folder for the files")
    p.add_argument(
        "--formats", default=",".join(DEFAULT), help=f"any of {','.join(FORMATS)} (default: %(default)s)"
    )
    p.add_argument("--data", help=f"to calibrate and score int8 on: {DATA}")
    p.add_argument("--json", action="store_true", help="one JSON object on the last line")
    p.set_defaults(work=_export)


def _export(args: argparse.Namespace) -> dict[str, Any]:
    from core.data.dataset import open_data
    from core.export.bundle import cost_of_int8, export

    formats = [part.strip() for part in args.formats.split(",") if part.strip()]
    data = open_data(data_set(args.data)) if args.data else None
    made = export(args.model, args.out, formats, data, _tell_in_json if args.json else _tell)
    for file in made.files:
        difference = made.differences.get(file)
        print(made.folder / file, f"(within {difference:.1e} of the model)" if difference is not None else "")
    if not made.any_size:
        print("The network takes pictures of one size only, given in the file's metadata.")
    if made.int8 is not None:
        print(f"int8: {cost_of_int8(made.int8)}")
    return {**made.to_dict(), "folder": str(made.folder)}


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _tell_in_json(sentence: str) -> None:
    print(json.dumps({"step": sentence}), flush=True)
