"""Where an encoder's weights come from."""

import threading

from huggingface_hub import constants

from core.models.pretrained import only_cached


def test_two_that_read_the_hubs_cache_at_once_leave_the_hub_reachable() -> None:
    before = constants.HF_HUB_OFFLINE
    inside, leave = threading.Event(), threading.Event()

    def read() -> None:
        with only_cached():
            inside.set()
            leave.wait(10)

    first, second = threading.Thread(target=read), threading.Thread(target=read)
    first.start()
    assert inside.wait(10)
    second.start()
    leave.set()
    first.join(10), second.join(10)
    assert before == constants.HF_HUB_OFFLINE
