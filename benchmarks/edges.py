"""Does a guided filter give better edges than plain enlargement?

    python benchmarks/edges.py --data my_photos [--split test] [--model checkpoints/subject-lite0] [--json]

The model predicts each photo once. Its small probability map is then enlarged to the photo's own size,
plainly and by core.imaging.guided_filter at several settings. Printed for each: Dice, boundary IoU (2 %
of the diagonal) and boundary IoU of a thin rim (0.5 %), all means over images, with the 95 % interval of the
difference from plain enlargement.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from core.data.dataset import open_data
from core.data.reading import for_model
from core.data.store import read_pair
from core.evaluation.boundaries import boundary_iou
from core.evaluation.candidates import of_folder
from core.evaluation.metrics import count
from core.evaluation.statistics import paired
from core.imaging.guided_filter import refine

PROJECT = Path(__file__).resolve().parents[1]
SETTINGS = [(r, e) for r in (2, 4, 8) for e in (1e-4, 1e-3, 1e-2)]


def scores(truth: np.ndarray, probability: np.ndarray, threshold: float) -> tuple[float, float, float]:
    inside = (probability >= threshold).astype(np.uint8)
    dice = count(torch.from_numpy(inside)[None], torch.from_numpy(truth)[None]).dice().item()
    return dice, boundary_iou(truth, inside), boundary_iou(truth, inside, 0.005)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", type=Path, required=True)
    p.add_argument("--model", type=Path, default=PROJECT / "checkpoints" / "subject-lite0")
    p.add_argument("--split", default="validation")
    p.add_argument("--most", type=int, default=100)
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    candidate = of_folder(args.model, "auto")
    predictor, threshold = candidate.make(), candidate.card.threshold
    data = for_model(open_data(args.data), candidate.card.task)
    found: dict[str, list[tuple[float, float, float]]] = {}
    seconds: dict[str, float] = {}
    named = {f"radius {radius}, epsilon {epsilon:g}": (radius, epsilon) for radius, epsilon in SETTINGS}
    for pair in data.pairs_of(args.split)[: args.most]:
        photo, stored = read_pair(pair, data.encoding)
        truth = data.encoding.resize(stored, photo.shape[:2])
        ready = predictor.prepare(photo)
        small = torch.from_numpy(predictor.forward([ready])[0][0]).sigmoid().numpy()
        for name, (radius, epsilon) in {"plain": (0, 0.0), **named}.items():
            start = time.perf_counter()
            if radius:
                probability = refine(small, photo, radius, epsilon)
            else:
                probability = cv2.resize(small, photo.shape[1::-1], interpolation=cv2.INTER_LINEAR)
            seconds[name] = seconds.get(name, 0) + time.perf_counter() - start
            found.setdefault(name, []).append(scores(truth, probability, threshold))
    result = {}
    plain = np.array(found["plain"])
    for name, values in found.items():
        mean = np.mean(values, 0)
        gain = paired(plain[:, 1], np.array(values)[:, 1]).difference
        fine = paired(plain[:, 2], np.array(values)[:, 2]).difference
        milliseconds = 1000 * seconds[name] / len(values)
        print(f"{name:24} Dice {mean[0]:.4f}  boundary {mean[1]:.4f} ({gain.low:+.4f} to {gain.high:+.4f})  "
              f"thin {mean[2]:.4f} ({fine.low:+.4f} to {fine.high:+.4f})  {milliseconds:.0f} ms")  # fmt: skip
        result[name] = {
            "dice": mean[0],
            "boundary_iou": mean[1],
            "thin": mean[2],
            "milliseconds": milliseconds,
        }
    if args.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
