"""A wrong part of a cut-out is removed with one click, and kept again, in a real browser."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

from core.data.photos import read_photo
from core.inference.predictor import Predictor
from core.models import registry
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


def test_a_horse_is_cut_out_by_default_and_loses_a_wrong_part_by_one_click(
    page: Page, app: App, shared_data: Path
) -> None:
    photo, truth, (x, y) = horse_with_a_wrong_part(shared_data)
    visit(page, app)
    page.locator("input[type=file]").set_input_files(photo)
    expect(page.get_by_text(f"{photo.name} · ")).to_be_visible(timeout=60_000)
    settle(page)
    before = dice(downloaded_mask(page) > 0, truth)
    assert before > 0.8
    page.get_by_role("radio", name="Fix").click()
    box = page.locator(".fix canvas").bounding_box()
    assert box
    height, width = truth.shape
    page.mouse.click(box["x"] + box["width"] * x / width, box["y"] + box["height"] * y / height)
    expect(page.get_by_text("1 correction in this photo")).to_be_visible()
    settle(page)
    mask = downloaded_mask(page) > 0
    assert not mask[y, x] and dice(mask, truth) > before


def horse_with_a_wrong_part(shared_data: Path) -> tuple[Path, NDArray[np.bool_], tuple[int, int]]:
    """Of horses that no model was trained on: the one with the widest part that is no horse, its true
    mask, and the (x, y) in the middle of that part."""
    predictor = Predictor(registry.list_models()[0].folder, "cpu")
    widest: tuple[float, Path, NDArray[np.bool_], tuple[int, int]] | None = None
    for path in sorted((shared_data / "animals" / "images").glob("horse_*"))[-12:]:
        photo = read_photo(path)
        with Image.open(path.parents[1] / "masks" / f"{path.stem}.png") as opened:
            truth = np.asarray(opened.convert("L").resize(photo.shape[1::-1], Image.Resampling.NEAREST)) > 127
        wrong = (predictor(photo) >= predictor.card.threshold) & ~truth
        depth = cv2.distanceTransform(wrong.astype(np.uint8), cv2.DIST_L2, 5)
        y, x = (int(value) for value in np.unravel_index(depth.argmax(), depth.shape))
        if widest is None or depth.max() > widest[0]:
            widest = float(depth.max()), path, truth, (x, y)
    assert widest
    return widest[1:]


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return 2 * int((found & truth).sum()) / (int(found.sum()) + int(truth.sum()))


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
