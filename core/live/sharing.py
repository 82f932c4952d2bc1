"""The live pages for phones in the local network: a server of its own, over HTTPS, with these pages alone.

Browsers open cameras over HTTPS only, so the server has a certificate that is made here. Nobody vouches for
it, so each browser asks once whether to continue. The app itself stays closed to the network.
"""

import datetime
import io
import ipaddress
import os
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from core.errors import UserError
from core.live.pages import live_pages
from core.policy.permissions import needs
from core.server.request_guard import RequestGuard
from core.system import workspace
from core.system.logs import log

if TYPE_CHECKING:
    import uvicorn

PORT = 8643
VALID_DAYS = 365
START_SECONDS = 10.0


@dataclass
class Shared:
    """A running server; `address` is what phones open, up to the model's page."""

    address: str
    server: "uvicorn.Server"
    thread: threading.Thread

    def stop(self) -> None:
        self.server.should_exit = True


_shared: Shared | None = None


def shared() -> Shared | None:
    """The server of this process that runs; None if there is none."""
    return _shared if _shared and not _shared.server.should_exit else None


@needs("machine")
def start_sharing(port: int = PORT) -> Shared:
    """Serve the live pages to the local network, in a thread of this process. Raises UserError if the port is
    in use or the machine has no address in a network."""
    global _shared  # noqa: PLW0603 - one server for all pages
    if running := shared():
        return running
    import uvicorn

    host = network_address()
    certificate, key = _certificate(host)
    app = Starlette(
        routes=[Mount("/web", app=live_pages())],
        middleware=[Middleware(RequestGuard, hosts=lambda: [host, socket.gethostname()])],
    )
    server = uvicorn.Server(uvicorn.Config(
        app, "0.0.0.0", port, ssl_certfile=str(certificate), ssl_keyfile=str(key), log_level="error",
        server_header=False,
    ))  # fmt: skip
    listening = _bound(port)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True, name="live pages")
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    if not server.started:
        raise UserError("The live pages could not be served over HTTPS: the server's log says why.")
    log("live pages shared", port=port)
    _shared = Shared(f"https://{host}:{port}/web/", server, thread)
    return _shared


@needs("machine")
def stop_sharing() -> None:
    """End the server, if there is one."""
    if running := shared():
        running.stop()


def qr_code(address: str) -> bytes:
    """An address as a QR code, a PNG to be photographed from a screen."""
    import segno

    stream = io.BytesIO()
    segno.make(address, micro=False).save(stream, kind="png", scale=8, border=4)
    return stream.getvalue()


def network_address() -> str:
    """This machine's address in the local network. Raises UserError without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; the system chooses the address that it would use
            return str(probe.getsockname()[0])
        except OSError:
            raise UserError(
                "This machine is in no network: connect it to the Wi-Fi that the phones use, then try again."
            ) from None


def _bound(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("0.0.0.0", port))
    except OSError as error:
        listening.close()
        raise UserError(f"Port {port} is in use by another program: choose another one.") from error
    return listening


def _certificate(host: str) -> tuple[Path, Path]:
    """The files of a certificate for this address and of its key, created where they are missing or too
    old; kept, so that a phone asks once."""
    folder = workspace.root() / "live-https"
    certificate, key = folder / f"{host}.crt", folder / f"{host}.key"
    newest = time.time() - (VALID_DAYS - 1) * 86400
    if not (key.is_file() and certificate.is_file() and certificate.stat().st_mtime > newest):
        workspace.make_folder(folder)
        made = _new_certificate(host)
        descriptor = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(made[1])
        certificate.write_bytes(made[0])
    return certificate, key


def _new_certificate(host: str) -> tuple[bytes, bytes]:
    """A certificate that signs itself, and its key, both PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Segmentation Studio")])
    now = datetime.datetime.now(datetime.UTC)
    names = [
        x509.IPAddress(ipaddress.ip_address(host)), x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.DNSName("localhost"), x509.DNSName(socket.gethostname()),
    ]  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, unencrypted = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, unencrypted)
    return certificate.public_bytes(pem), private
