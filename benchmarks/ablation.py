"""The effect of each default: a short training, repeated with one setting changed at a time.

    python benchmarks/ablation.py --work /tmp/ablation

Trains efficientnet-lite0 from ImageNet weights at 256x192 on people, pedestrians and the built-in data. The
last fifth by name is held out (of the built-in data its own validation set) and scored by Dice (pooled
pixels). Rows that docs/ablation.csv has already are kept, so that an interrupted run continues. `--table`
prints the table of docs/training.md.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
from pathlib import Path

from held_out import PROJECT, SHARED, built_in, last_fifth_held_out

from core.system.score_names import DICE_POOLED

TABLE = PROJECT / "docs" / "ablation.csv"
FIELDS = ("setting", "data", "seed", "dice_pooled", "best_dice_pooled", "seconds")
BASE = {
    "batch_size": 8, "learning_rate": 1e-3, "ema_decay": 0.98, "augmentation": "standard", "loss": "bce+dice",
    "optimizer": "adamw", "schedule": "one-cycle", "weight_decay": 1e-2,
}  # fmt: skip
EPOCHS = {"people": 4, "pedestrians": 5, "built-in": 3}
SETTINGS: dict[str, dict[str, object]] = {
    "defaults": {},
    "loss: BCE alone": {"loss": "bce"},
    "augmentation: the tutorial's": {"augmentation": "tutorial"},
    "no EMA": {"ema_decay": 0.0},
    "schedule: constant": {"schedule": "constant"},
    "batches of 16": {"batch_size": 16},
    "no ImageNet weights": {"encoder_weights": "none"},
    "learning rate doubled": {"learning_rate": 2e-3},
    "encoder's rate a third": {"encoder_lr_multiplier": 0.3},
    "augmentation: light": {"augmentation": "light"},
    "loss: Dice alone": {"loss": "dice"},
    "frozen encoder": {"freeze_encoder": True},
    "loss: Lovasz": {"loss": "lovasz"},
    "loss: focal": {"loss": "focal"},
    "loss: Tversky": {"loss": "tversky"},
    "optimizer: SGD, rate 0.02": {"optimizer": "sgd", "learning_rate": 0.02},
}


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--work", type=Path, default=Path("/tmp/ablation"))
    parser.add_argument("--data", nargs="+", default=list(EPOCHS), choices=list(EPOCHS))
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--table", action="store_true", help="print the table of what was measured, and end")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.table:
        print(table())
        return
    if args.one:
        train(json.loads(args.one))
        return
    rows = read()
    for setting, changes in SETTINGS.items():
        for data in args.data:
            if any((r["setting"], r["data"], int(r["seed"])) == (setting, data, args.seed) for r in rows):
                continue
            job = {"data": data, "changes": {**BASE, **changes, "seed": args.seed}, "work": str(args.work)}
            command = [sys.executable, __file__, "--one", json.dumps(job)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{setting}, {data}: {done.stderr.strip().splitlines()[-1]}", flush=True)
                continue
            found = json.loads(done.stdout.strip().splitlines()[-1])
            rows.append({"setting": setting, "data": data, "seed": args.seed, **found})
            write(rows)
            print(
                f"{setting:32} {data:12} {DICE_POOLED} {found['dice_pooled']:.4f}  {found['seconds']:.0f} s",
                flush=True,
            )


def train(job: dict) -> None:
    """One training; the last line is its final and its best Dice, at the training size."""
    work = Path(job["work"])
    os.environ["SEGMENTATION_STUDIO_WORKSPACE"] = str(work / "workspace")
    os.environ["HF_HUB_OFFLINE"] = "1"
    name = job["data"]
    source = built_in(work / "workspace") if name == "built-in" else SHARED / "data" / name
    folder = source if name == "built-in" else last_fifth_held_out(source, work / name)

    import tempfile

    from core.config import preset_config
    from core.runs.events import EpochEnd
    from core.training.loop import fit
    from core.training.memory import keep_freed_memory

    keep_freed_memory()
    config = preset_config("Balanced", folder, epochs=EPOCHS[name], **job["changes"])
    with tempfile.TemporaryDirectory() as run:
        epochs = [event for event in fit(config, Path(run)) if isinstance(event, EpochEnd)]
    last, best = epochs[-1], max(e.dice_pooled for e in epochs[1:])
    print(json.dumps({"dice_pooled": last.dice_pooled, "best_dice_pooled": best, "seconds": last.seconds}))


def table() -> str:
    """Markdown: Dice (pooled pixels) after the last epoch, and the difference from the defaults."""
    found = {(r["setting"], r["data"]): float(r["dice_pooled"]) for r in read()}
    lines = [f"| changed | {' | '.join(EPOCHS)} | mean difference |", "|---|" + "---|" * (len(EPOCHS) + 1)]
    for setting in SETTINGS:
        cells, differences = [], []
        for data in EPOCHS:
            dice, default = found.get((setting, data)), found.get(("defaults", data))
            cells.append("" if dice is None else f"{dice:.4f}")
            if dice is not None and default is not None:
                differences.append(dice - default)
        if any(cells):
            mean = f"{sum(differences) / len(differences):+.4f}" if setting != "defaults" else ""
            lines.append(f"| {setting} | {' | '.join(cells)} | {mean} |")
    return "\n".join(lines)


def read() -> list[dict]:
    if not TABLE.is_file():
        return []
    with open(TABLE, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(rows: list[dict]) -> None:
    with open(TABLE, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
