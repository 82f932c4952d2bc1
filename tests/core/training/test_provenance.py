"""What a training was made from is written down, and a change of data is reported."""

import json
from pathlib import Path

from core.runs.events import EpochEnd, Note
from tests.builders import of, slim, trained


def test_provenance_is_written_and_a_change_of_data_is_said(small_data: Path, tmp_path: Path) -> None:
    config = slim(small_data, epochs=3)
    trained(config, tmp_path / "run", stop_after=3)
    kept = json.loads((tmp_path / "run" / "provenance.json").read_text())
    assert kept["packages"]["torch"] and kept["settings"]["seed"] == config.seed
    assert kept["hardware"]["cores"] and kept["data"]["train"]["images"] == 8
    again = trained(config, tmp_path / "again", stop_after=1)
    other = json.loads((tmp_path / "again" / "provenance.json").read_text())
    assert of(EpochEnd, again) and other["data"] == kept["data"]
    mask = next((small_data / "masks").iterdir())
    mask.write_bytes((sorted((small_data / "masks").iterdir())[-1]).read_bytes())
    notes = of(Note, trained(config, tmp_path / "run"))
    assert any("data changed" in n.text for n in notes)


def test_the_same_photos_elsewhere_have_the_same_fingerprint(small_data: Path, tmp_path: Path) -> None:
    import shutil

    from core.data.dataset import open_data
    from core.data.store import Store, build_store

    copy = tmp_path / "elsewhere"
    shutil.copytree(small_data, copy)
    found = []
    for root in (small_data, copy):
        data = open_data(root)
        found += [s for s in build_store(data.pairs, data.encoding, 64) if isinstance(s, Store)]
    assert found[0].fingerprint == found[1].fingerprint != ""
