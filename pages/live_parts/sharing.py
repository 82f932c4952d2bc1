"""The live page on phones, and the runtime that browsers need."""

import streamlit as st

from core.errors import UserError
from core.export import web_runtime
from core.live.pages import page_of
from core.live.sharing import qr_code, shared, start_sharing, stop_sharing
from pages.widgets.wording import plain


def runtime_button() -> None:
    """Until the runtime is in the workspace: browsers load it from a CDN, or it is fetched once."""
    if web_runtime.is_here():
        return
    st.info(
        "Browsers load ONNX Runtime Web from a CDN. Without the internet they need it here: fetch it once, "
        "41 MB, or run `python -m core web-runtime`."
    )
    if st.button("Fetch ONNX Runtime Web", icon=":material/download:"):
        with st.status("Starting …", expanded=False) as status:
            try:
                for step in web_runtime.fetch():
                    status.update(label=step)
            except UserError as error:
                status.update(label="Not fetched", state="error")
                st.error(plain(str(error)))
                return
        st.rerun()


def share(model_id: str) -> None:
    """A QR code for phones in the same network."""
    st.subheader("On phones in this network")
    running = shared()
    if running is None:
        st.caption(
            "Serves this page alone over HTTPS, which browsers ask for before they open a camera, with a "
            "certificate that is made here."
        )
        if st.button("Share", icon=":material/qr_code_2:"):
            try:
                start_sharing()
            except UserError as error:
                st.error(plain(str(error)))
                return
            st.rerun()
        return
    address = running.address + page_of(model_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.image(qr_code(address), width=260)
        with st.container():
            st.markdown(
                f"1. Connect the phone to the same network and scan the code, or open {address}\n"
                "2. The browser warns once of the certificate, because this machine made it itself: choose "
                "*Advanced*, then *Continue*.\n"
                "3. Start the camera, and allow it."
            )
            if st.button("Stop sharing", icon=":material/stop_circle:"):
                stop_sharing()
                st.rerun()
