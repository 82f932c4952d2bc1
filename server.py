"""The server: the pages, models in the browser, a REST endpoint and a health check, with headers and limits.

    streamlit run server.py

`streamlit run streamlit_app.py` serves the pages alone, without the headers and the upload limits.
"""

from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from core.live.pages import live_pages
from core.server.middleware import Headers, health, lifespan
from core.server.request_guard import RequestGuard
from core.server.rest import api
from core.server.upload_limit import UploadLimit
from core.system import logs
from pages.widgets.loading import warm_up
from pages.widgets.uploads import held


def names() -> list[str]:
    """The host names that the server answers to, from Streamlit's own setting."""
    return list(st.get_option("server.allowedHosts"))


@asynccontextmanager
async def started(app: Any) -> AsyncIterator[MutableMapping[str, Any] | None]:
    """The server's life. The model is loaded before the first visitor comes."""
    warm_up()
    async with lifespan(app) as state:
        yield state


logs.set_up()
app = st.App(
    "streamlit_app.py",
    routes=[Mount("/rest", app=api(hosts=names)), Mount("/web", app=live_pages()), Route("/health", health)],
    middleware=[
        Middleware(Headers),
        Middleware(RequestGuard, hosts=names, in_json="/rest"),
        Middleware(UploadLimit, held=held),
    ],
    lifespan=started,  # type: ignore[arg-type]
    on_script_error=logs.script_failed,
)
