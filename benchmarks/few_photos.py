"""From photos without masks to a model: clicks on a few photos, a training on these, Dice on other photos.

    python benchmarks/few_photos.py --data ../shared/data/animals --starts-with horse_ --last 40 --json
    python benchmarks/few_photos.py --data DIR --labelled 12 --clicks 5 --minutes 4 -- start_from=

What the Label page does, by the same functions and in the same order: a session on the photos, simulated
clicks on each until its Dice is 0.95 or there were --clicks of them, accepted, then "Train on these" with
the settings of a plan for so many minutes. Other photos are scored at their own sizes, with the masks that
users get.

A minute of training is two minutes of processor time, which is what it is on two idle cores, so that other
work on the machine changes nothing. `cpu_seconds` are those of the training; `clicks` the mean of a photo.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.data.dataset import open_data
from core.data.pairing import Pair
from core.data.store import read_pair
from core.inference.predictor import Predictor
from core.labelling import acting
from core.labelling.actions import action_from
from core.labelling.answers import answer_in
from core.labelling.prompts import Click
from core.labelling.session import LabelSession, start
from core.labelling.simulation import next_click
from core.policy.permissions import OWNER, acting_as
from core.runs.events import EpochEnd, Note
from core.training import loop, progress
from core.training.memory import keep_freed_memory
from core.training.planning.plan import plan_training

CORES = 2
ENOUGH = 0.95  # Dice from which nobody goes on clicking


@dataclass(frozen=True)
class Example:
    name: str
    photo: np.ndarray
    truth: np.ndarray


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--starts-with", default="", help="only photos whose names start so")
    parser.add_argument("--last", type=int, default=0, help="only so many of the last by name; 0: all")
    parser.add_argument("--labelled", type=int, default=12)
    parser.add_argument("--scored", type=int, default=60, help="at most so many other photos")
    parser.add_argument("--clicks", type=int, default=5, help="at most, on a photo; 0: take the true masks")
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("settings", nargs="*", help="after --: settings of the training, as name=value")
    args = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as work, acting_as(OWNER):
        os.environ["SEGMENTATION_STUDIO_WORKSPACE"] = work
        labelled, scored = chosen(args)
        session, clicks, label_dice = label(labelled, args.clicks)
        result = {"clicks": clicks, "label_dice": label_dice}
        result |= train(session, Path(work) / "run", args.minutes, given_in(args.settings))
        result |= score(Path(result.pop("model")), scored) | {"scored": len(scored)}
    print(json.dumps(result) if args.json else result)


def chosen(args: argparse.Namespace) -> tuple[list[Example], list[Example]]:
    """The photos to label, evenly spread over the names, and others to score."""
    data = open_data(args.data)
    labelled, scored = divided(data.pairs, args)

    def read(pair: Pair) -> Example:
        photo, stored = read_pair(pair, data.encoding)
        return Example(pair.name, photo, data.encoding.resize(stored, photo.shape[:2]) == 1)

    return [read(pair) for pair in labelled], [read(pair) for pair in scored]


def divided(pairs: Sequence[Pair], args: argparse.Namespace) -> tuple[list[Pair], list[Pair]]:
    """The pairs to label, evenly spread over the names, and others to score."""
    pairs = sorted((p for p in pairs if p.name.startswith(args.starts_with)), key=lambda p: p.name)
    pairs = pairs[-args.last :]
    places = set(np.linspace(0, len(pairs) - 1, args.labelled).round().astype(int).tolist())
    others = [i for i in range(len(pairs)) if i not in places]
    some = {others[round(i)] for i in np.linspace(0, len(others) - 1, min(args.scored, len(others)))}
    return [pairs[i] for i in sorted(places)], [pairs[i] for i in sorted(some)]


def label(examples: Sequence[Example], clicks: int) -> tuple[LabelSession, float, float]:
    """A session whose photos are clicked on and accepted, the clicks for a photo, and the masks' Dice."""
    import cv2

    files = [
        (f"{Path(e.name).stem}.png", cv2.imencode(".png", e.photo[..., ::-1])[1].tobytes()) for e in examples
    ]
    session, problems = start("few", files, ["object"])
    assert not problems
    answer, numbers = answer_in(session), iter(range(1, 10**6))
    taken, found = [], []
    for (name, _), example in zip(files, examples, strict=True):
        placed: list[Click] = []

        def send(kind: str, name: str = name, **more: Any) -> None:
            action = action_from({"kind": kind, "number": next(numbers), "label": 1, **more}, 1)
            answered = acting.act(session, name, "bench", session.state(name).revision, [action], answer)
            assert not answered.refused, answered.refused

        if not clicks:
            acting.correct(session, name, example.truth.astype(np.uint8), "truth")
        while len(placed) < clicks and dice(session.shown_mask(name) == 1, example.truth) < ENOUGH:
            click = next_click(example.truth, session.shown_mask(name) == 1, placed)
            if click is None:
                break
            placed.append(click)
            send("click", at={"x": click.x, "y": click.y, "positive": click.positive})
        send("accept")
        taken.append(len(placed))
        found.append(dice(session.shown_mask(name) == 1, example.truth))
    return session, float(np.mean(taken)), float(np.mean(found))


def train(session: LabelSession, folder: Path, minutes: float, given: dict[str, Any]) -> dict[str, Any]:
    """A run on what is accepted, as the page starts it, on a clock of processor time."""
    begun = time.process_time()
    clock = SimpleNamespace(monotonic=lambda: time.process_time() / CORES)
    loop.time = progress.time = clock  # type: ignore[attr-defined]
    plan = plan_training(session.folder, minutes, **given)
    print(*plan.sentences, sep="\n", flush=True)
    scores: list[float] = []
    folder.mkdir()
    for event in loop.fit(plan.config, folder):
        if isinstance(event, Note):
            print(event.text, flush=True)
        if isinstance(event, EpochEnd):
            scores.append(event.dice_mean)
            print(f"epoch {event.epoch}: {event.dice_mean:.4f} on those held out", flush=True)
    return {"model": str(folder / "best"), "cpu_seconds": round(time.process_time() - begun, 1)}


def score(model: Path, examples: Sequence[Example]) -> dict[str, float]:
    predictor = Predictor(model, "cpu")
    found = [dice(predictor.labels(e.photo) == 1, e.truth) for e in examples]
    return {"dice": round(float(np.mean(found)), 4), "worst": round(min(found), 4)}


def dice(found: np.ndarray, truth: np.ndarray) -> float:
    total = found.sum() + truth.sum()
    return float(2 * (found & truth).sum() / total) if total else 1.0


def given_in(settings: Sequence[str]) -> dict[str, Any]:
    """name=value, as numbers where they are some."""

    def read(text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError:
            return text

    return {name: read(value) for name, _, value in (setting.partition("=") for setting in settings)}


if __name__ == "__main__":
    main()
