"""Copy a trained click model into checkpoints/click-lite0 with its card: what it learned from and its scores.

From the repository's root; people.txt has the names of the last 58 photos:

    python benchmarks/train_click.py --source ../shared/data --out runs/click --minutes 45 \
        --start-from checkpoints/click-lite0 --encoder checkpoints/subject-lite0 --rate 0.0005
    python benchmarks/clicks.py --data ../shared/data/people --names people.txt --model runs/click --clicks 5 \
        --json > people.json
    python benchmarks/ship_click.py --model runs/click --scores "people, the last 58, by clicks=people.json"

The shipped weights are not reproduced by this exactly: their decoder had been trained before, with the encoder of
person-lite0, from ImageNet weights and zeros for the prompts, for 862 steps of 61 minutes on a fifth of a core.
"""

import argparse
import json
import shutil
import sys
from datetime import date
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.labelling.click_model import CARD, SHIPPED

DATA = """people (VikramShenoy97/Human-Segmentation-Dataset, all but the last 58; no licence stated), Clothing Co-Parsing streets (all but the last 120), every \
third training portrait of EG1800 (research, non-commercial), Weizmann horses (all but the last 40), Oxford-IIIT pets \
(CC BY-SA 4.0), CamVid's training part, Penn-Fudan pedestrians (research use), cut-out people and background photos \
(no licence stated), pieces of one colour, and all of these composed on each other's photos"""

README = """# Click model, lite0

From clicks on an object to its mask. `core.labelling.clicks.segment_by_clicks` uses it; it is no model to predict with.

A U-Net with efficientnet-lite0, which answers at half its input's resolution. The encoder is subject-lite0's and
sees the photo alone; the decoder started from person-lite0's and sees at each skip connection the clicks, the mask
before, and how like each pixel is to what they mark, by features of the ImageNet encoder. Trained by iterative
simulated clicks (Sofiiuk et al., Reviving Iterative Training with Mask Guidance, 2021) on crops of 128 to {side}
pixels, by `benchmarks/train_click.py`: 862 steps of 8 crops with the encoder of person-lite0, then {steps:,} steps
with this one in {minutes:.0f} minutes on one CPU core in bfloat16; moving average of weights.

**Data and terms.** {data}. Because of these terms, use the weights for research, teaching and trial only.

**Scores**, by `benchmarks/clicks.py --clicks 5` on {date}, Dice (mean over objects) after so many clicks, photos at
their own size; of the clicks to an IoU, 5 where it is not reached:

| objects | number | method | 1 | 2 | 3 | 5 | clicks to IoU 0.85 | to 0.90 |
|---|---|---|---|---|---|---|---|---|
{rows}

None of these photos was used for training. Horses are a subject that it knows. {note}
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="the folder that train_click.py wrote")
    parser.add_argument(
        "--scores", nargs="*", default=[], help="OBJECTS, by METHOD=FILE of what clicks.py printed"
    )
    parser.add_argument("--note", default="")
    args = parser.parse_args()
    SHIPPED.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(args.model / "model.safetensors", SHIPPED / "model.safetensors")
    (SHIPPED / "model.safetensors").chmod(0o644)
    state = torch.load(args.model / "state.pt", weights_only=True)
    scores = {}
    for item in args.scores:
        name, _, file = item.rpartition("=")
        scores[name] = json.loads(Path(file).read_text().strip().splitlines()[-1])
    card = {
        "name": "Click model, lite0", "subject": "what is clicked on", "created": date.today().isoformat(),
        "encoder": "timm-tf_efficientnet_lite0", "steps": state["steps"], "minutes": round(state["elapsed"] / 60),
        "data": DATA, "scores": scores,
    }  # fmt: skip
    (SHIPPED / CARD).write_text(json.dumps(card, indent=2) + "\n", "utf-8")
    text = README.format(
        steps=state["steps"], side=state.get("side", 192), minutes=state["elapsed"] / 60, data=DATA,
        date=date.today().isoformat(), rows="\n".join(row(*item) for item in scores.items()), note=args.note,
    )  # fmt: skip
    (SHIPPED / "README.md").write_text(text, "utf-8")


def row(name: str, found: dict) -> str:
    objects, _, method = name.rpartition(", by ")
    after = " | ".join(f"{found['dice'][n]:.3f}" for n in ("1", "2", "3", "5"))
    return f"| {objects} | {found['objects']} | {method} | {after} | {found['noc85']} | {found['noc90']} |"


if __name__ == "__main__":
    main()
