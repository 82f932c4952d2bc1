"""Weights of a saved model put into an ONNX file of the same network. Imports no torch."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.export.file_metadata import write_metadata
from core.system.atomic import atomic_file


def with_weights(template: Path, weights: Path, about: dict[str, Any], target: Path) -> None:
    """Write `template`, of core.export.template, with the tensors of `weights`, a safetensors file, and the
    metadata `about`. Raises UserError if they are of another network."""
    import onnx
    from safetensors.numpy import load_file

    try:
        proto, values = onnx.load(template), load_file(weights)
    except Exception as error:  # each library has its own errors, for types it does not know too
        raise UserError(f"{weights.name} cannot be read for use in browsers: {error}.") from error
    replaced = 0
    for tensor in proto.graph.initializer:
        if tensor.name in values:
            tensor.CopyFrom(_fitting(tensor, values[tensor.name], weights))
            replaced += 1
    if not replaced:
        raise UserError(f"{weights.name} is of another network than {template.name}.")
    write_metadata(proto, about)
    with atomic_file(target) as part:
        part.write_bytes(proto.SerializeToString())


def _fitting(tensor: Any, values: NDArray[Any], weights: Path) -> Any:
    import onnx

    kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    if tuple(tensor.dims) != values.shape or not np.can_cast(values.dtype, kind, "same_kind"):
        raise UserError(f"{weights.name} is of another network: {tensor.name} has another shape.")
    return onnx.numpy_helper.from_array(np.ascontiguousarray(values.astype(kind)), tensor.name)
