"""What somebody at a browser waits for: the page, and a 12-megapixel photo on it.

    python benchmarks/page_latency.py

Starts a server of its own, opens the Segment page in Chromium and uploads photos. Chromium works on the
same processor cores. Needs the development requirements and a Chromium.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.photo_latency import enlarged
from tests.browser.conftest import BROWSERS, FLAGS, found_browser
from tests.served import App

REPEATS = 5
PICTURE = ".pair .after"
# Measured by the page itself: Playwright looks only every 0.1 to 0.5 s.
WATCH = """([caption, picture]) => {
    let start;
    addEventListener("change", () => { start ??= performance.now(); }, { capture: true, once: true });
    const isThere = () => [...document.querySelectorAll("[data-testid=stCaptionContainer]")]
        .some((element) => element.textContent.includes(caption));
    window.shown = new Promise((done) => {
        const observer = new MutationObserver(async () => {
            if (!isThere()) return;
            observer.disconnect();
            const roots = [document, ...[...document.querySelectorAll("*")].map((e) => e.shadowRoot)];
            await roots.map((root) => root?.querySelector(picture)).find(Boolean).decode();
            requestAnimationFrame(() => done((performance.now() - start) / 1000));
        });
        observer.observe(document.body, { subtree: true, childList: true, characterData: true });
    });
}"""


def main() -> None:
    content = enlarged()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        app = App(Path(folder) / "workspace")
        app.start()
        try:
            browser = playwright.chromium.launch(executable_path=found_browser(BROWSERS), args=FLAGS)
            first = opened(browser.new_page(), app)
            pages = [opened(page := browser.new_page(), app) for _ in range(REPEATS)]
            photos = [
                uploaded(page, written(Path(folder) / f"photo-{i}.jpg", content, i))
                for i in range(REPEATS + 1)
            ]
        finally:
            app.end()
    print("| what | seconds, median | slowest |\n|---|---|---|")
    print(f"| the page, of a server that has just started | {first:.2f} | |")
    print(f"| the page, in a new tab | {statistics.median(pages):.2f} | {max(pages):.2f} |")
    timed = photos[1:]  # the first also loads modules that are imported on demand
    print(f"| a 12-megapixel JPEG, {len(content) / 1e6:.1f} MB, from choosing it to the picture "
          f"| {statistics.median(timed):.2f} | {max(timed):.2f} |")  # fmt: skip


def opened(page: Page, app: App) -> float:
    started = time.perf_counter()
    page.goto(app.url)
    wait_for_picture(page, "subject covers")
    return time.perf_counter() - started


def wait_for_picture(page: Page, caption: str) -> None:
    """The caption is the last thing that the page sends, below the picture."""
    page.wait_for_selector(f"text={caption}", timeout=60_000)
    page.locator(PICTURE).evaluate("picture => picture.decode()")


def written(file: Path, content: bytes, number: int) -> Path:
    """A file that the server has not seen: bytes behind a JPEG's end change nothing else."""
    file.write_bytes(content + bytes([number]))
    return file


def uploaded(page: Page, file: Path) -> float:
    """From the choice of the file."""
    box = page.locator("[data-testid=stFileUploaderDropzoneInput]").first
    expect(box).to_be_attached()
    remove = page.get_by_role("button", name="Remove").first
    if remove.count():
        remove.click()
        wait_for_picture(page, "astronaut.png")
    page.evaluate(WATCH, [f"{file.name} ·", PICTURE])
    box.set_input_files(file)
    return float(page.evaluate("window.shown"))


if __name__ == "__main__":
    main()
