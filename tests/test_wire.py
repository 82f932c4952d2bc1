"""What arrives over the wire at a real server: foreign names, foreign sites, and what is closed to all."""

import asyncio
import http.client
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from core.policy.policy import VARIABLE
from tests.served import App

pytestmark = pytest.mark.timeout(180)
EVIL = "evil.example"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """As on one's own machine: no policy, and the owner's rights for whoever gets in."""
    yield from running(App(tmp_path_factory.mktemp("local"), "server.py"))


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("public")
    (folder / "studio.toml").write_text('public = true\nrest = "everyone"\n')
    served = App(folder / "workspace", "server.py", **{VARIABLE: str(folder / "studio.toml")})
    served.options = ["--server.allowedHosts=studio.example.org"]
    yield from running(served)


def running(served: App) -> Iterator[App]:
    served.start()
    yield served
    served.end()


def ask(app: App, path: str, host: str | None = None, method: str = "GET", **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=20)
    connection.putrequest(method, path, skip_host=True)
    for name, value in {"Host": host or f"localhost:{app.port}", "Content-Length": "0", **headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def opens(app: App, **headers: str) -> bool:
    """Whether a websocket of the pages is accepted."""

    async def connect() -> bool:
        async with aiohttp.ClientSession() as client:
            try:
                address = f"ws://127.0.0.1:{app.port}/_stcore/stream"
                async with client.ws_connect(address, protocols=["streamlit"], headers=headers):
                    return True
            except aiohttp.WSServerHandshakeError as error:
                assert error.status == 403
                return False

    return asyncio.run(connect())


@pytest.mark.parametrize("path", ["/", "/health", "/rest/models", "/rest/health", "/_stcore/health"])
def test_a_name_that_is_made_to_lead_here_gets_no_answer(local: App, path: str) -> None:
    assert ask(local, path, f"{EVIL}:{local.port}") == 403
    assert ask(local, path, f"127.0.0.1:{local.port}") == 200


def test_a_websocket_by_a_foreign_name_has_nobodys_rights(local: App) -> None:
    assert not opens(local, Host=f"{EVIL}:{local.port}", Origin=f"http://{EVIL}:{local.port}")
    assert not opens(local, Host=f"localhost:{local.port}", Origin=f"http://{EVIL}")
    assert opens(local, Host=f"localhost:{local.port}", Origin=f"http://localhost:{local.port}")


def test_the_pages_alone_keep_to_their_own_names_too(tmp_path: Path) -> None:
    served = App(tmp_path / "workspace", "streamlit_app.py")
    served.start()
    try:
        assert not opens(served, Host=f"{EVIL}:{served.port}", Origin=f"http://{EVIL}:{served.port}")
        assert opens(served, Host=f"localhost:{served.port}", Origin=f"http://localhost:{served.port}")
    finally:
        served.end()


@pytest.mark.parametrize("origin", [f"http://{EVIL}", "null"])
def test_the_endpoint_does_nothing_for_pages_of_other_sites(local: App, origin: str) -> None:
    kind = {"Content-Type": "text/plain", "Origin": origin}
    assert ask(local, "/rest/segment", method="POST", **kind) == 403
    own = {**kind, "Origin": f"http://localhost:{local.port}"}
    assert ask(local, "/rest/segment", method="POST", **own) == 400  # let in: there is no photo in it
    assert ask(local, "/rest/segment", method="POST") == 400  # a program


def test_a_public_server_answers_to_its_own_name_and_to_the_machine_itself(public: App) -> None:
    assert ask(public, "/health", "studio.example.org") == 200
    assert ask(public, "/health", "STUDIO.example.org.:443") == 200
    assert ask(public, "/health") == 200  # a container asks itself
    for other in (EVIL, "x.studio.example.org", "studio.example.org@evil.example", "", "a b"):
        assert ask(public, "/health", other or " ") in (400, 403), other
    assert opens(public, Host="studio.example.org", Origin="https://studio.example.org")
    assert not opens(public, Host=EVIL, Origin=f"https://{EVIL}")


def test_a_servers_measurements_are_for_those_who_may_see_its_load(local: App, public: App) -> None:
    assert ask(local, "/_stcore/metrics") == 200
    for path in ("/_stcore/metrics", "/_stcore/metrics/", "/_stcore/metrics?families=session_events_total"):
        assert ask(public, path) == 404
