"""`python -m core web-runtime` and `python -m core live`."""

import argparse
from pathlib import Path
from typing import Any


def runtime_arguments(p: argparse.ArgumentParser) -> None:
    p.set_defaults(work=_fetch)


def live_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--model", type=Path, help="model folder of the library (default: the first)")
    p.add_argument("--port", type=int, default=8643, help="(%(default)s)")
    p.set_defaults(work=_live)


def _fetch(args: argparse.Namespace) -> dict[str, Any]:
    from core.export.web_runtime import fetch, runtime_folder

    for step in fetch():
        print(step)
    print(f"It is in {runtime_folder()}.")
    return {}


def _live(args: argparse.Namespace) -> dict[str, Any]:
    import segno

    from core.errors import UserError
    from core.live.pages import page_of
    from core.live.sharing import start_sharing
    from core.models.registry import list_models

    entries = list_models()
    wanted = args.model.resolve() if args.model else None
    found = [entry for entry in entries if wanted in (None, entry.folder.resolve())]
    if not found:
        raise UserError(f"{args.model or 'The library'} holds no model: name a folder of the library.")
    running = start_sharing(args.port)
    address = running.address + page_of(found[0].id)
    segno.make(address, micro=False).terminal(compact=True)
    print(f"{found[0].card.name}: {address}")
    print("Browsers warn of the certificate once, because this machine made it itself. Ctrl+C ends.")
    running.thread.join()
    return {}
