"""A program of its own that looks at an ONNX file and runs it once, within limits of memory and time.

    python onnx_trial.py MODEL FOLDER

Writes info.json to FOLDER: inputs, outputs, metadata, or the problem. With input.npy in FOLDER the network is
run on it, and output-0.npy and so on are what it gives. Imports nothing of the project, and is started by
`core.models.onnx_check` with an isolated interpreter: a stranger's file may crash or hang what reads it.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GIGABYTE = 1 << 30
MEMORY = 4 * GIGABYTE  # of addresses, beside a multiple of the file
TIMES_THE_FILE = 4  # weights as read, parsed and packed for the processor
SECONDS = 120  # of processor time
MAX_WRITTEN = 512 << 20
STANDARD = ("", "ai.onnx")
# What decides while it runs how often something runs. No segmentation network needs it.
REFUSED = ("Loop", "Scan", "SequenceMap")
MAX_OUTPUTS, MAX_OUTPUT_BYTES = 16, 256 << 20


class RefusedError(Exception):
    """A sentence that says why the file is not run."""


def limit(file_bytes: int) -> None:
    """Bound what this process may take. Windows has no such limits: there the parent's time limit remains."""
    try:
        import resource
    except ImportError:
        return
    bounds = {
        resource.RLIMIT_AS: MEMORY + TIMES_THE_FILE * file_bytes,
        resource.RLIMIT_CPU: SECONDS,
        resource.RLIMIT_FSIZE: MAX_WRITTEN,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in bounds.items():
        hard = resource.getrlimit(kind)[1]
        try:
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
        except (ValueError, OSError):  # macOS does not take all of them
            continue


def opened(file: Path) -> Any:
    """The parsed model, if it holds the operators of ONNX alone and all of its weights."""
    import onnx

    try:
        model = onnx.load(file, load_external_data=False)
    except Exception:
        raise RefusedError("is not a readable ONNX file") from None
    if not model.graph.node:  # an empty file is a message too
        raise RefusedError("is not a readable ONNX file")
    domains = {entry.domain for entry in model.opset_import if entry.domain not in STANDARD}
    for node in nodes_of(model.graph):
        if node.domain not in STANDARD:
            domains.add(node.domain)
        if node.op_type in REFUSED:
            raise RefusedError(f"uses the operator {node.op_type}, which no segmentation network needs")
    used = sorted(domains & {node.domain for node in nodes_of(model.graph)})
    if used or model.functions:
        what = f"operators of {used[0][:60]}" if used else "functions of its own"
        raise RefusedError(f"uses {what}: only the standard operators of ONNX are run here")
    for tensor in tensors_of(model.graph):
        if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise RefusedError("keeps its weights in another file: save the model as one file")
    return model


def graphs_of(graph: Any) -> Iterator[Any]:
    """A graph and those in the attributes of its nodes."""
    waiting = [graph]
    while waiting:
        one = waiting.pop()
        yield one
        for node in one.node:
            for attribute in node.attribute:
                waiting += [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]


def nodes_of(graph: Any) -> Iterator[Any]:
    for one in graphs_of(graph):
        yield from one.node


def tensors_of(graph: Any) -> Iterator[Any]:
    """Everything that holds weights."""
    for one in graphs_of(graph):
        yield from one.initializer
        for sparse in one.sparse_initializer:
            yield from (sparse.values, sparse.indices)
        for node in one.node:
            for attribute in node.attribute:
                yield from (attribute.t, *attribute.tensors)


def described(model: Any) -> dict[str, Any]:
    """Inputs and outputs with their shapes, free sizes as 0, and the metadata."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return {
        "inputs": [value_of(v) for v in model.graph.input if v.name not in weights],
        "outputs": [value_of(v) for v in model.graph.output],
        "metadata": {prop.key[:100]: prop.value[:10_000] for prop in list(model.metadata_props)[:100]},
    }


def value_of(value: Any) -> dict[str, Any]:
    tensor = value.type.tensor_type
    shape = [max(0, d.dim_value) if d.HasField("dim_value") else 0 for d in tensor.shape.dim]
    return {"name": value.name, "shape": shape, "type": tensor.elem_type}


def run(file: Path, folder: Path) -> list[list[int]]:
    """Run the network on input.npy; returns the shapes of what it gives, which is written to the folder."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        made = session.run(None, {name: np.load(folder / "input.npy", allow_pickle=False)})
    except Exception as error:
        raise RefusedError(f"cannot be run ({reason_of(error)})") from None
    shapes = []
    for number, output in enumerate(made[:MAX_OUTPUTS]):
        array = np.asarray(output)
        if array.dtype.kind != "f" or array.nbytes > MAX_OUTPUT_BYTES:
            array = np.zeros(0, np.float32)
        np.save(folder / f"output-{number}.npy", array.astype(np.float32))
        shapes.append(list(array.shape))
    return shapes


def reason_of(error: Exception) -> str:
    """What ONNX Runtime says, in one line without a full stop, without its codes and the names of files."""
    said = " ".join(str(error).split()) or type(error).__name__
    for noise in (r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", r"Load model from .*? failed:",
                  r"/onnxruntime_src/\S+ .*?\(.*?\) (?=[A-Z])"):  # fmt: skip
        said = re.sub(noise, "", said)
    return said[:160].rstrip(". ")


def main() -> int:
    file, folder = Path(sys.argv[1]), Path(sys.argv[2])
    limit(file.stat().st_size)
    try:
        found = described(opened(file))
        if (folder / "input.npy").is_file():
            found["shapes"] = run(file, folder)
    except RefusedError as error:
        found = {"problem": str(error)}
    except MemoryError:
        found = {"problem": "needs more memory than a model may take here"}
    (folder / "info.json").write_text(json.dumps(found), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
