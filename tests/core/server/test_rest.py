"""The queue that all predictions share, and the REST endpoint on a real socket."""

import gc
import io
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from core.data.photos import read_photo
from core.data.samples import sample_bytes
from core.inference import request_queue
from core.inference.predictor import Predictor
from core.inference.request_queue import SharedPredictor
from core.models import registry
from core.policy.policy import VARIABLE
from core.server import rest
from core.system.concurrency import BusyError, taking_turns
from core.system.workspace import SHIPPED_MODELS
from tests.processes import Started

SHIPPED = SHIPPED_MODELS / "person-lite0"


@pytest.fixture(scope="module")
def photo() -> bytes:
    return sample_bytes("Astronaut")


@pytest.fixture(scope="module")
def shared() -> SharedPredictor:
    return SharedPredictor(SHIPPED, "cpu")


def together(work: list[threading.Thread]) -> None:
    for thread in work:
        thread.start()
    for thread in work:
        thread.join(60)


def test_many_threads_get_their_own_photos_answer(shared: SharedPredictor) -> None:
    alone = Predictor(SHIPPED, "cpu")
    rng = np.random.default_rng(0)
    photos = [rng.integers(0, 256, (90 + 40 * (i % 3), 120, 3), np.uint8) for i in range(12)]
    found: dict[int, np.ndarray] = {}

    def ask(number: int) -> None:
        found[number] = shared(photos[number], 96)

    together([threading.Thread(target=ask, args=(number,)) for number in range(12)])
    for number, photo in enumerate(photos):
        assert np.abs(found[number] - alone(photo, 96)).max() < 1e-4


def test_an_error_goes_to_whoever_asked_and_the_queue_goes_on(
    shared: SharedPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = shared.prepare(np.zeros((64, 64, 3), np.uint8), 64)
    broken.padded.resize((64, 64, 3), refcheck=False)
    monkeypatch.setattr(Predictor, "forward", lambda *_: (_ for _ in ()).throw(MemoryError("no")))
    with pytest.raises(MemoryError):
        shared.forward([broken])
    monkeypatch.undo()
    assert shared(np.zeros((64, 64, 3), np.uint8), 64).shape == (64, 64)


def test_more_than_can_wait_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(self: Predictor, photos: list) -> list:
        started.set()
        go_on.wait(30)
        return [np.zeros((1, 64, 64), np.float32) for _ in photos]

    monkeypatch.setattr(request_queue, "MAX_WAITING", 2)
    monkeypatch.setattr(Predictor, "forward", slow)
    shared = SharedPredictor(SHIPPED, "cpu")
    ready = shared.prepare(np.zeros((64, 64, 3), np.uint8), 64)
    work = [threading.Thread(target=shared.forward, args=([ready],), daemon=True) for _ in range(3)]
    work[0].start()
    assert started.wait(10)
    for thread in work[1:]:
        thread.start()
    while shared.waiting < 2:
        time.sleep(0.01)
    with pytest.raises(BusyError, match="try again"):
        shared.forward([ready])
    go_on.set()


def test_a_model_that_nobody_holds_leaves_memory() -> None:
    before = set(threading.enumerate())
    shared = SharedPredictor(SHIPPED, "cpu")
    (thread,) = set(threading.enumerate()) - before
    assert thread.is_alive()
    del shared
    gc.collect()
    thread.join(5)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(rest.api(SHIPPED), "http://localhost") as made:
        yield made


def picture(answer: Any) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def test_a_mask_is_what_the_app_finds(client: TestClient, photo: bytes) -> None:
    mask = np.asarray(picture(client.post("/segment", content=photo)))
    ours = Predictor(SHIPPED, "cpu").labels(read_photo(photo, "a"))
    assert mask.shape == ours.shape and set(np.unique(mask)) == {0, 255}
    assert ((mask > 0) == (ours > 0)).mean() > 0.98  # along the photo's edges


def test_every_result_has_its_form(client: TestClient, photo: bytes) -> None:
    form = {"photo": ("me.png", photo, "image/png")}
    assert picture(client.post("/segment?result=cutout", files=form)).mode == "RGBA"
    on_red = picture(client.post("/segment?result=cutout&background=%23ff0000", files=form))
    assert on_red.mode == "RGB" and on_red.getpixel((2, 2)) == (255, 0, 0)
    assert picture(client.post("/segment?result=overlay", content=photo)).mode == "RGB"
    (part, *_) = client.post("/segment?result=components", content=photo).json()
    assert part["number"] == 1 and 0.3 < part["share"] < 0.8


@pytest.mark.parametrize(
    ("address", "content", "status"),
    [
        ("/segment?result=exe", b"x", 400),
        ("/segment?threshold=2", b"x", 400),
        ("/segment?background=pink", b"x", 400),
        ("/segment", b"", 400),
        ("/segment", b"no photo at all", 422),
        ("/segment?model=../../etc/passwd", b"x", 404),
        ("/segment?model=unknown", b"x", 404),
    ],
)
def test_what_makes_no_sense_is_a_status_and_a_sentence(
    client: TestClient, address: str, content: bytes, status: int
) -> None:
    answer = client.post(address, content=content)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"} and answer.json()["error"].endswith(".")


def test_too_large_a_body_is_not_read(
    client: TestClient, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "MAX_BYTES", 1000)
    assert client.post("/segment", content=photo).status_code == 413

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(1000)

    assert client.post("/segment", content=endless()).status_code == 413  # says nothing of its length


def test_a_key_is_asked_for_where_there_is_one(
    client: TestClient, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(rest.KEY, "secret")
    assert client.post("/segment", content=photo).status_code == 401
    assert client.get("/models", headers={"Authorization": "Bearer wrong"}).status_code == 401
    good = {"Authorization": "Bearer secret"}
    assert client.post("/segment", content=photo, headers=good).status_code == 200
    assert client.get("/health").json() == {"status": "ok"}


def test_with_a_mistake_in_the_policy_the_endpoint_is_closed(
    client: TestClient, photo: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "studio.toml").write_text("public = maybe")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "studio.toml"))
    answer = client.post("/segment", content=photo)
    assert answer.status_code == 503 and str(tmp_path) not in answer.text


def test_the_description_is_that_of_the_routes(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert described["openapi"].startswith("3.")
    for path, methods in described["paths"].items():
        for method in methods:
            assert client.request(method, path).status_code != 405
    assert client.get("/models").json()[0]["id"] == registry.GENERAL
    assert "http" not in client.get("/").text.replace("http-equiv", "")  # nothing from elsewhere


def test_the_command_answers_on_a_socket(photo: bytes) -> None:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Started("-m", "core", "serve", "--model", SHIPPED, "--port", port)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                    assert json.loads(answer.read()) == {"status": "ok"}
                break
            except urllib.error.URLError:
                assert time.monotonic() < deadline and server.poll() is None
                time.sleep(0.2)
        request = urllib.request.Request(f"http://127.0.0.1:{port}/segment", data=photo, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert Image.open(io.BytesIO(answer.read())).size == Image.open(io.BytesIO(photo)).size
    finally:
        server.terminate()
        server.wait(10)


def test_who_waits_too_long_for_a_turn_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.server import rest
    from core.system import concurrency

    monkeypatch.setattr(concurrency, "_turns", threading.BoundedSemaphore(1))
    monkeypatch.setattr(rest, "PATIENCE", 0.05)
    with taking_turns():
        busy = TestClient(rest.api(SHIPPED), "http://localhost").post(
            "/segment", content=sample_bytes("Astronaut")
        )
    assert busy.status_code == 503 and busy.headers["Retry-After"] == "5"
