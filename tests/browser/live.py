"""What the tests of pages that run a model in the browser share: a small model, a camera, the runtime."""

import base64
import functools
import http.server
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image
from playwright.sync_api import Page, expect

from core.data.photos import read_photo
from core.data.samples import sample_bytes
from core.errors import UserError
from core.export import web_runtime
from core.export.onnx_file import save_onnx
from core.models.card import ModelCard
from core.models.preprocessing import LITE_PREPROCESSING
from core.policy.permissions import OWNER, acting_as
from core.task import Task

FAKE_CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
RUN = """async ([pixels, height, width, side]) => {
    const { Model } = await import("./model.js");
    const about = await (await fetch("model.json")).json();
    const model = window.model ??= new Model();
    if (!model.label) await model.open(about, about.files[0]);
    const bytes = Uint8ClampedArray.from(atob(pixels), (c) => c.charCodeAt(0));
    const options = { side, smooth: false, threshold: about.threshold, everything: true };
    const found = await model.run(new ImageData(bytes, width, height), options);
    return [found.maps.map((map) => Array.from(map)), found.labels && Array.from(found.labels)];
}"""
SKY = Task("multiclass", ("sky", "road", "car"), (0, 1, 2))


class Small(torch.nn.Module):
    """A network that looks at colours and their surroundings, at half the size."""

    def __init__(self, outputs: int = 1) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(3, 8, 5, stride=2, padding=2)
        self.second = torch.nn.Conv2d(8, outputs, 3, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        small = self.second(torch.relu(self.first(images)))
        return torch.nn.functional.interpolate(small, scale_factor=2.0, mode="bilinear")


def small_model(outputs: int = 1) -> tuple[Small, ModelCard]:
    torch.manual_seed(4)
    network = Small(outputs).eval()
    torch.nn.init.normal_(network.second.weight, std=0.5)
    card = ModelCard(
        "Small <b>one</b>", "Unet", "resnet18", "none", LITE_PREPROCESSING, long_side=160, subject="people",
        scores={"dice_mean": 0.9}, task=SKY if outputs > 1 else Task(),
    )  # fmt: skip
    return network, card


def onnx_of(network: torch.nn.Module, card: ModelCard, file: Path) -> Path:
    assert save_onnx(network, card, file)
    return file


def runtime_or_skip(workspace: Path, patch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime Web in this workspace; skips where it cannot be had. It is fetched once for all tests."""
    patch.setenv("SEGMENTATION_STUDIO_WORKSPACE", str(workspace.parent.parent / "runtime-of-tests"))
    shared = web_runtime.runtime_folder()
    shared.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(shared.with_suffix(".lock")):
        if not web_runtime.is_here():
            try:
                with acting_as(OWNER):
                    list(web_runtime.fetch())
            except UserError as error:
                pytest.skip(f"ONNX Runtime Web cannot be had here: {error}")
    patch.setenv("SEGMENTATION_STUDIO_WORKSPACE", str(workspace))
    web_runtime.runtime_folder().parent.mkdir(parents=True)
    web_runtime.runtime_folder().symlink_to(shared)


def camera_clip(file: Path) -> Path:
    """The astronaut, moving, as a film for Chromium's fake camera."""
    photo = Image.fromarray(read_photo(sample_bytes("Astronaut"))).resize((640, 640))
    with open(file, "wb") as film:
        for top in range(0, 160, 8):
            frame = io.BytesIO()
            photo.crop((0, top, 640, top + 480)).save(frame, "JPEG")
            film.write(frame.getvalue())
    return file


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def served_folder(folder: Path) -> Iterator[str]:
    """The folder at an address, as `python -m http.server` serves it."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def start_camera(page: Page) -> None:
    """Until the picture is there."""
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#figures")).to_contain_text("frames/s")


def picture(page: Page) -> np.ndarray:
    """What the page shows, uint8 RGBA (height, width, 4)."""
    address = page.evaluate("() => document.getElementById('picture').toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGBA"))


def found_by(page: Page, photo: np.ndarray, side: int) -> tuple[list[list[float]], list[int] | None]:
    """Probabilities of each output and labels of a photo, uint8 RGB, computed by the page, with the photo's
    longer side at `side` pixels."""
    rgba = np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
    maps, labels = page.evaluate(RUN, [base64.b64encode(rgba.tobytes()).decode(), *photo.shape[:2], side])
    return maps, labels
