"""Who is at the page, as far as this server wants to know."""

import hashlib

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.errors import UserError
from core.policy.permissions import (
    STRANGER,
    Action,
    Person,
    allowed,
    checked_email,
    know_visitors_by,
    refusal,
)
from core.policy.policy import rules
from core.system.formatting import plain
from pages.widgets.entry import navigation


def visitor() -> Person:
    """The person whose click runs this script; a stranger outside of one."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return STRANGER
    email = checked_email(st.user.to_dict()) if getattr(st.user, "is_logged_in", False) else ""
    mark = hashlib.sha256((email or context.session_id).encode()).hexdigest()[:16]
    return Person(email, mark)


def admit() -> None:
    """Let the page go on, or show what is needed first and end the script."""
    know_visitors_by(visitor)
    try:
        there = rules()
    except UserError as error:
        st.error(plain(f"This server is closed until its settings are mended. {error}"))
        st.stop()
    if there.sign_in and not getattr(st.user, "is_logged_in", False):
        sign_in()


def sign_in() -> None:
    # On a server that has just started Streamlit lists the files of `pages` until it is told otherwise.
    navigation("hidden")
    st.title("Segmentation Studio")
    st.write("This server is for people who have signed in.")
    if st.button("Sign in", type="primary", icon=":material/login:"):
        try:
            st.login()
        except Exception as error:  # Streamlit's own, whose kinds are private, where [auth] is not set up
            st.error(plain(f"Signing in is not set up on this server: {str(error).splitlines()[0]}"))
    st.stop()


def who_is_here() -> None:
    """In the sidebar: who has signed in, and the way out."""
    if getattr(st.user, "is_logged_in", False):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(plain(str(st.user.get("email") or st.user.get("name") or "Signed in")))
            if st.button("Sign out", type="tertiary", icon=":material/logout:"):
                st.logout()


def promise() -> str:
    """What becomes of photos, in a sentence or two."""
    there = rules()
    if not there.public:
        return "Photos stay on the machine that runs this page."
    kept = "Zips of many are deleted after a day."
    if there.keep_hours:
        kept = f"Zips of many, and what is added or trained, are deleted after {there.keep_hours} h."
    return f"Photos that you cut out are kept in memory until you leave. {kept}"


def open_to(action: Action) -> bool:
    """Whether the visitor may do this; says who may where they may not."""
    if allowed(action):
        return True
    st.info(refusal(action), icon=":material/lock:")
    return False
