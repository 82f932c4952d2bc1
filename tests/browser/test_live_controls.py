"""What a person does on a page that runs a model: changes of mind, recordings, and odd files."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, Download, Page, expect

from core.export.web_page import write_page
from tests.browser.conftest import Launch
from tests.browser.live import (
    FAKE_CAMERA,
    camera_clip,
    onnx_of,
    runtime_or_skip,
    served_folder,
    small_model,
    start_camera,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
TWO_CAMERAS = ["--use-fake-device-for-media-stream=device-count=2", FAKE_CAMERA[1]]
# Every track that the page asked for, so that a camera that nobody turns off is seen.
KEEP_TRACKS = """
window.tracks = [];
const asked = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await asked(wanted);
  window.tracks.push(...stream.getTracks());
  return stream;
};
"""
LIVE_TRACKS = "() => window.tracks.filter((track) => track.readyState === 'live').length"
SHOWN = "() => document.getElementById('picture').toDataURL()"
# As in Firefox, where the stream has what other browsers' tracks have.
ASK_THE_STREAM = """
const ask = CanvasCaptureMediaStreamTrack.prototype.requestFrame;
delete CanvasCaptureMediaStreamTrack.prototype.requestFrame;
MediaStream.prototype.requestFrame = function () { ask.call(this.getVideoTracks()[0]); };
"""
OUT_OF_SIGHT = """(hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an exported page."""
    folder = tmp_path_factory.mktemp("controls")
    network, card = small_model()
    with pytest.MonkeyPatch.context() as patch:
        runtime_or_skip(folder / "workspace", patch)
        write_page(folder / "web", card, False, {"full": onnx_of(network, card, folder / "model.onnx")})
    with served_folder(folder / "web") as address:
        yield address


@pytest.fixture(scope="module")
def browser(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Browser:
    """With one camera, which shows a film."""
    clip = camera_clip(tmp_path_factory.mktemp("camera") / "clip.mjpeg")
    return launch(*FAKE_CAMERA, f"--use-file-for-fake-video-capture={clip}")


@pytest.fixture
def page(browser: Browser, exported: str) -> Iterator[Page]:
    page = browser.new_page(accept_downloads=True)
    yield opened(page, exported)
    page.close()


def opened(page: Page, address: str) -> Page:
    page.add_init_script(KEEP_TRACKS)
    page.goto(address)
    expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()
    return page


def seconds_of(download: Download) -> tuple[float, int]:
    """The time of the last frame of a video, and the number of its frames."""
    with av.open(str(download.path())) as film:
        times = [float(frame.time or 0) for frame in film.decode(video=0)]
    return times[-1], len(times)


def recorded(page: Page, seconds: float) -> Download:
    page.get_by_role("button", name="Record").click()
    page.wait_for_timeout(seconds * 1000)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Stop and save").click()
    return saved.value


def test_an_impatient_double_click_leaves_one_camera_on_and_the_stop_turns_it_off(page: Page) -> None:
    page.evaluate(
        "() => { const camera = document.getElementById('camera'); camera.click(); camera.click(); }"
    )
    expect(page.locator("#figures")).to_contain_text("frames/s")
    page.wait_for_timeout(500)
    assert page.evaluate("window.tracks.length") == 2 and page.evaluate(LIVE_TRACKS) == 1
    page.get_by_role("button", name="Stop the camera").click()
    assert page.evaluate(LIVE_TRACKS) == 0


def test_a_recording_plays_and_is_saved_when_the_camera_is_stopped_before_it(page: Page) -> None:
    start_camera(page)
    length, frames = seconds_of(recorded(page, 2))
    assert 1.2 < length < 4 and frames > 8
    page.get_by_role("button", name="Record").click()
    page.wait_for_timeout(1500)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Stop the camera").click()
    assert seconds_of(saved.value)[0] > 0.8
    start_camera(page)
    expect(page.get_by_role("button", name="Record")).to_be_visible()


def test_a_video_that_does_not_say_its_length_is_segmented_whole(page: Page, tmp_path: Path) -> None:
    page.locator("#file").set_input_files(clip(tmp_path / "live.webm", 2, live="1"))
    expect(page.locator("#figures")).to_contain_text("frames/s")
    with page.expect_download(timeout=60_000) as saved:
        page.get_by_role("button", name="Save the whole video").click()
    length, frames = seconds_of(saved.value)
    assert 1 < length < 3 and frames > 35


def test_a_video_is_segmented_whole_where_frames_are_asked_of_the_stream(
    page: Page, exported: str, tmp_path: Path
) -> None:
    page.add_init_script(ASK_THE_STREAM)
    opened(page, exported)
    page.locator("#file").set_input_files(clip(tmp_path / "clip.webm", 1))
    expect(page.locator("#figures")).to_contain_text("frames/s")
    with page.expect_download(timeout=15_000) as saved:
        page.get_by_role("button", name="Save the whole video").click()
    assert seconds_of(saved.value)[1] > 15


def test_another_source_ends_the_saving_of_a_video_and_it_can_be_saved_later(
    page: Page, tmp_path: Path
) -> None:
    saved: list[Download] = []

    def keep(download: Download) -> None:
        saved.append(download)

    page.on("download", keep)
    page.locator("#file").set_input_files(clip(tmp_path / "clip.webm", 6))
    expect(page.locator("#figures")).to_contain_text("frames/s")
    page.get_by_role("button", name="Save the whole video").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Start the camera").click()
    expect(page.get_by_role("button", name="Stop the camera")).to_be_visible()
    page.wait_for_function("() => document.getElementById('picture').width === 640")  # the camera's
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    first = page.evaluate(SHOWN)
    page.wait_for_function(f"first => ({SHOWN})() !== first", arg=first)  # the camera's picture goes on
    assert page.locator("#message").inner_text() == ""
    page.locator("#file").set_input_files(clip(tmp_path / "short.webm", 1))
    with page.expect_download(timeout=60_000):
        page.get_by_role("button", name="Save the whole video").click()
    (only,) = saved
    length, frames = seconds_of(only)
    assert length < 1.6 and frames > 15


def test_a_file_of_sound_alone_and_one_that_is_no_video_are_one_sentence(page: Page, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    for file in (sound(tmp_path / "sound.webm"), tmp_path / "text.mp4"):
        start_camera(page)
        page.locator("#file").set_input_files(file)
        expect(page.locator("#message.failed")).to_contain_text("cannot play the file as a video")
        expect(page.get_by_role("button", name="Start the camera")).to_be_visible()
        expect(page.get_by_role("button", name="Take a picture")).to_be_hidden()
        assert page.evaluate(LIVE_TRACKS) == 0


def test_a_background_that_is_no_picture_is_one_sentence(page: Page, tmp_path: Path) -> None:
    (tmp_path / "backdrop.png").write_text("no picture")
    start_camera(page)
    page.locator("[value=background]").check(force=True)
    page.locator("#backdrop").set_input_files(tmp_path / "backdrop.png")
    expect(page.locator("#message.failed")).to_contain_text("cannot read the file as a picture")


def test_the_cameras_of_a_device_take_turns(launch: Launch, exported: str) -> None:
    page = opened(launch(*TWO_CAMERAS).new_page(), exported)
    start_camera(page)
    first = page.evaluate("window.tracks.at(-1).label")
    for same in (False, True):
        page.get_by_role("button", name="Switch camera").click()
        page.wait_for_function("([first, same]) => (window.tracks.at(-1).label === first) === same",
                               arg=[first, same])  # fmt: skip
        expect(page.locator("#figures")).to_contain_text("frames/s")
        assert page.evaluate(LIVE_TRACKS) == 1


def test_the_camera_is_off_while_the_page_is_out_of_sight_and_the_same_one_comes_back(
    launch: Launch, exported: str
) -> None:
    page = opened(launch(*TWO_CAMERAS).new_page(accept_downloads=True), exported)
    start_camera(page)
    page.get_by_role("button", name="Switch camera").click()
    page.wait_for_function("() => window.tracks.length === 2")
    second = page.evaluate("window.tracks.at(-1).label")
    page.get_by_role("button", name="Record").click()
    page.wait_for_timeout(1500)
    with page.expect_download() as saved:
        page.evaluate(OUT_OF_SIGHT, True)
    assert page.evaluate(LIVE_TRACKS) == 0 and seconds_of(saved.value)[0] > 0.8
    page.evaluate(OUT_OF_SIGHT, False)
    expect(page.locator("#figures")).to_contain_text("frames/s")
    assert page.evaluate("window.tracks.at(-1).label") == second and page.evaluate(LIVE_TRACKS) == 1


def test_a_frame_as_tall_as_its_page_neither_scrolls_nor_hides_what_is_behind_it(
    page: Page, exported: str
) -> None:
    page.set_viewport_size({"width": 390, "height": 300})
    page.goto(f"{exported}?theme=dark")
    expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()
    scrolled, body = page.evaluate("[document.documentElement.scrollHeight, document.body.offsetHeight]")
    assert scrolled == body > 300
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"


def clip(file: Path, seconds: int, **options: str) -> Path:
    """Noise, as a video of 10 frames a second; `options` are those of FFmpeg's muxer."""
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    with av.open(str(file), "w", options=options) as out:
        stream = out.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 80, 60, "yuv420p"
        for i in range(10 * seconds):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(noise, i, axis=1), format="rgb24")))
        out.mux(stream.encode())
    return file


def sound(file: Path) -> Path:
    """A second of silence."""
    with av.open(str(file), "w") as out:
        stream = out.add_stream("libopus", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.int16), format="s16", layout="mono")
        frame.rate = 48_000
        for part in (frame, None):
            out.mux(stream.encode(part))
    return file
