"""A model that was exported as a web page, in a real browser with a fake camera."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page, expect

from core.data.photos import read_photo
from core.data.samples import sample_bytes
from core.export.web_page import write_page
from core.inference.predictor import Predictor
from tests.browser.conftest import Launch
from tests.browser.live import (
    FAKE_CAMERA,
    camera_clip,
    found_by,
    onnx_of,
    picture,
    runtime_or_skip,
    served_folder,
    small_model,
    start_camera,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The pages of a model with one foreground, `binary`, and of one with classes, `classes`."""
    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        runtime_or_skip(folder / "workspace", patch)
        for name, outputs in (("binary", 1), ("classes", 3)):
            network, card = small_model(outputs)
            file = onnx_of(network, card, folder / f"{name}.onnx")
            write_page(folder / name, card, False, {"full": file})
    yield folder


@pytest.fixture(scope="module")
def camera(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Browser:
    clip = camera_clip(tmp_path_factory.mktemp("camera") / "clip.mjpeg")
    return launch(*FAKE_CAMERA, f"--use-file-for-fake-video-capture={clip}")


def test_the_page_segments_the_camera_sends_nothing_and_works_without_its_server(
    exported: Path, camera: Browser
) -> None:
    page = camera.new_page(viewport={"width": 390, "height": 844})
    sent: list[str] = []
    page.context.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    with served_folder(exported / "binary") as address:
        page.goto(address)
        expect(page.get_by_role("heading", name="Small <b>one</b>")).to_be_visible()
        expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()
        loaded = len(sent)
        assert all(line.startswith(("GET " + address, "GET blob:")) for line in sent)
        start_camera(page)
        check_views(page)
        assert sent[loaded:] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_role("button", name="Stop the camera").click()
    page.reload()
    start_camera(page)
    assert page.evaluate("crossOriginIsolated")  # by the headers of the service worker
    page.close()


def check_views(page: Page) -> None:
    """Overlay, cut-out and replaced background, as pixels."""
    views = {}
    page.get_by_label("Colour").evaluate("box => { box.value = '#00ff00'; }")
    for view in ("overlay", "cutout", "background", "blur", "mask"):
        page.locator(f"[value={view}]").check(force=True)
        page.wait_for_timeout(400)
        views[view] = picture(page)
    assert (views["overlay"][..., 3] == 255).all() and views["overlay"][..., :3].std() > 10
    alpha = views["cutout"][..., 3]
    assert (alpha == 0).any() and (alpha == 255).any()
    assert (views["background"][..., :3] == (0, 255, 0)).all(axis=2).any()
    assert (views["blur"][..., 3] == 255).all() and (views["mask"][..., 3] == 255).all()


@pytest.mark.parametrize("kind", ["binary", "classes"])
def test_the_browser_computes_what_python_does(kind: str, exported: Path, camera: Browser) -> None:
    network, card = small_model(1 if kind == "binary" else 3)
    predictor = Predictor.of(network, card)
    photo = read_photo(sample_bytes("Astronaut"))
    page = camera.new_page()
    with served_folder(exported / kind) as address:
        page.goto(address)
        expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()
        for part, side in (
            (photo[:300, :401], 160),
            (photo[:90, :60], 160),
            (photo, 256),
            (photo[:, :7], 96),
        ):
            compare(page, predictor, np.ascontiguousarray(part), side)
    page.close()


def compare(page: Page, predictor: Predictor, photo: np.ndarray, side: int) -> None:
    maps, labels = found_by(page, photo, side)
    ready = predictor.prepare(photo, side)
    with torch.inference_mode():  # in fp32, whatever this processor has
        logits = predictor.network(torch.from_numpy(predictor.network_input(photo, side)))[0].numpy()
    logits = logits[:, : ready.inner[0], : ready.inner[1]]
    if predictor.card.task.kind == "binary":
        expected = predictor.probability(logits, ready.inner)[None]
    else:
        powers = np.exp(logits - logits.max(axis=0))
        expected = powers / powers.sum(axis=0)
        found = np.array(labels, np.uint8).reshape(ready.inner)
        assert (found == predictor.labels_of(logits, ready.inner)).mean() > 0.999
    made = np.array(maps, np.float32).reshape(expected.shape)
    assert np.abs(made - expected).max() < 1e-3, (photo.shape, side)


def failure(browser: Browser, folder: Path, action: str = "") -> str:
    """The sentence that the page shows, after a click on `action`."""
    page = browser.new_page()
    with served_folder(folder) as address:
        page.goto(address)
        if action:
            page.get_by_role("button", name=action).click()
        message = page.locator("#message.failed")
        expect(message).to_be_visible()
        said = message.inner_text()
    page.close()
    return said


def broken(page: Path, folder: Path, **change: object) -> Path:
    """A copy of the page with another file in its description."""
    if not folder.exists():
        shutil.copytree(page, folder)
    about = json.loads((page / "model.json").read_text())
    about["files"][0].update(change)
    (folder / "model.json").write_text(json.dumps(about))
    return folder


def test_every_refusal_of_browser_and_machine_is_one_sentence(
    exported: Path, launch: Launch, tmp_path: Path
) -> None:
    page, copy = exported / "binary", tmp_path / "copy"
    browser = launch()
    assert failure(browser, page, "Start the camera").startswith("This device has no camera")
    assert failure(browser, broken(page, copy, bytes=10**9)).startswith("The model is too large")
    assert failure(browser, broken(page, copy, url="gone.onnx")).startswith("The model could not be")
    broken(page, copy)
    (copy / "runtime" / "ort.wasm.min.mjs").write_text("changed")
    assert failure(browser, copy).startswith("ONNX Runtime Web could not be loaded")
    worker = copy / "worker.js"
    worker.write_text("delete globalThis.WebAssembly;\n" + worker.read_text())
    assert failure(browser, copy).startswith("This browser cannot run models, because WebAssembly")
    worker.write_text("throw new Error('before anything was asked of it');")
    about = copy / "model.json"
    about.write_text(about.read_text() + " " * 30_000_000)  # the thread has failed by the time this is read
    assert failure(browser, copy).startswith("This browser cannot run models in the background")
    without = launch(FAKE_CAMERA[0], "--deny-permission-prompts")
    assert failure(without, page, "Start the camera").startswith("The camera is blocked for this page")


def test_threads_that_never_start_leave_the_model_with_one(
    exported: Path, camera: Browser, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(exported / "binary", tmp_path / "copy"))
    backend, worker = copy / "backend.js", copy / "worker.js"
    backend.write_text(backend.read_text().replace("THREADS_MS = 15_000", "THREADS_MS = 1_000"))
    worker.write_text("globalThis.Worker = class { postMessage() {} };\n" + worker.read_text())
    page = camera.new_page()
    with served_folder(copy) as address:
        page.goto(address)
        expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()
        assert page.evaluate("crossOriginIsolated")
        start_camera(page)
        expect(page.locator("#figures")).to_contain_text("WebAssembly, 1 thread")
    page.close()
