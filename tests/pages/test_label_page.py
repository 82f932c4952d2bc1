"""The Label page: where it begins, and what Compare sends to it."""

import shutil
from collections import deque
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.data import library
from core.labelling.history import Kind
from core.labelling.session import Status, open_session
from core.policy import permissions
from core.policy.permissions import OWNER
from core.system import workspace
from core.system.workspace import PROJECT
from pages.label_parts.view import VIEW, View
from pages.widgets.entry import INSIDE
from tests.builders import write_scenes
from tests.limits import seconds


@pytest.fixture(autouse=True)
def owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions, "_ask", lambda: OWNER)


def opened(**state: object) -> AppTest:
    app = AppTest.from_file(str(PROJECT / "pages" / "label.py"), default_timeout=seconds(60))
    app.session_state[INSIDE] = True
    for key, value in state.items():
        app.session_state[key] = value
    return app.run()


def test_without_a_data_set_of_ones_own_it_asks_for_photos_and_classes() -> None:
    app = opened()
    assert not app.exception and not app.error
    assert "Start labelling" in {button.label for button in app.button}
    assert "Cancel" not in {button.label for button in app.button}


def test_an_image_from_compare_opens_with_the_prediction_and_keeps_its_mask_until_that_is_accepted(
    saved_model: Path,
) -> None:
    folder = write_scenes(library.new_folder("scenes"), 4)
    model = workspace.models() / "imported"
    shutil.copytree(saved_model, model)
    before = (folder / "masks" / "01.png").read_bytes()
    queue = deque([("01.jpg", str(model)), ("03.jpg", str(model))])
    app = opened(chosen_dataset=str(folder), **{VIEW: View(folder.resolve(), "01.jpg", "2", queue=queue)})
    assert not app.exception and not app.error
    assert app.query_params["photo"] == "01.jpg"  # a reload shows it again
    session = open_session(folder)
    state = session.state("01.jpg")
    assert [event.kind for event in state.done] == [Kind.START, Kind.PREDICTION]
    assert session.status("01.jpg").status is Status.ACCEPTED and session.status("01.jpg").is_changed
    assert (folder / "masks" / "01.png").read_bytes() == before
    app.run()
    assert session.state("01.jpg").revision == state.revision  # once
    first = session.storage.draft("01.jpg", 1)
    assert np.array_equal(first, np.asarray(Image.open(folder / "masks" / "01.png")) // 255)


def test_a_session_begins_with_the_photos_of_a_data_set_and_none_of_its_masks() -> None:
    write_scenes(library.new_folder("scenes"), 3)
    app = opened(label_starting=True, label_way="Data set")
    app.selectbox(key="label_source").set_value(library.list_datasets()[0]).run()
    app.text_input(key="label_name").set_value("shapes")
    app.text_input(key="label_classes").set_value("disc, rim").run()
    next(button for button in app.button if button.label == "Start labelling").click().run()
    assert not app.exception and not app.error
    folder = workspace.datasets() / "shapes"
    assert len(list((folder / "images").iterdir())) == 3 and not list((folder / "masks").iterdir())
    assert open_session(folder).scheme.names == ["disc", "rim"]
