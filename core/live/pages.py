"""The pages that run models in browsers: the files of core/export/web/, a description and an ONNX file for
each model, and the runtime. Plain Starlette, for the app and for a server of its own.

Pages are isolated from other sites, so that browsers let them use several threads. They may connect to this
server alone (and to the runtime's CDN where the runtime is not here), so no picture can leave the browser.
"""

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from core.errors import UserError
from core.export import web_page, web_runtime
from core.live.models import LiveModel, file_of, live_model
from core.policy.disclosure import for_visitor
from core.policy.permissions import STRANGER, acting_as
from core.policy.policy import current_policy
from core.system import workspace
from core.system.atomic import atomic_file

ISOLATED = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
}
FOREVER = {"cache-control": "private, max-age=31536000, immutable"}  # addresses that change with the content
CHECKED = {"cache-control": "no-cache"}
REFRESH_SECONDS = 2
PAGE_FILES = {path.name for path in web_page.ASSETS.iterdir()} - {web_page.WORKER_FILE}
TOKEN_MARK = "~"
UNNAMED = "Live segmentation"
BEING_REPLACED = {"name": UNNAMED, "state": "preparing", "message": "The model is being replaced …"}
KEY_FILE = "live-pages.key"


def live_pages() -> Starlette:
    """The routes, to be mounted: MODEL/ is a page, for the ids of the registry."""
    return Starlette(
        routes=[
            Route(f"/runtime/{web_runtime.VERSION}/{{name}}", _runtime),
            Route("/{model}", _to_folder),
            Route("/{model}/", _page),
            Route("/{model}/model.json", _about),
            Route("/{model}/{version}.onnx", _onnx),
            Route("/{model}/{name}", _page_file),
        ]
    )


def page_of(model_id: str) -> str:
    """The path of a model's page below the mount. Where visitors must sign in, it holds a token, because
    these pages cannot ask who somebody is: only show it to who may see the model."""
    return f"{model_id}{TOKEN_MARK}{_token(model_id)}/" if current_policy().sign_in else f"{model_id}/"


def _token(model_id: str) -> str:
    return hmac.new(_key(), model_id.encode(), hashlib.sha256).hexdigest()[:32]


def _key() -> bytes:
    """The secret behind the tokens, made when it is first needed."""
    file = workspace.root() / KEY_FILE
    if not file.is_file():
        workspace.make_folder(file.parent)
        with atomic_file(file) as part:
            part.touch(0o600)
            part.write_bytes(secrets.token_bytes(32))
    return file.read_bytes()


def _admitted(request: Request) -> str | None:
    """The model's id in the address; None unless whoever asks may see it."""
    model_id, _, token = str(request.path_params["model"]).partition(TOKEN_MARK)
    try:
        if current_policy().sign_in and not hmac.compare_digest(token.encode(), _token(model_id).encode()):
            return None
    except UserError:  # a policy that cannot be read permits nothing
        return None
    return model_id


def _refused() -> Response:
    return PlainTextResponse("Open this page from the app: sign in there first.\n", 403, ISOLATED)


def _not_found() -> Response:
    return PlainTextResponse("Not Found\n", 404, ISOLATED)


def _file(path: Path, caching: dict[str, str]) -> Response:
    kinds = {".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm"}
    kind = kinds.get(path.suffix, "application/octet-stream" if path.suffix == ".onnx" else None)
    return FileResponse(path, media_type=kind, headers={**ISOLATED, **caching})


async def _to_folder(request: Request) -> Response:
    return RedirectResponse(f"{request.url.path}/", headers=ISOLATED)


async def _page(request: Request) -> Response:
    if _admitted(request) is None:
        return _refused()
    return _file(web_page.ASSETS / "index.html", CHECKED)


async def _page_file(request: Request) -> Response:
    name = request.path_params["name"]
    if _admitted(request) is None:
        return _refused()
    if name == web_page.MANIFEST_FILE:
        return JSONResponse({}, headers=ISOLATED)  # an app on a phone's screen is for an exported page
    return _file(web_page.ASSETS / name, CHECKED) if name in PAGE_FILES else _not_found()


async def _runtime(request: Request) -> Response:
    names = {file.name for files in web_runtime.FILES.values() for file in files.values()}
    name = request.path_params["name"]
    here = name in names and web_runtime.is_here()
    return _file(web_runtime.runtime_folder() / name, FOREVER) if here else _not_found()


async def _onnx(request: Request) -> Response:
    file = None if _admitted(request) is None else file_of(request.path_params["version"])
    return _file(file, FOREVER) if file else _not_found()


async def _about(request: Request) -> Response:
    model_id = _admitted(request)
    if model_id is None:
        return _refused()
    return JSONResponse(await run_in_threadpool(_description, model_id), headers=ISOLATED | CHECKED)


def _description(model_id: str) -> dict[str, Any]:
    """What model.json says: of a model that is not ready its state alone."""
    about: dict[str, Any]
    with acting_as(STRANGER):
        try:
            model = live_model(model_id)
        except UserError as error:
            return {"name": UNNAMED, "state": "failed", "message": for_visitor(str(error))}
        except OSError:  # between two of its files, or for good: the next answer is a sentence
            return {**BEING_REPLACED, "refresh_seconds": REFRESH_SECONDS}
        about = _ready(model) if model.state == "ready" else {"name": UNNAMED, "state": model.state}
        about["message"] = for_visitor(model.message)
    if model.changes:
        about["refresh_seconds"] = REFRESH_SECONDS
    return about


def _ready(model: LiveModel) -> dict[str, Any]:
    assert model.card is not None and model.file is not None
    base = f"../runtime/{web_runtime.VERSION}/" if web_runtime.is_here() else web_runtime.CDN
    about = web_page.describe(model.card, model.fixed, model.version, base)
    about["card"] = [(label, for_visitor(value)) for label, value in about["card"]]
    return {**about, "files": [web_page.model_file(model.file, f"{model.version}.onnx")]}
