"""Looking at a stranger's ONNX file without running it here: another process does, see `onnx_trial`."""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.models import onnx_trial
from core.models.onnx_spec import LEAST, MOST
from core.policy.permissions import needs
from core.system.workspace import read_json

MAX_BYTES = 2_000_000_000  # protobuf reads no more
SECONDS = 60.0  # that a trial may last
FLOAT = 1  # TensorProto.FLOAT


@dataclass(frozen=True, slots=True)
class OnnxInfo:
    """What a file says of itself. Shapes have 0 for a size that is free; `outputs` are name and shape."""

    input: str
    shape: tuple[int, ...]
    outputs: tuple[tuple[str, tuple[int, ...]], ...]
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def channels_last(self) -> bool:
        return self.shape[1] != 3 and self.shape[3] == 3

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the input, 0 where they are free."""
        return (self.shape[1], self.shape[2]) if self.channels_last else (self.shape[2], self.shape[3])


@needs("add")
def inspect(file: Path, name: str = "") -> OnnxInfo:
    """What the file says of itself. `name` is what the user calls it.

    Raises UserError for a file that is no ONNX, does not take one colour picture, uses operators beyond the
    standard ones, or keeps weights elsewhere.
    """
    return _info(_tried(file, name or file.name)[0], name or file.name)


@needs("add")
def trial(file: Path, tensor: NDArray[np.float32], name: str = "") -> list[NDArray[np.float32]]:
    """Run the file once on its input `tensor`, within limits of memory and time; returns what it gives, an
    empty array for what is no map of numbers. Raises UserError like `inspect`, and where it cannot be run."""
    return _tried(file, name or file.name, tensor)[1]


def _tried(
    file: Path, name: str, tensor: NDArray[np.float32] | None = None
) -> tuple[dict[str, Any], list[NDArray[np.float32]]]:
    if not file.is_file():
        raise UserError(f"There is no file {name}.")
    if file.stat().st_size > MAX_BYTES:
        raise UserError(f"{name} is larger than the {MAX_BYTES // 10**6:,} MB that an ONNX file may have.")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if tensor is not None:
            np.save(folder / "input.npy", tensor)
        command = [sys.executable, "-I", onnx_trial.__file__, str(file.resolve()), place]
        kept = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT") if key in os.environ}
        try:
            subprocess.run(
                command, cwd=place, env=kept, timeout=SECONDS, check=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            found = read_json(folder / "info.json")
        except subprocess.TimeoutExpired:
            raise UserError(f"{name} takes more than {SECONDS:.0f} s to open and run once.") from None
        except (subprocess.CalledProcessError, UserError):
            raise UserError(
                f"{name} cannot be opened and run within the memory and time that a model may take here."
            ) from None
        if problem := found.get("problem"):
            raise UserError(f"{name} {problem}.")
        made = [np.load(folder / f"output-{i}.npy") for i in range(len(found.get("shapes", [])))]
        return found, made


def _info(found: dict[str, Any], name: str) -> OnnxInfo:
    inputs, outputs = found["inputs"], found["outputs"]
    takes_one_picture = (
        len(inputs) == 1
        and len(inputs[0]["shape"]) == 4
        and inputs[0]["type"] == FLOAT
        and 3 in (inputs[0]["shape"][1], inputs[0]["shape"][3])
    )
    if not takes_one_picture:
        raise UserError(
            f"{name} does not take one colour picture of 32-bit numbers: only such networks can be used here."
        )
    info = OnnxInfo(
        inputs[0]["name"],
        tuple(inputs[0]["shape"]),
        tuple((each["name"], tuple(each["shape"])) for each in outputs),
        found["metadata"],
    )
    if info.shape[0] > 1:
        raise UserError(f"{name} takes {info.shape[0]} pictures at once: save it for one.")
    if any(side and not LEAST <= side <= MOST for side in info.size):
        height, width = (side or "any" for side in info.size)
        raise UserError(f"{name} takes pictures of {height} x {width} pixels: {LEAST} to {MOST} can be used.")
    return info
