"""`python -m core video`."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from core.cli.arguments import share


def video_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("video", type=Path, help="a short video or a GIF")
    p.add_argument("--model", type=Path, required=True, help="folder with config.json and model.safetensors")
    p.add_argument("--out", type=Path, required=True, help=".mp4, or .webm, which keeps transparency")
    p.add_argument(
        "--background", default="blur", help="#RRGGBB, blur, grey, none or a picture file (%(default)s)"
    )
    p.add_argument("--threshold", type=share, help="0..1 (default: the model's own)")
    p.add_argument("--only-largest", action="store_true", help="keep only the largest part")
    p.add_argument("--unsteadied", action="store_true", help="each frame's mask on its own")
    p.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (%(default)s)")
    p.add_argument("--json", action="store_true", help="one JSON object on the last line")
    p.set_defaults(work=_video)


def _video(args: argparse.Namespace) -> dict[str, Any]:
    from core.cli.predict import named_background
    from core.errors import UserError
    from core.imaging.matting import Background, Finish
    from core.inference.clips import read_clip
    from core.inference.predictor import Predictor
    from core.inference.video import CODECS, Recipe, replace_background
    from core.system.workspace import file_to_write

    if args.out.suffix not in CODECS:
        raise UserError(f"--out cannot be '{args.out.name}': name a file that ends in .mp4 or .webm.")
    clip = read_clip(args.video)
    predictor = Predictor(args.model, args.device)
    background = Background() if args.background == "none" else named_background(args.background)
    if background.kind == "Transparent" and args.out.suffix != ".webm":
        raise UserError("A transparent background needs a file that ends in .webm.")
    recipe = Recipe(
        predictor.card.threshold if args.threshold is None else args.threshold,
        finish=Finish(args.only_largest),
        background=background,
        steady=not args.unsteadied,
    )
    file_to_write(args.out)
    frames, shown = 0, time.monotonic()
    for frames in replace_background(args.video, args.out, predictor, recipe):
        if time.monotonic() - shown > 5:
            shown = time.monotonic()
            print(f"{frames} of about {clip.frames} frames", file=sys.stderr)
    print(args.out)
    return {"written": str(args.out), "frames": frames}
