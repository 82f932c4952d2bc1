"""The Label page in a real browser: photos are labelled by clicks, and nothing is lost."""

import io
import re
import signal
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from core.labelling import history
from tests.browser.test_app import settle, visit
from tests.served import App

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SIZE = 160, 240  # height and width of the photos


def disc(left: int) -> bytes:
    """An orange disc of 50 pixels to each side on green, as a JPEG."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    photo = np.where((np.hypot(y - 80, x - left) < 50)[..., None], (235, 120, 30), (40, 110, 50))
    stream = io.BytesIO()
    Image.fromarray(photo.astype(np.uint8)).save(stream, "JPEG", quality=92)
    return stream.getvalue()


def start_session(page: Page, app: App) -> Path:
    """Three photos and two classes, through the form."""
    visit(page, app, "label")
    settle(page)
    files = [{"name": f"{i}.jpg", "mimeType": "image/jpeg", "buffer": disc(80 + 30 * i)} for i in range(3)]
    page.locator("input[type=file]").first.set_input_files(files)  # type: ignore[arg-type]
    expect(page.get_by_text("2.jpg")).to_be_visible()
    page.get_by_role("textbox", name="Name of the data set").fill("discs")
    page.get_by_role("textbox", name="Classes").fill("disc, rim")
    page.keyboard.press("Tab")
    settle(page)
    page.get_by_role("button", name="Start labelling").click()
    wait_for(page, "0.jpg")
    return app.workspace / "datasets" / "discs"


def wait_for(page: Page, name: str) -> None:
    """Until this photo is shown and all that was done is confirmed."""
    page.wait_for_selector(".label .stage")
    done = """(root, name) => { const s = root.state; return s && s.ready && s.id.endsWith('/' + name)
              && s.version === s.data.version && !s.pending.size && !s.encoding }"""
    for _ in range(300):
        if page.locator(".label").evaluate(done, name):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{name} is not shown, or what was done on it is not confirmed")


def place(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the photo is on the screen."""
    box = page.locator(".label .stage").bounding_box()
    left, top, scale = page.locator(".label").evaluate("r => [r.state.x, r.state.y, r.state.scale]")
    assert box
    return box["x"] + left + x * scale, box["y"] + top + y * scale


def click(page: Page, x: float, y: float, name: str, button: Literal["left", "right"] = "left") -> None:
    """Click the photo at a pixel, and wait for the mask."""
    page.mouse.click(*place(page, x, y), button=button)
    wait_for(page, name)


def brush(page: Page, y: float) -> None:
    """A stroke of the brush to the right from the middle of a row."""
    page.keyboard.press("b")
    page.mouse.move(*place(page, 120, y))
    page.mouse.down()
    page.mouse.move(*place(page, 140, y), steps=4)
    page.mouse.up()


def mask(page: Page) -> "np.ndarray":  # type: ignore[type-arg]
    return np.array(page.locator(".label").evaluate("r => [...r.state.mask]"), np.uint8).reshape(SIZE)


def test_two_photos_are_labelled_by_clicks_and_keys_and_nothing_is_lost_by_a_reload_or_a_killed_server(
    page: Page, app: App
) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    folder = start_session(page, app)
    click(page, 80, 80, "0.jpg")
    click(page, 225, 20, "0.jpg", "right")
    assert mask(page)[80, 80] == 1 and mask(page)[20, 225] == 0
    marked = len(history.read(folder / "labelling/history/0.jpg.jsonl"))
    assert marked == 3  # the mask before, and two clicks
    accept = page.locator(".label .accept").bounding_box()
    assert accept and accept["y"] + accept["height"] <= 800  # no scrolling between photo and button
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 accepted")).to_be_visible()
    saved = np.asarray(Image.open(folder / "masks" / "0.png"))
    assert saved.shape == SIZE and saved[80, 80] == 1

    expect(page.get_by_text(re.compile(r"^[12]\.jpg ·"))).to_be_visible()  # the next one
    name = page.get_by_text(re.compile(r"^[12]\.jpg ·")).inner_text().split(" ")[0]
    wait_for(page, name)
    left = 80 + 30 * int(name[0])
    page.keyboard.press("2")
    click(page, left, 80, name)
    drawn = mask(page)
    assert drawn[80, left] == 2
    page.keyboard.press("z")
    wait_for(page, name)
    page.keyboard.press("y")
    wait_for(page, name)
    assert np.array_equal(mask(page), drawn)

    page.reload()
    wait_for(page, name)
    assert np.array_equal(mask(page), drawn)
    app.process.send_signal(signal.SIGKILL)
    app.process.wait()
    brush(page, 5)
    painted = mask(page)
    assert not np.array_equal(painted, drawn)
    app.start()
    expect(page.locator(".label .status")).to_have_text("Saved", timeout=60_000)
    wait_for(page, name)
    assert np.array_equal(mask(page), painted)  # drawn while there was no server
    kept = history.read(folder / f"labelling/history/{name}.jsonl")
    assert [event.kind for event in kept][-1] is history.Kind.PAINT


def test_a_stroke_in_another_tab_is_in_the_mask_and_both_tabs_say_so(
    page: Page, browser: Browser, app: App
) -> None:
    page.goto(f"{app.url}/label?data=discs&photo=0.jpg")
    wait_for(page, "0.jpg")
    other = browser.new_page(viewport={"width": 1400, "height": 1000})
    other.goto(f"{app.url}/label?data=discs&photo=0.jpg")
    wait_for(other, "0.jpg")
    for tab, row in ((page, 5), (other, 150)):
        brush(tab, row)
        wait_for(tab, "0.jpg")
    expect(other.locator(".label .status")).to_contain_text("another tab")
    page.keyboard.press("2")
    brush(page, 30)
    wait_for(page, "0.jpg")
    expect(page.locator(".label .status")).to_contain_text("another tab")
    both = mask(page)
    assert both[5, 130] and both[150, 130] and both[30, 130] == 2
    other.close()
