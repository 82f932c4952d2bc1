"""The Data page in a real browser: import, findings and fixes, the gallery, painting."""

import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.data.dataset import open_data
from tests.browser.test_app import portrait, settle, visit
from tests.core import archives
from tests.served import App

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

# What only this way of adding a data set says.
SAYS = {"Import": "Or a folder or zip on the machine", "Paint masks": "Photos without masks"}


def add(page: Page, app: App, way: str = "Import") -> None:
    visit(page, app, "data")
    page.get_by_role("button", name="New data set").click()
    if way != "Import":
        page.get_by_role("radio", name=way).click()
    expect(page.get_by_role("button", name="Back to the data sets")).to_be_visible()
    expect(page.get_by_text(SAYS[way])).to_be_visible()  # the uploader of the way before is gone
    settle(page)


def give(page: Page, name: str, content: bytes) -> None:
    file = {"name": name, "mimeType": "application/zip", "buffer": content}
    page.locator("input[type=file]").first.set_input_files(file)  # type: ignore[arg-type]
    settle(page)


def import_zip(page: Page, app: App, name: str, content: bytes) -> Path:
    add(page, app)
    give(page, f"{name}.zip", content)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("combobox", name="Data set")).to_have_value(name)
    settle(page)
    return app.workspace / "datasets" / name


def small_zip() -> bytes:
    """Four portraits with masks, one of them of another shape and one empty."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, size in (("a", (60, 80)), ("b", (80, 60)), ("c", (30, 40)), ("d", (60, 80))):
            mask = np.full((size[1], size[0]), 255 * (name != "d"), np.uint8)
            mask[:5] = 0
            archive.writestr(f"set/images/{name}.jpg", portrait(60, 80))
            archive.writestr(f"set/masks/{name}.png", archives.picture(mask))
    return stream.getvalue()


@pytest.mark.parametrize("layout", ["kaggle", "beside", "voc", "cityscapes", "coco", "yolo"])
def test_a_layout_is_recognised_shown_and_imported(page: Page, app: App, layout: str) -> None:
    files, words = archives.layouts()[layout]
    add(page, app)
    give(page, f"{layout}.zip", archives.zipped(files).getvalue())
    expect(page.get_by_test_id("stAlert")).to_contain_text(words)
    expect(page.locator(".cell img")).to_have_count(4)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("combobox", name="Data set")).to_have_value(layout)
    expect(page.get_by_test_id("stMetric").filter(has_text="Pairs")).to_contain_text("4")
    assert len(open_data(app.workspace / "datasets" / layout).pairs) == 4


def test_names_of_classes_stay_when_another_class_is_left_out(page: Page, app: App) -> None:
    columns = (4 * np.arange(archives.WIDTH) // archives.WIDTH).astype(np.uint8)[None]
    columns = columns.repeat(archives.HEIGHT, 0)
    files = {f"images/{i}.png": archives.photo(i) for i in range(6)}
    files |= {f"masks/{i}.png": archives.picture(columns) for i in range(6)}
    add(page, app)
    give(page, "streets.zip", archives.zipped(files).getvalue())
    table = page.get_by_test_id("stDataFrame")
    for row, name in enumerate(("Sky", "Road")):
        settle(page)
        table.scroll_into_view_if_needed()
        box = table.bounding_box()
        assert box
        page.mouse.dblclick(box["x"] + 60, box["y"] + 35 * (row + 1) + 17)
        editor = page.locator("#portal textarea")  # of the cell
        expect(editor).to_be_focused()
        editor.fill(name)
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("stHtml").filter(has_text=name)).to_be_visible()
        settle(page)
    page.get_by_role("combobox", name="Classes to keep").click()
    page.keyboard.press("Backspace")
    page.keyboard.press("Escape")
    expect(page.get_by_text("class 3")).to_have_count(0)
    settle(page)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("combobox", name="Data set")).to_have_value("streets")
    task = open_data(app.workspace / "datasets" / "streets").encoding.task
    assert task.classes == ("Sky", "Road", "class 2")


@pytest.mark.parametrize("attack", ["climbs out", "no pairs", "no zip"])
def test_a_zip_that_cannot_be_imported_is_one_sentence_and_leaves_nothing(
    page: Page, app: App, attack: str
) -> None:
    before = sorted(p.name for p in (app.workspace / "datasets").iterdir())
    content = {
        "climbs out": archives.zipped({"../../evil.jpg": b"x"}).getvalue(),
        "no pairs": archives.zipped({"notes.jpg": b"x"}).getvalue(),
        "no zip": b"hello" * 100,
    }[attack]
    add(page, app)
    give(page, "pile.zip", content)
    expect(page.get_by_test_id("stAlert")).to_contain_text("pile.zip")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert sorted(p.name for p in (app.workspace / "datasets").iterdir()) == before


@pytest.mark.parametrize(("name", "pairs"), [("people", 290), ("pedestrians", 170), ("camvid", 88)])
def test_real_data_is_imported_from_its_folder(
    page: Page, app: App, shared_data: Path, name: str, pairs: int
) -> None:
    add(page, app)
    page.get_by_label("Or a folder or zip on the machine").fill(str(shared_data / name))
    page.keyboard.press("Enter")
    expect(page.locator(".cell img")).to_have_count(5)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("combobox", name="Data set")).to_have_value(name, timeout=60_000)
    expect(page.get_by_test_id("stMetric").filter(has_text="Pairs")).to_contain_text(str(pairs))


def test_photos_without_masks_are_painted_or_labelled_without_another_upload(
    page: Page, app: App, shared_data: Path
) -> None:
    add(page, app)
    page.get_by_label("Or a folder or zip on the machine").fill(str(shared_data / "backgrounds"))
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stAlert")).to_contain_text(
        "no masks that go with photos. Make them by clicks"
    )
    page.get_by_role("button", name="Paint masks").click()
    expect(page.get_by_role("combobox", name="Data set")).to_have_value("backgrounds")
    expect(page.get_by_text("0 of 100 photos have a mask")).to_be_visible()
    expect(page.locator(".painter .stage")).to_be_visible()

    add(page, app)
    page.get_by_label("Or a folder or zip on the machine").fill(str(shared_data / "backgrounds"))
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Name of the data set").fill("to label")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Label by clicks").click()
    expect(page.get_by_role("heading", name="Label photos")).to_be_visible()
    expect(page.get_by_role("combobox", name="Data set")).to_have_value("to label")
    expect(page.locator(".label .stage")).to_be_visible()


def test_findings_are_shown_answered_and_taken_back(page: Page, app: App) -> None:
    folder = import_zip(page, app, "portraits", small_zip())
    page.get_by_role("radio", name=re.compile("Findings")).click()
    expect(page.get_by_text("Photo and mask differ in shape")).to_be_visible()
    card = page.get_by_test_id("stVerticalBlock").filter(has_text="Empty masks").last
    card.get_by_role("button", name="Show all").click()
    page.get_by_role("button", name="Exclude 1 photo").click()
    expect(page.get_by_text("Changed: Excluded d.jpg")).to_be_visible()
    assert json.loads((folder / "dataset.json").read_text())["left_out"] == ["d.jpg"]
    page.get_by_role("button", name="Undo the last change").click()
    expect(page.get_by_text("Changed: Excluded")).to_have_count(0)
    assert "left_out" not in json.loads((folder / "dataset.json").read_text())


def test_a_picture_opens_large_with_its_mask_in_four_ways(page: Page, app: App) -> None:
    visit(page, app, "data")
    page.get_by_role("button", name="Open scene_000.jpg").click()
    stage = page.get_by_role("dialog").locator(".stage")
    expect(stage.locator(".photo")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Mask", exact=True).click()
    expect(stage.locator(".photo")).to_be_hidden()
    before = stage.locator(".sheet").get_attribute("style")
    page.get_by_role("button", name="Zoom in").click()
    assert stage.locator(".sheet").get_attribute("style") != before


def test_the_gallery_filters_by_part_and_name(page: Page, app: App) -> None:
    visit(page, app, "data")
    expect(page.locator(".cell")).to_have_count(24)
    page.get_by_role("button", name="Filter").click()
    page.get_by_label("Name contains").fill("scene_12")
    page.keyboard.press("Enter")
    expect(page.locator(".cell")).to_have_count(10)


def test_photos_can_be_split_anew_with_a_test_part(page: Page, app: App) -> None:
    folder = import_zip(page, app, "splitme", archives.zipped(archives.layouts(10)["folders"][0]).getvalue())
    page.get_by_role("radio", name="Split").click()
    page.get_by_role("radio", name="Balanced foreground").click()
    slider = page.get_by_role("slider", name="Test, %")
    slider.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    settle(page)
    page.get_by_role("button", name="Re-split").click()
    expect(page.get_by_text("balanced foreground, 20 % for validation, 20 % for test")).to_be_visible()
    split = open_data(folder).split
    assert (len(split.validation), len(split.test)) == (2, 2)
