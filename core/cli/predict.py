"""`python -m core predict`."""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.arguments import share
from core.errors import UserError
from core.system.file_names import shown, unique_stems
from core.system.formatting import plural
from core.system.spreadsheets import csv_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.imaging.matting import Background, Finish
    from core.inference.predictor import Predictor

SAVES = ("mask", "cutout", "overlay", "parts")


def predict_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="photos, or folders of them")
    p.add_argument("--model", type=Path, required=True, help="folder with config.json and model.safetensors")
    p.add_argument("--out", type=Path, required=True, help="folder for the results")
    p.add_argument("--save", default="mask,cutout", help=f"any of {','.join(SAVES)} (%(default)s)")
    p.add_argument("--threshold", type=share, help="0..1 (default: the model's own)")
    p.add_argument("--long-side", type=int, help="pixels of the longer side the network sees")
    p.add_argument(
        "--plain", action="store_true", help="enlarge the mask without following the photo's edges"
    )
    p.add_argument("--mirror", action="store_true", help="look at each photo mirrored too")
    p.add_argument("--scales", action="store_true", help="look at each photo larger and smaller too")
    p.add_argument(
        "--pieces", type=int, default=1, choices=range(1, 5), metavar="1..4",
        help="look at so many pieces a side too, for small subjects in large photos",
    )  # fmt: skip
    p.add_argument("--background", default="", help="behind a cut-out: #RRGGBB, blur, grey or a picture file")
    p.add_argument("--only-largest", action="store_true", help="keep only the largest part")
    p.add_argument("--fill-holes", action="store_true")
    p.add_argument("--feather", type=float, default=0.0, help="thousandths of the longer side (%(default)s)")
    p.add_argument("--resume", action="store_true", help="pass over photos whose results are there")
    p.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (%(default)s)")
    p.add_argument("--json", action="store_true", help="one JSON object on the last line")
    p.set_defaults(work=_predict)


def _predict(args: argparse.Namespace) -> dict[str, Any]:
    from core.imaging.matting import Finish
    from core.inference.predictor import Predictor
    from core.system.workspace import make_folder

    predictor = Predictor(args.model, args.device)
    wanted = _wanted(args.save, predictor.card.task.kind)
    finish = Finish(args.only_largest, fill_holes=args.fill_holes, feather=args.feather)
    background = named_background(args.background)
    make_folder(args.out)
    written: list[str] = []
    failed: dict[str, str] = {}
    passed, last = 0, time.monotonic()
    photos = list(_photos(args.photos))
    stems = unique_stems([path.name for path in photos])
    for number, (path, stem) in enumerate(zip(photos, stems, strict=True), 1):
        targets = {part: args.out / f"{stem}_{part}.{'csv' if part == 'parts' else 'png'}" for part in wanted}
        if args.resume and all(target.is_file() for target in targets.values()):
            passed += 1
            continue
        try:
            made = _results(predictor, path, args, list(targets), finish, background)
            _save(made, targets, written)
        except UserError as error:
            failed[shown(str(path))] = str(error)
            print(f"Left out: {error}", file=sys.stderr)
            continue
        if len(photos) > 1 and time.monotonic() - last > 5:
            last = time.monotonic()
            print(f"{number} of {len(photos)} photos", file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {plural(len(photos), 'photo')} left out.", file=sys.stderr)
    return {"written": written, "failed": failed, "passed_over": passed}


def _wanted(save: str, kind: str) -> list[str]:
    wanted = [part.strip() for part in save.split(",") if part.strip()]
    if not wanted or set(wanted) - set(SAVES):
        raise UserError(f"--save cannot be '{save}': name any of {', '.join(SAVES)}.")
    one = [part for part in wanted if kind == "binary" or part in ("mask", "overlay")]
    if one != wanted:
        print("Left out: cut-outs and parts need a model with one foreground.", file=sys.stderr)
    return one or ["mask"]


def _photos(given: list[Path]) -> Iterator[Path]:
    """Files as they are named, and the photos of folders, in order."""
    from core.data.photos import PHOTO_SUFFIXES

    for path in given:
        if path.is_dir():
            yield from sorted(
                p for p in path.rglob("*") if p.suffix.lower() in PHOTO_SUFFIXES and p.is_file()
            )
        else:
            yield path


def named_background(words: str) -> "Background":
    """What --background names."""
    from core.data.photos import read_photo
    from core.imaging.matting import Background

    if not words:
        return Background()
    if words in ("blur", "grey"):
        return Background("Blur" if words == "blur" else "Black and white")
    if words.startswith("#"):
        try:
            if len(words) != 7:
                raise ValueError
            return Background("Colour", (int(words[1:3], 16), int(words[3:5], 16), int(words[5:7], 16)))
        except ValueError as error:
            raise UserError(f"--background cannot be '{words}': write a colour as #RRGGBB.") from error
    return Background("Picture", picture=read_photo(Path(words)))


def _results(
    predictor: "Predictor",
    path: Path,
    args: argparse.Namespace,
    wanted: list[str],
    finish: "Finish",
    background: "Background",
) -> "dict[str, NDArray[np.uint8] | str]":
    """Each wanted result of one photo. Raises UserError when it cannot be read."""
    import numpy as np

    from core.data.photos import read_photo
    from core.imaging import matting, rendering
    from core.imaging.components import find_parts, part_table
    from core.imaging.guided_filter import enlarge
    from core.inference.test_time_augmentation import Gaze, small_map

    card = predictor.card
    photo, task = read_photo(path, value_range=card.value_range), card.task
    threshold = predictor.card.threshold if args.threshold is None else args.threshold
    if task.kind != "binary":
        labels = predictor.labels(photo, args.long_side, threshold)
        return {part: rendering.label_result(part, photo, labels, task) for part in wanted}
    small = small_map(predictor, photo, Gaze(args.mirror, args.scales, args.pieces), args.long_side)
    probability = enlarge(small, photo, not args.plain)
    alpha = matting.alpha_of(probability, threshold, finish)
    made: dict[str, NDArray[np.uint8] | str] = {}
    for part in wanted:
        if part == "cutout":
            made[part] = matting.compose(photo, alpha, finish, background)
        elif part == "parts":
            parts, _ = find_parts((alpha >= 0.5).astype(np.uint8))
            made[part] = csv_text(part_table(parts, shown(path.name)))
        else:
            made[part] = rendering.result(part, photo, alpha, 0.5)
    return made


def _save(made: "dict[str, NDArray[np.uint8] | str]", targets: dict[str, Path], written: list[str]) -> None:
    """Each file whole or not at all, so that --resume may trust what is there."""
    from core.imaging import rendering
    from core.system.workspace import write_atomically

    for part, result in made.items():
        write_atomically(targets[part], result if isinstance(result, str) else rendering.encode(result))
        written.append(str(targets[part]))
        print(targets[part], flush=True)
