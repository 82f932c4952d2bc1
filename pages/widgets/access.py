"""Who is using the page, and what the page says about its policy."""

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
from core.policy.policy import current_policy
from pages.widgets.entry import navigation
from pages.widgets.wording import plain


def visitor() -> Person:
    """The person whose session runs this script; a stranger outside of one."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return STRANGER
    email = checked_email(st.user.to_dict()) if getattr(st.user, "is_logged_in", False) else ""
    mark = hashlib.sha256((email or context.session_id).encode()).hexdigest()[:16]
    return Person(email, mark)


def admit() -> None:
    """Continue with the page, or ask for a sign-in and end the script."""
    know_visitors_by(visitor)
    try:
        policy = current_policy()
    except UserError as error:
        st.error(plain(f"This server is closed until its policy file is corrected. {error}"))
        st.stop()
    if policy.sign_in and not getattr(st.user, "is_logged_in", False):
        sign_in()


def sign_in() -> None:
    # Until `st.navigation` has run once, Streamlit lists the files of `pages` in the sidebar.
    navigation("hidden")
    st.title("Segmentation Studio")
    st.write("Sign in to use this server.")
    if st.button("Sign in", type="primary", icon=":material/login:"):
        try:
            st.login()
        except Exception as error:  # private to Streamlit, if [auth] is missing
            st.error(plain(f"Signing in is not set up on this server: {str(error).splitlines()[0]}"))
    st.stop()


def who_is_here() -> None:
    """In the sidebar: who has signed in, and a button to sign out."""
    if getattr(st.user, "is_logged_in", False):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(plain(str(st.user.get("email") or st.user.get("name") or "Signed in")))
            if st.button("Sign out", type="tertiary", icon=":material/logout:"):
                st.logout()


def promise() -> str:
    """How long photos are kept, in a sentence or two."""
    policy = current_policy()
    if not policy.public:
        return "Photos stay on the machine that runs this page."
    kept = "Zips of many are deleted after a day."
    if policy.keep_hours:
        kept = f"Zips of many, and what is added or trained, are deleted after {policy.keep_hours} h."
    return f"Photos that you cut out are kept in memory until you leave. {kept}"


def open_to(action: Action) -> bool:
    """Whether the visitor may do this; otherwise shows who may."""
    if allowed(action):
        return True
    st.info(refusal(action), icon=":material/lock:")
    return False
