"""The app and its REST endpoint under one address, with the headers that a public server should send.

streamlit run server.py        # the pages as ever, and /rest and /health beside them
"""

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from core import logs
from core.serving import api
from core.standing import Headers, health, until_the_end

logs.set_up()
app = st.App(
    "streamlit_app.py",
    routes=[Mount("/rest", app=api()), Route("/health", health)],
    middleware=[Middleware(Headers)],
    lifespan=until_the_end,
    on_script_error=logs.script_failed,
)
