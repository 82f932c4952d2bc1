"""Uploaders. All pages use these, so that the limits are enforced on the server too."""

from typing import TYPE_CHECKING, Any, Literal

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.server import upload_limit
from pages.widgets.wording import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamlit.runtime.uploaded_file_manager import UploadedFile

PHOTO_MEGABYTES = 100
NAMES_MEGABYTES = 20  # of a list of file names
Label = Literal["visible", "hidden", "collapsed"]


def upload_one(
    label: str, types: "Sequence[str] | None", megabytes: int, key: str | None = None, show: Label = "visible"
) -> "UploadedFile | None":
    """An uploader of one file of at most this many megabytes (2^20 bytes)."""
    _expect(megabytes)
    file = st.file_uploader(label, types, max_upload_size=megabytes, key=key, label_visibility=show)
    return next(iter(_within([file] if file else [], megabytes)), None)


def upload_many(
    label: str, types: "Sequence[str] | None", megabytes: int, key: str | None = None, show: Label = "visible"
) -> "list[UploadedFile]":
    """The same for several files, each of at most this many megabytes."""
    _expect(megabytes)
    files = st.file_uploader(
        label, types, accept_multiple_files=True, max_upload_size=megabytes, key=key, label_visibility=show
    )
    return _within(files, megabytes)


def take_photo(label: str) -> "UploadedFile | None":
    """A picture from the visitor's camera, of 1080 rows where the camera has them: by default Streamlit
    would take one as small as the widget."""
    _expect(PHOTO_MEGABYTES)
    file = st.camera_input(label, label_visibility="collapsed", resolution="1080p")
    return next(iter(_within([file] if file else [], PHOTO_MEGABYTES)), None)


def discard(file: "UploadedFile") -> None:
    """Free the memory of an unusable file immediately."""
    context = get_script_run_ctx()
    if context is not None and runtime.exists():
        manager: Any = runtime.get_instance().uploaded_file_mgr
        manager.remove_file(context.session_id, file.file_id)


def held() -> "Mapping[str, int]":
    """How many bytes of uploaded files each session holds.

    Streamlit has no public function for it. If its internals change this raises, and uploads are refused.
    """
    manager: Any = runtime.get_instance().uploaded_file_mgr
    pages = list(manager.file_storage.items())
    return {session: sum(len(file.data) for file in list(files.values())) for session, files in pages}


def _expect(megabytes: int) -> None:
    context = get_script_run_ctx()
    if context is not None:
        upload_limit.expect(context.session_id, megabytes)


def _within(files: "Sequence[UploadedFile]", megabytes: int) -> "list[UploadedFile]":
    """The files within the limit, which a manipulated browser may ignore; the others are freed."""
    kept = []
    for file in files:
        if file.size <= megabytes * upload_limit.MEGABYTE:
            kept.append(file)
            continue
        discard(file)
        st.error(plain(f"{file.name} has more than {megabytes} MB: make it smaller first."))
    return kept
