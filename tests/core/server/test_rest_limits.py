"""What the REST endpoint takes from strangers: bytes, pixels, photos an hour, seconds, how many at once."""

import io
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from core.data.samples import sample_bytes
from core.policy.policy import VARIABLE
from core.policy.rate_limit import Quotas
from core.server import rest
from core.system.workspace import SHIPPED_MODELS

SHIPPED = SHIPPED_MODELS / "person-lite0"


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    (tmp_path / "studio.toml").write_text(
        'public = true\nrest = "everyone"\nphoto_megapixels = 1\nphotos_per_hour = 2\n'
    )
    monkeypatch.setenv(VARIABLE, str(tmp_path / "studio.toml"))
    monkeypatch.setattr(rest, "_hours", Quotas())
    with TestClient(rest.api(SHIPPED), "http://localhost") as made:
        yield made


@pytest.fixture(scope="module")
def photo() -> bytes:
    return sample_bytes("Astronaut")


def chunked_form(sent: list[int], chunks: int) -> Iterator[bytes]:
    yield b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'
    for _ in range(chunks):
        sent.append(1)
        yield bytes(1000)
    yield b"\r\n--x--\r\n"


def test_a_form_that_does_not_say_how_long_it_is_ends_at_the_limit(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "MAX_BYTES", 20_000)
    spooled: list[int] = []
    real = tempfile.SpooledTemporaryFile.write
    monkeypatch.setattr(
        tempfile.SpooledTemporaryFile,
        "write",
        lambda self, data: spooled.append(len(data)) or real(self, data),
    )
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post("/segment", content=chunked_form([], 400), headers=kind)
    assert answer.status_code == 413 and "more than" in answer.json()["error"]
    assert sum(spooled) <= 20_000 + rest.FORM_BYTES
    assert client.post("/segment", content=chunked_form([], 10), headers=kind).status_code == 422  # no photo


def test_a_small_file_of_many_pixels_is_refused_before_it_is_decoded(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(bomb, "PNG")
    monkeypatch.setattr(rest, "read_photo", lambda *_: pytest.fail("it was decoded"))
    answer = client.post("/segment", content=bomb.getvalue())
    assert len(bomb.getvalue()) < 50_000
    assert answer.status_code == 422 and "100 megapixels" in answer.json()["error"]


def test_an_hour_holds_so_many_photos_for_each_who_asks(client: TestClient, photo: bytes) -> None:
    assert [client.post("/segment", content=photo).status_code for _ in range(3)] == [200, 200, 429]
    other = TestClient(rest.api(SHIPPED), "http://localhost", client=("192.0.2.7", 1))
    assert other.post("/segment", content=photo).status_code == 200


def test_no_more_photos_are_held_than_there_are_places(
    client: TestClient, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "_slots", threading.BoundedSemaphore(1))
    with rest._slot():
        busy = client.post("/segment", content=photo)
        assert busy.status_code == 503 and busy.headers["Retry-After"] == "5"
    assert client.post("/segment", content=b"no photo").status_code == 422
    with rest._slot():  # a refused photo has freed its place
        pass


def test_work_that_takes_too_long_is_given_up(
    client: TestClient, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "SECONDS", 0.0)
    slow = client.post("/segment", content=photo)
    assert slow.status_code == 503 and "too long" in slow.json()["error"]
