"""Minutes of the machine's time are asked for with "train"; what is there already, anybody may see."""

from pathlib import Path

import pytest

from core.data import demo, library
from core.data.catalogue import Catalogue, open_catalogue
from core.data.dataset import DataFolder, open_data
from core.data.exporting import export
from core.errors import UserError
from core.evaluation.cache import Evaluation, already, evaluate
from core.evaluation.candidates import of_folder
from core.evaluation.report import comparison_report, report
from core.policy.permissions import OWNER, acting_as
from tests.builders import write_scenes

pytestmark = pytest.mark.usefixtures("public")
REFUSED = "may start trainings or other long work"


@pytest.fixture
def data() -> DataFolder:
    with acting_as(OWNER):
        return open_data(write_scenes(library.new_folder("photos"), 4))


def test_a_stranger_sees_an_evaluation_that_is_there_and_makes_none(
    data: DataFolder, saved_model: Path, workspace: Path
) -> None:
    model = of_folder(saved_model)
    with pytest.raises(UserError, match=REFUSED):
        list(evaluate(model, data))
    assert already(model, data) is None and not list((workspace / "cache" / "evaluations").iterdir())
    with acting_as(OWNER):
        list(evaluate(model, data))
    assert isinstance(list(evaluate(model, data))[-1], Evaluation)


def test_a_stranger_sees_a_check_that_is_there_and_asks_for_none(data: DataFolder) -> None:
    with pytest.raises(UserError, match=REFUSED):
        list(open_catalogue(data.root))
    assert not (data.root / "dataset.json").exists()
    with acting_as(OWNER):
        list(open_catalogue(data.root))
    assert isinstance(list(open_catalogue(data.root))[-1], Catalogue)
    with pytest.raises(UserError, match=REFUSED):
        list(open_catalogue(data.root, fresh=True))


def test_the_built_in_data_set_is_checked_for_anybody_once(workspace: Path) -> None:
    write_scenes(demo.demo_folder(), 4)
    assert isinstance(list(open_catalogue(demo.demo_folder()))[-1], Catalogue)
    with pytest.raises(UserError, match=REFUSED):
        list(open_catalogue(demo.demo_folder(), fresh=True))


def test_a_stranger_exports_no_data_set_and_has_no_report_made(
    data: DataFolder, saved_model: Path, tmp_path: Path
) -> None:
    with acting_as(OWNER):
        found = list(evaluate(of_folder(saved_model), data))[-1]
    assert isinstance(found, Evaluation)
    target = tmp_path / "photos.zip"
    for work in (
        lambda: list(export(data, target)),
        lambda: report(found, data, "model", "validation", 0.5),
        lambda: comparison_report(None, {}, data, "validation", {}),  # type: ignore[arg-type]
    ):
        with pytest.raises(UserError, match=REFUSED):
            work()
    assert not target.exists()
