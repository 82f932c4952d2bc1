"""How good a mask is after so many clicks, by the standard protocol: the first click in the middle of the
object, each next one in the middle of the largest error (see core/labelling/simulation.py).

    python benchmarks/clicks.py --data ../shared/data/people --names last58.txt --method click --json

Photos at their own sizes. Masks of one foreground are one object; of masks with classes, each class on each
photo is. `noc85` and `noc90` are the mean number of clicks until the IoU is 0.85 and 0.90, --clicks where
it never is; `seconds` is the mean time of an answer, `cpu_seconds` the processor time of the middle one
after the first. "scribble" draws a stroke for each click; the features, made once for each photo, are in
the time of its first answer.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.data.dataset import DataFolder, open_data
from core.data.store import read_pair
from core.labelling.click_model import SHIPPED, ClickNet, load_click_model
from core.labelling.clicks import segment_by_clicks
from core.labelling.features import PhotoFeatures, photo_features
from core.labelling.grabcut import grabcut_mask
from core.labelling.prompts import Click, Stroke, as_stroke
from core.labelling.regions import EncodedRegions
from core.labelling.scribbles import Example, fit
from core.labelling.simulation import Answer, Trace, next_stroke, simulate
from core.policy.permissions import OWNER, acting_as
from core.task import IGNORE

AFTER = (1, 2, 3, 5, 10)
SMALLEST = 0.002  # of the photo: smaller objects are left out
DISC = 0.008  # of the longer side: how much GrabCut may take from a click


@dataclass(frozen=True)
class Target:
    name: str
    photo: np.ndarray
    truth: np.ndarray
    void: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--names", type=Path, help="a file with a photo's name in each line")
    parser.add_argument("--method", choices=["click", "scribble", "grabcut"], default="click")
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--clicks", type=int, default=10, help="at most this many for each object")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    with acting_as(OWNER):
        data = open_data(args.data)
    names = set(args.names.read_text().split()) if args.names else None
    network = load_click_model(args.model) if args.method == "click" else None
    traces = []
    for target in targets(data, names):
        answer = {"click": clicking, "scribble": scribbling, "grabcut": cutting}[args.method](target, network)
        trace = simulate(target.truth, answer, args.clicks, target.void)
        traces.append(trace)
        if not args.json:
            print(target.name, *(f"{value:.3f}" for value in trace.dice), flush=True)
    print(json.dumps(summary(traces, args.clicks)))


def targets(data: DataFolder, names: set[str] | None) -> Iterator[Target]:
    for pair in sorted(data.pairs, key=lambda pair: pair.name):
        if names is not None and not {pair.name, Path(pair.name).stem} & names:
            continue
        photo, stored = read_pair(pair, data.encoding)
        labels = data.encoding.resize(stored, photo.shape[:2])
        for value in np.unique(labels):
            is_object = value != IGNORE and (value > 0 or data.encoding.task.kind == "multiclass")
            if is_object and (labels == value).mean() >= SMALLEST:
                yield Target(f"{pair.name} {value}", photo, labels == value, labels == IGNORE)


def clicking(target: Target, network: ClickNet | None) -> Answer:
    features: list[PhotoFeatures] = []
    regions = EncodedRegions()

    def answer(clicks: Sequence[Click], before: np.ndarray | None) -> np.ndarray:
        if not features:
            features.append(photo_features(target.photo))
        return segment_by_clicks(target.photo, clicks, before, network, features[0], regions)

    return answer


def scribbling(target: Target, _: ClickNet | None) -> Answer:
    """A stroke for each click, which the protocol places on the same error."""
    strokes: list[Stroke] = []
    features: list[PhotoFeatures] = []

    def answer(clicks: Sequence[Click], before: np.ndarray | None) -> np.ndarray:
        found = np.zeros(target.truth.shape, bool) if before is None else before >= 0.5
        stroke = next_stroke(target.truth, found, clicks[:-1])
        strokes.append(stroke or as_stroke(clicks[-1], 3))
        if not features:
            features.append(photo_features(target.photo))
        return fit([Example(features[0], tuple(strokes))], 2).propose(features[0], target.photo)[1]

    return answer


def cutting(target: Target, _: ClickNet | None) -> Answer:
    radius = DISC * max(target.photo.shape)

    def answer(clicks: Sequence[Click], before: np.ndarray | None) -> np.ndarray:
        return grabcut_mask(target.photo, tuple(as_stroke(click, radius) for click in clicks), before)

    return answer


def summary(traces: Sequence[Trace], most: int) -> dict:
    if not traces:
        sys.exit("There is no photo with an object to click on.")
    after = [n for n in AFTER if n <= most]
    return {
        "dice": {str(n): round(float(np.mean([t.dice_after(n) for t in traces])), 4) for n in after},
        "noc85": round(float(np.mean([t.clicks_to(0.85, most) for t in traces])), 2),
        "noc90": round(float(np.mean([t.clicks_to(0.90, most) for t in traces])), 2),
        "seconds": round(float(np.mean([s for t in traces for s in t.seconds])), 3),
        "cpu_seconds": round(float(np.median([s for t in traces for s in t.cpu_seconds[1:]] or [0.0])), 3),
        "objects": len(traces),
    }


if __name__ == "__main__":
    main()
