"""`python -m core video`."""

import argparse
from pathlib import Path
from typing import Any

from core.cli.arguments import MODEL, card_of_model
from core.cli.predict import cut_out_arguments, cut_out_settings
from core.cli.progress import ProgressPrinter


def video_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("video", type=Path, help="a short video or a GIF")
    p.add_argument("--model", type=Path, required=True, help=MODEL)
    p.add_argument("--out", type=Path, required=True, help="an .mp4 file, or .webm, which keeps transparency")
    p.add_argument(
        "--background", default="blur", help="#RRGGBB, blur, grey, none or a picture file (%(default)s)"
    )
    cut_out_arguments(p)
    p.add_argument("--unsteadied", action="store_true", help="do not smooth masks over time")
    p.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (%(default)s)")
    p.add_argument("--json", action="store_true", help="one JSON object on the last line")
    p.set_defaults(work=_video)


def _video(args: argparse.Namespace) -> dict[str, Any]:
    from core.errors import UserError
    from core.inference.clips import read_clip
    from core.inference.predictor import Predictor
    from core.inference.video import CODECS, replace_background
    from core.system.workspace import file_to_write

    if args.out.suffix not in CODECS:
        raise UserError(f"--out cannot be '{args.out.name}': name a file that ends in .mp4 or .webm.")
    clip = read_clip(args.video)
    predictor = Predictor(args.model, args.device, card_of_model(args.model))
    settings = cut_out_settings(args)
    if settings.background.kind == "transparent" and args.out.suffix != ".webm":
        raise UserError("A transparent background needs a file that ends in .webm.")
    file_to_write(args.out)
    frames, printer = 0, ProgressPrinter()
    for frames in replace_background(args.video, args.out, predictor, settings, not args.unsteadied):
        printer.show(f"{frames} of about {clip.frames} frames")
    print(args.out)
    return {"written": str(args.out), "frames": frames}
