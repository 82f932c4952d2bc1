"""What test-time augmentation gains and costs: Dice and boundary IoU at the photos' own sizes, and time.

    python benchmarks/tta.py --images DIR --masks DIR [--last 58] [--model checkpoints/subject-lite0]

Masks are grey pictures with the same names, foreground at 128 and above. Intervals are 95 % bootstrap
intervals of the mean gain in Dice over a single prediction of the same photos.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from core.cutout_settings import CutOutSettings  # noqa: E402
from core.data.masks import BinaryEncoding, resize_mask  # noqa: E402
from core.data.pairing import Pair  # noqa: E402
from core.data.store import read_pair  # noqa: E402
from core.evaluation.boundaries import boundary_iou  # noqa: E402
from core.evaluation.statistics import paired  # noqa: E402
from core.imaging.guided_filter import enlarge  # noqa: E402
from core.inference.predictor import Predictor  # noqa: E402
from core.inference.test_time_augmentation import probability_map  # noqa: E402

CELL = 640, 480  # width and height of one photo among several
VARIANTS = {
    "none": CutOutSettings(),
    "flip": CutOutSettings(flip=True),
    "three scales": CutOutSettings(scales=True),
    "flip, three scales": CutOutSettings(flip=True, scales=True),
    "2 x 2 tiles": CutOutSettings(tiles=2),
    "3 x 3 tiles": CutOutSettings(tiles=3),
    "2 x 2 tiles, flip": CutOutSettings(flip=True, tiles=2),
}


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--masks", type=Path, required=True)
    parser.add_argument("--last", type=int, default=0, help="only the last N by name")
    parser.add_argument("--first-value", type=int, default=128, help="mask value from which on is foreground")
    parser.add_argument("--mosaic", type=int, default=1, help="photos a side laid into one")
    parser.add_argument("--model", type=Path, default=PROJECT / "checkpoints" / "subject-lite0")
    args = parser.parse_args()
    predictor = Predictor(args.model, "cpu")
    files = sorted(args.images.iterdir())[-args.last :]
    dice: dict[str, list[float]] = {name: [] for name in VARIANTS}
    edges: dict[str, list[float]] = {name: [] for name in VARIANTS}
    times: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for group in grouped(files, args.mosaic**2):
        photo, truth = laid_together([read(file, args) for file in group], args.mosaic)
        for name, settings in VARIANTS.items():
            start = time.perf_counter()
            small = probability_map(photo, predictor, settings)
            times[name].append(time.perf_counter() - start)
            found = (enlarge(small, photo) >= predictor.card.threshold).astype(np.uint8)
            both = int(found.sum()) + int(truth.sum())
            dice[name].append(2 * int((found & truth).sum()) / both if both else 1.0)
            edges[name].append(boundary_iou(truth, found))
    print(f"{len(dice['none'])} photos, {args.model.name}, network at {predictor.card.long_side} pixels")
    print(
        "| | passes | Dice | gain in Dice | boundary IoU | time, as a multiple |\n|---|---|---|---|---|---|"
    )
    base = statistics.median(times["none"])
    for name, settings in VARIANTS.items():
        gain = paired(np.array(dice["none"]), np.array(dice[name])).difference
        shown = f"{gain.mean:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})" if name != "none" else ""
        cost = statistics.median(times[name]) / base
        means = statistics.mean(dice[name]), statistics.mean(edges[name])
        print(f"| {name} | {settings.passes} | {means[0]:.4f} | {shown} | {means[1]:.4f} | {cost:.1f} |")


def grouped(files: list[Path], size: int) -> list[list[Path]]:
    return [files[i : i + size] for i in range(0, len(files) - size + 1, size)]


def read(file: Path, args: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    photo, truth = read_pair(
        Pair(file.name, file, args.masks / f"{file.stem}.png"), BinaryEncoding(args.first_value)
    )
    return photo, resize_mask(truth, photo.shape[:2])


def laid_together(pairs: list[tuple[np.ndarray, np.ndarray]], side: int) -> tuple[np.ndarray, np.ndarray]:
    """Several photos as one large one, in which everything is small."""
    if side == 1:
        return pairs[0]
    photos = [cv2.resize(photo, CELL, interpolation=cv2.INTER_AREA) for photo, _ in pairs]
    masks = [resize_mask(mask, CELL[::-1]) for _, mask in pairs]
    rows = [slice(i * side, (i + 1) * side) for i in range(side)]
    return tuple(np.vstack([np.hstack(part[row]) for row in rows]) for part in (photos, masks))  # type: ignore[return-value]


if __name__ == "__main__":
    main()
