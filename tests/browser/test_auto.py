"""Preset Auto in a real browser: a landscape data set from its import to Compare."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from core.runs import run_folder
from tests.browser.test_app import settle
from tests.browser.test_data_page import import_zip
from tests.served import App

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]


def discs(count: int = 16) -> bytes:
    """Photos of 96x64 with a bright disc, and their masks, in a zip."""
    stream, rng = io.BytesIO(), np.random.default_rng(0)
    y, x = np.mgrid[0:64, 0:96]
    with zipfile.ZipFile(stream, "w") as archive:
        for i in range(count):
            mask = (y - rng.integers(16, 48)) ** 2 + (x - rng.integers(16, 80)) ** 2 < 14**2
            photo = np.clip(90 + 120 * mask + rng.normal(0, 12, mask.shape), 0, 255).astype(np.uint8)
            for part, picture in (("images", photo), ("masks", mask.astype(np.uint8) * 255)):
                file = io.BytesIO()
                Image.fromarray(np.asarray(picture, np.uint8)).save(file, "PNG")
                archive.writestr(f"{part}/{i:02d}.png", file.getvalue())
    return stream.getvalue()


def test_a_landscape_data_set_is_planned_trained_and_compared(
    page: Page, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_STUDIO_WORKSPACE", str(app.workspace))
    import_zip(page, app, "discs", discs())
    page.get_by_role("link", name="Train", exact=True).click()
    expect(page.get_by_text("96 x 64 px, in the shape of the photos")).to_be_visible(timeout=90_000)
    minutes = page.get_by_role("spinbutton", name="Minutes")
    minutes.fill("0.2")
    minutes.press("Enter")
    expect(page.get_by_text("0.2 minutes, about")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text("Finished", exact=True).first).to_be_visible(timeout=300_000)
    (run,) = run_folder.list_runs()
    assert (run.config.preset, run.config.height, run.config.width) == ("Auto", 64, 96)
    assert any("96 x 64 px" in sentence for sentence in run.plan["sentences"])
    page.get_by_role("button", name="Compare with the ground truth").click()
    expect(page.locator(".row img").first).to_be_visible(timeout=60_000)
