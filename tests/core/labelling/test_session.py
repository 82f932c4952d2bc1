"""How far each photo is, what reaches the data set, and that nothing is lost on the way."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.dataset import open_data
from core.data.store import read_pair
from core.errors import UserError
from core.labelling import acting
from core.labelling.session import LabelSession, Status, open_session, set_classes
from tests.builders import write_camera, write_scenes
from tests.core.labelling.sessions import HEIGHT, WIDTH, made, new_session, paint, send

TOP, MIDDLE = slice(0, 10), slice(15, 25)


def mask_file(session: LabelSession, stem: str = "0") -> Path:
    return session.folder / "masks" / f"{stem}.png"


def test_a_photo_is_unlabelled_then_proposed_then_accepted_and_only_then_in_the_data_set() -> None:
    session = new_session()
    assert session.status("0.png").status is Status.UNLABELLED
    send(session, paint(1, MIDDLE))
    assert session.status("0.png").status is Status.PROPOSED
    assert not mask_file(session).exists()
    send(session, made("accept", 2))
    assert session.status("0.png").status is Status.ACCEPTED
    assert np.array_equal(np.unique(np.asarray(Image.open(mask_file(session)))), [0, 255])
    send(session, made("skip", 1), name="1.png")
    assert [photo.status for photo in session.statuses()] == [
        Status.ACCEPTED, Status.SKIPPED, Status.UNLABELLED,
    ]  # fmt: skip


def test_an_accepted_empty_mask_is_not_an_unlabelled_photo_and_trains() -> None:
    session = new_session(2)
    send(session, made("accept", 1))
    send(session, paint(1, TOP), made("accept", 2), name="1.png")
    assert session.status("0.png").status is Status.ACCEPTED
    assert {pair.name for pair in open_data(session.folder).pairs} == {"0.png", "1.png"}
    assert not np.asarray(Image.open(mask_file(session))).any()


def test_a_mask_of_three_classes_is_the_same_to_the_pixel_in_a_new_server_and_in_a_training() -> None:
    session = new_session(2, ("sky", "road", "car"))
    rng = np.random.default_rng(0)
    wanted = np.zeros((HEIGHT, WIDTH), np.uint8)
    for number in range(1, 30):
        row, column, label = rng.integers(0, 30), rng.integers(0, 50), int(rng.integers(0, 4))
        rows, columns = slice(int(row), int(row) + 9), slice(int(column), int(column) + 7)
        wanted[rows, columns] = label
        send(session, paint(number, rows, label, columns))
    send(session, made("accept", 99))
    send(session, made("accept", 1), name="1.png")
    assert np.array_equal(
        LabelSession(session.folder).shown_mask("0.png"), wanted
    )  # as a new server reads it
    data = open_data(session.folder)
    assert data.encoding.task.classes == ("background", "sky", "road", "car")
    assert np.array_equal(read_pair(data.pair("0.png"), data.encoding)[1], wanted)


def test_undo_and_redo_go_on_where_another_server_left_off() -> None:
    session = new_session()
    send(session, paint(1, TOP), paint(2, MIDDLE))
    both = session.shown_mask("0.png")
    again = LabelSession(session.folder)
    send(again, made("undo", 3))
    assert again.shown_mask("0.png")[TOP].all() and not again.shown_mask("0.png")[MIDDLE].any()
    send(again, made("undo", 4), made("undo", 5))  # one more than there is
    assert not again.shown_mask("0.png").any()
    send(again, made("redo", 6), made("redo", 7))
    assert np.array_equal(again.shown_mask("0.png"), both)


def test_an_accepted_photo_that_is_reopened_leaves_the_data_set_and_keeps_what_was_drawn() -> None:
    session = new_session()
    send(session, paint(1, TOP), made("accept", 2), paint(3, MIDDLE))
    assert session.status("0.png").is_changed
    send(session, made("accept", 4))
    first, second = (session.storage.draft("0.png", revision) for revision in (2, 4))
    assert np.array_equal(np.asarray(Image.open(mask_file(session))) // 255, second)
    acting.reopen(session, "0.png")
    assert np.array_equal(np.asarray(Image.open(mask_file(session))) // 255, first)
    acting.reopen(session, "0.png")
    assert not mask_file(session).exists()
    assert session.status("0.png").status is Status.PROPOSED
    assert np.array_equal(session.shown_mask("0.png"), second)
    with pytest.raises(UserError, match="neither accepted nor skipped"):
        acting.reopen(session, "0.png")


def test_a_mask_that_came_with_the_data_set_is_the_same_file_after_its_correction_is_undone(
    workspace: Path,
) -> None:
    folder = write_scenes(workspace / "datasets" / "scenes", 3)
    before = (folder / "masks" / "00.png").read_bytes()
    session = open_session(folder)
    assert session.status("00.jpg").status is Status.ACCEPTED
    acting.correct(session, "00.jpg", np.ones((64, 96), np.uint8), "a model")
    assert (folder / "masks" / "00.png").read_bytes() == before  # not before it is accepted
    send(session, made("accept", 1), name="00.jpg")
    assert np.asarray(Image.open(folder / "masks" / "00.png")).all()
    acting.reopen(session, "00.jpg")
    assert (folder / "masks" / "00.png").read_bytes() == before
    send(session, made("undo", 2), name="00.jpg")
    assert np.array_equal(
        session.shown_mask("00.jpg"), np.asarray(Image.open(folder / "masks" / "00.png")) // 255
    )


def test_classes_without_a_background_and_their_void_survive_a_stroke_elsewhere(workspace: Path) -> None:
    folder = write_camera(workspace / "datasets" / "camera")
    from core.data.classes import guess_classes
    from core.data.dataset import describe

    data = open_data(folder)
    encoding = guess_classes([pair.mask for pair in data.pairs], 7, ("sky", "road", "car"))
    from core.system.workspace import write_json

    write_json(folder / "dataset.json", describe("camera", encoding, data.split))
    session = open_session(folder)
    assert session.scheme.names == ["sky", "road", "car"]
    before = np.asarray(Image.open(folder / "masks" / "0.png"))
    send(session, paint(1, slice(60, 64), 3, slice(0, 8)), made("accept", 2), name="0.png")
    after = np.asarray(Image.open(folder / "masks" / "0.png"))
    assert (after[60:64, :8] == 2).all()
    assert np.array_equal(after[:60], before[:60])


def test_a_proposal_is_shown_until_somebody_draws_and_never_replaces_what_was_drawn() -> None:
    session = new_session()
    ids = np.zeros((HEIGHT, WIDTH), np.uint8)
    ids[TOP] = 1
    assert acting.propose(session, "0.png", ids, "strokes", 0.3)
    assert session.status("0.png").status is Status.PROPOSED
    assert np.array_equal(session.shown_mask("0.png"), ids)
    send(session, paint(1, MIDDLE))
    assert session.shown_mask("0.png")[TOP].all() and session.shown_mask("0.png")[MIDDLE].all()
    assert not acting.propose(session, "0.png", np.zeros_like(ids), "a model")
    send(session, made("undo", 2))
    assert np.array_equal(session.shown_mask("0.png"), ids)


def test_a_second_class_is_added_to_masks_of_one_without_writing_them_again() -> None:
    session = new_session(2)
    send(session, paint(1, TOP), made("accept", 2))
    send(session, paint(1, TOP), made("accept", 2), name="1.png")
    before = mask_file(session).read_bytes()
    set_classes(session, ["horse", "rider"], ["#112233", ""])
    assert mask_file(session).read_bytes() == before
    session = open_session(session.folder)
    assert session.scheme.names == ["horse", "rider"] and session.scheme.classes[0].colour == "#112233"
    send(session, paint(3, MIDDLE, 2), made("accept", 4))
    data = open_data(session.folder)
    labels = read_pair(data.pair("0.png"), data.encoding)[1]
    assert (labels[TOP] == 1).all() and (labels[MIDDLE] == 2).all() and not labels[30:].any()
    with pytest.raises(UserError, match="cannot be removed"):
        set_classes(session, ["horse"], [])


@pytest.mark.parametrize(
    ("names", "said"),
    [(["", " "], "at least one"), (["a", "A"], "two classes"), (["background"], "no class of its own")],
)
def test_names_that_are_no_classes_are_one_sentence_and_leave_nothing(
    names: list[str], said: str, workspace: Path
) -> None:
    with pytest.raises(UserError, match=said):
        new_session(classes=names)
    assert not any((workspace / "datasets").glob("*")) or not (workspace / "datasets" / "mine").exists()


def test_a_damaged_history_is_one_sentence_of_its_photo_and_the_others_go_on() -> None:
    session = new_session()
    send(session, paint(1, TOP), made("accept", 2), name="1.png")
    session.storage.history_file("0.png").write_text("damaged\n")
    assert [photo.status for photo in session.statuses()][:2] == [Status.UNLABELLED, Status.ACCEPTED]
    assert [name for name, _ in acting.decisions(session)] == ["1.png"]
    with pytest.raises(UserError, match=r"0\.png\.jsonl in .* is damaged"):
        send(session, paint(1, TOP))


DRAW = """
import sys
from core.labelling.session import open_session
from core.policy.permissions import OWNER, acting_as
from pathlib import Path
from tests.core.labelling.sessions import paint, send

with acting_as(OWNER):
    session = open_session(Path(sys.argv[1]))
    for number in range(1, 1000):
        send(session, paint(number, slice(number % 40, number % 40 + 1)))
        print(number, flush=True)
"""


def test_every_stroke_that_was_confirmed_is_there_after_kill_9() -> None:
    session = new_session()
    process = subprocess.Popen(
        [sys.executable, "-c", DRAW, str(session.folder)], stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[3], env=os.environ.copy(),
    )  # fmt: skip
    assert process.stdout is not None
    confirmed = 0
    for line in process.stdout:
        confirmed = int(line)
        if confirmed == 12:
            os.kill(process.pid, signal.SIGKILL)
    process.wait()
    history = session.storage.history_file("0.png")
    with history.open("ab") as file:
        file.write(b'{"revision": 99, "kind": "pai')  # as if killed within a line
    state = session.state("0.png")
    assert state.sent["a"] >= confirmed >= 12
    assert session.shown_mask("0.png")[1:13].all()
    send(session, paint(5000, TOP), seen=state.revision)  # and the next one is not glued to the broken line
    assert session.state("0.png").revision == state.revision + 1
