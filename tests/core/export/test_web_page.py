"""A model as a web page: its files, its description, and the runtime it needs."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import UserError
from core.export import web_page, web_runtime
from core.export.bundle import Made, summary
from core.export.web_page import ABOUT_FILE, ASSETS, FULL, INT8, write_page
from core.models.card import ModelCard
from core.models.window import Window
from core.task import Task

CARD = ModelCard(
    "Streets", "Unet", "resnet18", "none", long_side=96, data="streets", scores={"miou": 0.5},
    settings={"data": "/home/owner/streets"}, task=Task("multiclass", ("sky", "road"), (0, 1)),
)  # fmt: skip


@pytest.fixture
def models(tmp_path: Path) -> dict[str, Path]:
    found = {FULL: tmp_path / "model.onnx", INT8: tmp_path / "model-int8.onnx"}
    for precision, path in found.items():
        path.write_bytes(b"x" * (40 if precision == FULL else 10))
    return found


def put_runtime_here() -> None:
    """Files of the right names, as `fetch` would have left them."""
    folder = web_runtime.runtime_folder()
    folder.mkdir(parents=True)
    for files in web_runtime.FILES.values():
        for file in files.values():
            (folder / file.name).write_bytes(b"runtime")
    shutil.copyfile(web_runtime.LICENCE, folder / web_runtime.LICENCE_FILE)


def about_of(folder: Path) -> dict[str, object]:
    return json.loads((folder / ABOUT_FILE).read_text())


def test_the_page_holds_the_models_their_sizes_and_the_runtime_with_its_licence(
    models: dict[str, Path], tmp_path: Path
) -> None:
    put_runtime_here()
    write_page(tmp_path / "web", CARD, False, models)
    about = about_of(tmp_path / "web")
    assert about["files"] == [
        {"url": "model.onnx", "precision": "full", "bytes": 40},
        {"url": "model-int8.onnx", "precision": "int8", "bytes": 10},
    ]
    addresses = re.findall(r'"url": "([^"]+)"', json.dumps(about))
    assert len(addresses) == 8 and all((tmp_path / "web" / address).is_file() for address in addresses)
    assert "Microsoft" in (tmp_path / "web" / "runtime" / "LICENSE.txt").read_text()
    assert about["classes"] == ["sky", "road"] and len(about["colours"]) == 2  # type: ignore[arg-type]
    assert ["Mean IoU (pooled pixels)", "0.5000"] in about["card"]  # type: ignore[operator]


def test_without_the_runtime_here_the_page_loads_it_from_the_cdn_by_version_and_hash(
    models: dict[str, Path], tmp_path: Path
) -> None:
    write_page(tmp_path / "web", CARD, True, models)
    script = about_of(tmp_path / "web")["runtime"]["wasm"]["script"]  # type: ignore[index]
    assert script["url"].startswith("https://") and f"@{web_runtime.VERSION}/" in script["url"]
    assert script["integrity"].startswith("sha384-") and not (tmp_path / "web" / "runtime").exists()
    host = script["url"].split("/")[2]
    assert host in (ASSETS / "index.html").read_text() and host in (ASSETS / "service-worker.js").read_text()


def test_the_page_names_no_folder_of_this_machine(models: dict[str, Path], tmp_path: Path) -> None:
    write_page(tmp_path / "web", CARD, False, models)
    for path in (tmp_path / "web").rglob("*.*"):
        assert b"/home/owner" not in path.read_bytes() and str(tmp_path).encode() not in path.read_bytes()


def test_a_model_with_windows_says_that_the_page_shows_it_whole_frames(
    models: dict[str, Path], tmp_path: Path
) -> None:
    write_page(tmp_path / "web", replace(CARD, long_side=0, window=Window(96, 64)), False, models)
    about = about_of(tmp_path / "web")
    assert about["long_side"] == 640 and "whole frames, at most 640 pixels" in str(about["purpose"])
    card = replace(CARD, window=Window(96, 64))
    made = Made(tmp_path, web={"full": 40})
    assert any("not windows" in line for line in summary(made, card))
    assert not any("not windows" in line for line in summary(made, CARD))


def test_another_export_is_another_version_for_the_browser_s_cache(
    models: dict[str, Path], tmp_path: Path
) -> None:
    for name in ("first", "again", "other"):
        if name == "other":
            models[FULL].write_bytes(b"y" * 40)
        write_page(tmp_path / name, CARD, False, models)
    workers = [(tmp_path / n / web_page.WORKER_FILE).read_text() for n in ("first", "again", "other")]
    assert workers[0] == workers[1] != workers[2] and "VERSION" not in workers[0]


def test_every_module_of_the_page_imports_files_that_are_there() -> None:
    for file in ASSETS.glob("*.js"):
        for name in re.findall(r'from "\./([\w.-]+)"', file.read_text()):
            assert (ASSETS / name).is_file(), f"{file.name} imports {name}"
    for name in re.findall(r'(?:href|src)="([\w.-]+)"', (ASSETS / "index.html").read_text()):
        assert (ASSETS / name).is_file() or name == web_page.MANIFEST_FILE


def test_a_runtime_that_is_not_the_expected_file_is_refused(tmp_path: Path) -> None:
    file = web_runtime.FILES["wasm"]["script"]
    with pytest.raises(UserError, match="is not the file that it should be"):
        web_runtime._keep(tmp_path, file, b"something else")
    assert not list(tmp_path.iterdir()) and not web_runtime.is_here()
