"""The registry: models of one name can be told apart wherever they are listed."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from core.errors import UserError
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
    assert all("cracks · 25 Nov 2026, 14:03 · #" in twin.label for twin in twins)


@pytest.fixture
def entry(saved_model: Path) -> registry.Entry:
    return next(found for found in registry.list_models() if found.ships)


def test_a_shipped_model_is_not_deleted_from_the_shelf(entry: registry.Entry) -> None:
    with pytest.raises(UserError, match="comes with the project"):
        registry.delete(entry)
    with pytest.raises(UserError, match="characters"):
        registry.rename(entry, "   ")


def test_the_shelf_passes_over_what_is_broken(workspace: Path) -> None:
    folder = workspace / "runs" / "x" / "best"
    folder.mkdir(parents=True)
    (folder.parent / "config.json").write_text("{}")
    (folder / "config.json").write_text("{")
    (folder / "model.safetensors").write_bytes(b"")
    assert all(found.run is None for found in registry.list_models())
