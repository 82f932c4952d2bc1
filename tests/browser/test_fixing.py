"""A wrong part of a cut-out is removed with one click, and kept again, in a real browser."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.test_app import covered, settle, visit
from tests.served import App

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
HELMET = 0.75, 0.9  # of the sample photo, x and y: what the astronaut holds and is no part of a person


def downloaded_mask(page: Page) -> NDArray[np.uint8]:
    with page.expect_download() as saved:
        page.get_by_role("button", name="Mask").last.click()
    with Image.open(saved.value.path()) as opened:
        return np.asarray(opened)


def test_one_click_removes_a_part_from_every_result_and_undo_brings_it_back(page: Page, app: App) -> None:
    visit(page, app)
    expect(page.get_by_text("subject covers")).to_be_visible(timeout=60_000)
    before = covered(page)
    page.get_by_role("radio", name="Fix").click()
    canvas = page.locator(".fix canvas")
    box = canvas.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * HELMET[0], box["y"] + box["height"] * HELMET[1])
    expect(page.get_by_text("1 correction in this photo")).to_be_visible()
    settle(page)
    assert covered(page) < before - 1
    mask = downloaded_mask(page)
    assert mask[int(512 * HELMET[1]), int(512 * HELMET[0])] == 0 and mask[130, 225] == 255  # the face
    page.get_by_role("radio", name="Cut-out").click()  # every view has the correction
    settle(page)
    assert covered(page) < before - 1
    page.get_by_role("radio", name="Fix").click()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text("0 corrections in this photo")).to_be_visible()
    settle(page)
    assert covered(page) == before


def test_the_keyboard_corrects_too(page: Page, app: App) -> None:
    visit(page, app)
    page.get_by_role("radio", name="Fix").click()
    page.get_by_role("radio", name="Keep").click()
    settle(page)
    canvas = page.locator(".fix canvas")
    canvas.focus()
    for _ in range(7):
        canvas.press("Shift+ArrowLeft")
    canvas.press("Enter")
    expect(page.get_by_text("1 correction in this photo")).to_be_visible()
