"""A model with a window is scored by the masks that it gives its users."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.cutout_settings import CutOutSettings
from core.data.dataset import open_data
from core.data.photos import read_photo
from core.evaluation.scoring import Scored, score_images
from core.inference.cutout import cut_out
from core.inference.predictor import Predictor
from core.models.window import Window
from tests.builders import THREE, untrained_card, write_camera
from tests.core.inference.test_sliding_window import Channels, Mean


@pytest.mark.parametrize("refine", [True, False])
def test_one_foreground_is_scored_as_it_is_cut_out(small_data: Path, refine: bool) -> None:
    data = open_data(small_data)
    card = replace(untrained_card(), window=Window(32, 64), long_side=0, threshold=0.6)
    predictor = Predictor.of(Channels(1), card)
    for pair, scored in zip(
        data.pairs, score_images(predictor, data.pairs, data.encoding, 0.6, refine=refine), strict=True
    ):
        assert isinstance(scored, Scored)
        found = cut_out(read_photo(pair.image), predictor, CutOutSettings(refine_edges=refine))
        assert np.array_equal(scored.predicted > 0, found.mask > 0)


@pytest.mark.parametrize("long_side", [None, 48])
def test_classes_are_scored_as_they_are_labelled(tmp_path: Path, long_side: int | None) -> None:
    data = open_data(write_camera(tmp_path / "camera", 3))
    predictor = Predictor.of(
        Mean(), replace(untrained_card(), task=THREE, window=Window(32, 32), long_side=0)
    )
    for pair, scored in zip(
        data.pairs, score_images(predictor, data.pairs, data.encoding, 0.5, long_side), strict=True
    ):
        assert isinstance(scored, Scored)
        assert np.array_equal(scored.predicted, predictor.labels(read_photo(pair.image), long_side))
