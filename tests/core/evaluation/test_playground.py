"""The metrics playground."""

import pytest
import torch

from core.evaluation import metrics


def test_the_playground_counts_like_everything_else() -> None:
    from core.evaluation import playground

    for name, scene in playground.SCENES.items():
        counts = playground.count(scene)
        truth, predicted = scene.truth.mask(), scene.prediction.mask()
        direct = metrics.count(torch.from_numpy(predicted)[None], torch.from_numpy(truth)[None])
        assert counts.dice() == direct.dice(), name
        swapped = playground.count(scene.swapped())
        assert swapped.dice() == counts.dice() and swapped.precision() == counts.recall()
    nothing_found = playground.count(playground.SCENES["Nothing found"])
    assert round(nothing_found.pixel_accuracy().item(), 2) == 0.97 and nothing_found.dice().item() == 0
    half = playground.count(playground.SCENES["Half overlap"])
    assert half.iou().item() == pytest.approx(1 / 3) and half.dice().item() == pytest.approx(1 / 2)
    mended = playground.Shape.from_dict(
        {"kind": "<b>", "x": float("nan"), "y": 1e9, "width": -5, "height": 3}
    )
    assert (mended.kind, mended.x, mended.width) == ("ellipse", 0, 0) and not mended.mask().any()
