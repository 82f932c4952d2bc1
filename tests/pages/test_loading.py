"""What the server loads before anybody waits for it."""

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

import server
from core.inference import request_queue
from core.models import registry
from pages.widgets import loading


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """The folders of the models that are loaded, in place of loading them."""
    folders: list[Path] = []
    monkeypatch.setattr(request_queue, "SharedPredictor", folders.append)
    for cached in (loading.warm_up, loading._predictor):
        cached.clear()
    yield folders
    for cached in (loading.warm_up, loading._predictor):
        cached.clear()
    gc.unfreeze()


def test_the_first_model_is_loaded_when_the_server_starts_and_once_for_all_pages(loaded: list[Path]) -> None:
    async def live() -> None:
        async with server.started(server.app):
            loading.warm_up().join()

    asyncio.run(live())
    entry = registry.list_models()[0]
    assert loaded == [entry.folder]
    loading.predictor_of(entry)
    assert loaded == [entry.folder]
