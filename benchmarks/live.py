"""How fast a model runs live in a browser: python benchmarks/live.py [--model DIR] [--seconds 120]

Chromium without a display shows the page a video of real photos as its camera, once with one thread and
once with several. Prints frames a second, milliseconds of the network and of everything else, the time from
the click to the first picture, the memory of the page at the beginning and the end, requests while it runs,
and whether the camera is off after the stop. Needs `python -m core web-runtime`, a Chromium, and the real
photos in ../shared/data; the video is made from these.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from core.data.photos import read_photo
from core.export.onnx_file import save_onnx
from core.export.web_page import EXPORTED, FULL, write_page
from core.inference.predictor import Predictor
from tests.browser.conftest import BROWSERS, FLAGS, found_browser
from tests.browser.live import FAKE_CAMERA, served_folder

PHOTOS = Path(__file__).parents[2] / "shared" / "data" / "people" / "images"
FRAMES_PER_PHOTO, PHOTOS_SHOWN = 45, 6  # 30 frames a second
SIZE = (480, 640)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=Path("checkpoints/person-small"))
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place)
        predictor = Predictor(arguments.model, "cpu")
        any_size = save_onnx(predictor.network, predictor.card, folder / "model.onnx")
        write_page(folder / "web", predictor.card, not any_size, {FULL: folder / "model.onnx"})
        browser = playwright.chromium.launch(
            executable_path=found_browser(BROWSERS),
            args=[*FLAGS, *FAKE_CAMERA, f"--use-file-for-fake-video-capture={film(folder / 'film.mjpeg')}"],
        )
        index = folder / "web" / "index.html"
        exported = index.read_text("utf-8")
        for text in (exported.replace(EXPORTED, ""), exported):  # without and with headers for threads
            index.write_text(text, "utf-8")
            with served_folder(folder / "web") as address:
                page = browser.new_page(viewport={"width": 390, "height": 844})
                for line in measured(page, address, arguments.seconds):
                    print(line)
                page.close()
        browser.close()


def film(file: Path) -> Path:
    """Real photos, each drifting slowly."""
    with open(file, "wb") as out:
        for photo in sorted(PHOTOS.iterdir())[:PHOTOS_SHOWN]:
            pixels = cv2.cvtColor(read_photo(photo), cv2.COLOR_RGB2BGR)
            scale = 1.1 * max(SIZE[0] / pixels.shape[0], SIZE[1] / pixels.shape[1])
            large = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            for i in range(FRAMES_PER_PHOTO):
                top = (large.shape[0] - SIZE[0]) * i // FRAMES_PER_PHOTO
                left = (large.shape[1] - SIZE[1]) * i // FRAMES_PER_PHOTO
                shown = large[top : top + SIZE[0], left : left + SIZE[1]]
                out.write(cv2.imencode(".jpg", shown)[1].tobytes())
    return file


def measured(page: Page, address: str, seconds: float) -> Iterator[str]:
    sent: list[str] = []
    page.goto(address)
    page.locator("#camera:enabled").wait_for(timeout=120_000)
    page.on("request", lambda request: sent.append(request.url))
    start = time.perf_counter()
    page.locator("#camera").click()
    figures = page.locator("#figures")
    page.locator("#figures:not(:empty)").wait_for(timeout=60_000)
    yield f"first picture {time.perf_counter() - start:.2f} s after the click"
    page.wait_for_timeout(3000)
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    before = memory(page)
    page.wait_for_timeout(seconds * 1000)
    session.send("HeapProfiler.collectGarbage")
    yield figures.inner_text()
    yield f"memory {before:.1f} MB, {memory(page):.1f} MB after {seconds:.0f} s; {len(sent)} requests"
    page.locator("#camera").click()
    yield f"camera off after the stop: {page.locator('#camera').inner_text() == 'Start the camera'}"


def memory(page: Page) -> float:
    """MB of the page's JavaScript heap."""
    return float(page.evaluate("performance.memory.usedJSHeapSize")) / 1e6


if __name__ == "__main__":
    main()
