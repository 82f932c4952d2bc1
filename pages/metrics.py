"""Metrics: what pixel accuracy, IoU and Dice mean, with two shapes to play with."""

from dataclasses import asdict
from typing import Any

import streamlit as st

from core.evaluation import playground, plots
from core.evaluation.playground import SCENES, Scene, Shape
from core.imaging import rendering
from core.system.score_names import PIXEL_ACCURACY, score
from pages.widgets.chart import chart
from pages.widgets.entry import open_page
from pages.widgets.shape_canvas import shape_canvas

CANVAS = "shape_canvas"
KINDS = ["ellipse", "rectangle"]


def metrics_page() -> None:
    st.title("What the numbers mean")
    st.write(
        "One shape is what is there, the **truth**; the other is what a model found, the **prediction**. "
        "Drag them, drag their corners, and see what each score makes of it."
    )
    play()


@st.fragment
def play() -> None:
    with st.container(horizontal=True):
        for name in SCENES:
            if st.button(name, key=f"scene_{name}"):
                put(SCENES[name])
    scene = current()
    left, right = st.columns(2, gap="medium")
    with left:
        canvas(scene)
        if scene.lesson:
            st.info(scene.lesson, icon=":material/lightbulb:")
    with right:
        scores(scene)
    st.subheader("Dice and IoU say the same in other numbers")
    left, right = st.columns([4, 5], gap="large", vertical_alignment="center")
    with left:
        chart(plots.dice_over_iou(iou_of(scene)), "dice_over_iou")
    with right:
        st.latex(r"\text{Dice} = \frac{2\,\text{IoU}}{1 + \text{IoU}}")
        st.write(
            "On one image, a model that is better in one is better in the other. Averages over images may "
            "still differ in order, because Dice lifts bad images more than good ones. Empty against empty "
            "counts as 1: finding nothing where there is nothing is right."
        )


def put(scene: Scene) -> None:
    """Show another scene: what was dragged is forgotten."""
    st.session_state.scene = scene
    st.session_state.scene_version = st.session_state.get("scene_version", 0) + 1


def current() -> Scene:
    """The scene as it was put, or as it has been dragged since."""
    scene: Scene = st.session_state.setdefault("scene", SCENES["A good guess"])
    dragged: Any = getattr(st.session_state.get(CANVAS), "shapes", None)
    if dragged and dragged.get("version") == version():
        return Scene(Shape.from_dict(dragged["truth"]), Shape.from_dict(dragged["prediction"]), scene.lesson)
    return scene


def version() -> str:
    return str(st.session_state.get("scene_version", 0))


def canvas(scene: Scene) -> None:
    url = rendering.data_url(playground.picture(scene), "PNG")
    shapes = {"truth": asdict(scene.truth), "prediction": asdict(scene.prediction)}
    shape_canvas(url, shapes, (playground.HEIGHT, playground.WIDTH), version(), CANVAS)
    squares = (
        ("hit", rendering.TRUE_POSITIVE, "TP"), ("miss", rendering.FALSE_NEGATIVE, "FN"),
        ("false alarm", rendering.FALSE_POSITIVE, "FP"), ("background, rightly", playground.BACKGROUND, "TN"),
    )  # fmt: skip
    st.html(
        '<div style="font-size:.9rem">'
        + "".join(
            f'<span style="display:inline-block;width:.9em;height:.9em;border-radius:3px;'
            f'vertical-align:-.1em;background:rgb{colour};margin:0 .4em 0 0"></span>{word} ({short})'
            '<span style="margin-right:1.2em"></span>'
            for word, colour, short in squares
        )
        + "</div>"
    )
    with st.container(horizontal=True):
        if st.button("Swap truth and prediction", icon=":material/swap_horiz:"):
            put(scene.swapped())
            st.rerun(scope="fragment")
        for name in ("truth", "prediction"):
            shape: Shape = getattr(scene, name)
            other = KINDS[shape.kind == "ellipse"]
            if st.button(f"Make the {name} {'an' if other == 'ellipse' else 'a'} {other}"):
                put(with_kind(scene, name, other))
                st.rerun(scope="fragment")


def with_kind(scene: Scene, name: str, kind: str) -> Scene:
    changed = {**asdict(getattr(scene, name)), "kind": kind}
    shapes = {"truth": scene.truth, "prediction": scene.prediction, name: Shape.from_dict(changed)}
    return Scene(shapes["truth"], shapes["prediction"], scene.lesson)


def iou_of(scene: Scene) -> float:
    return float(playground.count(scene).iou().item())


def scores(scene: Scene) -> None:
    """The formulas with the counted pixels in them."""
    found = playground.count(scene)
    tp, fp, fn, tn = (int(x.item()) for x in (found.tp, found.fp, found.fn, found.tn))
    accuracy, iou, dice, precision, recall = (
        float(getattr(found, name)().item())
        for name in ("pixel_accuracy", "iou", "dice", "precision", "recall")
    )
    for column, label, value in zip(
        st.columns(3),
        (PIXEL_ACCURACY, "IoU", "Dice"),
        tuple(score(value) for value in (accuracy, iou, dice)),
        strict=True,
    ):
        with column:
            st.metric(label, value, border=True)
    rows = (
        ("Pixel accuracy", r"TP + TN", r"\text{all}", f"{tp} + {tn}", f"{tp + fp + fn + tn}", accuracy),
        ("IoU", "TP", "TP + FP + FN", f"{tp}", f"{tp} + {fp} + {fn}", iou),
        (
            "Dice",
            r"2 \cdot TP",
            r"2 \cdot TP + FP + FN",
            rf"2 \cdot {tp}",
            rf"2 \cdot {tp} + {fp} + {fn}",
            dice,
        ),
        ("Precision", "TP", "TP + FP", f"{tp}", f"{tp} + {fp}", precision),
        ("Recall", "TP", "TP + FN", f"{tp}", f"{tp} + {fn}", recall),
    )
    table = [
        rf"| {name} | $\frac{{{over}}}{{{under}}}$ | $\frac{{{many}}}{{{of}}}$ | **{score(value)}** |"
        for name, over, under, many, of, value in rows
    ]
    st.markdown("\n".join(["| score | formula | counted | value |", "|---|---|---|---|", *table]))
    st.caption(
        "TP: pixels of the subject that were found. FN: missed. FP: found where there is none. TN: the rest. "
        "Counted by the same code as every score in this app. Nothing over nothing is 1 where nothing was "
        "there and nothing was found."
    )


open_page(metrics_page)
