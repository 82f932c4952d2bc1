"""Command-line arguments. Wrong ones raise an error, so that `--json` can report them too."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from core.errors import UserError
from core.settings import Setting, settings_of

if TYPE_CHECKING:
    from core.models.card import ModelCard


class ArgumentsError(Exception):
    """Wrong arguments. The message names the command."""


class Parser(argparse.ArgumentParser):
    """Prints the usage and raises ArgumentsError, where argparse would exit."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        raise ArgumentsError(f"{self.prog}: {message}")


def is_first_process() -> bool:
    """Like core.system.device's, without importing torch, so that errors are reported at once."""
    return os.environ.get("RANK", "0") == "0"


DATA = "folder with images/ and masks/, or the name of a data set in the workspace"
MODEL = "folder with config.json and model.safetensors, or an ONNX file of another program"


def card_of_model(place: Path) -> "ModelCard | None":
    """The card of an ONNX file, which is checked first; None for a model that has one. Says on stderr what is
    assumed of a file that does not say how it is used."""
    from core.models.card import ONNX_SUFFIX

    if place.suffix != ONNX_SUFFIX:
        return None
    from core.models.onnx_files import checked_card

    card, is_known = checked_card(place)
    if not is_known and card.onnx:
        size = f"{card.onnx.width}x{card.onnx.height} pixels"
        channel = f", the foreground in channel {card.onnx.channel + 1}" if card.onnx.channel else ""
        print(
            f"{place.name} is of no known family. Assumed: {size}, values of 0 to 1 with ImageNet's mean and "
            f"deviation, probabilities out{channel}. Import it on the Models page to choose others.",
            file=sys.stderr,
        )
    return card


def data_set(text: str | Path) -> Path:
    """The folder at this path or, where there is none, the data set of the workspace with this name. Raises
    UserError where there is neither."""
    from core.data import library

    if Path(text).exists():
        return Path(text)
    for folder in library.list_datasets():
        if str(text) in (folder.name, library.display_name(folder)):
            return folder
    raise UserError(f"There is neither a folder {text} nor a data set of this name in the workspace.")


def add_settings(
    p: argparse.ArgumentParser, config: type[Any], names: Iterable[str], default: str = "{!r}"
) -> None:
    """Add an option for each of these settings of a dataclass, None unless given. `default` formats the
    default in the help; None becomes "the model's own"."""
    wanted = set(names)
    for name, kind, own, about in settings_of(config):
        if name not in wanted:
            continue
        option = f"--{name.replace('_', '-')}"
        bounds = "" if about.low is None or about.high is None else f"{about.low:g} to {about.high:g}; "
        usual = "the model's own" if own is None else default.format(own)
        text = f"{about.help or about.label} ({bounds}default: {usual})".replace("%", "%%")
        if kind is bool:
            p.add_argument(option, action=argparse.BooleanOptionalAction, help=text)
        elif about.choices:
            p.add_argument(option, choices=list(about.choices), help=text)
        else:
            p.add_argument(option, type=_reader(kind, about), metavar=name.upper(), help=text)


def given_settings(args: argparse.Namespace, config: type[Any]) -> dict[str, Any]:
    """Those settings of a dataclass that were given."""
    values = {name: getattr(args, name, None) for name, *_ in settings_of(config)}
    return {name: value for name, value in values.items() if value is not None}


def _reader(kind: type[Any], about: Setting) -> Callable[[str], Any]:
    """A function that parses a value and rejects what the setting does not allow."""

    def read(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or about.problem(value):
            raise argparse.ArgumentTypeError(f"'{text}' cannot be used: {_wanted(kind, about)}")
        return value

    return read


def _wanted(kind: type[Any], about: Setting) -> str:
    number = "a whole number" if kind is int else "a number"
    if about.low is None or about.high is None:
        return f"give {number}"
    step = f", a multiple of {about.multiple_of}" if about.multiple_of > 1 else ""
    return f"give {number} from {about.low:g} to {about.high:g}{step}"
