"""The command line: the same code as the pages, for scripts and machines without a browser.

    python -m core train    --data DIR          train a model
    python -m core find-rate --data DIR         find a learning rate
    python -m core search   --data DIR          search for better settings
    python -m core evaluate --model M --data D  score a model at each photo's own size
    python -m core predict  --model M PHOTO...  write masks and cut-outs of photos
    python -m core video    --model M CLIP      replace the background of a short video
    python -m core export   --model M --out DIR  write ONNX, int8, a web page and other files
    python -m core live     --model M           serve a model to the cameras of phones
    python -m core web-runtime                  fetch what runs models in browsers
    python -m core serve    --model M           serve a model over HTTP
    python -m core data     check | import | split | compose | export | demo

`--json` prints one JSON object as the last line of standard output, {"error": "..."} if something went
wrong. All other output may change.
"""

import argparse
import io
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from core import __version__
from core.cli.arguments import ArgumentsError, Parser, is_first_process
from core.cli.data import data_arguments
from core.cli.evaluate import evaluate_arguments
from core.cli.export import export_arguments
from core.cli.predict import predict_arguments
from core.cli.search import search_arguments
from core.cli.serve import serve_arguments
from core.cli.train import STOPPED, rate_arguments, train_arguments, was_stopped
from core.cli.video import video_arguments
from core.cli.web import live_arguments, runtime_arguments
from core.errors import UserError, is_of_the_system, system_said
from core.policy.permissions import OWNER, acting_as


def main(arguments: Sequence[str] | None = None, begun: float | None = None) -> int:
    """Exit status: 0 done; 1 failed, or one of several files did; 2 wrong arguments; 130 interrupted.

    `begun` is the time.monotonic() from which the minutes of a training count, by default now.
    """
    begun = time.monotonic() if begun is None else begun
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # file names may hold what a terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    # Of several processes that train together, only the first prints.
    in_json = "--json" in (sys.argv[1:] if arguments is None else arguments) and is_first_process()
    try:
        args = parser().parse_args(arguments)
        args.begun = begun
        with acting_as(OWNER):  # whoever can start a process here needs no permission of the app
            result: dict[str, Any] = args.work(args)
    except ArgumentsError as error:
        return _failed(2, str(error), in_json)
    except UserError as error:
        return _failed(1, str(error), in_json)
    except KeyboardInterrupt:
        return _failed(STOPPED, "Interrupted.", in_json)
    except Exception as error:
        if is_of_the_system(error):
            return _failed(1, _file_error(error), in_json)
        if in_json:  # the traceback goes to standard error
            first = next(iter(str(error).splitlines()), "")
            _print_json({"error": f"{type(error).__name__}: {first}"[:300]})
        raise
    if in_json and result:
        _print_json(result)
    if result.get("failed"):
        return 1
    return STOPPED if was_stopped(result) else 0


def _failed(status: int, sentence: str, in_json: bool) -> int:
    print(sentence if status == STOPPED else f"Error: {sentence}", file=sys.stderr)
    if in_json:
        _print_json({"error": sentence})
    return status


def _file_error(error: OSError) -> str:
    return f"{f'{error.filename}: ' if error.filename else ''}{system_said(error)}."


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False), flush=True)


def parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    top = Parser("python -m core", description=__doc__, formatter_class=form)
    top.add_argument("--version", action="version", version=f"Segmentation Studio {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    train_arguments(commands.add_parser(
        "train", formatter_class=form, help="train a model",
        description="Train on a folder with images/ and masks/ (same file names). A fifth of the "
        "photos, chosen by a seeded shuffle and recorded in dataset.json, is kept for validation.\n\n"
        "  python -m core train --data my_photos\n"
        "  python -m core train --data my_photos --minutes 20\n"
        "  python -m core train --data my_photos --preset Balanced --encoder resnet34 --epochs 30\n\n"
        "  torchrun --nproc-per-node 2 -m core train --data my_photos\n"
        "  python -m core train --data /shared/my_photos --ray auto --workers 2\n\n"
        "The run's folder holds best/ and last/ models, previews and events. Ctrl+C stops and keeps them; "
        "--resume RUN continues.",
    ))  # fmt: skip
    rate_arguments(commands.add_parser(
        "find-rate", formatter_class=form, help="find a learning rate",
        description="Train a new model for up to 60 steps at rising rates and report where the loss falls "
        "fastest. Takes the same settings as `train`.\n\n  python -m core find-rate --data my_photos",
    ))  # fmt: skip
    search_arguments(commands.add_parser(
        "search", formatter_class=form, help="search for better settings",
        description="Try encoders, architectures, sizes, losses, learning rates and augmentations for "
        "some minutes, train the best settings to the end, and judge them on test photos that the search "
        "never saw. Takes the settings of `train`: those given stay as they are. Each trial is a run.\n\n"
        "  python -m core search --data my_photos --minutes 60\n"
        '  python -m core search --data my_photos --grid "encoder=resnet18,resnet34 loss=bce,dice"\n\n'
        "Ctrl+C stops; --resume SEARCH continues.",
    ))  # fmt: skip
    evaluate_arguments(commands.add_parser(
        "evaluate", formatter_class=form, help="score a model on photos with masks",
        description="Score a model at each photo's own size: on the validation part of the data set, or "
        "on the images that --names lists.\n\n"
        "  python -m core evaluate --model checkpoints/person-lite0 --data my_photos --json",
    ))  # fmt: skip
    predict_arguments(commands.add_parser(
        "predict", formatter_class=form, help="write masks and cut-outs of photos",
        description="Write masks, cut-outs or overlays of photos at their own size.\n\n"
        "  python -m core predict --model checkpoints/person-lite0 me.jpg --out cut --save cutout",
    ))  # fmt: skip
    video_arguments(commands.add_parser(
        "video", formatter_class=form, help="replace the background of a short video",
        description="Replace the background of a short video or GIF, with masks smoothed over time.\n\n"
        "  python -m core video --model checkpoints/person-lite0 call.mp4 --out blurred.mp4",
    ))  # fmt: skip
    export_arguments(commands.add_parser(
        "export", formatter_class=form, help="export a model to files that other programs run",
        description="Export a model to ONNX, ONNX int8, a web page that runs it in the browser, a "
        "torch.export program or a checkpoint for smp. A script that predicts without torch can go with it. "
        "Each file is checked against the model.\n\n"
        "  python -m core export --model checkpoints/person-lite0 --out person --formats onnx,script,int8",
    ))  # fmt: skip
    live_arguments(commands.add_parser(
        "live", formatter_class=form, help="serve a model to the cameras of phones",
        description="Serve the live page of a model to the local network over HTTPS, and print its address "
        "as a QR code. The model runs in the visitors' browsers.\n\n"
        "  python -m core live --model checkpoints/person-small",
    ))  # fmt: skip
    runtime_arguments(commands.add_parser(
        "web-runtime", formatter_class=form, help="fetch what runs models in browsers",
        description="Put ONNX Runtime Web (41 MB) into the workspace, with npm where it is installed, else "
        "from a CDN. Live pages and exported web pages then need no other server.\n\n"
        "  python -m core web-runtime",
    ))  # fmt: skip
    serve_arguments(commands.add_parser(
        "serve", formatter_class=form, help="serve a model over HTTP",
        description="A REST endpoint: POST a photo, get its mask, cut-out, overlay or components.\n\n"
        "  python -m core serve --model checkpoints/person-lite0\n"
        '  curl --data-binary @me.jpg "http://127.0.0.1:8600/segment?result=cutout" -o me.png',
    ))  # fmt: skip
    data_arguments(commands.add_parser("data", help="check, import, split, compose or export a data set"))
    return top
