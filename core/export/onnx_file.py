"""ONNX export: the network, with all that is needed to use it in the file's metadata."""

import contextlib
import io
import logging
import math
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.config import SIZE_STEP
from core.errors import UserError
from core.export.file_metadata import INPUT, OUTPUT, metadata, write_metadata
from core.models.card import ModelCard
from core.system.workspace import write_atomically

MAX_STEPS = 64  # 2,048 pixels, the largest side that photos are seen at
OPSET = 18
TOLERANCE = 1e-4  # of logits, relative where they exceed 1
TRACED = (2, 3, 4 * SIZE_STEP, 3 * SIZE_STEP)  # no two alike, so that none is taken for another


def traced(
    model: nn.Module, card: ModelCard, any_size: bool = True
) -> tuple[torch.export.ExportedProgram, bool]:
    """The network as a graph of its own, and whether it takes any size, if that is wanted.

    Some networks, transformers above all, are tied to the size they are traced at: then it is the
    card's, with any number of images. Raises UserError where neither can be done.
    """
    batch = torch.export.Dim("batch", min=1)
    rows, columns = (torch.export.Dim(n, min=1, max=MAX_STEPS) for n in ("rows", "columns"))
    # With "multiple of the step" written into the sizes, the five halvings are known to come out even.
    if any_size:
        # Whatever the tracer cannot prove of this network for every size, it may for one.
        with contextlib.suppress(Exception):
            free = {0: batch, 2: SIZE_STEP * rows, 3: SIZE_STEP * columns}
            return _trace(model, TRACED, free), True
    try:
        return _trace(model, (2, 3, card.height, card.width), {0: batch}), False
    except Exception as error:
        raise UserError(
            f"{card.architecture} with {card.encoder} cannot be exported: {first_line(error)}"
        ) from error


def save_onnx(
    network: nn.Module, card: ModelCard, target: Path, any_size: bool = True, for_int8: bool = False
) -> bool:
    """Write the network and its metadata, checked against the network. True if the file takes any size.

    Without `any_size`, and where the network is tied to its size, it takes the card's, any number of
    images. TorchScript's exporter, 0.4 s, is tried before torch.export's, 17 s on one core; but not
    `for_int8`, because it folds every batch norm into its convolution, and then a network in int8 gave the
    same class on 95 % of pixels instead of 98 %; with none folded, int8 was no faster than float. Raises
    UserError where neither exporter has an operator for a layer, or the file's logits differ.
    """
    reasons: list[str] = []
    writers = (_write_exported, write_scripted) if for_int8 else (write_scripted, _write_exported)
    for free in (True, False) if any_size else (False,):
        for write in writers:
            try:
                proto = write(network, card, free)
            except Exception as error:  # the exporters name their reasons by classes of their own
                reasons.append(first_line(error))
                continue
            _save(proto, metadata(card, fixed=not free), target)
            difference = difference_of(network, OnnxModel(target), card, free)
            if difference <= TOLERANCE:
                return free
            reasons.append(f"its logits would differ by {difference:.2g}")
    target.unlink(missing_ok=True)
    raise UserError(f"{card.architecture} with {card.encoder} cannot be written as ONNX: {reasons[-1]}")


def difference_of(network: nn.Module, other: nn.Module, card: ModelCard, any_size: bool) -> float:
    """The largest difference between logits; infinite if the other network cannot run at every size."""
    try:
        return largest_difference(network, other, None if any_size else (card.height, card.width))
    except Exception:
        return math.inf


def write_scripted(network: nn.Module, card: ModelCard, any_size: bool, folded: bool = True) -> Any:
    """By tracing one run. Sizes that the network computes with may stay those of the trace. Each weight keeps
    its name unless constants are `folded`, above all batch norms into their convolutions."""
    import onnx

    shape = TRACED if any_size else (2, 3, card.height, card.width)
    free = {0: "batch", 2: "height", 3: "width"} if any_size else {0: "batch"}
    with quietly(), torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        torch.onnx.export(
            network, (torch.randn(shape),), file, dynamo=False, opset_version=OPSET,
            input_names=[INPUT], output_names=[OUTPUT], dynamic_axes={INPUT: free, OUTPUT: free},
            do_constant_folding=folded,
            training=torch.onnx.TrainingMode.EVAL if folded else torch.onnx.TrainingMode.PRESERVE,
        )  # fmt: skip
        return onnx.load(file)


def _write_exported(network: nn.Module, card: ModelCard, any_size: bool) -> Any:
    program, free = traced(network, card, any_size)
    if free != any_size:
        raise ValueError("it takes no other size than its own")
    with quietly():
        made = torch.onnx.export(
            program, dynamo=True, input_names=[INPUT], output_names=[OUTPUT], verbose=False
        )
    assert made is not None
    return made.model_proto


def _save(proto: Any, values: dict[str, Any], target: Path) -> None:
    import onnx

    write_metadata(proto, values)
    onnx.checker.check_model(proto)
    write_atomically(target, proto.SerializeToString())


class OnnxModel(nn.Module):
    """An ONNX file that is called like the model it was exported from, on the CPU."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        super().__init__()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """float32 (batch, 3, height, width) -> float32 (batch, outputs, height, width)."""
        (logits,) = self._session.run([OUTPUT], {INPUT: images.contiguous().numpy()})
        return torch.from_numpy(logits)


def largest_difference(model: nn.Module, other: nn.Module, fixed_size: tuple[int, int] | None) -> float:
    """The largest difference between the logits of two networks, over batches of several shapes.

    Relative to the largest logit if that exceeds 1, because float32 has no more digits.
    """
    shapes = [(1, 128, 96), (3, 96, 160), (2, 320, 256)]
    if fixed_size is not None:
        shapes = [(count, *fixed_size) for count in (1, 3)]
    generator, worst = torch.Generator().manual_seed(0), 0.0
    for count, height, width in shapes:
        images = torch.randn(count, 3, height, width, generator=generator)
        with torch.inference_mode():
            ours = model(images).float()
            theirs = other(images)
        difference = float((ours - theirs).abs().max() / ours.abs().max().clamp(min=1))
        worst = max(worst, difference if math.isfinite(difference) else math.inf)
    return worst


def _trace(
    model: nn.Module, shape: tuple[int, int, int, int], dynamic: dict[int, Any]
) -> torch.export.ExportedProgram:
    with torch.no_grad(), quietly():
        program = torch.export.export(model, (torch.randn(shape),), dynamic_shapes=(dynamic,))
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                node.meta.pop("stack_trace", None)  # names folders of this machine, and every file keeps it
    return program


def first_line(error: Exception) -> str:
    """The first line of a library's error message, shortened to fit into a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Silence the exporter's progress messages; errors still raise exceptions."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
