"""An export holds photo and labels the same way up for programs that ignore EXIF."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.dataset import open_data
from core.data.exporting import export
from core.data.importing.copying import Imported, import_data
from core.data.photos import read_photo
from core.data.store import read_pair
from tests.core.data.test_orientation import pair, save, upright
from tests.deep_photos import png, samples


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("turn", [1, 3, 6])
@pytest.mark.parametrize("form", ["coco", "zip"])
def test_stored_pixels_lie_on_the_labels(tmp_path: Path, suffix: str, turn: int, form: str) -> None:
    pair(tmp_path / "set", suffix, ".png", turn, tagged=True)
    list(export(open_data(tmp_path / "set"), tmp_path / "out.zip", form))
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "out")
    (photo,) = (tmp_path / "out" / "images").glob("a.*")
    with Image.open(photo) as opened:
        assert opened.getexif().get(0x0112, 1) == 1 and opened.size == (48, 64)
        seen = np.asarray(opened.convert("L")) > 128
    assert np.mean(seen == (np.asarray(upright()) > 0)) > 0.99
    if form == "coco":
        from pycocotools import mask as coco_masks

        said = [json.loads(p.read_text()) for p in (tmp_path / "out" / "annotations").iterdir()]
        image, own = next((i, one) for one in said for i in one["images"] if i["file_name"] == photo.name)
        runs = next(a["segmentation"] for a in own["annotations"] if a["image_id"] == image["id"])
        assert np.mean(coco_masks.decode(runs) == seen) > 0.99
    back = next(r for r in import_data(tmp_path / "out.zip", "again") if isinstance(r, Imported)).data
    for one in back.pairs:
        pixels, labels = read_pair(one, back.encoding)
        assert np.mean((pixels[..., 0] > 128) == labels) > 0.99


def test_a_jpeg_without_an_orientation_is_copied_byte_for_byte(small_data: Path, tmp_path: Path) -> None:
    data = open_data(small_data)
    list(export(data, tmp_path / "out.zip"))
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        for one in data.pairs:
            assert archive.read(f"images/{one.name}") == one.image.read_bytes()


def test_turned_colours_of_16_bits_keep_every_sample(tmp_path: Path) -> None:
    values = samples()
    for stem in "ab":
        save(upright(19, 31), tmp_path / "set" / "masks" / f"{stem}.png", 1)
        (tmp_path / "set" / "images").mkdir(exist_ok=True)
        (tmp_path / "set" / "images" / f"{stem}.png").write_bytes(png(np.rot90(values), turn=6))
    list(export(open_data(tmp_path / "set"), tmp_path / "out.zip"))
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        kept = archive.read("images/a.png")
    assert np.array_equal(read_photo(kept), read_photo(png(values)))
    assert np.array_equal(
        read_photo(kept, value_range=(0, 900)), read_photo(png(values), value_range=(0, 900))
    )
