"""`python -m core evaluate`."""

import argparse
import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

from core.errors import UserError


def evaluate_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--model", type=Path, required=True, help="folder with config.json and model.safetensors")
    p.add_argument("--data", type=Path, required=True, help="folder with images/ and masks/")
    p.add_argument("--part", default="validation", choices=("train", "validation", "test", "all"))
    p.add_argument("--names", type=Path, help="file with image file names, one a line")
    p.add_argument("--threshold", type=float, help="0..1 (default: the model's own)")
    p.add_argument("--long-side", type=int, help="pixels of the longer side the network sees")
    p.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (%(default)s)")
    p.add_argument("--json", action="store_true", help="one JSON object on the last line")
    p.set_defaults(work=_evaluate)


def _evaluate(args: argparse.Namespace) -> dict[str, Any]:
    import torch

    from core import metrics
    from core.data.dataset import for_model, open_data
    from core.data.pairing import Problem
    from core.evaluation import score_images
    from core.inference import Predictor

    predictor = Predictor(args.model, args.device)
    task = predictor.card.task
    data = for_model(open_data(args.data), task)
    pairs = data.part(args.part)
    if not pairs and not args.names:
        raise UserError(f"{data.name} has no {args.part} part: `data split` makes one.")
    if args.names:
        pairs = _named(data.part("all"), args.names)
    threshold = predictor.card.threshold if args.threshold is None else args.threshold
    if not 0 <= threshold <= 1:
        raise UserError(f"--threshold cannot be {threshold}: use 0 to 1.")
    counts, shown = [], time.monotonic()
    confusion = torch.zeros(task.outputs, task.outputs, dtype=torch.int64)
    for number, result in enumerate(score_images(predictor, pairs, data.rule, threshold, args.long_side), 1):
        if isinstance(result, Problem):
            print(f"Left out: {result.sentence}", file=sys.stderr)
            continue
        counts.append(result.counts)
        confusion += 0 if result.confusion is None else result.confusion
        if time.monotonic() - shown > 5:
            shown = time.monotonic()
            print(f"{number} of {len(pairs)} images", file=sys.stderr)
    if not counts:
        raise UserError("No image could be scored.")
    scores = dataclasses.asdict(metrics.summarise(metrics.join(counts), task))
    for key in ("dice", "iou", "miou", "pixel_accuracy", "dice_mean"):
        print(f"{key:15} {scores[key]:.4f}")
    print(f"{'images':15} {scores['images']}")
    if task.kind == "binary":
        return {**scores, "threshold": threshold}
    for name, dice, iou in zip(task.classes, scores["class_dice"], scores["class_iou"], strict=True):
        print(f"  {name:20} Dice {dice:.4f}  IoU {iou:.4f}")
    return {**scores, "classes": list(task.classes), "confusion": confusion.tolist()}


def _named(pairs: list[Any], names_file: Path) -> list[Any]:
    try:
        wanted = [line.strip() for line in names_file.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{names_file} cannot be read: {error}.") from error
    by_name = {pair.name: pair for pair in pairs}
    missing = [name for name in wanted if name not in by_name]
    if missing:
        raise UserError(f"{names_file.name} names {missing[0]}, which is not a photo with a mask here.")
    return [by_name[name] for name in wanted]
