"""How soon a model is good: Dice (pooled pixels) on 58 held-out photos against seconds of training.

    python benchmarks/time_to_quality.py --work /tmp/quality            # ours, then the tutorial's recipe
    python benchmarks/time_to_quality.py --work /tmp/quality --figure docs/images/time-to-quality.svg

Both start from the ImageNet weights of efficientnet-lite0, learn from the first 232 photos of `people` (by
name) on the same processor, and are scored on the other 58 at 256x192 after every epoch. Dice is pooled over
pixels because the tutorial's recipe reports no other. Seconds are those of training, reading data included,
without set-up and validation. The final model of ours is scored once more at the photos' own sizes.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from held_out import PROJECT, SHARED, last_fifth_held_out

from core.system.score_names import DICE_MEAN, DICE_POOLED

OURS = {
    "batch_size": 8, "learning_rate": 1e-3, "ema_decay": 0.98, "augmentation": "standard",
}  # fmt: skip


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--work", type=Path, default=Path("/tmp/quality"))
    parser.add_argument("--epochs", type=int, default=10, help="of ours (%(default)s)")
    parser.add_argument("--tutorial-epochs", type=int, default=10)
    parser.add_argument("--only", choices=("ours", "tutorial"))
    parser.add_argument("--figure", type=Path, help="draw what was measured, and end")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    results = args.work / "curves.json"
    curves = json.loads(results.read_text()) if results.is_file() else {}
    if args.figure:
        draw(curves, args.figure)
        return
    if args.only != "tutorial":
        curves["ours"] = ours(args)
        results.write_text(json.dumps(curves))
    if args.only != "ours":
        curves["tutorial"] = tutorial(args.tutorial_epochs)
        results.write_text(json.dumps(curves))
    for name in ("ours", "tutorial"):
        if name in curves:
            reached = [s for s, dice in curves[name] if dice >= 0.9]
            end = f"{curves[name][-1][1]:.4f} after {curves[name][-1][0]:.0f} s"
            print(f"{name}: {DICE_POOLED} {end}" + (f", 0.90 after {reached[0]:.0f} s" if reached else ""))
    if args.json:
        print(json.dumps(curves))


def ours(args: argparse.Namespace) -> list[list[float]]:
    """[seconds, Dice] after every epoch."""
    os.environ["SEGMENTATION_STUDIO_WORKSPACE"] = str(args.work / "workspace")
    os.environ["HF_HUB_OFFLINE"] = "1"
    folder = last_fifth_held_out(SHARED / "data" / "people", args.work / "people")

    import tempfile

    from core.config import preset_config
    from core.runs.events import EpochEnd
    from core.training import loop
    from core.training.memory import keep_freed_memory

    validating = 0.0
    validate = loop.validate

    def timed(*arguments: Any) -> Any:
        nonlocal validating
        start = time.monotonic()
        found = validate(*arguments)
        validating += time.monotonic() - start
        return found

    loop.validate = timed
    keep_freed_memory()
    config = preset_config("Balanced", folder, epochs=args.epochs, **OURS)
    curve = []
    with tempfile.TemporaryDirectory() as run:
        for event in loop.fit(config, Path(run)):
            if not isinstance(event, EpochEnd):
                continue
            if event.epoch == 0:
                validating = 0.0  # before the clock of the training starts
                continue
            seconds = event.seconds - validating
            curve.append([round(seconds, 1), event.dice_pooled])
            print(f"epoch {event.epoch}: {seconds:.1f} s, {DICE_POOLED} {event.dice_pooled:.4f}", flush=True)
        own_size(Path(run) / "last", folder)
    return curve


def own_size(model: Path, folder: Path) -> None:
    command = [
        sys.executable, "-m", "core", "evaluate", "--model", str(model), "--data", str(folder), "--json",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    scores = json.loads(done.stdout.splitlines()[-1])
    print(
        f"at the photos' own sizes: {DICE_POOLED} {scores['dice_pooled']:.4f}, "
        f"{DICE_MEAN} {scores['dice_mean']:.4f}",
        flush=True,
    )


def tutorial(epochs: int) -> list[list[float]]:
    script = SHARED / "bench" / "article_recipe.py"
    command = [sys.executable, str(script), "--data", str(SHARED / "data" / "people")]
    command += ["--epochs", str(epochs)]
    curve: list[list[float]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        for line in process.stdout or ():
            row = json.loads(line)
            if "epoch" in row:
                curve.append([row["train_s"], row["dice_dataset"]])
                said = f"{row['train_s']} s, {DICE_POOLED} {row['dice_dataset']:.4f}"
                print(f"tutorial, epoch {row['epoch']}: {said}", flush=True)
    return curve


def words(x: float, y: float, text: str, anchor: str = "middle", colour: str = "#333") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'


def draw(curves: dict[str, list[list[float]]], path: Path) -> None:
    """An SVG without a browser: two lines, two axes."""
    width, height, left, bottom, top = 760, 340, 56, 46, 18
    longest = max(s for curve in curves.values() for s, _ in curve)

    def at(seconds: float, dice: float) -> str:
        x = left + seconds / longest * (width - left - 24)
        return f"{x:.1f},{top + (1 - (dice - 0.4) / 0.6) * (height - top - bottom):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="13"><rect width="100%" height="100%" fill="#fff"/>'
    ]
    for dice in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        (x1, y), (x2, _) = (p.split(",") for p in (at(0, dice), at(longest, dice)))
        strong = "#888" if dice == 0.9 else "#ddd"
        parts.append(f'<path d="M{x1} {y}H{x2}" stroke="{strong}"/>')
        parts.append(words(left - 8, float(y) + 4, f"{dice:.1f}", "end"))
    for seconds in range(0, int(longest) + 1, 100):
        x, y = at(seconds, 0.4).split(",")
        parts.append(words(float(x), float(y) + 18, str(seconds)))
    parts.append(words(width / 2, height - 6, "seconds of training"))
    parts.append(words(left, 12, f"{DICE_POOLED} on 58 held-out photos", "start"))
    for name, colour, label in (
        ("ours", "#0072B2", "Segmentation Studio"),
        ("tutorial", "#E69F00", "tutorial"),
    ):
        points = [at(s, d) for s, d in curves.get(name, [])]
        if not points:
            continue
        parts.append(f'<path d="M{" L".join(points)}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        parts += [
            f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="3.5" fill="{colour}"/>' for p in points
        ]
        x, y = (float(number) for number in points[-1].split(","))
        if x > width - 150:
            parts.append(words(x, y - 12, label, "end", colour))
        else:
            parts.append(words(x + 8, y - 8, label, "start", colour))
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
