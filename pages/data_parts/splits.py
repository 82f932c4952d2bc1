"""Which photos are for training, for validation and for the test that comes last."""

from typing import BinaryIO

import streamlit as st

from core.data import splitting
from core.data.catalogue import Catalogue
from core.data.dataset import open_data
from core.data.split_record import group_of
from core.data.splitting import SplitPlan
from core.errors import UserError
from core.system.formatting import percent
from pages.data_parts.pictures import apply
from pages.widgets.uploads import NAMES_MEGABYTES, upload_one
from pages.widgets.wording import plain

KINDS = {
    "random": "At random",
    "stratified": "Balanced foreground",
    "grouped": "Groups stay together",
    "listed": "By a list of names",
}
WHY = {
    "random": "Every photo may land in any set.",
    "stratified": "Every set gets small and large subjects alike: steadier scores on small data sets.",
    "grouped": "Frames of one video, or photos of one person, stay in one set: otherwise the model is scored "
    "on what it has seen.",
    "listed": "The split that somebody else used, to compare with their scores.",
}


def splits(shown: Catalogue) -> None:
    summary = shown.report.summary()
    total = max(1, summary["train"] + summary["validation"] + summary["test"])
    made = str(shown.about.get("split_made") or "every fifth at random, by name")
    st.markdown(
        f"Now: **{summary['train']:,}** for training, **{summary['validation']:,}** "
        f"({percent(summary['validation'] / total)}) for validation, **{summary['test']:,}** "
        f"({percent(summary['test'] / total)}) for test; made {plain(made)}."
    )
    st.caption(
        "Validation chooses the best epoch. Training never sees the test set: score it once, at the end, "
        "with `python -m core evaluate --split test`. Models keep the split that they were trained with."
    )
    kind = st.segmented_control(
        "Split", list(KINDS), default="random", required=True, format_func=KINDS.__getitem__
    )
    st.caption(WHY[kind])
    plan = choose(shown, kind)
    if plan is None:
        return
    if kind == "grouped":
        groups(shown, plan.pattern)
    if st.button("Re-split", type="primary"):
        apply(lambda: re_split(shown, plan))


def choose(shown: Catalogue, kind: str) -> SplitPlan | None:
    """The settings of this kind of split; None until they are complete."""
    if kind == "listed":
        kept = upload_one("Names for validation, one a line", ["txt", "csv"], NAMES_MEGABYTES)
        last = upload_one("Names for test, one a line (if any)", ["txt", "csv"], NAMES_MEGABYTES)
        if kept is None:
            return None
        return SplitPlan("listed", validation_names=lines(kept), test_names=lines(last) if last else ())
    pattern = splitting.FRAMES
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if kind == "grouped":
            pattern = st.text_input(
                "Pattern of a group's name", splitting.FRAMES, width=320,
                help="A regular expression: its first group is the group's name. By default everything "
                "before the last number, so that film-001.jpg and film-002.jpg stay together.",
            )  # fmt: skip
        folds = st.selectbox(
            "Folds", [0, 3, 4, 5, 10], width=140, format_func=lambda n: f"{n} folds" if n else "No folds"
        )
        if folds:
            fold = st.selectbox("Validate on fold", list(range(1, folds + 1)), width=150)
            validation = 0.2
        else:
            fold = 1
            validation = st.slider("Validation, %", 5, 50, 20, width=200) / 100
        test = st.slider("Test, %", 0, 40, 0, width=200) / 100
        seed = st.number_input("Seed", 0, 2**31 - 1, 42, width=130)
    return SplitPlan(kind, validation, test, int(seed), pattern, folds, fold)


def groups(shown: Catalogue, pattern: str) -> None:
    try:
        found = sorted({group_of(name, pattern) for name in shown.report.usable["name"]})
    except UserError as error:
        st.error(plain(str(error)))
        return
    some = ", ".join(found[:6])
    st.caption(f"{len(found):,} groups: {plain(some)}{' …' if len(found) > 6 else ''}")


def re_split(shown: Catalogue, plan: SplitPlan) -> None:
    table = shown.report.usable
    data = open_data(shown.root)
    foreground = dict(zip(table["name"], table["foreground"], strict=True))
    split = splitting.make_split(plan, [pair.name for pair in data.pairs], foreground)
    splitting.apply_split(data, split, plan)


def lines(upload: BinaryIO) -> tuple[str, ...]:
    text = upload.read().decode("utf-8", "replace")
    return tuple(line.strip() for line in text.splitlines() if line.strip())
