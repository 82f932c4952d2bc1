"""Disks that are full, and disks that cannot be written."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import library, painting
from core.data.dataset import open_data
from core.data.importing.copying import import_data
from core.errors import UserError
from core.models import importing, registry
from core.runs import jobs
from core.server import status
from core.system import workspace
from tests.builders import small_disk_at, tiny, write_scenes


@pytest.fixture
def small_disk(tmp_path: Path, workspace: Path) -> Iterator[Path]:
    """A workspace on a disk of eight megabytes."""
    yield from small_disk_at(tmp_path / "disk", 8)


def noise(side: int) -> bytes:
    import io

    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def test_on_a_full_disk_every_deed_is_a_sentence_and_nothing_is_lost(
    small_disk: Path, tmp_path: Path
) -> None:
    kept = write_scenes(library.new_folder("kept"), 4)
    before = {p: p.read_bytes() for p in kept.rglob("*") if p.is_file()}
    large = tmp_path / "large"
    (large / "images").mkdir(parents=True)
    (large / "masks").mkdir()
    for number in range(6):
        (large / "images" / f"{number}.png").write_bytes(noise(800))
        Image.fromarray(np.uint8([[0, 255] * 400] * 800)).save(large / "masks" / f"{number}.png")
    with pytest.raises(UserError, match=r"full|space|disk"):
        list(import_data(large, "large"))
    with pytest.raises(OSError), open(small_disk / "ballast", "wb", buffering=0) as ballast:
        while True:
            assert ballast.write(b"x" * 4096)
    actions = {
        "paint": lambda: painting.start("x", [("a.png", noise(64))]),
        "save a mask": lambda: painting.save_mask(
            painting.photos_of(kept)[0], painting.saved_mask(painting.photos_of(kept)[0])
        ),
        "start a training": lambda: jobs.start(tiny(kept)),
        "import": lambda: importing.import_folder(registry.list_models()[0].folder, "x"),
    }
    for name, action in actions.items():
        with pytest.raises((UserError, OSError)) as failed:
            action()
        assert isinstance(failed.value, UserError), f"{name}: {failed.value!r}"
    assert status.measure().problems
    (small_disk / "ballast").unlink()
    assert before == {p: p.read_bytes() for p in kept.rglob("*") if p.is_file()}
    assert [p.name for p in library.list_datasets()] == ["kept"]
    assert len(open_data(kept).pairs) == 4 and jobs.active() == []
    assert status.measure().problems == () or "GB of disk" in status.measure().problems[0]


def test_a_workspace_that_cannot_be_written_shows_what_is_there(small_disk: Path) -> None:
    kept = write_scenes(library.new_folder("kept"), 4)
    for made in (workspace.cache, workspace.runs, workspace.models):
        made()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    try:
        assert len(open_data(kept).pairs) == 4 and registry.list_models()
        with pytest.raises(UserError):
            jobs.start(tiny(kept))
        with pytest.raises(UserError):
            library.delete_dataset(kept)
        assert "cannot be written to" in status.measure().problems[0]
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
