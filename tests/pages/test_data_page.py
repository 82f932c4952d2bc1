"""The Data page without a browser: what is deleted can be restored, and classes are renamed beside their
colours."""

from pathlib import Path

import pytest

from core.data import fixes, library
from core.data.dataset import open_data
from core.runs.run_folder import Run
from pages.data_parts.deleting import DELETED
from tests.builders import write_scenes
from tests.pages.test_pages import opened, words

pytestmark = pytest.mark.usefixtures("few_drawn_people")


def test_a_deleted_data_set_is_restored_by_undo(workspace: Path) -> None:
    cracks = write_scenes(workspace / "datasets" / "cracks", 4)
    before = open_data(cracks).split
    app = opened("data", **{DELETED: [library.delete_dataset(cracks)]})
    assert not app.exception and not cracks.exists() and "Deleted **cracks**" in words(app)
    next(b for b in app.button if b.label == "Undo").click().run()
    assert not app.exception and "Deleted **cracks**" not in words(app)
    assert open_data(cracks).split == before
    assert next(b for b in app.selectbox if b.label == "Data set").value == str(cracks)


def test_classes_are_renamed_beside_their_colours(run_of_classes: Run) -> None:
    folder = Path(run_of_classes.config.data)
    fixes.as_classes(open_data(folder))
    app = opened("data", chosen_dataset=str(folder))
    first = next(t for t in app.text_input if t.label.startswith("Mask value"))
    first.set_value("heaven")
    next(b for b in app.button if b.label == "Rename").click().run()
    assert not app.exception and not app.error
    assert open_data(folder).encoding.task.classes[0] == "heaven"
    assert any("heaven" in e.value for e in app.get("html"))
    twin = next(t for t in app.text_input if t.label.startswith("Mask value") and t.value != "heaven")
    twin.set_value("Heaven")
    next(b for b in app.button if b.label == "Rename").click().run()
    assert "Every class needs a name of its own" in app.error[0].value
