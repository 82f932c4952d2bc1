"""The app and its REST endpoint under one address, with the headers that a public server should send.

streamlit run server.py        # the pages as ever, and /rest
"""

import streamlit as st
from starlette.routing import Mount

from core.serving import api

app = st.App("streamlit_app.py", routes=[Mount("/rest", app=api())])
