"""Metrics: what pixel accuracy, IoU and Dice mean, with two shapes to drag."""

from dataclasses import asdict
from typing import Any

import streamlit as st

from core.evaluation import playground, plots
from core.evaluation.playground import SCENES, Scene, Shape
from core.imaging import palette, rendering
from core.system import glossary
from core.system.score_names import PIXEL_ACCURACY, score
from pages.widgets.chart import chart
from pages.widgets.classes import legend
from pages.widgets.entry import open_page
from pages.widgets.shape_canvas import shape_canvas

COLOURS = [
    ("true positive (TP)", palette.css_colour(rendering.TRUE_POSITIVE)),
    ("false negative (FN)", palette.css_colour(rendering.FALSE_NEGATIVE)),
    ("false positive (FP)", palette.css_colour(rendering.FALSE_POSITIVE)),
    ("true negative (TN)", palette.css_colour(playground.BACKGROUND)),
]
CANVAS = "shape_canvas"
KINDS = ["ellipse", "rectangle"]


def metrics_page() -> None:
    st.title("What the scores mean")
    st.write(
        "One shape is the **ground truth**, the other a model's **prediction**. Drag them or their corners "
        "and watch the scores."
    )
    play()
    if terms := glossary.section("Scores"):
        with st.expander("Glossary of scores"):
            st.markdown(terms)


@st.fragment
def play() -> None:
    with st.container(horizontal=True):
        for name in SCENES:
            if st.button(name, key=f"scene_{name}"):
                put(SCENES[name])
    scene = current()
    headline(scene)
    left, right = st.columns(2, gap="medium")
    with left:
        canvas(scene)
        if scene.lesson:
            st.info(scene.lesson, icon=":material/lightbulb:")
    with right:
        scores(scene)
    st.subheader("Dice and IoU rank models alike on one image")
    left, right = st.columns([4, 5], gap="large", vertical_alignment="center")
    with left:
        chart(plots.dice_over_iou(iou_of(scene)), "dice_over_iou")
    with right:
        st.latex(r"\text{Dice} = \frac{2\,\text{IoU}}{1 + \text{IoU}}")
        st.write(
            "On one image, a model with the higher IoU also has the higher Dice. Means over images can rank "
            "models differently, because Dice raises low scores more than high ones. Where ground truth and "
            "prediction are both empty, the score is 1."
        )


def put(scene: Scene) -> None:
    """Show another scene, and forget what was dragged."""
    st.session_state.scene = scene
    st.session_state.scene_version = st.session_state.get("scene_version", 0) + 1


def current() -> Scene:
    """The scene as it was chosen, or as it has been dragged since."""
    scene: Scene = st.session_state.setdefault("scene", SCENES["A good prediction"])
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
    legend(COLOURS)
    with st.container(horizontal=True):
        if st.button("Swap ground truth and prediction", icon=":material/swap_horiz:"):
            put(scene.swapped())
            st.rerun(scope="fragment")
        for name in ("truth", "prediction"):
            shape: Shape = getattr(scene, name)
            other = KINDS[shape.kind == "ellipse"]
            called = "ground truth" if name == "truth" else name
            if st.button(f"Make the {called} {'an' if other == 'ellipse' else 'a'} {other}"):
                put(with_kind(scene, name, other))
                st.rerun(scope="fragment")


def with_kind(scene: Scene, name: str, kind: str) -> Scene:
    changed = {**asdict(getattr(scene, name)), "kind": kind}
    shapes = {"truth": scene.truth, "prediction": scene.prediction, name: Shape.from_dict(changed)}
    return Scene(shapes["truth"], shapes["prediction"], scene.lesson)


def iou_of(scene: Scene) -> float:
    return float(playground.count(scene).iou().item())


def headline(scene: Scene) -> None:
    found = playground.count(scene)
    with st.container(horizontal=True):
        for label, value in (
            (PIXEL_ACCURACY, found.pixel_accuracy()), ("IoU", found.iou()), ("Dice", found.dice()),
        ):  # fmt: skip
            st.metric(label, score(float(value.item())), border=True)


def scores(scene: Scene) -> None:
    """The formulas, filled in with the counted pixels."""
    found = playground.count(scene)
    tp, fp, fn, tn = (int(x.item()) for x in (found.tp, found.fp, found.fn, found.tn))
    accuracy, iou, dice, precision, recall = (
        float(getattr(found, name)().item())
        for name in ("pixel_accuracy", "iou", "dice", "precision", "recall")
    )
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
        rf"| {name} | **{score(value)}** | $\frac{{{over}}}{{{under}}}$ | $\frac{{{many}}}{{{of}}}$ |"
        for name, over, under, many, of, value in rows
    ]
    st.markdown("\n".join(["| score | value | formula | in pixels |", "|---|---|---|---|", *table]))
    st.caption(
        "TP, FN, FP, TN: pixels that are true positive, false negative, false positive and true negative, "
        "counted by the same code as every score in this app."
    )


open_page(metrics_page)
