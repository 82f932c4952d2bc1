"""Do predictions lie on the photos after a real training?

    python benchmarks/alignment.py                  two seeds, four epochs of people at 256x192
    python benchmarks/alignment.py --size 128 96    quicker
    python benchmarks/alignment.py --model checkpoints/person-lite0    a model that is already trained

Trains on ../shared/data/people and compares where prediction and truth lie in each photo that the model
has understood (Dice of 0.9 or more), in the photo's own pixels: by their centroids, and by the shift that
explains best how they differ near the mask's edge, which a missed hand moves less.
tests/core/end_to_end/test_alignment.py checks the same without a trained network, which might learn a shift.
A shift of the network itself, such as that of padding on one side alone, turns round when it sees the photo
mirrored; one of the data or of this program does not: --mirrored tells which it is.
At 128x96 and four epochs, trainings differ by more from seed to seed than by half a pixel of the network,
so a short run at that size says nothing about alignment.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from core.config import preset_config  # noqa: E402
from core.data.dataset import open_data  # noqa: E402
from core.data.store import read_pair  # noqa: E402
from core.inference.predictor import Predictor  # noqa: E402
from core.training.loop import fit  # noqa: E402

PEOPLE = PROJECT.parent / "shared" / "data" / "people"
UNDERSTOOD = 0.9
BLUR = 0.006  # of the photo's longer side


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, nargs=2, default=(256, 192), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--seeds", type=int, nargs="+", default=(0, 1))
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--mirrored", action="store_true", help="predict the photos' mirror images")
    args = parser.parse_args()
    if not PEOPLE.is_dir():
        sys.exit(f"The photos are not at {PEOPLE}.")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["SEGMENTATION_STUDIO_WORKSPACE"] = str(folder / "workspace")
        shutil.copytree(PEOPLE, folder / "people")
        if args.model:
            print(f"{args.model}: {_cells(*offsets(args.model, folder / 'people', args.mirrored))}")
            return
        print("| seed | photos | along the edge: down, right | ± | centroid: down, right | ± | median |")
        print("|---|---|---|---|---|---|---|", flush=True)
        for seed in args.seeds:
            config = preset_config(
                "Balanced", folder / "people", epochs=args.epochs, seed=seed, ema_decay=0.0,
                height=args.size[0], width=args.size[1],
            )  # fmt: skip
            run = folder / f"run{seed}"
            run.mkdir()
            for _ in fit(config, run):
                pass
            print(
                f"| {seed} | {_cells(*offsets(run / 'last', folder / 'people', args.mirrored))} |", flush=True
            )


def _cells(centroids: np.ndarray, edges: np.ndarray) -> str:
    figures = edges.mean(axis=0), error_of(edges), centroids.mean(axis=0), error_of(centroids)
    cells = [_pair(values) for values in (*figures, np.median(centroids, axis=0))]
    return f"{len(edges)} | {' | '.join(cells)}"


def error_of(values: np.ndarray) -> np.ndarray:
    """The standard error of the mean over photos, along each axis."""
    return np.asarray(values.std(axis=0) / len(values) ** 0.5)


def offsets(model: Path, folder: Path, mirrored: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """How far predictions lie below and right of the truth in pixels of each photo, by their centroids and
    along edges: (photos, 2) each. Of all photos: a shift that was learnt is in those that taught it, too."""
    predictor, data = Predictor(model), open_data(folder)
    centroids, edges = [], []
    for pair in data.pairs:
        photo, labels = read_pair(pair, data.encoding)
        truth = data.encoding.resize(labels, photo.shape[:2]) == 1
        seen = np.ascontiguousarray(photo[:, ::-1]) if mirrored else photo
        found = predictor(seen) >= predictor.card.threshold
        found = found[:, ::-1] if mirrored else found
        if 2 * (found & truth).sum() < UNDERSTOOD * (found.sum() + truth.sum()) or not truth.any():
            continue
        centroids.append(np.argwhere(found).mean(axis=0) - np.argwhere(truth).mean(axis=0))
        edges.append(shift(found.astype(np.float32), truth.astype(np.float32)))
    return np.array(centroids), np.array(edges)


def shift(found: np.ndarray, truth: np.ndarray) -> list[float]:
    """(down, right) that explains best how two masks differ, by least squares (Lucas and Kanade 1981).

    Both are blurred first: of sharp masks a shift of 1 pixel comes out as 0.4 and one of 3 as 0.9, because
    only the two pixels along the truth's edge have a slope.
    """
    sigma = BLUR * max(truth.shape)
    found, truth = (cv2.GaussianBlur(mask, (0, 0), sigma) for mask in (found, truth))
    slopes = np.gradient(truth)
    return [float(-((found - truth) * slope).sum() / (slope * slope).sum()) for slope in slopes]


def _pair(values: np.ndarray) -> str:
    return f"{values[0]:+.2f}, {values[1]:+.2f}"


if __name__ == "__main__":
    main()
