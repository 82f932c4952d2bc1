"""A mask that is not all there is named at the import, as a photo is, and its pair left out."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.importing.copying import Imported, bring_in
from core.data.importing.recognition import recognise
from core.data.importing.sources import open_source

FORMS = {".png": "PNG", ".bmp": "BMP", ".tif": "TIFF", ".gif": "GIF", ".jpg": "JPEG"}


def encoded(values: np.ndarray, form: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, form)
    return stream.getvalue()


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize("layers", [(), ("cat", "dog")])
def test_a_damaged_mask_is_named_at_the_import_and_its_pair_left_out(
    tmp_path: Path, suffix: str, layers: tuple[str, ...]
) -> None:
    values = np.zeros((24, 30), np.uint8)
    values[6:18, 8:20] = 255
    mask = encoded(values, FORMS[suffix])
    photo = encoded(np.random.default_rng(0).integers(0, 255, (24, 30, 3), np.uint8), "PNG")
    folders = [tmp_path / "from" / "masks" / layer for layer in layers] or [tmp_path / "from" / "masks"]
    (tmp_path / "from" / "images").mkdir(parents=True)
    for folder in folders:
        folder.mkdir(parents=True)
    contents = {"a": mask, "b": mask, "c": mask, "cut": mask[: len(mask) // 2], "page": b"<html>404</html>"}
    for stem, content in contents.items():
        (tmp_path / "from" / "images" / f"{stem}.png").write_bytes(photo)
        for folder in folders:
            (folder / f"{stem}{suffix}").write_bytes(content)
    source = open_source(tmp_path / "from")
    *_, result = bring_in(source, recognise(source)[0], "with damaged masks")
    assert isinstance(result, Imported)
    assert [pair.image.stem for pair in result.data.pairs] == ["a", "b", "c"]
    assert {Path(problem.name).stem for problem in result.problems} == {"cut", "page"}
