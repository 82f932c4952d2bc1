"""Whether edges are refined is decided by what that does to the masks of validation photos."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.cutout_settings import CutOutSettings
from core.data.dataset import DataFolder, open_data
from core.data.photos import read_photo
from core.evaluation.candidates import of_folder
from core.inference.cutout import cut_out
from core.inference.predictor import Predictor
from core.models.card import ModelCard, read_card
from core.runs.events import Note
from core.training import loop
from core.training.edges import Edges, judge_edges
from tests.builders import of, tiny, trained, untrained_card

SIZE = 96, 128


class Known:
    """Predicts these maps, one after the other."""

    def __init__(self, maps: list[NDArray[np.float32]]) -> None:
        self.card: ModelCard = untrained_card()
        self._maps: Iterator[NDArray[np.float32]] = iter(maps)

    def checking(self, between: Callable[[], None]) -> "Known":
        return self

    def small_map(self, photo: NDArray[np.uint8]) -> NDArray[np.float32]:
        return next(self._maps)


def lines(number: int) -> NDArray[np.uint8]:
    mask = np.zeros(SIZE, np.uint8)
    for i in range(3):
        cv2.line(mask, (0, 20 + 25 * i + number), (127, 10 + 30 * i), 1, 2)
    return mask


def discs(number: int) -> NDArray[np.uint8]:
    mask = np.zeros(SIZE, np.uint8)
    cv2.circle(mask, (50 + 3 * number, 48), 30, 1, -1)
    return mask


def written(folder: Path, draw: Callable[[int], NDArray[np.uint8]], contrast: float) -> DataFolder:
    """Eight noisy photos of what is drawn."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for i in range(8):
        noise = np.random.default_rng(i).normal(0, 12, (*SIZE, 3))
        photo = np.clip(150 - contrast * draw(i)[..., None] + noise, 0, 255).astype(np.uint8)
        Image.fromarray(photo).save(folder / "images" / f"{i}.png")
        Image.fromarray(draw(i) * np.uint8(255)).save(folder / "masks" / f"{i}.png")
    return open_data(folder)


def judged(data: DataFolder, draw: Callable[[int], NDArray[np.uint8]], scale: int, seconds: float) -> Edges:
    """With a network that knows the masks, a little blurred, and is never quite certain."""
    size = SIZE[1] // scale, SIZE[0] // scale
    maps = []
    for i in range(8):
        small = cv2.resize(draw(i).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        maps.append(np.clip(cv2.GaussianBlur(small, (0, 0), 0.8) * 1.5, 0, 0.95).astype(np.float32))
    predictor: Any = Known(maps)
    return judge_edges(predictor, data.pairs, data.encoding, seconds)


def test_thin_lines_are_better_without_refined_edges(tmp_path: Path) -> None:
    found = judged(written(tmp_path / "d", lines, 8), lines, 1, 60.0)
    assert found.are_better_plain and found.gain < -0.2 and found.photos == 8
    assert "8 validation photos" in found.sentence


def test_large_things_seen_at_a_small_size_are_better_with_them(tmp_path: Path) -> None:
    found = judged(written(tmp_path / "d", discs, 90), discs, 4, 60.0)
    assert found.gain > 0 and not found.are_better_plain


def test_edges_stay_refined_where_there_is_no_time_to_judge_them(tmp_path: Path) -> None:
    found = judged(written(tmp_path / "d", lines, 8), lines, 1, -1.0)
    assert found.photos == 0 and not found.are_better_plain


def test_a_model_with_plain_edges_gives_and_is_scored_by_plain_masks(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "judge_edges", lambda *about: Edges(-0.1, 8, 8))
    events = trained(tiny(small_data, epochs=1), tmp_path / "run")
    assert any("Edges are not refined" in note.text for note in of(Note, events))
    for name in ("best", "last"):
        assert not read_card(tmp_path / "run" / name).refine_edges
    best = tmp_path / "run" / "best"
    assert "Edges are not refined" in (best / "README.md").read_text("utf-8")
    assert not of_folder(best).refine and of_folder(best, refine=True).refine
    photo, predictor = read_photo(open_data(small_data).pairs[0].image), Predictor(best, "cpu")
    own, plain, refined = (
        cut_out(photo, predictor, CutOutSettings(refine_edges=fine)).alpha for fine in (None, False, True)
    )
    assert np.array_equal(own, plain) and not np.array_equal(own, refined)
