"""Two tabs, or two servers, on one photo lose nothing, and each shows that the other is open."""

import threading

from core.labelling.session import LabelSession, Status
from tests.core.labelling.sessions import made, new_session, paint, send

TOP, MIDDLE, BOTTOM = slice(0, 10), slice(15, 25), slice(30, 40)


def test_what_each_of_two_tabs_draws_is_in_the_mask_and_both_know_of_the_other() -> None:
    session = new_session()
    assert not send(session, paint(1, TOP), tab="a", seen=0).others
    answer = send(session, paint(1, MIDDLE), tab="b", seen=0)  # has not seen the stroke of a
    assert answer.others and answer.answered == 1
    answer = send(session, paint(2, BOTTOM), tab="a", seen=2)
    assert answer.others
    mask = session.shown_mask("0.png")
    assert mask[TOP].all() and mask[MIDDLE].all() and mask[BOTTOM].all()
    assert not send(session, paint(3, TOP), tab="a", seen=answer.revision).others


def test_a_photo_that_another_tab_has_changed_is_not_accepted_unseen() -> None:
    session = new_session()
    send(session, paint(1, TOP), tab="a")
    answer = send(session, made("accept", 1), tab="b", seen=0)
    assert "another tab" in answer.refused
    assert session.status("0.png").status is Status.PROPOSED
    assert not send(session, made("accept", 2), tab="b", seen=answer.revision).refused
    assert session.status("0.png").status is Status.ACCEPTED


def test_what_is_sent_again_because_its_answer_was_lost_is_done_once_by_a_new_server_too() -> None:
    session = new_session()
    first = paint(1, TOP)
    send(session, first)
    send(LabelSession(session.folder), first, paint(2, MIDDLE), seen=0)
    send(session, made("undo", 3))
    assert session.shown_mask("0.png")[TOP].all() and not session.shown_mask("0.png")[MIDDLE].any()
    assert session.state("0.png").sent == {"a": 3}


def test_two_servers_on_one_workspace_keep_every_stroke_of_both() -> None:
    session = new_session()
    send(session, paint(1, slice(0, 1)), tab="first")

    def draw(server: LabelSession, tab: str, rows: range) -> None:
        for number, row in enumerate(rows, 1):
            send(server, paint(number, slice(row, row + 1)), tab=tab)

    servers = [
        threading.Thread(target=draw, args=(LabelSession(session.folder), tab, rows))
        for tab, rows in (("a", range(1, 20)), ("b", range(20, 39)))
    ]
    for server in servers:
        server.start()
    for server in servers:
        server.join()
    assert session.shown_mask("0.png")[:39].all()
    revisions = [event.revision for event in session.storage.events("0.png")]
    assert revisions == list(range(1, len(revisions) + 1))
