"""Which names a server answers to, and whose requests it takes."""

import contextlib
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from core.policy.policy import VARIABLE
from core.server.request_guard import RequestGuard, answers_to, same_origin

NAMES = ["studio.example.org", "*.example.net"]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8501",
        "127.0.0.1:8501",
        "[::1]:8501",
        "studio.example.org",
        "a.example.net:443",
    ],
)
def test_its_own_names_are_answered(host: str) -> None:
    assert answers_to(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        "", ":8501", "evil.example", "example.net", "evilexample.net", "studio.example.org.evil.example",
        "localhost@evil.example", "evil.example/localhost", "localhost:x", "localhost:99999",
        "127.0.0.1.evil.example", "[::1", "localhost?x", "localhost#x",
    ],
)  # fmt: skip
def test_everything_else_is_not(host: str) -> None:
    assert not answers_to(host, NAMES)


def test_any_name_is_taken_where_the_owner_says_so_and_never_on_a_public_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert answers_to("anything.example", ["*"])
    (tmp_path / "studio.toml").write_text("public = true\n")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "studio.toml"))
    assert not answers_to("anything.example", ["*"]) and answers_to("localhost", ["*"])
    (tmp_path / "studio.toml").write_text("a mistake")
    assert not answers_to("anything.example", ["*"])


def test_a_program_sends_no_origin_and_a_page_its_own() -> None:
    assert same_origin(None, "localhost:8501")
    assert same_origin("http://localhost:8501", "localhost:8501")
    assert same_origin("https://studio.example.org", "Studio.example.org")
    for foreign in ("null", "", "http://evil.example", "http://localhost:8502", "localhost:8501"):
        assert not same_origin(foreign, "localhost:8501")


@pytest.mark.parametrize(
    ("origin", "accepted"),
    [("http://localhost:8501", True), (None, True), ("http://localhost:3000", False), ("null", False)],
)
def test_a_websocket_is_for_pages_of_this_server_and_not_of_another_port(
    origin: str | None, accepted: bool
) -> None:
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    guarded = RequestGuard(Starlette(routes=[WebSocketRoute("/stream", echo)]))
    client = TestClient(guarded, base_url="http://localhost:8501")
    headers = {"host": "localhost:8501"} | ({"origin": origin} if origin else {})
    refusal = contextlib.nullcontext() if accepted else pytest.raises(WebSocketDisconnect)
    with refusal, client.websocket_connect("/stream", headers=headers):
        pass
