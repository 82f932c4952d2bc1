"""What the check found: examples first, numbers second, and the fix in one click."""

import streamlit as st

from core.data import findings, fixes, plots, thumbnails
from core.data.catalogue import Catalogue
from core.data.classes import ClassEncoding
from core.data.dataset import open_data
from core.data.findings import Kind
from core.data.masks import BinaryEncoding
from core.data.value_range import words
from core.system.formatting import plural
from core.system.spreadsheets import inert
from pages.data_parts.pictures import apply, gallery
from pages.widgets.chart import chart
from pages.widgets.picture_grid import Cell, picture_grid
from pages.widgets.wording import plain

EXAMPLES = 5
LEVELS = {"excluded": "cannot be used", "mended": "mended", "look": "worth a look"}


def found(shown: Catalogue) -> None:
    counts = findings.counts(shown.report.table)
    counts.pop("unpainted", None)  # the page offers to paint them
    chosen = st.session_state.get("finding", "")
    if chosen in counts:
        kind = findings.BY_CODE[chosen]
        if st.button("All findings", icon=":material/arrow_back:"):
            st.session_state.finding = ""
            st.rerun()
        st.subheader(f"{kind.title}: {counts[chosen]:,}")
        st.caption(kind.advice)
        answer(shown, kind)
        gallery(shown, chosen)
        return
    if not counts:
        st.success("Nothing found: every file can be read, and every mask fits its photo.")
    for code, count in counts.items():
        card(shown, findings.BY_CODE[code], count)
    if counts:
        st.download_button(
            "Download the findings", lambda: findings.download(shown.report.table),
            f"{shown.name}-findings.csv", "text/csv", icon=":material/download:",
        )  # fmt: skip
    imported(shown)
    meaning(shown)
    numbers(shown)


def card(shown: Catalogue, kind: Kind, count: int) -> None:
    """One finding with a few of its pictures."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{kind.title}** · {count:,} · {LEVELS[kind.level]}")
            if st.button("Show all", key=f"show_{kind.code}"):
                st.session_state.finding = kind.code
                st.rerun()
        st.caption(kind.advice)
        rows = findings.rows_with(shown.report.table, kind.code).head(EXAMPLES)
        names = [name for name, image in zip(rows["name"], rows["image"], strict=True) if image]
        urls = thumbnails.thumbnails([shown.pair(n) for n in names], shown.encoding, "Overlay")
        cells = [Cell(n, u, n) for n, u in zip(names, urls, strict=True) if u]
        if cells:
            picture_grid(
                cells, f"examples_{kind.code}", on_open=lambda name: open_finding(kind.code, name), least=130
            )
        else:
            for sentence in rows["problem"].head(3):
                st.caption(plain(sentence))


def open_finding(code: str, name: str) -> None:
    st.session_state.finding = code
    st.session_state.opened_picture = name


def answer(shown: Catalogue, kind: Kind) -> None:
    """The one click that answers a finding."""
    table = shown.report.table
    if kind.fix == "exclude":
        names = findings.to_exclude(table, kind.code)
        if st.button(
            f"Exclude {plural(len(names), 'photo')}", icon=":material/visibility_off:", type="primary"
        ):
            apply(lambda: fixes.exclude(open_data(shown.root), names))
    if kind.fix == "invert" and st.button(
        "Invert these masks", icon=":material/invert_colors:", type="primary"
    ):
        apply(lambda: fixes.invert(open_data(shown.root), list(findings.rows_with(table, kind.code)["name"])))
    if kind.fix == "range":
        values = findings.suggested_range(table)
        if st.button(f"Read {words(values)} as black to white", icon=":material/exposure:", type="primary"):
            apply(lambda: fixes.set_range(open_data(shown.root), values))
    if kind.fix == "restore" and st.button("Restore all", icon=":material/undo:", type="primary"):
        apply(
            lambda: fixes.restore(open_data(shown.root), list(findings.rows_with(table, kind.code)["name"]))
        )


def history(shown: Catalogue) -> None:
    """What was changed, and a button to undo it."""
    past = fixes.history(shown.about)
    if not past:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Changed: " + " · ".join(plain(change) for change in past[-4:]))
        if st.button("Undo the last change", icon=":material/undo:"):
            apply(lambda: fixes.undo(open_data(shown.root)))


def imported(shown: Catalogue) -> None:
    """Which files were not imported, and what the import noted."""
    origin = shown.about.get("origin") or {}
    for note in origin.get("notes", []):
        st.info(plain(str(note)), icon=":material/info:")
    count = int(origin.get("left_out_count", 0))
    if count:
        with st.expander(
            f"{plural(count, 'file')} of {plain(str(origin.get('source', 'the source')))} not imported"
        ):
            st.dataframe(
                inert([{"File": file, "Why": why} for file, why in origin.get("left_out", [])]),
                hide_index=True,
                column_config={"Why": st.column_config.TextColumn(width="large")},
            )  # fmt: skip


def meaning(shown: Catalogue) -> None:
    """How the masks are read, and other ways to read them."""
    with st.expander(f"How the masks are read: {plain(shown.encoding.meaning)}"):
        encoding = shown.encoding
        if isinstance(encoding, ClassEncoding):
            classes_form(shown, encoding)
        elif isinstance(encoding, BinaryEncoding):
            foreground_form(shown)
        else:
            st.caption("Each label has a folder of masks; rename the folder to rename the label.")


def foreground_form(shown: Catalogue) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        level = st.slider("Foreground from a mask value of", 1, 255, 128, width=320)
        if st.button("Binarise"):
            apply(lambda: fixes.binarise(open_data(shown.root), level))
        if st.button("Invert every mask", icon=":material/invert_colors:"):
            apply(lambda: fixes.invert(open_data(shown.root)))
        if st.button("Make every value a class"):
            apply(lambda: fixes.as_classes(open_data(shown.root)))


def classes_form(shown: Catalogue, encoding: ClassEncoding) -> None:
    names = list(encoding.task.classes)
    st.caption("Their names are changed under Pictures, with *Rename classes*.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect("Classes", names, width=420)
        into = st.text_input("Name of the merged class", placeholder=chosen[0] if chosen else "", width=220)
        if st.button("Merge", disabled=len(chosen) < 2):
            apply(lambda: fixes.merge(open_data(shown.root), chosen, into))
        if st.button("Ignore", disabled=not chosen, help="Training and scores leave these pixels out."):
            apply(lambda: fixes.ignore(open_data(shown.root), chosen))
        if st.button("Use as foreground", disabled=not chosen):
            apply(lambda: fixes.as_foreground(open_data(shown.root), chosen))


def numbers(shown: Catalogue) -> None:
    """Distributions: foreground share, sizes, class balance."""
    usable = shown.report.usable
    if usable.empty:
        return
    balance = shown.report.class_balance(shown.encoding.task.classes)
    left, right = st.columns(2)
    with left:
        what = "Labelled" if balance else "Foreground"
        chart(plots.share_histogram(usable["foreground"].tolist(), what), "foreground_figure")
    with right:
        sizes = list(zip(usable["width"].tolist(), usable["height"].tolist(), strict=True))
        chart(plots.size_scatter(sizes), "size_figure")
    if balance:
        chart(plots.class_bars(balance), "balance_figure")
