"""What a click, a stroke and a box on a photo make of its mask."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from core.labelling import acting, proposing
from core.labelling.actions import Action
from core.labelling.answers import answer_in
from core.labelling.models import labels_by
from core.labelling.proposing import proposer_of
from core.labelling.session import LabelSession, Status, start
from core.models.card import ModelCard
from core.task import Task
from tests.core.archives import picture
from tests.core.labelling.sessions import made, paint

HEIGHT, WIDTH = 120, 160


def scene(left: int) -> tuple[bytes, NDArray[np.bool_]]:
    """An orange disc on green, and where it is."""
    rng = np.random.default_rng(left)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    inside = np.hypot(y - 60, x - left) < 32
    photo = np.where(inside[..., None], (235, 120, 30), (40, 110, 50)) + rng.normal(0, 6, (HEIGHT, WIDTH, 1))
    return picture(photo.clip(0, 255).astype(np.uint8)), inside


PLACES = (50, 80, 110)


@pytest.fixture
def session(workspace: object) -> LabelSession:
    return start("discs", [(f"{left}.png", scene(left)[0]) for left in PLACES], ["disc", "rim"])[0]


@pytest.fixture(autouse=True)
def nothing_runs_on() -> Iterator[None]:
    yield
    for proposer in list(proposing._proposers.values()):
        thread = proposer._thread
        if thread is not None:
            thread.join(30)


def send(session: LabelSession, *actions: Action, name: str = "50.png") -> NDArray[np.uint8]:
    seen = session.state(name).revision
    assert not acting.act(session, name, "a", seen, actions, answer_in(session)).refused
    return session.shown_mask(name)


def click(number: int, x: float, y: float, positive: bool = True, label: int = 1) -> Action:
    return made("click", number, label, at={"x": x, "y": y, "positive": positive})


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def test_a_click_finds_the_object_and_a_click_that_takes_away_brings_it_back_to_the_background(
    session: LabelSession,
) -> None:
    inside = scene(50)[1]
    mask = send(session, click(1, 50, 60), click(2, 130, 30, False))
    assert dice(mask == 1, inside) > 0.85
    taken = send(session, made("object", 3), click(4, 50, 60, False))
    assert taken[60, 50] == 0 and (taken == 1).sum() < (mask == 1).sum()
    assert np.array_equal(send(session, made("undo", 5)), mask)


def test_what_is_under_a_stroke_has_its_class_whatever_else_is_found(session: LabelSession) -> None:
    points = [[20, 15], [60, 15]]
    mask = send(session, made("stroke", 1, 2, at={"points": points, "radius": 3, "positive": True}))
    assert (mask[14:17, 22:58] == 2).all()
    mask = send(session, made("stroke", 2, 2, at={"points": points, "radius": 3, "positive": False}))
    assert (mask[14:17, 22:58] != 2).all()


def test_a_box_finds_what_stands_out_in_it(session: LabelSession) -> None:
    mask = send(session, made("box", 1, at={"box": [90, 100, 8, 20]}))  # drawn from the lower right
    assert dice(mask == 1, scene(50)[1]) > 0.85


def test_a_click_of_one_class_leaves_what_another_class_has_elsewhere(session: LabelSession) -> None:
    send(session, paint(1, slice(0, 8), 2, slice(140, 160)))
    mask = send(session, click(2, 50, 60), click(3, 130, 60, False))
    assert (mask[0:8, 140:160] == 2).all() and mask[60, 50] == 1


def test_a_click_of_one_class_takes_nothing_from_under_a_click_of_another(session: LabelSession) -> None:
    send(session, click(1, 130, 100, label=2))
    mask = send(session, click(2, 130, 20))  # on the same green
    assert mask[20, 130] == 1 and (mask[99:102, 129:132] == 2).all()


def test_a_few_clicks_on_one_photo_propose_the_others_and_say_which_helps_most(session: LabelSession) -> None:
    send(session, click(1, 50, 60), click(2, 130, 30, False), made("accept", 3))
    acting.propose(session, "110.png", np.zeros((HEIGHT, WIDTH), np.uint8), "something older")
    proposing.learn(session)
    proposer = proposer_of(session)
    thread = proposer._thread
    assert thread is not None
    thread.join(60)
    assert not proposer.work.problem
    assert [one.name for one in proposer.work.ranked] and {one.name for one in proposer.work.ranked} == {
        "80.png", "110.png",
    }  # fmt: skip
    for left in (80, 110):
        state = session.status(f"{left}.png")
        assert state.status is Status.PROPOSED and state.source == proposing.STROKES_SOURCE
        assert dice(session.shown_mask(f"{left}.png") == 1, scene(left)[1]) > 0.7


class Known:
    """A model of which only the task and the labels matter."""

    def __init__(self, task: Task, labels: NDArray[np.uint8]) -> None:
        self.card = ModelCard("known", "Unet", "x", "none", task=task)
        self._labels = labels

    def labels(self, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return self._labels


def test_a_models_classes_are_those_of_the_same_name(session: LabelSession) -> None:
    task = Task("multiclass", ("background", "Rim", "sky", "disc"), (0, 1, 2, 3))
    labels = np.arange(4, dtype=np.uint8).reshape(2, 2)
    ids = labels_by(Known(task, labels), session.scheme)(labels)  # type: ignore[arg-type]
    assert ids.tolist() == [[0, 2], [0, 1]]
    one = labels_by(Known(Task(), labels % 2), session.scheme)(labels)  # type: ignore[arg-type]
    assert one.tolist() == [[0, 1], [0, 1]]
