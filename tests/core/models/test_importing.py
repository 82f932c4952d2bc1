"""Importing models, tagging, deleting and restoring them, and the hub."""

import base64
import io
import json
import os
import pickle
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import torch
from huggingface_hub import constants

from core.errors import UserError
from core.models import hub, registry
from core.models.card import update_card
from core.models.factory import load_model
from core.models.importing import FILES, import_folder, import_zip
from core.policy import trash
from core.system import workspace
from tests.builders import LIGHT_ENCODER
from tests.core import hubs
from tests.limits import seconds


@pytest.fixture(scope="session")
def smp_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `save_pretrained` writes elsewhere: no card of ours, three classes."""
    folder = tmp_path_factory.mktemp("elsewhere") / "roads"
    torch.manual_seed(0)
    smp.Linknet(LIGHT_ENCODER, encoder_weights=None, classes=3).save_pretrained(str(folder))
    return folder


def zipped(folder: Path, inside: str = "") -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, inside + path.name)
    stream.seek(0)
    return stream


def imported() -> list[str]:
    return [entry.card.name for entry in registry.list_models() if not entry.ships]


def test_any_smp_folder_is_imported_and_predicts(smp_folder: Path) -> None:
    folder = import_folder(smp_folder, "Roads of Utrecht")
    (entry,) = [entry for entry in registry.list_models() if not entry.ships]
    assert (entry.folder, entry.card.name) == (folder, "Roads of Utrecht")
    assert (entry.card.task.kind, entry.card.task.outputs) == ("multiclass", 3)
    ours, theirs = load_model(folder)[0], smp.from_pretrained(str(smp_folder)).eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(ours(image), theirs(image))


def test_a_zip_is_taken_from_any_depth_and_writes_only_a_models_files(smp_folder: Path) -> None:
    stream = zipped(smp_folder, "../../deep/down/")
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("../../deep/down/evil.py", "raise SystemExit")
        archive.writestr("../../deep/down/../../../README.md", "no")
    stream.seek(0)
    folder = import_zip(stream, "zipped")
    assert {path.name for path in folder.iterdir()} <= set(FILES)
    assert not (workspace.root().parent / "deep").exists()


def broken(kind: str, source: Path, folder: Path) -> Path:
    """A model's folder with one thing wrong."""
    shutil.copytree(source, folder)
    config = json.loads((folder / "config.json").read_text())
    if kind == "pickle":
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    elif kind == "pickle inside":
        (folder / "model.safetensors").write_bytes(pickle.dumps({"a": 1}))
    elif kind == "cut":
        content = (folder / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    elif kind == "lying header":
        content = (folder / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes((2**62).to_bytes(8, "little") + content[8:])
    else:
        changes = {
            "kind": {"_model_class": "os.system"},
            "huge": {"decoder_channels": [4096] * 5, "_model_class": "Unet", "encoder_name": "resnet18"},
            "number": {"classes": 10**12},
            "fetch": {"encoder_name": "tu-hf-hub:someone/else"},
            "path": {"encoder_name": "../../etc/passwd"},
            "argument": {"no_such_argument": 1},
            "text": {"encoder_name": "r" * 5000},
        }[kind]
        (folder / "config.json").write_text(json.dumps(config | changes))
    return folder


@pytest.mark.parametrize(
    "kind",
    ["pickle", "pickle inside", "cut", "lying header", "kind", "huge", "number", "fetch", "path", "argument",
     "text"],
)  # fmt: skip
def test_what_is_no_model_is_one_sentence_and_leaves_nothing(
    smp_folder: Path, tmp_path: Path, kind: str
) -> None:
    folder = broken(kind, smp_folder, tmp_path / "bad")
    start = time.monotonic()
    with pytest.raises(UserError) as refused:
        import_folder(folder, "bad")
    assert "\n" not in str(refused.value)
    assert time.monotonic() - start < seconds(20)
    assert list(workspace.models().iterdir()) == []
    with pytest.raises(UserError):
        import_zip(zipped(folder), "bad")
    assert list(workspace.models().iterdir()) == []


def test_a_model_of_that_name_is_not_replaced(smp_folder: Path) -> None:
    import_folder(smp_folder, "one")
    with pytest.raises(UserError, match="already"):
        import_folder(smp_folder, "one")
    assert imported() == ["one"]


def test_deleting_can_be_undone_for_a_week(smp_folder: Path) -> None:
    import_folder(smp_folder, "one")
    (entry,) = [entry for entry in registry.list_models() if not entry.ships]
    deleted = registry.delete(entry)
    assert imported() == []
    trash.restore(deleted)
    assert imported() == ["one"]
    deleted = registry.delete(entry)
    import_folder(smp_folder, "one")
    with pytest.raises(UserError, match="exists again"):
        trash.restore(deleted)
    old = deleted.now.with_name(f"{time.time_ns() - 8 * 24 * 3600 * 10**9}-one")
    deleted.now.rename(old)
    import_folder(smp_folder, "two")
    registry.delete(next(entry for entry in registry.list_models() if entry.card.name == "two"))
    assert not old.exists()


def test_tags_are_kept_and_bounded(smp_folder: Path) -> None:
    import_folder(smp_folder, "one")
    (entry,) = [entry for entry in registry.list_models() if not entry.ships]
    registry.tag(entry, ["roads", " for  the demo ", "roads", ""])
    (entry,) = [entry for entry in registry.list_models() if not entry.ships]
    assert entry.card.tags == ("roads", "for the demo")
    with pytest.raises(UserError, match="at most"):
        registry.tag(entry, ["x" * 31])


class Hub(hubs.StandIn):
    """Enough of the hub's interface to take a model and to give it back."""

    def __init__(self) -> None:
        super().__init__(Answers)
        self.asked: list[str] = []
        self.visibility = ""


class Answers(hubs.Answers):
    server: Hub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != "Bearer good":
            self.send({"error": "no"}, 401)
        elif self.path == "/api/repos/create":
            self.server.visibility = json.loads(body)["visibility"]
            self.send({"url": f"{self.server.url}/me/roads"})
        elif self.path == "/api/validate-yaml":
            self.send({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            files = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False}
                for f in json.loads(body)["files"]
            ]
            self.send({"files": files})
        elif "/commit/" in self.path:
            for line in body.splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    self.server.files[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
            self.send({"commitUrl": f"{self.server.url}/me/roads/commit/{'a' * 40}", "commitOid": "a" * 40})
        else:
            self.send({}, 404)

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if "/resolve/" in self.path:
            name = self.path.split("?")[0].rsplit("/", 1)[1]
            self.send_bytes(self.server.files[name], {"ETag": f'"{name}"', "X-Repo-Commit": "a" * 40})
        elif "/tree/" in self.path:
            tree = [
                {"type": "file", "path": n, "size": len(c), "oid": n} for n, c in self.server.files.items()
            ]
            self.send(tree)
        elif self.path.startswith("/api/models/me/roads"):
            siblings = [{"rfilename": name} for name in self.server.files]
            self.send({"id": "me/roads", "sha": "a" * 40, "siblings": siblings})
        else:
            self.send_bytes(b"{}", {"X-Error-Code": "RepoNotFound"}, 404)

    do_HEAD = do_GET

    def send(self, answer: object, status: int = 200) -> None:
        self.send_bytes(json.dumps(answer).encode(), {"Content-Type": "application/json"}, status)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    server = Hub()
    with hubs.as_the_hub(server, monkeypatch, tmp_path / "hub"):
        yield server


def test_a_model_goes_to_the_hub_and_comes_back(smp_folder: Path, stand_in: Hub) -> None:
    folder = import_folder(smp_folder, "roads here")
    update_card(folder, settings={"data": "/home/owner/patients", "epochs": 3})
    address = hub.push(folder, "me/roads", "good")
    assert address == f"{stand_in.url}/me/roads"
    assert stand_in.visibility == "private"
    assert set(stand_in.files) == set(FILES)
    assert stand_in.files["README.md"].startswith(b"---\nlibrary_name: segmentation-models-pytorch")
    assert json.loads(stand_in.files["studio.json"])["settings"] == {"epochs": 3}
    stand_in.files["handler.py"] = b"raise SystemExit"
    *_, pulled = hub.pull(f"{hub.PAGES}me/roads")
    assert isinstance(pulled, Path)
    assert not list(Path(constants.HF_HUB_CACHE).glob("models--me--roads"))  # one copy is enough
    assert not any("handler.py" in path for path in stand_in.asked)
    assert (pulled / "model.safetensors").read_bytes() == (smp_folder / "model.safetensors").read_bytes()
    assert imported() == ["roads", "roads here"] or imported() == ["roads here", "roads"]


def test_the_hubs_refusals_are_one_sentence(smp_folder: Path, stand_in: Hub) -> None:
    with pytest.raises(UserError, match="rejects this token"):
        hub.push(smp_folder, "me/roads", "wrong")
    with pytest.raises(UserError, match="does not exist"):
        list(hub.pull("some/thing"))
    stand_in.files["pytorch_model.bin"] = pickle.dumps(os.getcwd)
    with pytest.raises(UserError, match=r"holds no model\.safetensors"):
        list(hub.pull("me/roads"))
    assert imported() == []


def test_without_a_network_the_hub_is_given_up_within_two_seconds(
    smp_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    start = time.monotonic()
    with pytest.raises(UserError, match="cannot be reached"):
        list(hub.pull("me/roads"))
    with pytest.raises(UserError, match="cannot be reached"):
        hub.push(smp_folder, "me/roads", "good")
    assert time.monotonic() - start < seconds(4.5)
