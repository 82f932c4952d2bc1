"""Compare: a model's predictions beside the ground truth, worst images first."""

from pathlib import Path

import streamlit as st

from core import comparison, figures, pictures
from core.comparison import Comparison, Judged
from core.data.dataset import DataFolder, open_data
from core.data.pairing import Pair
from core.errors import UserError
from core.shelf import Entry
from core.words import percent, plain, plural
from pages.widgets.choices import choose_dataset, choose_model, ensure_drawn
from pages.widgets.classes import class_legend, class_table
from pages.widgets.entry import open_page

PER_PAGE = 5
SORTS = {
    "Worst first": lambda j: (j.dice, j.name),
    "Best first": lambda j: (-j.dice, j.name),
    "Name": lambda j: (j.name,),
    "Smallest subject first": lambda j: (j.foreground, j.name),
}


def compare_page() -> None:
    st.title("Prediction against ground truth")
    left, right = st.columns(2, gap="large")
    with left:
        entry = choose_model(key="compare_model", prefer_trained=True)
    if entry is None:
        return
    with right:
        trained_on = str(entry.card.settings.get("data", ""))
        folder = choose_dataset(key=f"compare_data_{entry.folder}", prefer=trained_on)
    ensure_drawn(folder)
    try:
        data = open_data(folder)
        result = predicted(entry, data)
    except UserError as error:
        st.error(plain(str(error)))
        return
    totals(result)
    classes(result)
    if Path(trained_on).resolve() != folder.resolve():
        st.info(f"{plain(entry.card.name)} was trained on other photos than these.")
    images(result, data)


def predicted(entry: Entry, data: DataFolder) -> Comparison:
    """The model on the validation images; made once, with progress."""
    count = len(data.part("validation"))
    bar = st.progress(0.0, f"Predicting {plural(count, 'validation image')}, once …")
    for result in comparison.compare(entry, data):
        if isinstance(result, Comparison):
            bar.empty()
            return result
        bar.progress(result / count, f"Predicted {result} of {plural(count, 'validation image')}")
    raise UserError("The comparison did not finish: reload the page.")


def totals(result: Comparison) -> None:
    scores = result.totals
    binary = result.task.kind == "binary"
    over = "" if binary else " Mean over the classes that occur."
    with st.container(horizontal=True):
        st.metric("Dice", f"{scores.dice:.4f}", border=True, help=f"Over all pixels of all images.{over}")
        st.metric("Dice, mean over images", f"{scores.dice_mean:.4f}", border=True)
        st.metric(
            "Mean IoU", f"{scores.miou:.4f}", border=True,
            help="Mean of background's and foreground's IoU." if binary else "Mean over the classes.",
        )  # fmt: skip
        st.metric("Pixel accuracy", percent(scores.pixel_accuracy), border=True)
    st.caption(
        f"{plural(scores.images, 'validation image')}, each at its own size, "
        f"{'' if result.task.kind == 'multiclass' else f'threshold {result.threshold:g}, '}"
        "none of them trained on."
    )
    for problem in result.problems[:5]:
        st.warning(plain(problem.sentence))


def classes(result: Comparison) -> None:
    """Each class's scores, and which are taken for which."""
    task = result.task
    if task.kind == "binary":
        return
    with st.expander("Each class, and what is taken for what", expanded=True):
        table, matrix = st.columns(2, gap="large") if result.confusion else (st.container(), None)
        with table:
            class_table(task, result.totals.class_dice, result.totals.class_iou)
        if matrix:
            with matrix:
                figure = figures.confusion_matrix(result.confusion, task.classes)
                st.plotly_chart(figure, key="confusion", config={"displayModeBar": False})


@st.fragment
def images(result: Comparison, data: DataFolder) -> None:
    """Four pictures an image, a page at a time."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.selectbox("Sort by", list(SORTS), key="compare_order", width=220)
        pages = max(1, -(-len(result.images) // PER_PAGE))
        page = st.pagination(pages, key=f"compare_page_{order}") if pages > 1 else 1
    if result.task.kind == "binary":
        st.html(legend())
    else:
        class_legend(result.task)
        st.caption("Errors: where the class is wrong, in the colour of what was predicted.")
    by_name = {pair.name: pair for pair in data.pairs}
    ordered = sorted(result.images, key=SORTS[order])
    for judged in ordered[(page - 1) * PER_PAGE : page * PER_PAGE]:
        one_image(result, judged, by_name.get(judged.name), data)


def one_image(result: Comparison, judged: Judged, pair: Pair | None, data: DataFolder) -> None:
    with st.container(border=True):
        st.markdown(
            f"**{plain(judged.name)}** · Dice **{judged.dice:.3f}** · IoU {judged.iou:.3f} · "
            f"precision {judged.precision:.3f} · recall {judged.recall:.3f} · "
            f"pixel accuracy {percent(judged.pixel_accuracy)}"
        )
        if pair is None:
            st.warning(f"{plain(judged.name)} is no longer in the data set.")
            return
        try:
            shown = comparison.panels(result, pair, data)
        except UserError as error:
            st.warning(plain(str(error)))
            return
        panels = pictures.four_panels(shown.photo, shown.truth, shown.predicted, result.task)
        for column, (title, picture) in zip(st.columns(4), panels, strict=True):
            with column:
                st.image(picture, caption=title, width="stretch")


def legend() -> str:
    """The three colours of the error map, as small squares with words."""
    entries = (("hit", pictures.HIT), ("miss", pictures.MISS), ("false alarm", pictures.FALSE_ALARM))
    squares = (
        f'<span style="display:inline-block;width:.9em;height:.9em;border-radius:3px;vertical-align:-.1em;'
        f'background:rgb{colour};margin:0 .4em 0 1em"></span>{word}'
        for word, colour in entries
    )
    return f'<div style="font-size:.9rem">Error map:{"".join(squares)}</div>'


open_page(compare_page)
