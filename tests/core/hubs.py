"""Servers on this machine that stand in for those that data sets and models are downloaded from."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants


class StandIn(ThreadingHTTPServer):
    """`files` are those of the repository that is asked for."""

    def __init__(self, answers: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), answers)
        self.files: dict[str, bytes] = {}
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    """Sends whole bodies, and for HEAD the headers alone."""

    protocol_version = "HTTP/1.1"

    def send_bytes(self, body: bytes, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.write(body)

    def write(self, body: bytes) -> None:
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def as_the_hub(server: StandIn, patch: pytest.MonkeyPatch, cache: Path) -> Iterator[None]:
    """While `server` runs, it is what `huggingface_hub` asks, and `cache` where that keeps files."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace("https://huggingface.co", server.url)
    patch.setattr(constants, "ENDPOINT", server.url)
    patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    patch.setattr(constants, "HF_HUB_OFFLINE", False)
    patch.setattr(constants, "HF_HUB_CACHE", str(cache))
    yield
    server.shutdown()
    server.server_close()
