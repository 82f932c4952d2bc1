"""The search for a batch size."""

from pathlib import Path

from core.runs.events import Note, Started
from tests.builders import of, slim, trained


def test_the_batch_size_is_found(small_data: Path, tmp_path: Path) -> None:
    events = trained(slim(small_data, batch_size=0, epochs=1), tmp_path / "run")
    assert any(n.text.startswith("Batch size: ") for n in of(Note, events))
    assert of(Started, events)[0].steps_per_epoch == 4  # eight photos: two a step, for there is no smaller
