"""`python -m core evaluate`."""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.arguments import DATA, MODEL, add_settings, card_of_model, data_set
from core.cli.progress import ProgressPrinter
from core.cutout_settings import CutOutSettings
from core.errors import UserError, system_said
from core.system.score_names import DICE_POOLED, IOU_POOLED, LABELS, score

if TYPE_CHECKING:
    from core.data.dataset import DataFolder
    from core.evaluation.cache import Evaluation
    from core.evaluation.candidates import Candidate

SHOWN = ("dice_mean", "iou_mean", "dice_pooled", "iou_pooled", "miou", "pixel_accuracy")


def evaluate_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--model", type=Path, required=True, help=MODEL)
    p.add_argument("--against", type=Path, help="another model to compare with on the same images")
    p.add_argument("--data", required=True, help=DATA)
    p.add_argument("--split", default="validation", choices=("train", "validation", "test", "all"))
    p.add_argument("--names", type=Path, help="file with image file names, one a line")
    add_settings(p, CutOutSettings, ["threshold", "long_side"])
    p.add_argument(
        "--plain",
        action="store_true",
        help="score masks without refined edges, as `predict --plain` saves them",
    )
    p.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (%(default)s)")
    p.add_argument("--report", type=Path, help="write an HTML report with charts and the worst images")
    p.add_argument("--csv", type=Path, help="write the scores of every image to this file")
    p.add_argument("--json", action="store_true", help="one JSON object on the last line")
    p.set_defaults(work=_evaluate)


def _evaluate(args: argparse.Namespace) -> dict[str, Any]:
    from core.data.dataset import open_data, write_down
    from core.data.reading import reading
    from core.evaluation.candidates import of_folder

    card = card_of_model(args.model)
    model = of_folder(
        args.model, args.device, args.threshold, args.long_side, False if args.plain else None, card
    )
    data = open_data(data_set(args.data))
    write_down(data)  # what was scored as held out must not be trained on later
    names = _named(data, args.names) if args.names else None
    split = "all" if args.names else args.split
    note = reading(data, model.card.task).note
    if note:
        print(note, file=sys.stderr)
    found = _predict(model, data, split, names)
    for problem in found.problems:
        print(f"Skipped: {problem.sentence}", file=sys.stderr)
    result = _scores(found, model.card.threshold) | ({"masks": note} if note else {})
    _write(args, found, data, model, split)
    return result | (_against(args, model, found, data, split, names) if args.against else {})


def _scores(found: "Evaluation", threshold: float) -> dict[str, Any]:
    """Print the scores with their intervals, and return them."""
    from core.evaluation import metrics, thresholds
    from core.evaluation.statistics import pooled_intervals

    task = found.task
    counts = found.counts_at(threshold)
    scores = dataclasses.asdict(metrics.summarise(counts, task))
    intervals = pooled_intervals(counts, task)
    for key in SHOWN:
        print(f"{LABELS[key]:26} {intervals[key]}")
    print(f"{'Images':26} {scores['images']}")
    result = {
        **scores,
        "intervals": {key: value.ends for key, value in intervals.items()},
    }
    if task.kind == "binary":
        assert found.histograms is not None
        swept = thresholds.sweep(found.histograms)
        best, odd = swept.best, ": probabilities are not calibrated" if swept.is_far_off else ""
        print(f"{'Threshold':26} {threshold:g}; the best on these images is {best:g}{odd}")
        print(f"{'Edges':26} {'refined' if found.refined else 'plain'}")
        result |= {"threshold": threshold, "best_threshold": best, "refined": found.refined}
    else:
        for name, dice, iou in zip(task.classes, scores["class_dice"], scores["class_iou"], strict=True):
            print(f"  {name:24} {DICE_POOLED} {score(dice)}, {IOU_POOLED} {score(iou)}")
        result |= {"classes": list(task.classes), "confusion": found.confusion}
    return result


def _predict(model: "Candidate", data: "DataFolder", split: str, names: list[str] | None) -> "Evaluation":
    """Evaluate, printing progress every few seconds."""
    from core.evaluation.cache import Evaluation, evaluate

    total, printer = len(names or data.pairs_of(split)), ProgressPrinter()
    for step in evaluate(model, data, split, names):
        if isinstance(step, Evaluation):
            return step
        printer.show(f"{step} of {total} images")
    raise UserError("The evaluation did not finish.")


def _write(
    args: argparse.Namespace, found: "Evaluation", data: "DataFolder", model: "Candidate", split: str
) -> None:
    """Write the requested files."""
    from core.evaluation.report import report, scores_table

    threshold = model.card.threshold
    if args.csv:
        _save(args.csv, scores_table(found, threshold))
    if args.report and not args.against:
        _save(args.report, report(found, data, model.label, split, threshold))


def _against(
    args: argparse.Namespace,
    model: "Candidate",
    found: "Evaluation",
    data: "DataFolder",
    split: str,
    names: list[str] | None,
) -> dict[str, Any]:
    """Compare with a second model and print the verdict."""
    from core.evaluation import comparison
    from core.evaluation.candidates import of_folder
    from core.evaluation.report import comparison_report

    other = of_folder(
        args.against, args.device, refine=False if args.plain else None, card=card_of_model(args.against)
    )
    if other.card.task != model.card.task:
        raise UserError("The two models have different classes, so they cannot be compared.")
    first, second = comparison.unique_labels([model.label, other.label])
    both = {first: found, second: _predict(other, data, split, names)}
    levels = {first: model.card.threshold, second: other.card.threshold}
    board = comparison.compare(both, levels)
    sentence = board.pairs[0].sentence(first, second)
    print(sentence)
    if args.report:
        _save(args.report, comparison_report(board, both, data, split, levels))
    pair = board.pairs[0]
    return {"against": {
        "sentence": sentence, "difference": pair.difference.mean, "better": pair.better, "worse": pair.worse,
        "interval": pair.difference.ends, "verdict": pair.verdict.value,
    }}  # fmt: skip


def _save(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {system_said(error)}.") from error
    print(f"Written: {path}")


def _named(data: "DataFolder", names_file: Path) -> list[str]:
    try:
        wanted = [line.strip() for line in names_file.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{names_file} cannot be read: {error}.") from error
    there = {pair.name for pair in data.pairs}
    missing = [name for name in wanted if name not in there]
    if missing:
        raise UserError(f"{names_file.name} names {missing[0]}, which is not a photo with a mask here.")
    return wanted
