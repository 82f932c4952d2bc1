"""Files that are not the zip of a model: the sentence says what to import instead."""

import io
import zipfile
from pathlib import Path

import pytest

from core.errors import UserError
from core.models.importing import import_zip
from core.system import workspace


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("model.onnx", "import its .onnx file itself, or the zip that Export"),
        ("model-int8.onnx", "import its .onnx file itself, or the zip that Export"),
        ("model.pt2", "import its .onnx file itself, or the zip that Export"),
        ("model.safetensors", "zip it together with config.json"),
        ("best.pth", "save_pretrained"),
    ],
)
def test_a_part_of_a_model_is_refused_by_what_to_import_instead(
    name: str, advice: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(UserError, match=advice) as refused:
        import_zip(tmp_path / name, "one")
    assert str(refused.value).startswith(name)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(f"export/{name}", b"PK")
    with pytest.raises(UserError):
        import_zip(stream, "one")
    assert not list(workspace.models().iterdir())


def test_a_zip_of_an_onnx_file_alone_is_refused_by_what_to_import_instead() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("small/model.onnx", b"")
    with pytest.raises(UserError, match=r"The zip holds an exported network.*or the zip that Export"):
        import_zip(stream, "one")
