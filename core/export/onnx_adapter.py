"""An ONNX file of another program as one of this project's exports: `images` in, `logits` out.

What core.models.onnx_spec does around such a network becomes part of its graph, so that browsers, which know
exports alone, run it. Only the photo's size stays outside. Imports no torch.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.photos import read_photo
from core.data.samples import sample_bytes
from core.errors import UserError
from core.export.file_metadata import INPUT, OUTPUT
from core.models.card import ModelCard
from core.models.onnx_spec import CERTAIN, OnnxSpec, are_last
from core.models.onnx_trial import reason_of
from core.system.atomic import atomic_file
from core.task import Task

Map = NDArray[np.float32]
STANDARD = ("", "ai.onnx")  # domains of ONNX's own operators

THEIRS, OURS = "theirs/", "ours/"  # before the names of values
OLDEST = 11  # operator set, from which on maps can be resized as OpenCV does
TOLERANCE = 1e-3  # of probabilities
TRIED_SIDE = 400  # pixels of the photo that it is tried on


def is_fixed(card: ModelCard) -> bool:
    """Whether the adapted network takes one size alone."""
    return card.onnx is not None and (card.onnx.fit == "stretch" or not card.onnx.are_free)


def write_adapted(source: Path, card: ModelCard, target: Path) -> None:
    """Write the file with all of its spec but the photo's size as operators: pictures of 0 to 1, float32
    (1, 3, h, w), in. It is tried on a photo. Raises UserError where it cannot be done, or the probabilities
    differ."""
    import onnx
    from onnx import TensorProto
    from onnx.helper import make_tensor_value_info

    spec = card.onnx
    if spec is None:
        raise UserError(f"The card of {card.name} does not say how it is used: import it again.")
    photo, _ = spec.fitted(read_photo(sample_bytes("Astronaut"), max_side=TRIED_SIDE))
    try:
        theirs = onnx.load(source, load_external_data=False)
        given = _run(source, spec.tensor(photo[None]))[spec.output]
        proto = _adapted(theirs, given, photo, spec, card.task)
        size: list[int | str] = [spec.height, spec.width] if is_fixed(card) else ["height", "width"]
        proto.graph.input.append(make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, 3, *size]))
        with atomic_file(target) as part:
            part.write_bytes(proto.SerializeToString())
            made = _run(part, np.asarray(photo[None].transpose(0, 3, 1, 2) / 255, np.float32))[0]
            expected = spec.logits(given, card.task, (photo.shape[0], photo.shape[1]))
            difference = np.abs(_probabilities(made, card.task) - _probabilities(expected, card.task)).max()
            if not difference <= TOLERANCE:
                raise UserError(f"its probabilities would differ by {difference:.2g}")
    except Exception as error:  # onnx and onnxruntime raise classes of their own
        raise UserError(f"{card.name} cannot run in browsers: {reason_of(error)}.") from error


def _run(file: Path, images: Map) -> list[Map]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return [np.asarray(each) for each in session.run(None, {session.get_inputs()[0].name: images})]


def _probabilities(logits: Map, task: Task) -> Map:
    if task.kind != "multiclass":
        return np.asarray(1 / (1 + np.exp(-logits)))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _adapted(theirs: Any, given: Map, photo: NDArray[np.uint8], spec: OnnxSpec, task: Task) -> Any:
    """The network without its input. `given` is what it gives for the fitted photo."""
    from onnx import TensorProto, compose
    from onnx.helper import make_node, make_tensor_value_info

    version = max((entry.version for entry in theirs.opset_import if entry.domain in STANDARD), default=0)
    if version < OLDEST:
        raise UserError(f"it has version {version} of the operators, and at least {OLDEST} is needed")
    proto = compose.add_prefix(theirs, THEIRS)
    graph, around = proto.graph, _Around(version, (photo.shape[0], photo.shape[1]))
    weights = {tensor.name for tensor in graph.initializer}
    picture = next(value.name for value in graph.input if value.name not in weights)
    seen = around.tensor(spec)
    before = [*around.nodes, make_node("Identity", [seen], [picture])]
    around.nodes.clear()
    logits = around.logits(graph.output[spec.output].name, given, spec, task)
    nodes = [*before, *graph.node, *around.nodes, make_node("Identity", [logits], [OUTPUT])]
    for name in ("node", "input", "output"):
        graph.ClearField(name)
    graph.node.extend(nodes)
    graph.output.append(make_tensor_value_info(OUTPUT, TensorProto.FLOAT, None))
    graph.initializer.extend(around.constants)
    proto.ir_version = max(proto.ir_version, 4)  # from which on weights need not be inputs too
    return proto


class _Around:
    """Operators around a network, in the order in which they are added. Names are those of values; `size` is
    that of the picture it was tried on, in pixels."""

    def __init__(self, version: int, size: tuple[int, int]) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._version, self._size, self._count = version, size, 0

    def tensor(self, spec: OnnxSpec) -> str:
        """As OnnxSpec.tensor, of pictures from 0 to 1."""
        values = INPUT
        if spec.scaling == "max":
            brightest = self._add("Max", self._add("ReduceMax", values), self._constant(1e-6 / 255))
            values = self._add("Div", values, brightest)
        elif spec.scaling == "none":
            values = self._add("Mul", values, self._constant(255))
        values = self._add("Sub", values, self._constant(np.reshape(spec.mean, (1, 3, 1, 1))))
        values = self._add("Div", values, self._constant(np.reshape(spec.std, (1, 3, 1, 1))))
        if spec.order == "BGR":
            values = self._add("Gather", values, self._constant([2, 1, 0], np.int64), axis=1)
        return self._add("Transpose", values, perm=[0, 2, 3, 1]) if spec.channels_last else values

    def logits(self, maps: str, given: Map, spec: OnnxSpec, task: Task) -> str:
        """As OnnxSpec.logits, of one output."""
        maps, count = self._resized_maps(maps, given, spec)
        if spec.meaning == "logits":
            if task.kind != "binary" or count == 1:
                return maps
            last = self._add("Transpose", maps, perm=[0, 2, 3, 1])  # older versions know the last axis alone
            maps = self._add("Transpose", self._add("Softmax", last, axis=3), perm=[0, 3, 1, 2])
        if task.kind == "multiclass":
            return self._add("Log", self._clipped(maps, CERTAIN, 1))
        if task.kind == "binary":
            maps = self._add("Gather", maps, self._constant([spec.channel], np.int64), axis=1)
        if spec.meaning == "range":
            low, high = self._add("ReduceMin", maps), self._add("ReduceMax", maps)
            extent = self._add("Max", self._add("Sub", high, low), self._constant(CERTAIN))
            maps = self._add("Div", self._add("Sub", maps, low), extent)
        share = self._clipped(maps, CERTAIN, 1 - CERTAIN)
        return self._add("Log", self._add("Div", share, self._add("Sub", self._constant(1), share)))

    def _resized_maps(self, maps: str, given: Map, spec: OnnxSpec) -> tuple[str, int]:
        """The maps, (1, channels, h, w) of the picture's size, and the number of channels."""
        from onnx import TensorProto

        if given.dtype != np.float32:
            maps = self._add("Cast", maps, to=TensorProto.FLOAT)
        count = 1
        if given.ndim == 3 and self._version < 13:
            maps = self._add("Unsqueeze", maps, axes=[1])
        elif given.ndim == 3:
            maps = self._add("Unsqueeze", maps, self._constant([1], np.int64))
        else:
            last = are_last(given.shape, self._size, spec.channels_last)
            count = given.shape[3 if last else 1]
            maps = self._add("Transpose", maps, perm=[0, 3, 1, 2]) if last else maps
        kept = self._add("Gather", self._add("Shape", maps), self._constant([0, 1], np.int64))
        wanted = self._add("Gather", self._add("Shape", INPUT), self._constant([2, 3], np.int64))
        sizes = self._add("Concat", kept, wanted, axis=0)
        none = self._constant([])
        return self._add("Resize", maps, none, none, sizes, mode="linear"), count

    def _clipped(self, values: str, low: float, high: float) -> str:
        return self._add("Min", self._add("Max", values, self._constant(low)), self._constant(high))

    def _add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        from onnx.helper import make_node

        self._count += 1
        self.nodes.append(make_node(operator, list(inputs), [f"{OURS}{self._count}"], **attributes))
        return f"{OURS}{self._count}"

    def _constant(self, values: Any, kind: Any = np.float32) -> str:
        from onnx.numpy_helper import from_array

        name = f"{OURS}constant-{len(self.constants)}"
        self.constants.append(from_array(np.asarray(values, kind), name))
        return name
