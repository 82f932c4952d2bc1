"""`python -m core serve`."""

import argparse
from pathlib import Path
from typing import Any


def serve_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--model", type=Path, help="model folder (default: the first of the registry)")
    p.add_argument("--host", default="127.0.0.1", help="0.0.0.0 accepts other machines (%(default)s)")
    p.add_argument(
        "--name", action="append", default=[], help="host name besides localhost by which it is reached"
    )
    p.add_argument("--port", type=int, default=8600, help="(%(default)s)")
    p.set_defaults(work=_serve)


def _serve(args: argparse.Namespace) -> dict[str, Any]:
    import uvicorn

    from core.errors import UserError
    from core.models.card import is_model
    from core.server.rest import KEY, api

    if args.model is not None and not is_model(args.model):
        raise UserError(f"{args.model} holds no model: name a folder with config.json and model.safetensors.")
    names = [args.host, *args.name]
    print(f"Examples: http://{args.host}:{args.port}/")
    if args.host not in ("127.0.0.1", "localhost", "::1"):
        print("Other machines can connect, by the names given with --name.")
        print(f"Set {KEY} to require a key in every request.")
    app = api(args.model, lambda: names)
    uvicorn.run(app, host=args.host, port=args.port, log_level="warning", timeout_keep_alive=10)
    return {}
