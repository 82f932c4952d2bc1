"""A model of the library: what it is, its scores, and what can be done with it."""

import streamlit as st

from core.errors import UserError
from core.inference.card_previews import kept_pictures, make_pictures
from core.models import registry
from core.models.card import score_with_interval
from core.models.encoder_catalogue import short_name
from core.models.registry import Entry
from core.policy.permissions import allowed
from core.system.formatting import without_pictures
from core.system.score_names import LABELS, score
from core.system.spreadsheets import inert
from pages.models_parts.deleting import delete_dialog
from pages.models_parts.exporting import export_dialog
from pages.models_parts.sharing import push_dialog
from pages.widgets.loading import predictor_of
from pages.widgets.wording import plain

RENAME, UPLOAD, DELETE = "Rename and tag", "Upload to the hub", "Delete"


def card(entry: Entry, following: str) -> None:
    """`following` is the folder of the next card's model, "" for the last."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(entry.card.name)}**", width="content")
            badges(entry)
        st.caption(facts(entry))
        scores(entry)
        with st.container(horizontal=True, gap="small"):
            buttons(entry, following)


def badges(entry: Entry) -> None:
    if entry.ships:
        st.badge("Shipped", color="green", help="Comes with the project.")
    elif entry.is_rembgs:
        st.badge("rembg", color="violet", help="A file that rembg has downloaded.")
    elif entry.run is None:
        st.badge("Imported", color="violet")
    if entry.has_namesake:
        st.badge(f"#{entry.short_id}", color="orange", help="Another model has the same name.")
    for tag in entry.card.tags:
        st.badge(plain(tag), color="gray")


def facts(entry: Entry) -> str:
    model = entry.card
    parts = [
        f"{model.architecture}, {'ONNX' if model.onnx else short_name(model.encoder)}",
        f"{entry.megabytes:.1f} MB",
        f"trained on {plain(model.data)}" if model.data else "",
        plain(entry.created),
    ]
    return " · ".join(part for part in parts if part)


def scores(entry: Entry) -> None:
    values = entry.card.scores
    if not values:
        st.caption("Not scored yet: open it on the Compare page or the leaderboard.")
        return
    with st.container(horizontal=True):
        for key in ("dice_mean", "dice_pooled", "iou_mean", "miou", "pixel_accuracy"):
            if key in values:
                st.metric(LABELS[key], score(values[key]), help=interval(entry, key))
    if entry.card.scored_on:
        st.caption(plain(entry.card.scored_on))


def interval(entry: Entry, key: str) -> str | None:
    ends = entry.card.intervals.get(key)
    return f"95 % interval: {score(ends[0])} to {score(ends[1])}" if ends else None


def buttons(entry: Entry, following: str) -> None:
    key, folder = entry.fingerprint, str(entry.folder)
    if st.button("Use", key=f"use_{key}", type="primary", icon=":material/content_cut:"):
        st.session_state.chosen_model = folder
        st.switch_page("pages/segment.py")
    if entry.card.onnx is None and st.button("Live", key=f"live_{key}", icon=":material/videocam:"):
        st.session_state.chosen_model = folder
        st.switch_page("pages/live.py")
    if st.button("Compare", key=f"compare_{key}", icon=":material/compare:"):
        st.session_state.chosen_model = folder
        st.switch_page("pages/compare.py")
    exports = allowed("train") and not entry.card.onnx
    if exports and st.button("Export", key=f"export_{key}", icon=":material/output:"):
        export_dialog(entry)
    if st.button("Details", key=f"details_{key}", icon=":material/article:"):
        details_dialog(entry)
    other = [] if entry.ships or entry.is_rembgs or not allowed("change") else [RENAME, DELETE]
    if allowed("machine") and not entry.card.onnx:
        other.insert(1, UPLOAD)
    if not other:
        return
    chosen = st.menu_button("More", other, key=f"more_{key}")
    if chosen == UPLOAD:
        push_dialog(entry)
    elif chosen == RENAME:
        rename_dialog(entry)
    elif chosen == DELETE:
        delete_dialog(entry, following)


def rename_dialog(entry: Entry) -> None:
    @st.dialog(f"Rename {plain(entry.card.name)}")
    def ask() -> None:
        with st.form("rename_model", border=False):  # Enter saves too
            name = st.text_input("Name", entry.card.name, max_chars=registry.MAX_NAME)
            tags = st.multiselect(
                "Tags", list(entry.card.tags), list(entry.card.tags), accept_new_options=True,
                max_selections=registry.MAX_TAGS, placeholder="Type a tag and press Enter",
            )  # fmt: skip
            asked = st.form_submit_button("Save", type="primary")
        if asked:
            try:
                registry.rename(entry, name)
                registry.tag(entry, tags)
            except UserError as error:
                st.error(plain(str(error)))
                return
            st.rerun()

    ask()


def details_dialog(entry: Entry) -> None:
    st.dialog(plain(entry.card.name), width="medium")(details)(entry)


def details(entry: Entry) -> None:
    model = entry.card
    try:
        shown = kept_pictures(entry) or make_pictures(entry, predictor_of(entry))
    except UserError as error:
        st.error(plain(str(error)))
        shown = []
    if shown:
        with st.container(horizontal=True, gap="small"):
            for picture in shown:
                st.image(picture, width=165)
    if model.scores:
        rows = [
            {"Score": LABELS[k], "Value (95 % interval)": score_with_interval(model, k)}
            for k in LABELS
            if k in model.scores
        ]
        st.dataframe(inert(rows), hide_index=True)
    licences = [("Data", model.data_licence), ("Encoder weights", model.weights_licence)]
    st.caption(
        "Licences: "
        + " · ".join(f"{what}: {plain(words) if words else 'not stated'}" for what, words in licences)
    )
    st.markdown(card_text(entry))
    if allowed("machine"):
        st.caption(f"Folder: `{entry.folder}`")


def card_text(entry: Entry) -> str:
    try:
        text = "\n" + (entry.folder / "README.md").read_text("utf-8")
        return without_pictures(text).replace("\n# ", "\n#### ").replace("\n## ", "\n##### ")
    except OSError:
        return "This model has no card."
