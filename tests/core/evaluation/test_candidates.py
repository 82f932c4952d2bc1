"""Which model is offered first for a data set."""

from pathlib import Path

from core.evaluation.candidates import newest_on
from core.models.card import ModelCard
from core.models.registry import Entry
from core.runs.run_folder import Run


def entry(name: str, data: Path | None, is_run: bool = True) -> Entry:
    folder = Path("runs") / name
    settings = {"data": str(data)} if data else {}
    card = ModelCard(name, "Unet", "resnet18", "none", settings=settings)
    return Entry(folder, card, 1.0, Run(folder) if is_run else None)


def test_the_newest_run_on_the_data_set_comes_first_then_other_runs_then_the_rest(tmp_path: Path) -> None:
    cracks, people = tmp_path / "cracks", tmp_path / "people"
    listed = [
        entry("person-lite0", None, is_run=False),
        entry("people new", people),
        entry("cracks new", cracks),
        entry("cracks old", cracks),
        entry("imported", tmp_path / "elsewhere", is_run=False),
    ]
    names = [e.card.name for e in newest_on(listed, cracks / ".." / "cracks")]
    assert names == ["cracks new", "cracks old", "people new", "person-lite0", "imported"]
    assert newest_on(listed, None)[0].card.name == "people new"
