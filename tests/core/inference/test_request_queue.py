"""Whoever has given up is not waited for: not by the network, and not by the next visitor."""

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from core.inference import request_queue
from core.inference.predictor import Predictor, Prepared
from core.inference.request_queue import SharedPredictor
from core.system.concurrency import BusyError

VISITORS = 27


class SlowNetwork:
    """Predictor.forward, but each call waits until it may go on, and is counted."""

    def __init__(self) -> None:
        self.calls, self.go_on = 0, threading.Event()

    def forward(self, photos: list[Prepared]) -> list[np.ndarray]:
        self.calls += 1
        assert self.go_on.wait(30)
        return [np.full((1, *photo.inner), self.calls, np.float32) for photo in photos]


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowNetwork]:
    made = SlowNetwork()
    monkeypatch.setattr(Predictor, "forward", made.forward)
    yield made
    made.go_on.set()


def ask(shared: SharedPredictor, answers: list[object], photos: int = 1) -> threading.Thread:
    ready = shared.prepare(np.zeros((64, 64, 3), np.uint8), 64)

    def work() -> None:
        try:
            answers.append(shared.forward([ready] * photos))
        except BusyError as error:
            answers.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def until(true: object) -> None:
    deadline = time.monotonic() + 20
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_photos_of_visitors_who_gave_up_are_not_predicted_and_the_next_visitor_is_served(
    network: SlowNetwork, saved_model: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_queue, "PATIENCE", 0.3)
    monkeypatch.setattr(request_queue, "MAX_WAITING", VISITORS - 1)
    shared = SharedPredictor(saved_model, "cpu")  # type: ignore[arg-type]
    answers: list[object] = []
    for thread in [ask(shared, answers) for _ in range(VISITORS)]:
        thread.join(20)
    assert len(answers) == VISITORS and all(isinstance(answer, BusyError) for answer in answers)
    assert shared.waiting == 0 and network.calls == 1  # the one that was in the network
    monkeypatch.setattr(request_queue, "PATIENCE", 20)
    late: list[object] = []
    thread = ask(shared, late)
    network.go_on.set()
    thread.join(20)
    assert isinstance(late[0], list) and network.calls == 2


def test_a_request_that_is_refused_leaves_nothing_in_the_queue(
    network: SlowNetwork, saved_model: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_queue, "MAX_WAITING", 3)
    shared = SharedPredictor(saved_model, "cpu")  # type: ignore[arg-type]
    answers: list[object] = []
    ask(shared, answers)
    until(lambda: network.calls == 1)
    ask(shared, answers)
    until(lambda: shared.waiting == 1)
    ask(shared, answers, photos=3).join(20)
    assert isinstance(answers[0], BusyError) and shared.waiting == 1


def test_a_lone_visitor_may_ask_for_more_photos_than_may_wait(
    network: SlowNetwork, saved_model: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_queue, "MAX_WAITING", 3)
    network.go_on.set()
    shared = SharedPredictor(saved_model, "cpu")  # type: ignore[arg-type]
    answers: list[object] = []
    ask(shared, answers, photos=8).join(20)
    assert isinstance(answers[0], list) and len(answers[0]) == 8
