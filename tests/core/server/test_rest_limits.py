"""What the REST endpoint takes from strangers: bytes, pixels, photos an hour, seconds, how many at once."""

import asyncio
import io
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message

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


def half_sent(sending: list[asyncio.Event]) -> Callable[[], Awaitable[Message]]:
    """A body of which one byte comes, and the rest never."""
    begun = asyncio.Event()
    sending.append(begun)

    async def receive() -> Message:
        if begun.is_set():
            await asyncio.sleep(3600)
        begun.set()
        return {"type": "http.request", "body": b"x", "more_body": True}

    return receive


async def statuses(app: ASGIApp, clients: int, photo: bytes) -> tuple[int, list[int]]:
    """What a whole photo is answered while so many others are half sent, and what those are answered."""
    scope = {"type": "http", "method": "POST", "path": "/segment", "query_string": b"", "http_version": "1.1",
             "headers": [(b"host", b"localhost")], "client": ("192.0.2.1", 1), "scheme": "http"}  # fmt: skip

    async def ask(receive: Callable[[], Awaitable[Message]]) -> int:
        answered: list[int] = []

        async def send(message: Message) -> None:
            answered.append(message.get("status", 0))

        await app(dict(scope), receive, send)
        return answered[0]

    async def whole() -> Message:
        return {"type": "http.request", "body": photo, "more_body": False}

    sending: list[asyncio.Event] = []
    slow = [asyncio.create_task(ask(half_sent(sending))) for _ in range(clients)]
    while len(sending) < clients or not all(begun.is_set() for begun in sending):
        await asyncio.sleep(0.01)
    return await ask(whole), list(await asyncio.gather(*slow))


def test_clients_that_send_slowly_keep_nobody_out_and_are_given_up(
    client: TestClient, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "BODY_SECONDS", 3.0)
    quick, slow = asyncio.run(statuses(rest.api(SHIPPED), 2 * rest.AT_ONCE, b"no photo"))
    assert quick == 422 and set(slow) == {408}


def test_the_bytes_of_photos_that_arrive_at_once_are_bounded(
    client: TestClient, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "ARRIVING_BYTES", len(photo) - 1)
    assert client.post("/segment", content=photo).status_code == 503
    monkeypatch.setattr(rest, "ARRIVING_BYTES", len(photo))
    assert [client.post("/segment", content=photo).status_code for _ in range(2)] == [200, 200]


def test_work_that_takes_too_long_is_given_up(
    client: TestClient, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "SECONDS", 0.0)
    slow = client.post("/segment", content=photo)
    assert slow.status_code == 503 and "too long" in slow.json()["error"]
