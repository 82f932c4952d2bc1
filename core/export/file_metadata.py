"""The metadata of an exported ONNX file: all that a program needs to use the network. Imports no torch."""

import json
from pathlib import Path
from typing import Any

from core.config import SIZE_STEP, SMALLEST_SIDES
from core.errors import UserError
from core.models.card import ModelCard
from core.models.window import SIGMA

INPUT, OUTPUT = "images", "logits"


def metadata(card: ModelCard, fixed: bool = False) -> dict[str, Any]:
    """What a program needs to use the network. `size` is (height, width) if the network takes no other, else
    None; `value_range` are the black and white values of photos of more than 8 bits, if known. With a
    `window`, (height, width), photos are predicted window by window: `overlap` and `sigma` are shares of its
    sides, and a `long_side` of 0 leaves photos at their own size."""
    return {
        "name": card.name,
        "task": card.task.kind,
        "classes": list(card.task.classes),
        "threshold": card.threshold,
        "refine_edges": card.refine_edges,
        "mean": list(card.preprocessing.mean),
        "std": list(card.preprocessing.std),
        "long_side": card.long_side,
        "multiple_of": SIZE_STEP,
        "smallest_side": SMALLEST_SIDES.get(card.architecture, SIZE_STEP),
        "value_range": list(card.value_range) if card.value_range else None,
        "size": [card.height, card.width] if fixed else None,
        "window": [card.window.height, card.window.width] if card.window else None,
        "overlap": card.window.overlap if card.window else None,
        "sigma": SIGMA if card.window else None,
    }


def write_metadata(proto: Any, values: dict[str, Any]) -> None:
    """Store each value as JSON under its own key, since ONNX stores only strings."""
    import onnx

    onnx.helper.set_model_props(proto, {key: json.dumps(value) for key, value in values.items()})


def metadata_of(proto: Any) -> dict[str, Any]:
    """What `write_metadata` wrote."""
    return {prop.key: json.loads(prop.value) for prop in proto.metadata_props}


def file_metadata(path: Path) -> dict[str, Any]:
    """Read what `write_metadata` wrote. Raises UserError for a file that was not exported here."""
    import onnx

    try:
        return metadata_of(onnx.load(path, load_external_data=False))
    except Exception as error:
        raise UserError(f"{path.name} is not an ONNX file that this app exported.") from error
