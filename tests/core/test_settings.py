"""A setting is written once: its bounds, choices and words are the same wherever it is asked for."""

import argparse
import dataclasses
from typing import Any

import pytest

from core.cli.train import train_arguments
from core.config import GROUPS, PRESETS, TrainConfig
from core.errors import UserError
from core.settings import Setting, named, offered, setting, settings_of, validate

SETTINGS = [(name, kind, about) for name, kind, _, about in settings_of(TrainConfig)]
NUMBERS = [(name, about) for name, _, about in SETTINGS if about.low is not None]


@pytest.mark.parametrize(("name", "about"), NUMBERS, ids=[name for name, _ in NUMBERS])
def test_both_ends_of_a_range_are_allowed_and_what_lies_beyond_is_not(name: str, about: Setting) -> None:
    assert about.low is not None and about.high is not None
    for good in (about.low, about.high):
        kind = type(getattr(TrainConfig("x"), name))
        TrainConfig.from_dict({"data": "x", name: kind(good)})
    for bad in (about.low - 1, about.high * 2 + 1):
        with pytest.raises(UserError, match=name):
            dataclasses.replace(TrainConfig("x"), **{name: bad})


def test_every_setting_is_an_option_of_the_command_line_with_its_bounds_in_the_help() -> None:
    parser = argparse.ArgumentParser()
    train_arguments(parser)
    by_name = {action.dest: action for action in parser._actions}
    for name, _, about in SETTINGS:
        assert name in by_name, name
        if about.choices:
            assert by_name[name].choices == list(about.choices)
        if about.high is not None:
            assert f"to {about.high:g}" in str(by_name[name].help)


def test_every_setting_of_the_form_has_a_known_group_and_offers_what_the_presets_use() -> None:
    for name, _, about in SETTINGS:
        assert about.group in ("", *GROUPS)
        for preset in PRESETS.values():
            value: Any = preset.settings.get(name, getattr(TrainConfig("x"), name))
            assert not about.problem(value), (name, value)
            if about.choices or about.suggested or about.multiple_of > 1:
                assert value in offered(about, value)


def test_special_numbers_and_choices_are_named() -> None:
    about = {name: a for name, _, a in SETTINGS}
    assert named(about["batch_size"], 0) == "Automatic"
    assert named(about["batch_size"], 8) == "8"
    assert named(about["schedule"], "plateau") == "Reduce on plateau"


def test_runs_of_before_a_setting_was_renamed_are_still_read() -> None:
    assert TrainConfig.from_dict({"data": "x", "encoder_rate": 0.25}).encoder_lr_multiplier == 0.25


def test_the_sentence_names_the_setting_its_value_and_what_to_use() -> None:
    @dataclasses.dataclass
    class Small:
        side: int = setting(64, "Side", low=32, high=96, multiple_of=32)
        kind: str = setting("a", "Kind", choices={"a": "A", "b": "B"})

    with pytest.raises(UserError, match=r"side cannot be 65: use a multiple of 32 from 32 to 96\."):
        validate(Small(side=65))
    with pytest.raises(UserError, match=r"kind cannot be 'c': choose one of a, b\."):
        validate(Small(kind="c"))
