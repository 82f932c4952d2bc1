"""Take the README's pictures from the real app: python docs/screenshots.py

Starts the app on a workspace of its own, trains *Quick look* on the built-in data through the page,
and photographs each page. Needs the development requirements and a Chromium.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browser.conftest import BROWSERS, FLAGS, App, found_browser

TARGET = Path(__file__).parent / "images"


def main() -> None:
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        app = App(Path(folder) / "workspace")
        app.start()
        try:
            browser = playwright.chromium.launch(executable_path=found_browser(BROWSERS), args=FLAGS)
            photograph(browser.new_page(viewport={"width": 1280, "height": 860}), app)
        finally:
            app.end()


def photograph(page: Page, app: App) -> None:
    page.goto(app.url)
    expect(page.get_by_text("subject covers")).to_be_visible(timeout=60_000)
    save(page, "segment")
    page.goto(f"{app.url}/train")
    page.get_by_role("button", name="Start training").click(timeout=60_000)
    expect(page.get_by_text("after epoch 4")).to_be_visible(timeout=400_000)
    save(page, "train", height=1250)
    expect(page.get_by_text("Finished")).to_be_visible(timeout=400_000)
    page.get_by_role("button", name="Compare with the ground truth").click()
    expect(page.locator(".row")).to_have_count(6, timeout=60_000)
    save(page, "compare", height=1100)
    for name in ("data", "models", "metrics"):
        page.goto(f"{app.url}/{name}")
        expect(page.locator("h1")).to_be_visible()
        save(page, name)


def save(page: Page, name: str, height: int = 860) -> None:
    page.set_viewport_size({"width": 1280, "height": height})
    page.wait_for_timeout(3000)
    page.screenshot(path=TARGET / f"{name}.png")
    page.set_viewport_size({"width": 1280, "height": 860})


if __name__ == "__main__":
    main()
