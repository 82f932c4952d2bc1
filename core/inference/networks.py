"""What a Predictor runs: a torch network or an ONNX session, chosen by the model's card."""

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import UserError
from core.models.card import ModelCard, is_onnx, read_card, weights_file
from core.models.factory import load_model
from core.models.onnx_spec import OnnxSpec
from core.models.onnx_trial import reason_of
from core.system.device import multiplies_bf16

Maps = NDArray[np.float32]


class Network(Protocol):
    """Maps padded photos, uint8 (n, h, w, 3), to logits, float32 (n, outputs, h, w). Thread-safe."""

    device: str

    def __call__(self, photos: NDArray[np.uint8]) -> Maps: ...


def open_network(place: Path, device: str, card: ModelCard | None) -> tuple[Network, ModelCard]:
    """The network of a saved model or of an ONNX file, and its card: `card` if that is given. An ONNX network
    runs on the CPU, whatever the `device`. Raises UserError if it cannot be opened."""
    if is_onnx(place):
        card = card or read_card(place)
        return OnnxNetwork(weights_file(place), card), card
    model, own = load_model(place, device)
    return TorchNetwork(model, card or own, device), card or own


class TorchNetwork:
    """A network in eval mode on its device."""

    def __init__(self, model: torch.nn.Module, card: ModelCard, device: str) -> None:
        self.device, self._preprocessing = device, card.preprocessing
        # mobileone aborts the process in fp32 channels-last on a CPU (see core.system.device).
        aborts = device == "cpu" and card.encoder.startswith("mobileone")
        self.module = model if aborts else model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        # As in validation. Probabilities differ by a few thousandths from fp32.
        self._kind = device.split(":", maxsplit=1)[0]
        self.in_bf16 = multiplies_bf16(device)

    @torch.inference_mode()
    def __call__(self, photos: NDArray[np.uint8]) -> Maps:
        stacked = np.ascontiguousarray(photos.transpose(0, 3, 1, 2))
        batch = torch.from_numpy(stacked).to(self.device)
        images = self._preprocessing.normalise(batch).to(memory_format=torch.channels_last)
        try:
            with torch.autocast(self._kind, torch.bfloat16, enabled=self.in_bf16):
                logits = self.module(images).float().cpu().numpy()
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            if len(photos) > 1:
                return np.concatenate([self(photos[i : i + 1]) for i in range(len(photos))])
            raise UserError(
                "The photo needs more memory than is free on the GPU: choose a smaller longer side, or wait "
                "until a training run has ended."
            ) from None
        return np.asarray(logits, np.float32)


class OnnxNetwork:
    """An ONNX file from elsewhere, on the CPU. Photos go through one by one: most files take no batches."""

    device = "cpu"

    def __init__(self, file: Path, card: ModelCard) -> None:
        """Raises UserError if the file cannot be opened, or the card does not say how to use it."""
        import onnxruntime

        if card.onnx is None:
            raise UserError(f"The card of {card.name} does not say how it is used: import it again.")
        self._spec: OnnxSpec = card.onnx
        self._task, self._name = card.task, card.name
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Threads that spin between two photos take the cores from what comes after the network.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises classes of its own
            raise UserError(f"{file.name} cannot be opened: {reason_of(error)}.") from error

    def __call__(self, photos: NDArray[np.uint8]) -> Maps:
        return np.concatenate([self._one(photos[i : i + 1]) for i in range(len(photos))])

    def _one(self, photo: NDArray[np.uint8]) -> Maps:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        try:
            wanted = [outputs[self._spec.output].name]
            (given,) = self._session.run(wanted, {inputs[0].name: self._spec.tensor(photo)})
        except Exception as error:
            raise UserError(f"{self._name} cannot be run on this photo: {reason_of(error)}.") from error
        return self._spec.logits(np.asarray(given), self._task, (photo.shape[1], photo.shape[2]))
