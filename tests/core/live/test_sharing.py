"""Live pages for phones: over HTTPS, with a certificate of their own, and nothing but these pages."""

import socket
import ssl
import urllib.error
import urllib.request

import pytest
from PIL import Image

from core.errors import UserError
from core.live import sharing
from core.live.sharing import qr_code, shared, start_sharing, stop_sharing
from core.policy.permissions import OWNER, acting_as


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sharing, "network_address", lambda: "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_pages_are_shared_over_https_until_that_is_stopped(port: int) -> None:
    with acting_as(OWNER):
        running = start_sharing(port)
        assert start_sharing(port) is running is shared()
        (certificate,) = (sharing.workspace.root() / "live-https").glob("*.crt")
        assert certificate.with_suffix(".key").stat().st_mode & 0o077 == 0
        trusting = ssl.create_default_context(cafile=str(certificate))
        with urllib.request.urlopen(f"{running.address}gone/model.json", context=trusting) as answer:
            assert b"no such model" in answer.read()
        foreign = urllib.request.Request(f"{running.address}gone/", headers={"Host": "evil.example"})
        for refused in (foreign, running.address.replace("/web/", "/rest/models")):
            with pytest.raises(urllib.error.HTTPError) as error:
                urllib.request.urlopen(refused, context=trusting)
            assert error.value.code in (403, 404)
        stop_sharing()
        assert shared() is None


def test_a_port_in_use_is_a_sentence(port: int) -> None:
    with socket.socket() as other, acting_as(OWNER):
        other.bind(("0.0.0.0", port))
        other.listen()
        with pytest.raises(UserError, match=f"Port {port} is in use"):
            start_sharing(port)


def test_an_address_becomes_a_square_picture() -> None:
    import io

    picture = Image.open(io.BytesIO(qr_code("https://192.168.1.20:8643/web/person-small/")))
    assert picture.width == picture.height >= 200
