"""The real clients of Kaggle and the Hugging Face hub, against servers on this machine."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub.constants as hub
import pytest
from kagglesdk import kaggle_env

from core.data.importing.copying import Imported, bring_in
from core.data.importing.downloads import downloaded_source, from_hub, from_kaggle
from core.data.importing.recognition import recognise
from core.errors import UserError
from core.system.downloads import Progress
from tests.core import archives, hubs
from tests.limits import seconds

Fetch = Callable[[str], Iterator[Progress | Path]]
COMMIT = "a" * 40


class HubAndKaggle(hubs.StandIn):
    """`archive` is what Kaggle sends. `breaks` times, its body ends in the middle."""

    def __init__(self) -> None:
        super().__init__(Answers)
        self.archive = b""
        self.breaks = 0
        self.ranges: list[str] = []


class Answers(hubs.Answers):
    server: HubAndKaggle

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("/GetDataset"):
            self.send(
                json.dumps({"id": 1, "ref": "me/mine", "currentVersionNumber": 3}).encode(),
                "application/json",
            )
        elif self.path.endswith("/DownloadDataset"):
            self.send(self.server.archive, "application/zip", **{"Accept-Ranges": "bytes"})
        else:
            self.send(b'{"error": {"code": 404, "message": "no"}}', "application/json", 404)

    def do_GET(self) -> None:
        if "/me/mine/tree/" in self.path:
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in self.server.files.items()
            ]
            self.send(json.dumps(tree).encode(), "application/json")
        elif self.path.startswith("/api/datasets/me/mine"):
            siblings = [{"rfilename": name} for name in self.server.files]
            self.send(
                json.dumps({"id": "me/mine", "sha": COMMIT, "siblings": siblings}).encode(),
                "application/json",
            )
        elif "/resolve/" in self.path:
            name = self.path.split(COMMIT + "/")[1].split("?")[0]
            content = self.server.files[name]
            tag = f'"{hashlib.sha1(content).hexdigest()}"'
            self.send(content, "application/octet-stream", **{"ETag": tag, "X-Repo-Commit": COMMIT})
        elif "DownloadDataset" in self.path:
            self.send(self.server.archive, "application/zip", **{"Accept-Ranges": "bytes"})
        else:
            self.send(b"{}", "application/json", 404)

    do_HEAD = do_GET

    def send(self, body: bytes, kind: str, status: int = 200, **headers: str) -> None:
        wanted = self.headers.get("Range", "")
        if wanted:
            self.server.ranges.append(wanted)
            start = int(wanted.removeprefix("bytes=").split("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            body, status = body[start:], 206
        self.send_bytes(body, {"Content-Type": kind, **headers}, status)

    def write(self, body: bytes) -> None:
        if "DownloadDataset" in self.path and self.server.breaks:
            self.server.breaks -= 1
            body = body[: len(body) // 2]
            self.close_connection = True
        super().write(body)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubAndKaggle]:
    stand_in = HubAndKaggle()
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kaggle"))
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, stand_in.url)
    with hubs.as_the_hub(stand_in, monkeypatch, tmp_path / "hub"):
        yield stand_in


def pairs_in(folder: Path) -> int:
    source = downloaded_source(folder)
    return len(
        next(r for r in bring_in(source, recognise(source)[0], "it") if isinstance(r, Imported)).data.pairs
    )


def test_a_kaggle_set_is_downloaded_and_imported_as_it_is_packed_there(server: HubAndKaggle) -> None:
    server.archive = archives.zipped(archives.layouts()["kaggle"][0]).getvalue()
    *progress, folder = from_kaggle("https://www.kaggle.com/datasets/me/mine")
    assert isinstance(folder, Path) and all(isinstance(step, Progress) for step in progress)
    assert pairs_in(folder) == 4


def test_a_broken_kaggle_download_goes_on_where_it_ended(server: HubAndKaggle) -> None:
    files = archives.layouts(30)["folders"][0] | {"notes.bin": bytes(5_000_000)}  # parts of 1 MB are kept
    server.archive = archives.zipped(files).getvalue()
    server.breaks = 1
    with pytest.raises(UserError, match="to resume the download"):
        list(from_kaggle("me/mine"))
    folder = list(from_kaggle("me/mine"))[-1]
    assert isinstance(folder, Path) and pairs_in(folder) == 30
    assert any(not wanted.startswith("bytes=0-") for wanted in server.ranges)


def test_a_hub_set_is_downloaded_and_imported(server: HubAndKaggle) -> None:
    server.files = archives.layouts()["parts above"][0]
    folder = list(from_hub("me/mine"))[-1]
    assert isinstance(folder, Path) and pairs_in(folder) == 4


def test_a_hub_set_that_is_one_zip_is_imported_too(server: HubAndKaggle) -> None:
    server.files = {"all.zip": archives.zipped(archives.layouts()["folders"][0]).getvalue()}
    folder = list(from_hub("me/mine"))[-1]
    assert isinstance(folder, Path) and pairs_in(folder) == 4


@pytest.mark.parametrize("fetch", [from_kaggle, from_hub])
def test_what_does_not_exist_is_one_sentence(server: HubAndKaggle, fetch: Fetch) -> None:
    with pytest.raises(UserError, match=r"does not exist|could not be downloaded"):
        list(fetch("some/thing"))


@pytest.mark.parametrize("fetch", [from_kaggle, from_hub])
def test_offline_is_one_sentence_within_two_seconds(
    server: HubAndKaggle, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, "http://127.0.0.1:9")
    monkeypatch.setattr(hub, "ENDPOINT", "http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(UserError, match="cannot be reached"):
        list(fetch("me/mine"))
    assert time.monotonic() - started < seconds(2.5)


@pytest.mark.parametrize("name", ["", "mine", "a/b/c", "../..", "me/mi ne", "https://example.com/a/b"])
def test_a_name_that_is_none_is_refused_before_the_network_is_asked(name: str) -> None:
    for fetch in (from_kaggle, from_hub):
        with pytest.raises(UserError, match="OWNER/NAME"):
            list(fetch(name))
