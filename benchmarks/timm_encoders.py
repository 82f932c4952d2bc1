"""What every network of timm takes as the encoder of a U-Net, counted without running it, as a table.

    python benchmarks/timm_encoders.py     # some ten minutes

Networks are built on the "meta" device: shapes without numbers. Multiplications counted so are the same
as those that benchmarks/encoders.py counts on real ones. Writes core/models/timm_encoders.csv; networks that
cannot be an encoder at 256x192 are left out.
"""

import csv
import sys
import warnings
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from core.models.encoder_catalogue import TIMM_FILE  # noqa: E402

HEIGHT, WIDTH = 256, 192


def main() -> None:
    import timm

    warnings.simplefilter("ignore")
    rows, failed = [], 0
    for name in timm.list_models():
        try:
            rows.append(counted(f"tu-{name}"))
        except Exception:
            failed += 1
    with open(TIMM_FILE, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("encoder", "encoder_parameters", "gmacs"))
        table.writerows(rows)
    print(f"{len(rows)} of {len(rows) + failed} networks can be an encoder at {HEIGHT}x{WIDTH}.")


def counted(encoder: str) -> tuple[str, int, float]:
    import segmentation_models_pytorch as smp

    with torch.device("meta"), torch.no_grad():
        model = smp.Unet(encoder, encoder_weights=None).eval()
        with FlopCounterMode(display=False) as counter:
            model(torch.zeros(1, 3, HEIGHT, WIDTH))
    parameters = sum(p.numel() for p in model.encoder.parameters())
    return encoder, parameters, round(counter.get_total_flops() / 2 / 1e9, 3)


if __name__ == "__main__":
    main()
