"""The registry: models of one name can be told apart wherever they are listed."""

import dataclasses
import shutil
from pathlib import Path

from core.models import registry
from core.models.card import read_card, write_card
from core.system import workspace


def test_two_models_of_one_name_differ_by_data_set_date_and_identifier(saved_model: Path) -> None:
    for folder, data in (("one", "cracks"), ("two", "cracks"), ("three", "people")):
        target = workspace.models() / folder
        shutil.copytree(saved_model, target)
        name = "Alone" if folder == "three" else "Twin"
        card = dataclasses.replace(read_card(target), name=name, data=data, created="2026-11-25T14:03:59")
        write_card(target, card)
    alone, *twins = sorted(
        (entry for entry in registry.list_models() if not entry.ships), key=lambda entry: entry.label
    )
    assert "#" not in alone.label and "people" not in alone.label
    assert len({twin.label for twin in twins}) == 2
    assert all("cracks · 2026-11-25 14:03 · #" in twin.label for twin in twins)
