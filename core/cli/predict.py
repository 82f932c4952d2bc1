"""`python -m core predict`."""

import argparse
import dataclasses
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.arguments import MODEL, add_settings, card_of_model, given_settings
from core.cli.cluster import cluster_arguments, place_of
from core.cutout_settings import BACKGROUNDS, Background, CutOutSettings
from core.errors import UserError
from core.system.file_names import shown, unique_stems
from core.system.formatting import plural

if TYPE_CHECKING:
    from core.models.card import ModelCard
    from core.task import Task

SAVES = ("mask", "cutout", "overlay", "components")


def predict_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="photos, or folders of them")
    p.add_argument("--model", type=Path, required=True, help=MODEL)
    p.add_argument("--out", type=Path, required=True, help="folder for the results")
    p.add_argument("--save", default="mask,cutout", help=f"any of {','.join(SAVES)} (%(default)s)")
    cut_out_arguments(p)
    p.add_argument("--background", default="none", help="#RRGGBB, blur, grey, none or a picture file")
    p.add_argument("--resume", action="store_true", help="skip photos whose results exist")
    p.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (%(default)s)")
    cluster_arguments(p)
    p.add_argument("--json", action="store_true", help="one JSON object on the last line")
    p.set_defaults(work=_predict)


def cut_out_arguments(p: argparse.ArgumentParser) -> None:
    """Add all settings of a cut-out except the background, whose default differs between commands."""
    add_settings(p, CutOutSettings, [field.name for field in dataclasses.fields(CutOutSettings)])
    p.add_argument(
        "--plain", dest="refine_edges", action="store_false", default=None, help="same as --no-refine-edges"
    )


def cut_out_settings(args: argparse.Namespace) -> CutOutSettings:
    """The settings that these arguments give. Raises UserError for an invalid --background."""
    values = given_settings(args, CutOutSettings)
    return CutOutSettings(**values, background=_background(args.background))


def _background(text: str) -> Background:
    """Parse --background: a colour, a kind, or a picture file."""
    from core.data.photos import read_photo

    if text.startswith("#") or text in ("", "none", *BACKGROUNDS):
        return Background.named(text)
    return Background("picture", picture=read_photo(Path(text)))


def _predict(args: argparse.Namespace) -> dict[str, Any]:
    from core.inference.cutout import suffix_of
    from core.models.card import read_card
    from core.system.workspace import make_folder, write_atomically

    card = card_of_model(args.model) or read_card(args.model)
    wanted = _wanted(args.save, card.task)
    settings = cut_out_settings(args)
    make_folder(args.out)
    photos = list(_photos(args.photos))
    stems = unique_stems([path.name for path in photos])
    targets = [{kind: args.out / f"{stem}_{kind}{suffix_of(kind)}" for kind in wanted} for stem in stems]
    todo = {
        number: path for number, path in enumerate(photos)
        if not (args.resume and all(target.is_file() for target in targets[number].values()))
    }  # fmt: skip
    results = (_on_cluster if args.ray else _here)(args, todo, wanted, settings, card)
    written: list[str] = []
    failed: dict[str, str] = {}
    last = time.monotonic()
    for done, (number, files, failure) in enumerate(results, len(photos) - len(todo) + 1):
        error = failure
        try:
            for kind, content in files.items():  # atomically: --resume trusts files that exist
                write_atomically(targets[number][kind], content)
                written.append(str(targets[number][kind]))
                print(targets[number][kind], flush=True)
        except UserError as reason:  # one photo's failure stops no others
            error = str(reason)
        if error:
            failed[shown(str(photos[number]))] = error
            print(f"Skipped: {error}", file=sys.stderr)
        if len(photos) > 1 and time.monotonic() - last > 5:
            last = time.monotonic()
            print(f"{done} of {len(photos)} photos", file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {plural(len(photos), 'photo')} skipped.", file=sys.stderr)
    return {"written": written, "failed": failed, "passed_over": len(photos) - len(todo)}


# The number of a photo, its result files by kind, and why there are none.
Results = Iterator[tuple[int, dict[str, bytes], str]]


def _here(
    args: argparse.Namespace, photos: dict[int, Path], kinds: list[str], settings: CutOutSettings,
    card: "ModelCard",
) -> Results:  # fmt: skip
    from core.data.photos import read_photo
    from core.inference.cutout import files_of, segment
    from core.inference.predictor import Predictor

    predictor = Predictor(args.model, args.device, card)
    for number, path in photos.items():
        try:
            photo = read_photo(path, value_range=card.value_range)
            yield number, files_of(segment(photo, predictor, settings), kinds, shown(path.name)), ""
        except UserError as error:
            yield number, {}, str(error)


def _on_cluster(
    args: argparse.Namespace, photos: dict[int, Path], kinds: list[str], settings: CutOutSettings,
    card: "ModelCard",
) -> Results:  # fmt: skip
    from core.cluster.prediction import Photo, Work, predict

    place = place_of(args)
    work = Work(args.model, tuple(kinds), settings, args.device, card)
    wanted = [Photo(number, path.absolute(), shown(path.name)) for number, path in photos.items()]
    for result in predict(wanted, work, place.address, place.demand):
        yield result.photo.number, result.files, result.error


def _wanted(save: str, task: "Task") -> list[str]:
    from core.inference.cutout import results_of

    wanted = [kind.strip() for kind in save.split(",") if kind.strip()]
    if not wanted or set(wanted) - set(SAVES):
        raise UserError(f"--save cannot be '{save}': name any of {', '.join(SAVES)}.")
    possible = [kind for kind in wanted if kind in results_of(task)]
    if possible != wanted:
        print("Skipped: cut-outs and components need a model with one foreground.", file=sys.stderr)
    return possible or ["mask"]


def _photos(given: list[Path]) -> Iterator[Path]:
    """The given files and the photos in the given folders, in order."""
    from core.data.photos import PHOTO_SUFFIXES

    for path in given:
        if path.is_dir():
            yield from sorted(
                p for p in path.rglob("*") if p.suffix.lower() in PHOTO_SUFFIXES and p.is_file()
            )
        else:
            yield path
