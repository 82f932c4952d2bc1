"""A network as ONNX whose weights can be replaced without tracing it again.

    python -m core.export.template MODEL FILE

Starting torch and tracing take seconds, replacing weights a fraction of one (core.export.weights): so a model
that is training is in browsers soon after each epoch. Nothing is folded into the weights here, so that each
has its own name; ONNX Runtime does that when it opens the file.
"""

import json
import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import torch

from core.errors import UserError
from core.export.file_metadata import INPUT, OUTPUT, metadata, write_metadata
from core.export.onnx_file import (
    TOLERANCE,
    OnnxModel,
    difference_of,
    first_line,
    quietly,
    traced,
    write_scripted,
)
from core.export.weights import with_weights
from core.models.card import WEIGHTS_FILE, ModelCard
from core.models.factory import load_model, save_model
from core.system.workspace import write_atomically


def write_template(model: Path, target: Path) -> None:
    """Write the network of a saved model, for every size if it takes them. Raises UserError where no exporter
    can, or where the file with other weights would not be the network with these."""
    network, card = load_model(model, "cpu")
    reasons = ["no exporter has an operator for one of its layers"]
    for any_size in (True, False):
        for write in (partial(write_scripted, folded=False), _exported):
            try:
                proto = write(network, card, any_size)
            except Exception as error:  # the exporters name their reasons by classes of their own
                reasons.append(first_line(error))
                continue
            write_metadata(proto, metadata(card, not any_size))
            with tempfile.TemporaryDirectory() as place:
                file = Path(place) / "network.onnx"
                file.write_bytes(proto.SerializeToString())
                difference = _difference(network, card, file, any_size)
            if difference <= TOLERANCE:
                write_atomically(target, proto.SerializeToString())
                return
            reasons.append(f"its logits would differ by {difference:.2g}")
    raise UserError(f"{card.name} cannot run in browsers: {reasons[-1]}.")


def _exported(network: torch.nn.Module, card: ModelCard, any_size: bool) -> Any:
    program, free = traced(network, card, any_size)
    if free != any_size:
        raise ValueError("it takes no other size than its own")
    with quietly():
        made = torch.onnx.export(
            program, dynamo=True, input_names=[INPUT], output_names=[OUTPUT], verbose=False, optimize=False
        )
    assert made is not None
    return made.model_proto


def _difference(network: torch.nn.Module, card: ModelCard, template: Path, any_size: bool) -> float:
    """Of the logits with all weights changed, in the network and in the file."""
    before = {name: values.clone() for name, values in network.state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for values in network.state_dict().values():
            if values.is_floating_point():
                values.mul_(1 + 0.05 * torch.rand(values.shape, generator=generator))
    with tempfile.TemporaryDirectory() as place:
        changed, file = Path(place) / "changed", Path(place) / "changed.onnx"
        save_model(network, card, changed)
        with_weights(template, changed / WEIGHTS_FILE, {}, file)
        found = difference_of(network, OnnxModel(file), card, any_size)
    network.load_state_dict(before)
    return found


def main() -> None:
    """Print the reason as JSON where it fails, and end with status 1."""
    os.nice(5)  # somebody may be training
    model, target = map(Path, sys.argv[1:3])
    try:
        write_template(model, target)
    except UserError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
