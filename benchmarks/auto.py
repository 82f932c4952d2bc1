"""What preset Auto makes of a folder in a number of minutes, beside another preset in the same time.

    python benchmarks/auto.py --data my_photos --minutes 5 --json
    python benchmarks/auto.py --data my_photos --minutes 5 --baseline Balanced
    python benchmarks/auto.py --data city --minutes 5 --baseline Balanced --task multiclass --ignore-index 11
    python benchmarks/auto.py --data my_photos --minutes 2 -- --loss dice --height 320

Each training is a process of its own on a fresh workspace. `seconds` are of the whole command, from its start
to its exit; `dice` is that of `python -m core evaluate`: the mean over the validation images, at the photos'
own sizes. Masks of classes without a dataset.json are one foreground unless `--task` says otherwise. What
follows `--` is given to the training with Auto alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--preset", default="Auto")
    parser.add_argument("--baseline", default="", help="another preset, trained for the same time first")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--task", default="auto", help="of both trainings")
    parser.add_argument("--ignore-index", type=int, default=-1, help="the value of void pixels, for both")
    parser.add_argument("settings", nargs="*", help="after --: settings of the training")
    args = parser.parse_args()
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as work:
        # The speed of this machine is known from the second training on, as it is to those who train here.
        os.environ["SEGMENTATION_STUDIO_WORKSPACE"] = f"{work}/workspace"
        if args.baseline:
            result["baseline"] = one(args, args.baseline, Path(work) / "baseline", [])
        result = one(args, args.preset, Path(work) / "auto", args.settings) | result
    for name, found in (("baseline", result.get("baseline")), (args.preset, result)):
        if found:
            print(f"{name}: Dice (mean over images) {found['dice']:.4f} after {found['seconds']:.0f} s")
    if args.json:
        print(json.dumps(result))


def one(args: argparse.Namespace, preset: str, folder: Path, settings: list[str]) -> dict[str, Any]:
    """Train with a preset and score the best model."""
    begun = time.monotonic()
    command = ["train", "--data", str(args.data), "--preset", preset, "--minutes", f"{args.minutes:g}"]
    command += ["--task", args.task, "--ignore-index", str(args.ignore_index)]
    trained = run([*command, "--out", str(folder), "--json", *settings], not args.json)
    seconds = time.monotonic() - begun
    scored = run(["evaluate", "--model", trained["model"], "--data", str(args.data), "--json"], False)
    plan = folder / "plan.json"
    return {
        "plan": json.loads(plan.read_text("utf-8")) if plan.is_file() else {},
        "dice": scored["dice_mean"], "seconds": round(seconds, 1),
        "dice_at_training_size": trained["best"].get("dice_mean"),
        "best_epoch": trained["best"].get("epoch"),
    }  # fmt: skip


def run(arguments: list[str], shows: bool) -> dict[str, Any]:
    """A command of the project, and the object on its last line. Ends with its message where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "core", *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    if shows:
        print("\n".join(lines[:-1]), flush=True)
    result: dict[str, Any] = json.loads(lines[-1]) if lines else {"error": "no output"}
    if "error" in result:
        sys.exit(f"{' '.join(arguments[:1])}: {result['error']}")
    return result


if __name__ == "__main__":
    main()
