"""Live pages as the server gives them: a model that is training, and a video file."""

import os
import shutil
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import uvicorn
from PIL import Image
from playwright.sync_api import Browser, expect
from starlette.applications import Starlette
from starlette.routing import Mount

from core.config import TrainConfig
from core.data.photos import read_photo
from core.data.samples import sample_bytes
from core.export.template import write_template
from core.inference.predictor import Predictor
from core.live import models
from core.live.pages import live_pages
from core.models.onnx_files import import_onnx
from core.models.onnx_spec import OnnxSpec
from core.runs import run_folder
from core.system import workspace as folders
from core.task import Task
from tests.browser.conftest import Launch
from tests.browser.live import FAKE_CAMERA, found_by, runtime_or_skip, start_camera
from tests.core.live.conftest import small_model
from tests.core.models.onnx_networks import write_network

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Shared by this file, with the runtime and a network that is traced already."""
    folder = tmp_path_factory.mktemp("live")
    with pytest.MonkeyPatch.context() as patch:
        runtime_or_skip(folder / "workspace", patch)
        write_template(small_model(folder / "model", 0), folder / "network.onnx")
        patch.setattr(
            models, "_trace", lambda model, template: shutil.copy(folder / "network.onnx", template)
        )
        yield folder / "workspace"


@pytest.fixture(scope="module")
def address(workspace: Path) -> Iterator[str]:
    app = Starlette(routes=[Mount("/web", app=live_pages())])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/web/"
    server.should_exit = True


@pytest.fixture(scope="module")
def camera(launch: Launch) -> Browser:
    return launch(*FAKE_CAMERA)


def test_the_page_of_a_training_waits_for_the_first_epoch_and_follows_each(
    workspace: Path, address: str, camera: Browser
) -> None:
    run = run_folder.create(TrainConfig("-"))
    run.set_status("running", process=os.getpid())
    page = camera.new_page()
    page.goto(f"{address}{run.id}/")
    expect(page.locator("#message")).to_contain_text("has not finished its first epoch")
    small_model(run.folder / "last", 1)
    expect(page.get_by_role("heading", name="Seed 1")).to_be_visible()
    expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()
    start_camera(page)
    expect(page.locator("#figures")).to_contain_text("threads")  # the page is isolated
    small_model(run.folder / "last", 2)
    expect(page.locator("#message")).to_contain_text("After another epoch: Dice (mean over images) 0.5200")
    expect(page.get_by_role("heading", name="Seed 2")).to_be_visible()
    before = page.locator("#figures").inner_text()
    expect(page.locator("#figures")).not_to_have_text(before)  # it goes on
    page.close()


def clip(file: Path, seconds: int) -> Path:
    """The astronaut, moving, as a video of 10 frames a second."""
    photo = Image.fromarray(read_photo(sample_bytes("Astronaut"))).resize((320, 320))
    with av.open(str(file), "w") as out:
        stream = out.add_stream("libvpx", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for i in range(10 * seconds):
            part = np.asarray(photo.crop((0, 4 * i, 320, 4 * i + 240)))
            out.mux(stream.encode(av.VideoFrame.from_ndarray(part, format="rgb24")))
        out.mux(stream.encode())
    return file


def test_a_video_file_is_segmented_and_saved_whole_in_the_browser(
    workspace: Path, address: str, camera: Browser, tmp_path: Path
) -> None:
    small_model(folders.models() / "streets", 1)
    page = camera.new_page(accept_downloads=True)
    page.goto(f"{address}streets/")
    expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()
    page.locator("#file").set_input_files(clip(tmp_path / "clip.webm", 2))
    expect(page.locator("#figures")).to_contain_text("frames/s")
    with page.expect_download() as picture:
        page.get_by_role("button", name="Take a picture").click()
    assert Image.open(picture.value.path()).size == (320, 240)
    with page.expect_download(timeout=90_000) as video:
        page.get_by_role("button", name="Save the whole video").click()
    assert video.value.suggested_filename.startswith("Seed-1.")
    with av.open(str(video.value.path())) as made:
        times = [float(frame.time) for frame in made.decode(video=0)]
    assert len(times) >= 35 and 1.5 < times[-1] < 3.0  # 25 a second, of 2 seconds
    page.close()


def test_a_page_that_follows_a_training_survives_a_connection_that_drops(
    workspace: Path, address: str, camera: Browser
) -> None:
    run = run_folder.create(TrainConfig("-"))
    run.set_status("running", process=os.getpid())
    small_model(run.folder / "last", 3)
    page = camera.new_page()
    page.goto(f"{address}{run.id}/")
    start_camera(page)
    for pattern in ("**/model.json", "**/*.onnx"):
        page.route(pattern, lambda route: route.abort())
        page.wait_for_timeout(2500)  # at least one attempt
        small_model(run.folder / "last", 4)
        page.wait_for_timeout(2500)
        page.unroute(pattern)
    expect(page.get_by_role("heading", name="Seed 4")).to_be_visible()
    expect(page.locator("#message")).to_contain_text("After another epoch: Dice (mean over images) 0.5400")
    before = page.locator("#figures").inner_text()
    expect(page.locator("#figures")).not_to_have_text(before)
    page.close()


@pytest.mark.parametrize("size", [(64, 96), (160, 320)])
def test_a_network_of_others_sees_what_python_shows_it(
    size: tuple[int, int], workspace: Path, address: str, camera: Browser, tmp_path: Path
) -> None:
    spec = OnnxSpec("", *size, scaling="max", meaning="range")
    name = f"reds-{size[0]}"
    folder = import_onnx(write_network(tmp_path / "red.onnx", (1, 3, *size)), name, spec, Task())
    page = camera.new_page()
    page.goto(f"{address}{folder.name}/")
    expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()
    predictor = Predictor(folder)
    photo = read_photo(sample_bytes("Astronaut"))
    for part in (photo[:300, :401].copy(), photo[:60, :90].copy()):
        (made,), _ = found_by(page, part, 256)
        expected = predictor.small_map(part)
        assert np.abs(np.array(made).reshape(size) - expected).max() < 1e-3
    start_camera(page)
    page.close()
