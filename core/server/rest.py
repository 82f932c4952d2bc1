"""A REST endpoint: a photo in, its mask, cut-out, overlay or list of components out.

Plain Starlette, which Streamlit is built on too, so that the same routes run alone and inside the app.
"""

import contextlib
import functools
import hashlib
import hmac
import json
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive

from core.cutout_settings import Background, CutOutSettings
from core.data.photos import read_photo
from core.errors import UserError
from core.imaging import rendering
from core.inference.cutout import RESULTS, CutOut, results_of, segment
from core.inference.price import photo_price
from core.models import registry
from core.models.card import read_card
from core.policy.disclosure import for_visitor
from core.policy.permissions import STRANGER, acting_as, refusal
from core.policy.policy import current_policy
from core.policy.rate_limit import Quotas, UsedUpError
from core.server.openapi import PAGE, openapi
from core.server.request_guard import Hosts, RequestGuard
from core.system.concurrency import BusyError, taking_turns
from core.system.logs import log

if TYPE_CHECKING:
    from core.inference.request_queue import SharedPredictor

PATIENCE = 20.0  # seconds of waiting, after which the answer is 503
SECONDS = 60.0  # of work on one photo, after which it is aborted at its next step
AT_ONCE = 8  # photos that are worked on or wait for it
FORM_BYTES = 10_000  # overhead of a form around its photo
MAX_BYTES = 100_000_000  # of a photo, as on the page
BODY_SECONDS = 60.0  # in which a photo has to arrive
ARRIVING_BYTES = AT_ONCE * MAX_BYTES  # of all photos that have not arrived whole
SENTENCES = {
    404: "There is nothing at this address: openapi.json lists what there is",
    405: "This address takes another method: openapi.json says which",
}
KEY = "SEGMENTATION_STUDIO_API_KEY"


class RefusedError(Exception):
    """A refused request: an HTTP status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def api(model: Path | None = None, hosts: Hosts = lambda: ()) -> Starlette:
    """The routes. `model` is the default of requests; None is the first in the library. `hosts` returns
    the host names of the server besides localhost, see core.server.request_guard."""
    app = Starlette(
        routes=[
            Route("/", _docs),
            Route("/openapi.json", _openapi),
            Route("/health", _health),
            Route("/models", _answered(_models)),
            Route("/segment", _answered(_segment), methods=["POST"]),
        ],
        middleware=[Middleware(RequestGuard, hosts=hosts, in_json="")],
        exception_handlers={HTTPException: _refused, Exception: _broken},
    )
    app.state.model = model
    return app


def _answered(work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Turn every error of a route into a status and one sentence."""

    async def answer(request: Request) -> Response:
        try:
            _check_key(request)
            started = time.perf_counter()
            with acting_as(STRANGER):  # whoever started the server
                response = await work(request)
            log("request answered", path=request.url.path, seconds=round(time.perf_counter() - started, 3))
            return response
        except RefusedError as refusal:
            return _problem(refusal.status, refusal.sentence)
        except UsedUpError as error:
            return _problem(429, str(error), {"Retry-After": "60"})
        except BusyError as error:
            return _problem(503, str(error), {"Retry-After": "5"})
        except UserError as error:
            return _problem(422, str(error))
        except ClientDisconnect:
            return _problem(400, "The upload ended early.")

    return answer


def _problem(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    with acting_as(STRANGER):
        return JSONResponse({"error": for_visitor(sentence)}, status, headers)


async def _refused(request: Request, error: Exception) -> Response:
    """Refusals of Starlette: an unknown address, a wrong method, an invalid form."""
    assert isinstance(error, HTTPException)
    sentence = SENTENCES.get(error.status_code, error.detail)
    return _problem(error.status_code, f"{sentence.rstrip('.')}.", dict(error.headers or {}))


async def _broken(request: Request, error: Exception) -> Response:
    """An unexpected error. Starlette raises it again, for the log."""
    return _problem(500, "The server failed at this request: its log says more.")


def _check_key(request: Request) -> None:
    """Raises RefusedError unless the policy and the key, `Authorization: Bearer KEY`, admit the request."""
    try:
        wanted, who = os.environ.get(KEY, ""), current_policy().rest
    except UserError as error:
        raise RefusedError(503, f"The server is closed: its policy has a mistake. {error}") from error
    if who == "nobody" or (who != "everyone" and not wanted):  # the key takes the place of a sign-in
        raise RefusedError(403, refusal("rest"))
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    given = key.strip() if scheme.lower() == "bearer" else ""
    if wanted and not hmac.compare_digest(given.encode(), wanted.encode()):
        raise RefusedError(401, "A key is needed: send it as `Authorization: Bearer KEY`.")


async def _docs(request: Request) -> Response:
    return HTMLResponse(PAGE)


async def _openapi(request: Request) -> Response:
    return JSONResponse(openapi(request.scope.get("root_path", "")))


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _models(request: Request) -> Response:
    found = await run_in_threadpool(registry.list_models)
    return JSONResponse(
        [
            {"id": e.id, "name": e.card.name, "task": e.card.task.kind, "classes": e.card.task.classes}
            for e in found
        ]
    )


async def _segment(request: Request) -> Response:
    asked = request.query_params
    result = asked.get("result", "mask")
    if result not in RESULTS:
        raise RefusedError(400, f"result cannot be '{result[:40]}': use one of {', '.join(RESULTS)}.")
    settings = _settings(asked.get("threshold"), asked.get("background", ""))
    content = await _in_whole(request)
    with _slot():  # not before: whoever sends slowly would close the endpoint for everybody
        folder = await run_in_threadpool(_folder, request, asked.get("model"))
        card = await run_in_threadpool(read_card, folder)
        cost = await run_in_threadpool(photo_price, content, "the photo", card, settings)
        _hours.of(_who(request)).take(current_policy().photos_per_hour, count=cost)
        return await run_in_threadpool(_work, folder, content, result, settings)


_hours = Quotas()
_slots = threading.BoundedSemaphore(AT_ONCE)


class _Arriving:
    """Counts the bytes of photos that have not arrived whole."""

    def __init__(self) -> None:
        self._bytes, self._lock = 0, threading.Lock()

    def add(self, count: int) -> None:
        """Raises BusyError above ARRIVING_BYTES."""
        with self._lock:
            self._bytes += count
            if count > 0 and self._bytes > ARRIVING_BYTES:
                raise BusyError("Too many photos are being sent: try again in a moment.")


_arriving = _Arriving()


@contextlib.contextmanager
def _slot() -> Iterator[None]:
    """Raises BusyError if AT_ONCE photos are held already."""
    if not _slots.acquire(blocking=False):
        raise BusyError("Too many photos are waiting: try again in a moment.")
    try:
        yield
    finally:
        _slots.release()


def _who(request: Request) -> str:
    """An identifier of the client for its quota: a hash of the key or the address."""
    who = request.headers.get("authorization") or (request.client.host if request.client else "")
    return hashlib.sha256(who.encode()).hexdigest()


def _work(folder: Path, content: bytes, result: str, settings: CutOutSettings) -> Response:
    predictor = _predictor(str(folder), registry.weights_key(folder))
    with taking_turns(PATIENCE):
        return _result(predictor, content, result, settings)


def _in_time(started: float) -> None:
    """Call between two steps of the work on a photo. Raises BusyError once it has taken SECONDS."""
    if time.monotonic() - started > SECONDS:
        raise BusyError("This photo takes too long here: make it smaller, or try again later.")


def _result(predictor: "SharedPredictor", content: bytes, result: str, settings: CutOutSettings) -> Response:
    started, card = time.monotonic(), predictor.card
    if result not in results_of(card.task):
        raise RefusedError(400, f"{card.name} has several classes: ask for mask or overlay.")
    photo = read_photo(content, "the photo", value_range=card.value_range)
    _in_time(started)
    found = segment(photo, predictor, settings, lambda: _in_time(started))
    _in_time(started)
    if isinstance(found, CutOut) and result == "components":
        return JSONResponse(json.loads(found.table().to_json(orient="records")))
    return _png(found.picture(result))


def _png(picture: Any) -> Response:
    return Response(rendering.encode(picture), media_type="image/png")


async def _in_whole(request: Request) -> bytes:
    """The photo of a request. Raises RefusedError where it is too large or too slow, and BusyError while too
    much is arriving."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await request.receive()
        size = len(message.get("body", b""))
        taken += size
        _arriving.add(size)
        return message

    try:
        with anyio.fail_after(BODY_SECONDS):
            return await _photo_in(Request(request.scope, counted))
    except TimeoutError:
        raise RefusedError(408, f"The photo did not arrive within {BODY_SECONDS:.0f} seconds.") from None
    finally:
        _arriving.add(-taken)


async def _photo_in(request: Request) -> bytes:
    """The body, or the first file of a form. Never reads more than MAX_BYTES."""
    too_large = RefusedError(413, f"The photo has more than {MAX_BYTES // 10**6} MB.")
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > MAX_BYTES + FORM_BYTES:
        raise too_large
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        bounded = Request(request.scope, _at_most(request.receive, MAX_BYTES + FORM_BYTES, too_large))
        async with bounded.form(max_files=1, max_fields=4, max_part_size=MAX_BYTES) as form:
            for value in form.values():
                if not isinstance(value, str):
                    return _filled(await value.read(MAX_BYTES))
        raise RefusedError(400, "The form holds no file: send the photo as `photo`.")
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BYTES:
            raise too_large
    return _filled(bytes(content))


def _at_most(receive: Receive, most: int, refusal: RefusedError) -> Receive:
    """Wrap `receive` to raise `refusal` after `most` bytes: a form is written to disk while it is received,
    and a chunked one does not announce its length."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise refusal
        return message

    return counted


def _filled(content: bytes) -> bytes:
    if not content:
        raise RefusedError(400, "There is no photo in the request: send its bytes as the body.")
    return content


def _folder(request: Request, wanted: str | None) -> Path:
    """The folder of the wanted model, found by its id in the library only."""
    entries = registry.list_models()
    if wanted is None:
        chosen: Path | None = request.app.state.model
        if chosen is None and not entries:
            raise RefusedError(404, "There is no model yet.")
        return chosen or entries[0].folder
    for entry in entries:
        if entry.id == wanted:
            return entry.folder
    raise RefusedError(404, f"There is no model '{wanted[:80]}': /models lists them.")


@functools.lru_cache(maxsize=3)
def _predictor(folder: str, key: str) -> "SharedPredictor":
    from core.inference.request_queue import SharedPredictor

    return SharedPredictor(Path(folder))


def _settings(threshold: str | None, background: str) -> CutOutSettings:
    """The settings of a request; all others have the defaults of the page and the command line."""
    try:
        value = None if threshold is None else float(threshold)
    except ValueError:
        value = -1.0
    if value is not None and not 0 < value < 1:
        raise RefusedError(400, f"threshold cannot be '{str(threshold)[:40]}': use a number between 0 and 1.")
    try:
        return CutOutSettings(value, background=Background.named(background))
    except UserError as error:
        raise RefusedError(400, str(error)) from None
