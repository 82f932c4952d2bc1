"""int8 quantisation of the ONNX file for CPUs: a quarter of the size, calibrated on real photos."""

import contextlib
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.export.file_metadata import INPUT, file_metadata, write_metadata
from core.inference.predictor import Predictor
from core.system.workspace import write_atomically

CALIBRATION_PHOTOS = 48


def quantize(source: Path, target: Path, predictor: Predictor, photos: Sequence[NDArray[np.uint8]]) -> None:
    """Write `source`, an exported network, with int8 weights and activations.

    The ranges of activations are calibrated on `photos`, uint8 RGB, which should resemble those it will
    see. Raises UserError if ONNX Runtime cannot quantise the network.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder, _quiet():
        ready, made = Path(folder) / "ready.onnx", Path(folder) / "int8.onnx"
        try:
            quant_pre_process(source, ready, skip_symbolic_shape=True)
            quantize_static(
                ready,
                made,
                _Reader(predictor, photos),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                # Without VNNI a processor adds pairs of products in 16 bits, where weights of 8 bits
                # saturate silently: 7 bits are right on every processor
                # (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html).
                reduce_range=True,
                calibrate_method=CalibrationMethod.MinMax,
                op_types_to_quantize=["Conv", "MatMul", "Gemm"],
            )
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
            raise UserError(
                f"{predictor.card.name} cannot be quantised to int8: {reason}. Export it as ONNX instead."
            ) from error
        proto = onnx.load(made)
    write_metadata(proto, file_metadata(source))
    write_atomically(target, proto.SerializeToString())


class _Reader:
    """The preprocessed photos one by one, then None."""

    def __init__(self, predictor: Predictor, photos: Sequence[NDArray[np.uint8]]) -> None:
        self._predictor, self._left = predictor, iter(photos)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        photo = next(self._left, None)
        return None if photo is None else {INPUT: self._predictor.network_input(photo)}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
