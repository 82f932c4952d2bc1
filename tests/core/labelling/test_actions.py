"""What a browser may send, and that anything else is one sentence."""

import base64
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.errors import UserError
from core.imaging.rendering import encode
from core.labelling.actions import UNCHANGED, action_from
from core.labelling.prompts import Box, Click, Stroke

POINT = {"x": 1, "y": 2}


def sent(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "number": 1, "label": 1, **more}


def patch(ids: Any, top: int = 0, left: int = 0) -> dict[str, Any]:
    png = base64.b64encode(encode(np.asarray(ids, np.uint8))).decode()
    return {"top": top, "left": left, "png": "data:image/png;base64," + png}


def test_clicks_strokes_and_boxes_become_prompts() -> None:
    assert action_from(sent("click", at=POINT | {"positive": False}), 2).prompt == Click(1, 2, False)
    stroke = action_from(sent("stroke", at={"points": [[1, 2]], "radius": 3, "positive": False}), 2)
    assert stroke.prompt == Stroke(((1.0, 2.0),), 3.0, 0)
    assert action_from(sent("box", at={"box": [9, 8, 1, 2]}), 2).prompt == Box(1, 2, 9, 8)


def test_a_patch_changes_what_was_painted_and_nothing_beside_it() -> None:
    action = action_from(sent("paint", patch=patch([[1, UNCHANGED], [0, 2]], 1, 1)), 2)
    assert action.patch is not None
    painted = action.patch.on(np.full((3, 3), 2, np.uint8))
    assert painted.tolist() == [[2, 2, 2], [2, 1, 2], [2, 0, 2]]
    with pytest.raises(UserError, match="another photo"):
        action.patch.on(np.zeros((2, 3), np.uint8))


@pytest.mark.parametrize(
    "garbled",
    [
        {}, {"kind": "start", "number": 1}, {"kind": "reopen", "number": 1}, {"kind": "rm", "number": 1},
        sent("click"), sent("click", at={"x": "a", "y": 1}), sent("click", at={"x": float("nan"), "y": 1}),
        sent("click", at={"x": 1e9, "y": 1}), sent("click", at=POINT) | {"label": 3},
        sent("click", at=POINT) | {"number": "x"}, sent("stroke", at={"points": [], "radius": 1}),
        sent("stroke", at={"points": [[1, 2, 3]], "radius": 1}), sent("box", at={"box": [1, 2]}),
        sent("paint"),
        sent("paint", patch={"png": "x", "top": 0, "left": 0}),
        sent("paint", patch={"png": "data:image/png;base64,AAAA", "top": 0, "left": 0}),
    ],
)  # fmt: skip
def test_what_no_canvas_sends_is_one_sentence(garbled: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="did not arrive whole"):
        action_from(garbled, 2)


def test_a_patch_that_no_canvas_sends_is_one_sentence_and_a_huge_one_is_not_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def applied(values: dict[str, Any]) -> None:
        action = action_from(sent("paint", patch=values), 2)
        assert action.patch is not None
        action.patch.on(np.zeros((20, 20), np.uint8))

    for garbled in (patch([[3]]), patch([[1]]) | {"png": patch([[1]])["png"][:60]}):
        with pytest.raises(UserError, match="did not arrive whole"):
            applied(garbled)
    huge = patch(np.zeros((2000, 3000)))
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("decoded"))
    with pytest.raises(UserError, match="another photo"):
        applied(huge)
