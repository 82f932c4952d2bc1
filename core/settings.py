"""What a setting may be, written once: validation, the command line and the form read it from here."""

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import UserError

KEY = "setting"


@dataclass(frozen=True, slots=True)
class Setting:
    """The metadata of one field of a dataclass of settings.

    `low` and `high` bound a number, ends included; `multiple_of` is for sizes in pixels; `choices` are
    the allowed values of a text and how the form names them; `suggested` are the values a form offers
    of a number that could be any; `special` is what the form calls a number that stands for something
    else, as 0 does for "never". A setting without `group` is not in the form.
    """

    label: str
    help: str = ""
    group: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    multiple_of: int = 1
    choices: Mapping[str, str] = field(default_factory=dict)
    suggested: tuple[int, ...] = ()
    special: Mapping[float, str] = field(default_factory=dict)

    def problem(self, value: Any) -> str:
        """What is wrong with a value, and what to use instead; "" for a good one, and for none at all."""
        if value is None:
            return ""
        if self.choices and value not in self.choices:
            return f"choose one of {', '.join(self.choices)}"
        if self.low is None or self.high is None:
            return ""
        if self.low <= value <= self.high and (self.multiple_of == 1 or value % self.multiple_of == 0):
            return ""
        if self.multiple_of > 1:
            return f"use a multiple of {self.multiple_of} from {self.low:g} to {self.high:g}"
        return f"use {self.low:g} to {self.high:g}"


def setting(default: Any, label: str, help: str = "", **options: Any) -> Any:
    """A dataclass field with a default and a Setting."""
    return field(default=default, metadata={KEY: Setting(label, help, **options)})


def settings_of(config: type[Any]) -> Iterator[tuple[str, type[Any], Any, Setting]]:
    """Name, type, default and Setting of each field that has one, in order. The type of a setting that may
    be None is what it is otherwise."""
    for f in dataclasses.fields(config):
        if KEY in f.metadata:
            kind = typing.get_args(f.type)[0] if isinstance(f.type, types.UnionType) else f.type
            assert isinstance(kind, type)
            yield f.name, kind, f.default, f.metadata[KEY]


def setting_of(config: type[Any], name: str) -> Setting:
    """The Setting of one field."""
    return next(about for field_name, _, _, about in settings_of(config) if field_name == name)


def offered(about: Setting, current: Any) -> list[Any]:
    """What a form offers of a setting with choices, suggestions or steps; `current` is always among it."""
    if about.choices:
        return list(about.choices)
    values = set(about.suggested)
    if about.multiple_of > 1 and about.low is not None and about.high is not None:
        values |= set(range(int(about.low), int(about.high) + 1, about.multiple_of))
    return sorted(values | {current})


def named(about: Setting, value: Any) -> str:
    """How a form names a value."""
    return str(about.choices.get(value) or about.special.get(value) or value)


def validate(values: Any) -> None:
    """Raise UserError for the first field of a dataclass of settings whose value is not allowed."""
    for name, _, _, about in settings_of(type(values)):
        value = getattr(values, name)
        if problem := about.problem(value):
            shown = f"'{value}'" if isinstance(value, str) else value
            raise UserError(f"{name} cannot be {shown}: {problem}.")
