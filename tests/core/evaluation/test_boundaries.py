"""Boundary IoU and Hausdorff distances against independent references."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from core.evaluation import metrics
from core.evaluation.boundaries import boundary_iou, edge_distances, hausdorff

masks = arrays.arrays(np.uint8, (12, 15), elements=st.integers(0, 1))


@settings(deadline=None, max_examples=60)
@given(masks, masks)
def test_the_hausdorff_distance_is_monais(truth: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> None:
    from monai.metrics import compute_hausdorff_distance

    ours = hausdorff(truth, predicted)
    if not truth.any() or not predicted.any():
        assert np.isnan(ours) if truth.any() or predicted.any() else ours == 0
        return
    found, expected = (torch.from_numpy(m)[None, None].bool() for m in (predicted, truth))
    theirs = compute_hausdorff_distance(found, expected, include_background=True, percentile=95).item()
    assert ours == pytest.approx(theirs, abs=1e-4)


def reference_boundary(mask: NDArray[np.uint8], width: float) -> NDArray[np.bool_]:
    """What lies in the mask and within so many pixels, in the chessboard's distance, of what does not."""
    from scipy.ndimage import distance_transform_cdt

    pixels = max(1, round(width * float(np.hypot(*mask.shape))))
    inside = distance_transform_cdt(np.pad(mask, 1), "chessboard")[1:-1, 1:-1]
    return (mask > 0) & (inside <= pixels)


@given(masks, masks, st.sampled_from([0.02, 0.1, 0.2]))
def test_boundary_iou_is_the_iou_of_the_bands(
    truth: NDArray[np.uint8], predicted: NDArray[np.uint8], width: float
) -> None:
    ours, theirs = reference_boundary(truth, width), reference_boundary(predicted, width)
    union = (ours | theirs).sum()
    expected = (ours & theirs).sum() / union if union else 1.0
    assert boundary_iou(truth, predicted, width) == pytest.approx(expected)


def test_the_outline_of_a_large_subject_may_be_bad_where_its_dice_is_good() -> None:
    truth, ragged = np.zeros((200, 200), np.uint8), np.zeros((200, 200), np.uint8)
    truth[20:180, 20:180], ragged[26:174, 26:174] = 1, 1
    dice = metrics.count(torch.from_numpy(ragged)[None], torch.from_numpy(truth)[None]).dice().item()
    assert dice > 0.9 and boundary_iou(truth, ragged) < 0.1
    assert hausdorff(truth, ragged) == pytest.approx(np.hypot(6, 6), abs=3)
    edge, distance = edge_distances(truth, ragged)
    assert distance[edge].min() == pytest.approx(6)
