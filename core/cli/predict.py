"""`python -m core predict`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from core.errors import UserError

SAVES = ("mask", "cutout", "overlay")


def predict_arguments(p: argparse.ArgumentParser) -> None:
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
    task = predictor.card.task
    if task.kind != "binary" and "cutout" in wanted:
        wanted = [part for part in wanted if part != "cutout"] or ["mask"]
        print("Left out: a cut-out needs a model with one foreground.", file=sys.stderr)
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
        if task.kind == "binary":
            probability = predictor(photo, args.long_side)
            made = {part: pictures.result(part, photo, probability, threshold) for part in wanted}
        else:
            labels = predictor.labels(photo, args.long_side, threshold)
            made = {part: pictures.label_result(part, photo, labels, task) for part in wanted}
        for part, picture in made.items():
            target = _free_name(args.out, f"{path.stem}_{part}", written)
            target.write_bytes(pictures.encode(picture))
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
