"""The painter of the Data page in a real browser: strokes are saved by themselves, and all is in reach."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from core.data import demo
from core.data.dataset import open_data
from core.data.store import read_pair
from tests.browser.test_app import portrait, settle, visit
from tests.browser.test_data_page import add
from tests.served import App

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module", autouse=True)
def few_drawn_people(app: App) -> None:
    list(demo.generate(app.workspace / "datasets" / demo.NAME, pairs=10))


def open_painter(page: Page, app: App, photos: int) -> Path:
    """A new data set with so many photos of 300x200 and 300x201 and so on, with the painter open."""
    add(page, app, "Paint masks")
    name = f"painted{photos}"
    files = [
        {"name": f"{i}.jpg", "mimeType": "image/jpeg", "buffer": portrait(300, 200 + i)}
        for i in range(photos)
    ]
    page.locator("input[type=file]").first.set_input_files(files)  # type: ignore[arg-type]
    expect(page.get_by_text(f"{photos - 1}.jpg")).to_be_visible()
    settle(page)
    page.get_by_label("Name of the data set").fill(name)
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Start painting").click()
    expect(page.get_by_text(f"0 of {photos} photos have a mask")).to_be_visible()
    settle(page)
    return app.workspace / "datasets" / name


def stroke(page: Page, height: float = 0.5) -> None:
    """From left to right across the photo, at this share of the canvas's height."""
    box = page.locator(".painter .stage").bounding_box()
    assert box
    y = box["y"] + box["height"] * height
    page.mouse.move(box["x"] + box["width"] * 0.3, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, y, steps=10)
    page.mouse.up()


def painted_pixels(page: Page) -> int:
    return int(page.locator(".painter").evaluate("root => root.state.mask.reduce((n, v) => n + v, 0)"))


def wait_for_photo(page: Page, name: str) -> None:
    """Until the painter shows this photo: it decodes it after the page's script has ended."""
    for _ in range(100):
        is_shown = "(root, name) => root.state.ready && root.state.id.endsWith('/' + name)"
        if page.locator(".painter").evaluate(is_shown, name):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{name} is not shown")


def mask_of(path: Path) -> "np.ndarray":  # type: ignore[type-arg]
    """The mask file, once it is there."""
    for _ in range(100):
        if path.is_file():
            return np.asarray(Image.open(path))
        time.sleep(0.1)
    raise AssertionError(f"{path} was not written")


def test_strokes_are_saved_when_another_photo_is_chosen_and_are_the_same_to_the_pixel(
    page: Page, app: App
) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    folder = open_painter(page, app, 3)
    stage, status = page.locator(".painter .stage"), page.locator(".painter .status")
    box = stage.bounding_box()
    assert box and box["y"] + box["height"] <= 720  # no scrolling between tools and photo
    stroke(page)
    page.get_by_role("button", name="Next", exact=True).click()  # at once, without saving
    expect(page.get_by_text("1 of 3 photos have a mask")).to_be_visible()
    first = mask_of(folder / "masks" / "0.png")
    assert first.shape == (200, 300) and set(np.unique(first)) == {0, 255}
    assert first[100, 120:180].all() and not first[:20].any()  # the stroke goes across the middle

    expect(page.get_by_role("combobox", name="Photo")).to_have_value("1.jpg")
    settle(page)
    wait_for_photo(page, "1.jpg")
    assert painted_pixels(page) == 0  # the stroke is not on the next photo
    page.set_viewport_size({"width": 1000, "height": 720})
    page.set_viewport_size({"width": 1280, "height": 720})
    stroke(page)
    expect(status).to_have_text("Saved")  # by itself
    expect(page.get_by_role("radio", name="Paint")).to_be_checked()  # two masks make a data set
    expect(page.get_by_text("2 of 3 photos have a mask")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Save and next").click()
    expect(page.get_by_role("combobox", name="Photo")).to_have_value("2.jpg")
    settle(page)
    wait_for_photo(page, "2.jpg")
    left, top, scale = page.locator(".painter").evaluate("r => [r.state.x, r.state.y, r.state.scale]")
    box = stage.bounding_box()
    assert box and abs(2 * left + 300 * scale - box["width"]) < 2  # centred after the resize
    assert abs(2 * top + 202 * scale - box["height"]) < 2

    page.get_by_role("button", name="Previous").click()
    page.get_by_role("button", name="Previous").click()
    expect(page.get_by_role("combobox", name="Photo")).to_have_value("0.jpg")
    settle(page)
    wait_for_photo(page, "0.jpg")
    page.get_by_role("button", name="Save and next").click()
    expect(page.get_by_role("combobox", name="Photo")).to_have_value("2.jpg")  # the one without a mask
    assert np.array_equal(first, mask_of(folder / "masks" / "0.png"))
    data = open_data(folder)
    assert np.array_equal(read_pair(data.pairs[0], data.encoding)[1], first // 255)


def test_a_polygon_is_filled_undone_and_redone_by_mouse_and_keyboard_and_only_ctrl_zooms(
    page: Page, app: App
) -> None:
    visit(page, app, "data")
    page.get_by_role("radio", name="Paint").click()
    settle(page)
    stage = page.locator(".painter .stage")
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Polygon").click()
    box = stage.bounding_box()
    assert box
    for x, y in ((0.45, 0.3), (0.55, 0.3), (0.5, 0.6)):
        page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    stage.press("Enter")
    filled = painted_pixels(page)
    assert filled > 50
    page.get_by_role("button", name="Undo", exact=True).click()
    assert painted_pixels(page) == 0
    page.keyboard.press("Control+Z")  # the focus is on the button now
    assert painted_pixels(page) > filled  # what Clear had cleared
    page.get_by_role("button", name="Redo", exact=True).click()
    page.keyboard.press("Control+Y")
    assert painted_pixels(page) == filled

    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    before = page.locator(".painter").evaluate("root => root.state.scale")
    page.mouse.wheel(0, -120)
    page.wait_for_timeout(200)
    assert page.locator(".painter").evaluate("root => root.state.scale") == before
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    page.wait_for_timeout(200)
    assert page.locator(".painter").evaluate("root => root.state.scale") > before

    page.set_viewport_size({"width": 390, "height": 844})
    settle(page)
    tools, photo = page.locator(".painter .bar").bounding_box(), stage.bounding_box()
    assert tools and photo and photo["y"] < tools["y"]  # the photo first on a phone
