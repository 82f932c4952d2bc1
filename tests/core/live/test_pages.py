"""The pages of live models, as a browser asks for them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from core.export import web_runtime
from core.live import models
from core.live.pages import live_pages, page_of
from core.models.onnx_files import import_onnx
from core.models.onnx_spec import OnnxSpec
from core.system import workspace
from core.task import Task
from tests.core.live.conftest import small_model
from tests.core.models.onnx_networks import write_network

pytestmark = pytest.mark.usefixtures("traced_here")


@pytest.fixture
def client() -> TestClient:
    app = Starlette(routes=[Mount("/web", app=live_pages())])
    return TestClient(app, base_url="http://localhost")


def test_a_page_its_model_and_its_files_are_served_isolated_from_other_sites(client: TestClient) -> None:
    small_model(workspace.models() / "streets", 1)
    client.get("/web/streets/model.json")
    about = client.get("/web/streets/model.json").json()
    assert about["state"] == "ready" and about["classes"] == ["sky", "road", "car"]
    assert about["runtime"]["wasm"]["script"]["url"].startswith("https://")  # it is not here
    for address in ("", "app.js", about["files"][0]["url"]):
        answer = client.get(f"/web/streets/{address}")
        assert answer.status_code == 200, address
        assert answer.headers["cross-origin-embedder-policy"] == "require-corp"
    assert "immutable" in client.get(f"/web/streets/{about['files'][0]['url']}").headers["cache-control"]
    assert client.get("/web/streets", follow_redirects=False).headers["location"] == "/web/streets/"


def test_the_runtime_is_served_once_it_is_here(client: TestClient) -> None:
    file = web_runtime.FILES["wasm"]["binary"]
    address = f"/web/runtime/{web_runtime.VERSION}/{file.name}"
    assert client.get(address).status_code == 404
    web_runtime.runtime_folder().mkdir(parents=True)
    for name in (file.name, web_runtime.LICENCE_FILE):
        (web_runtime.runtime_folder() / name).write_bytes(b"wasm")
    answer = client.get(address)
    assert answer.content == b"wasm" and answer.headers["content-type"] == "application/wasm"
    assert client.get(f"/web/runtime/{web_runtime.VERSION}/other.txt").status_code == 404


@pytest.mark.parametrize("address", ["..%2fstudio.toml", "service-worker.js", "%2e%2e/x", "__init__.py"])
def test_no_other_file_is_served(address: str, client: TestClient) -> None:
    assert client.get(f"/web/streets/{address}").status_code == 404


def test_a_model_that_is_just_being_replaced_is_asked_for_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_there(model_id: str) -> models.LiveModel:
        raise FileNotFoundError("/home/owner/secret/studio.json")

    monkeypatch.setattr("core.live.pages.live_model", half_there)
    answer = client.get("/web/streets/model.json")
    assert answer.json()["state"] == "preparing" and answer.json()["refresh_seconds"] > 0
    assert "/home/owner" not in answer.text


def test_a_network_of_others_is_described_as_its_file_wants_it(client: TestClient, tmp_path: Path) -> None:
    spec = OnnxSpec("", 64, 96, fit="pad", mean=(0.1, 0.2, 0.3))
    import_onnx(write_network(tmp_path / "red.onnx", (1, 3, 64, 96)), "reds", spec, Task(), "red things")
    about = client.get("/web/reds/model.json").json()
    assert (about["state"], about["fit"], about["size"]) == ("ready", "pad", [64, 96])
    assert (about["mean"], about["std"]) == ([0, 0, 0], [1, 1, 1])  # the file's own is in its graph
    assert client.get(f"/web/reds/{about['files'][0]['url']}").status_code == 200
    assert ["Model", "ONNX network"] in about["card"] and about["purpose"] == "reds finds red things"


def test_an_unknown_model_is_one_sentence(client: TestClient) -> None:
    about = client.get("/web/gone/model.json").json()
    assert about["state"] == "failed" and "no such model" in about["message"]


def test_strangers_see_models_without_paths(client: TestClient, set_policy: Callable[[str], Path]) -> None:
    set_policy("public = true\n")
    small_model(workspace.models() / "streets", 1)
    client.get("/web/streets/model.json")
    answer = client.get("/web/streets/model.json")
    assert answer.json()["state"] == "ready" and "/home/owner" not in answer.text


def test_where_visitors_must_sign_in_only_an_address_from_the_app_opens_a_page(
    client: TestClient, set_policy: Callable[[str], Path]
) -> None:
    small_model(workspace.models() / "streets", 1)
    set_policy("public = true\nsign_in = true\n")
    address = page_of("streets")
    for name in ("", "model.json", "app.js"):
        assert client.get(f"/web/streets/{name}").status_code == 403
        assert client.get(f"/web/{page_of('other').replace('other', 'streets')}{name}").status_code == 403
        assert client.get(f"/web/{address}{name}").status_code == 200
    assert (workspace.root() / "live-pages.key").stat().st_mode & 0o077 == 0
    set_policy("public = perhaps\n")
    assert client.get(f"/web/{address}").status_code == 403
