"""`python -m core web-runtime`."""

import argparse
from typing import Any


def runtime_arguments(p: argparse.ArgumentParser) -> None:
    p.set_defaults(work=_fetch)


def _fetch(args: argparse.Namespace) -> dict[str, Any]:
    from core.export.web_runtime import fetch, runtime_folder

    for step in fetch():
        print(step)
    print(f"It is in {runtime_folder()}.")
    return {}
