"""Small ONNX networks, built by hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_network(
    path: Path,
    shape: Sequence[int | str] = (1, 3, 64, 64),
    nodes: Sequence[Any] | None = None,
    weights: Sequence[Any] = (),
    outputs: Sequence[str] = ("map",),
    domains: Sequence[str] = (),
    metadata: dict[str, str] | None = None,
    version: int = 17,
    kind: int = TensorProto.FLOAT,
) -> Path:
    """By default a network whose map is the sigmoid of what it takes for red. `kind`: of the numbers out."""
    red = np.zeros((1, 3, 1, 1), np.float32)
    red[0, 0] = 1
    graph = helper.make_graph(
        nodes or [helper.make_node("Conv", ["picture", "red"], ["sum"]),
                  helper.make_node("Sigmoid", ["sum"], ["map"])],
        "test",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        [numpy_helper.from_array(red, "red"), *weights],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", version), *(helper.make_opsetid(domain, 1) for domain in domains)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    helper.set_model_props(model, metadata or {})
    path.write_bytes(model.SerializeToString())
    return path


def with_external_weights(path: Path) -> Path:
    """A network that keeps its weights in /etc/passwd, as it says."""
    model = onnx.load(write_network(path))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    path.write_bytes(model.SerializeToString())
    return path
