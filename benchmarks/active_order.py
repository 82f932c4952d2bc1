"""Does labelling in the order of core/labelling/active.py help sooner than the order of files?

    python benchmarks/active_order.py --data ../shared/data/people --seeds 5 --json

A classifier on frozen features learns from the masks of the photos labelled so far and is scored on photos
that are never labelled: Dice (mean over images) after 5, 10 and 20. Both orders start from one random photo,
and the photos themselves are drawn again for each seed; "files" is by name, "random" by chance.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.data.classes import MaskEncoding
from core.data.dataset import open_data
from core.data.pairing import Pair
from core.data.store import read_pair
from core.labelling.active import Candidate, next_photos, uncertainty
from core.labelling.features import PhotoFeatures, photo_features
from core.labelling.scribbles import Example, fit
from core.policy.permissions import OWNER, acting_as

AFTER = (5, 10, 20)
ORDERS = ("files", "random", "active")


@dataclass(frozen=True)
class Seen:
    name: str
    features: PhotoFeatures
    truth: np.ndarray
    pooled: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--starts-with", default="", help="only photos whose names start so")
    parser.add_argument("--pool", type=int, default=80, help="photos to label from")
    parser.add_argument("--held-out", type=int, default=40, help="photos to score on")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
        cv2.setNumThreads(args.threads)
    with acting_as(OWNER):
        data = open_data(args.data)
    pairs = sorted((p for p in data.pairs if p.name.startswith(args.starts_with)), key=lambda p: p.name)
    kept: dict[str, Seen] = {}
    scores: dict[str, list[list[float]]] = {order: [] for order in ORDERS}
    for seed in range(args.seeds):
        random = np.random.default_rng(seed)
        drawn = random.permutation(len(pairs))[: args.pool + args.held_out]
        for i in drawn:
            if pairs[i].name not in kept:
                kept[pairs[i].name] = seen_of(pairs[i], data.encoding)
        some = [kept[pairs[i].name] for i in drawn]
        held_out, pool = some[: args.held_out], some[args.held_out :]
        for order in ORDERS:
            scores[order].append(labelled_in(order, pool, held_out))
            if not args.json:
                print(seed, order, *(f"{value:.4f}" for value in scores[order][-1]), flush=True)
    found = {order: dict(zip(map(str, AFTER), np.mean(values, 0).round(4).tolist(), strict=True))
             for order, values in scores.items()}  # fmt: skip
    print(json.dumps({"dice_mean": found, "seeds": args.seeds, "each": scores}))


def seen_of(pair: Pair, encoding: MaskEncoding) -> Seen:
    photo, stored = read_pair(pair, encoding)
    features = photo_features(photo)
    return Seen(pair.name, features, encoding.resize(stored, features.shape), features.pooled())


def labelled_in(order: str, pool: list[Seen], held_out: list[Seen]) -> list[float]:
    """Dice on the photos held out after each number of labelled ones."""
    left = [pool[0], *(sorted(pool[1:], key=lambda s: s.name) if order == "files" else pool[1:])]
    labelled: list[Seen] = []
    found = []
    while len(labelled) < max(AFTER):
        chosen = 0 if order != "active" or not labelled else chosen_of(left, labelled)
        labelled.append(left.pop(chosen))
        if len(labelled) in AFTER:
            model = fit([Example(s.features, labels=s.truth) for s in labelled], 2)
            found.append(
                float(np.mean([dice(model.propose(s.features)[1] >= 0.5, s.truth) for s in held_out]))
            )
    return found


def chosen_of(left: list[Seen], labelled: list[Seen]) -> int:
    model = fit([Example(s.features, labels=s.truth) for s in labelled], 2)
    candidates = [Candidate(s.name, s.pooled, uncertainty(model.propose(s.features))) for s in left]
    first = next_photos(candidates, [Candidate(s.name, s.pooled) for s in labelled])[0]
    return next(i for i, s in enumerate(left) if s.name == first.name)


def dice(found: np.ndarray, truth: np.ndarray) -> float:
    known = truth != 255
    both = (found & (truth == 1) & known).sum()
    total = (found & known).sum() + (truth == 1).sum()
    return float(2 * both / total) if total else 1.0


if __name__ == "__main__":
    main()
