"""Every error of the REST endpoint is JSON with one sentence, whoever refuses it."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from core.data.samples import sample_bytes
from core.server import rest
from core.system.workspace import SHIPPED_MODELS


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = rest.api(SHIPPED_MODELS / "person-lite0")
    with TestClient(app, "http://localhost", raise_server_exceptions=False) as made:
        yield made


@pytest.mark.parametrize(
    ("method", "address", "headers", "status"),
    [
        ("GET", "/nowhere", {}, 404),
        ("GET", "/segment", {}, 405),
        ("DELETE", "/models", {}, 405),
        ("POST", "/segment", {"content-type": "multipart/form-data"}, 400),
        ("POST", "/segment", {"content-type": "multipart/form-data; boundary=x"}, 400),
        ("POST", "/segment", {"content-type": "MULTIPART/FORM-DATA; boundary=x"}, 400),
        ("POST", "/segment", {"host": "evil.example"}, 403),
        ("POST", "/segment", {"origin": "http://evil.example"}, 403),
        ("POST", "/segment?threshold=5", {}, 400),
    ],
)
def test_a_refusal_is_json_with_one_sentence(
    client: TestClient, method: str, address: str, headers: dict[str, str], status: int
) -> None:
    answer = client.request(
        method, address, headers=headers, content=b"no form" if method == "POST" else None
    )
    assert answer.status_code == status
    assert set(answer.json()) == {"error"} and answer.json()["error"].endswith(".")
    assert ("allow" in answer.headers) == (status == 405)


def test_a_fault_of_ours_is_json_too(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(rest.registry, "list_models", broken)
    answer = client.get("/models")
    assert answer.status_code == 500 and "log" in answer.json()["error"] and "secret" not in answer.text


@pytest.mark.parametrize("kind", ["multipart/form-data", "Multipart/Form-Data", "MULTIPART/FORM-DATA"])
def test_the_name_of_a_form_may_be_in_capitals(client: TestClient, kind: str) -> None:
    head = b'--Edge\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\n\r\n'
    body = head + sample_bytes("Astronaut") + b"\r\n--Edge--\r\n"
    answer = client.post("/segment", content=body, headers={"content-type": f"{kind}; boundary=Edge"})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_keys_scheme_may_be_in_any_case(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv(rest.KEY, "k")
    assert client.get("/models", headers={"authorization": f"{scheme} k"}).status_code == 200
    assert client.get("/models", headers={"authorization": "k"}).status_code == 401
