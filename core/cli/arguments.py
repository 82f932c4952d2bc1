"""What the command line takes: wrong arguments are errors like others, so that `--json` can say them."""

import argparse
import os
import sys
from typing import NoReturn


class ArgumentsError(Exception):
    """Arguments that make no sense. The message names the command."""


class Parser(argparse.ArgumentParser):
    """Prints how a command is used and raises ArgumentsError, where argparse ends the process."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        raise ArgumentsError(f"{self.prog}: {message}")


def is_first_process() -> bool:
    """As core.system.device's, without torch: a mistake is said at once."""
    return os.environ.get("RANK", "0") == "0"


def share(text: str) -> float:
    """A number in 0..1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' cannot be used: give a number from 0 to 1")
    return value
