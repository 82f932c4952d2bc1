"""One training step of every encoder and architecture, each in a process of its own, as a table.

    python benchmarks/encoders.py            # or: make encoders
    python benchmarks/encoders.py --only tu-convnext_atto resnet50
    python benchmarks/encoders.py --timm     # every network of timm that gives features: hours

Writes core/models/encoders.csv, which the Train page reads to guide the choice. Rows that are there already
are kept; --again measures them again. Speeds are of the machine that measured.
"""

import argparse
import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from core.config import ARCHITECTURES, DEFAULT_ENCODER, DPT_ENCODER  # noqa: E402
from core.models.encoder_catalogue import TABLE_FILE, TIMM_SELECTION, all_encoders  # noqa: E402

SECONDS = 120
ENCODER_OF = {"DPT": DPT_ENCODER}  # the one architecture that takes transformers alone
FIELDS = (
    "encoder", "architecture", "height", "width", "batch", "works", "encoder_parameters", "parameters",
    "gmacs", "memory_mb", "images_per_second",
)  # fmt: skip


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--timm", action="store_true")
    parser.add_argument("--again", action="store_true")
    args = parser.parse_args()
    rows = {} if args.again else read()
    wanted = [(name, "Unet") for name in args.only or names(args.timm)]
    wanted += [] if args.only else [(ENCODER_OF.get(a, DEFAULT_ENCODER), a) for a in ARCHITECTURES]
    for encoder, architecture in wanted:
        if (encoder, architecture) in rows and not args.only:
            continue
        row = rows[encoder, architecture] = measure(encoder, architecture)
        rate = f"{row['images_per_second']:>7} images/s"
        print(f"{architecture:14} {encoder:40} {rate}  {row['works']}", flush=True)
        write(rows)
    failed = [key for key, row in rows.items() if row["works"] != "yes"]
    print(f"{len(rows) - len(failed)} of {len(rows)} work.")


def names(every: bool) -> list[str]:
    listed = [*all_encoders(), *TIMM_SELECTION]
    if every:
        import timm

        listed += [f"tu-{name}" for name in timm.list_models() if f"tu-{name}" not in listed]
    return listed


def measure(encoder: str, architecture: str) -> dict[str, object]:
    """The probe's line; where there is none, how the process ended."""
    empty = dict.fromkeys(FIELDS, 0) | {"encoder": encoder, "architecture": architecture}
    command = [
        sys.executable,
        "-m",
        "core.training.encoder_benchmark",
        encoder,
        "--architecture",
        architecture,
    ]
    try:
        done = subprocess.run(
            command, cwd=PROJECT, capture_output=True, text=True, timeout=SECONDS, check=False,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return empty | {"works": f"took longer than {SECONDS} s"}
    if done.returncode == 0 and done.stdout.strip():
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))
    how = signal.Signals(-done.returncode).name if done.returncode < 0 else f"status {done.returncode}"
    return empty | {"works": f"the process ended with {how}"}


def read() -> dict[tuple[str, str], dict[str, object]]:
    if not TABLE_FILE.is_file():
        return {}
    with open(TABLE_FILE, encoding="utf-8", newline="") as file:
        return {(row["encoder"], row["architecture"]): dict(row) for row in csv.DictReader(file)}


def write(rows: dict[tuple[str, str], dict[str, object]]) -> None:
    with open(TABLE_FILE, "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, FIELDS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows.values())


if __name__ == "__main__":
    main()
