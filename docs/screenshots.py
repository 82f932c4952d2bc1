"""Photograph the real app: python docs/screenshots.py

Without arguments, it makes the README's images in docs/images: the app starts on a workspace of its own and
trains the preset *Quick look* on the built-in data through the page. The training is filmed
(training.webp), and each page is photographed.

    python docs/screenshots.py --all DIR [--workspace DIR] [--pages segment,train]

photographs every page and view at three widths in both themes, to be looked at one by one after a
change of layout. `--workspace` keeps the trained model between calls, so that the next call takes
seconds. Needs the development requirements and a Chromium.
"""

import argparse
import contextlib
import io
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browser.conftest import BROWSERS, FLAGS, found_browser
from tests.served import App

TARGET = Path(__file__).parent / "images"
PATIENCE = 180_000  # milliseconds
FILM: ViewportSize = {"width": 1280, "height": 1180}
FILM_WIDTH, FILM_SECONDS, FILM_FRAMES = 1000, 8, 48
LONGEST_TRAINING = 1800  # seconds
SIZES = {"wide": (1440, 900), "laptop": (1280, 720), "phone": (390, 844)}
VIEWS = {  # what stands behind a segmented control is photographed too
    "segment": ["Camera", "Video", "Samples", "Overlay", "Count"],
    "data": ["Findings", "Split", "Augmentation", "Paint", "Export"],
    "label": ["All photos"],
    "compare": ["Scores", "Models", "Runs", "Groups"],
    "models": ["Leaderboard", "Encoders"],
}


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        app = App(arguments.workspace or Path(folder) / "workspace")
        app.start()
        try:
            browser = playwright.chromium.launch(executable_path=found_browser(BROWSERS), args=FLAGS)
            if arguments.all:
                photograph_all(browser, app, arguments.all, arguments.pages.split(","))
            else:
                TARGET.mkdir(exist_ok=True)
                photograph(browser.new_page(viewport={"width": 1280, "height": 860}), app)
        finally:
            app.end()


def _arguments() -> argparse.Namespace:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--all", type=Path, metavar="DIR", help="every page, width and theme, into DIR")
    parser.add_argument("--workspace", type=Path, help="keep the app's workspace here between calls")
    parser.add_argument(
        "--pages", default="segment,live,train,data,label,compare,models,metrics,machine", help="with --all"
    )
    return parser.parse_args()


def photograph(page: Page, app: App) -> None:
    """The README's images: a training is started and filmed, then every page is photographed at 1280 px."""
    page.set_default_timeout(PATIENCE)
    page.goto(app.url)
    expect(page.get_by_text("subject covers")).to_be_visible(timeout=PATIENCE)
    save(page, "segment")
    page.set_viewport_size(FILM)
    page.goto(f"{app.url}/train")
    page.get_by_role("combobox", name="Preset").click()
    page.get_by_role("option", name="Quick look").click()
    page.get_by_role("button", name="Start training").click()
    frames = filmed(page)
    (TARGET / "train.png").write_bytes(frames[len(frames) * 3 // 4])
    write_film(frames, TARGET / "training.webp")
    page.get_by_role("button", name="Compare with the ground truth").click()
    expect(page.locator(".row")).to_have_count(6, timeout=PATIENCE)
    save(page, "compare", height=1100)
    for name in ("data", "models", "metrics"):
        page.goto(f"{app.url}/{name}")
        expect(page.locator("h1")).to_be_visible(timeout=PATIENCE)
        save(page, name)


def filmed(page: Page) -> list[bytes]:
    """Screenshots of a training (PNG), one a second, until it has finished."""
    expect(page.get_by_role("button", name="Stop")).to_be_visible(timeout=PATIENCE)
    frames = []
    end = time.monotonic() + LONGEST_TRAINING
    while not page.get_by_text("Finished", exact=True).first.is_visible():
        if time.monotonic() > end:
            raise TimeoutError(f"The training took longer than {LONGEST_TRAINING} s.")
        frames.append(page.screenshot())
        page.wait_for_timeout(1000)
    page.wait_for_timeout(3000)
    return [*frames, page.screenshot()]


def write_film(frames: list[bytes], path: Path) -> None:
    """An animated WebP of FILM_SECONDS from evenly spaced frames; the last one stays longest."""
    count = min(len(frames), FILM_FRAMES)
    chosen = [frames[round(i * (len(frames) - 1) / max(1, count - 1))] for i in range(count)]
    width, height = FILM_WIDTH, FILM["height"] * FILM_WIDTH // FILM["width"]
    images = [
        Image.open(io.BytesIO(frame)).convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
        for frame in chosen
    ]
    durations = [int(1000 * (FILM_SECONDS - 2) / count)] * (count - 1) + [2000]
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=durations, loop=0, quality=60, method=4,
        minimize_size=True,
    )  # fmt: skip


def save(page: Page, name: str, height: int = 860) -> None:
    page.set_viewport_size({"width": 1280, "height": height})
    page.wait_for_timeout(3000)
    page.screenshot(path=TARGET / f"{name}.png")
    page.set_viewport_size({"width": 1280, "height": 860})


def photograph_all(browser: Browser, app: App, target: Path, pages: list[str]) -> None:
    """Every page and view, at three widths, light and dark; the whole page, not only what fits the window."""
    target.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        for size, (width, height) in SIZES.items():
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme, has_touch=size == "phone"
            )
            page = context.new_page()
            for name in pages:
                page.goto(f"{app.url}/{name if name != 'segment' else ''}")
                expect(page.locator("h1").first).to_be_visible(timeout=60_000)
                whole(page, target / f"{name}-{size}-{theme}.png", height)
                for view in VIEWS.get(name, []):
                    page.get_by_test_id("stButtonGroup").get_by_text(view, exact=True).first.click()
                    whole(page, target / f"{name}-{view.lower()}-{size}-{theme}.png", height)
            context.close()


def whole(page: Page, path: Path, height: int) -> None:
    """The page as long as it is: Streamlit scrolls inside a block, so the window grows to hold it."""
    page.wait_for_timeout(2500)
    with contextlib.suppress(AssertionError):  # a running training redraws for ever
        expect(page.get_by_test_id("stStatusWidget")).to_have_count(0, timeout=15_000)
    inside = page.evaluate("document.querySelector('[data-testid=stMain]')?.scrollHeight ?? 0")
    size = page.viewport_size or {"width": 1280, "height": height}
    page.set_viewport_size({"width": size["width"], "height": min(max(height, inside), 4000)})
    page.wait_for_timeout(500)
    page.screenshot(path=path)
    page.set_viewport_size({"width": size["width"], "height": height})


if __name__ == "__main__":
    main()
