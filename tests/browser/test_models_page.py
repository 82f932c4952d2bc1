"""The Models page in a real browser: use, rename, delete, restore, import and links."""

import dataclasses
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.models.card import is_model, read_card, write_card
from core.system.workspace import SHIPPED_MODELS
from tests.browser.test_app import settle, visit
from tests.core.models.onnx_networks import write_network
from tests.served import App

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SHIPPED = sum(is_model(folder) for folder in SHIPPED_MODELS.iterdir())


@pytest.fixture(scope="module", autouse=True)
def imported(app: App) -> None:
    """Two models of one name, after those that ship."""
    for folder, data in (("first", "cracks"), ("second", "horses")):
        target = app.workspace / "models" / folder
        shutil.copytree(SHIPPED_MODELS / "person-small", target)
        write_card(target, dataclasses.replace(read_card(target), name="Twin", data=data))


def choose(page: Page, action: str) -> Locator:
    """Open the first imported model's menu and take an action; returns its dialog."""
    page.get_by_role("button", name="More").nth(SHIPPED).click()
    page.get_by_text(action, exact=True).click()
    return page.get_by_role("dialog")


def test_a_model_is_renamed_deleted_and_restored_where_it_was(page: Page, app: App) -> None:
    visit(page, app, "models")
    expect(page.get_by_text(re.compile("^#[0-9a-f]{4}$")).first).to_be_visible()
    dialog = choose(page, "Rename and tag")
    box = dialog.get_by_role("textbox", name="Name")
    box.fill("Figure finder")
    box.press("Enter")
    expect(page.get_by_text("Figure finder").first).to_be_visible()
    expect(page.get_by_text(re.compile("^#[0-9a-f]{4}$"))).to_have_count(0)
    for restored in (True, False):
        expect(choose(page, "Delete")).to_have_accessible_name(re.compile("Delete Figure finder"))
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        choose(page, "Delete").get_by_role("button", name="Delete").click()
        undo = page.get_by_role("button", name="Undo")
        expect(undo).to_be_in_viewport()
        below = page.get_by_text("Twin", exact=True).bounding_box()
        here = undo.bounding_box()
        assert here and below and 0 < below["y"] - here["y"] < 200
        page.get_by_role("button", name="Undo" if restored else "Dismiss").click()
        expect(page.get_by_role("button", name="More")).to_have_count(SHIPPED + 1 + restored)
    page.get_by_role("button", name="Use", exact=True).nth(SHIPPED).click()
    expect(page.get_by_role("combobox", name="Model")).to_have_value(re.compile("^Twin"))


def test_escape_closes_the_export_wherever_the_focus_is(page: Page, app: App) -> None:
    visit(page, app, "models")
    page.get_by_role("button", name="Export", exact=True).first.click()
    expect(page.get_by_role("dialog")).to_have_accessible_name(re.compile("^Export "))
    settle(page)
    page.evaluate("document.activeElement.blur()")
    for _ in range(20):  # the dialog hears the key once its script has been loaded
        page.keyboard.press("Escape")
        page.wait_for_timeout(200)
        if not page.get_by_role("dialog").count():
            break
    expect(page.get_by_role("dialog")).to_have_count(0)


def upload(page: Page, name: str, content: bytes) -> Locator:
    """A file for the import dialog, which is returned."""
    page.get_by_role("button", name="Import a model").click()
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.set_input_files("[role=dialog] input[type=file]", file)  # type: ignore[arg-type]
    return page.get_by_role("dialog")


@pytest.mark.parametrize(
    ("name", "words"),
    [("model.onnx", "not a readable ONNX file"), ("model.pt2", "import its .onnx file itself")],
)
def test_a_file_that_is_no_model_is_named_and_says_what_to_import(
    page: Page, app: App, name: str, words: str
) -> None:
    visit(page, app, "models")
    expect(upload(page, name, b"nothing").get_by_text(words)).to_be_visible(timeout=30_000)


def test_an_onnx_file_of_another_program_is_previewed_imported_and_used(
    page: Page, app: App, tmp_path: Path
) -> None:
    visit(page, app, "models")
    network = write_network(tmp_path / "red.onnx").read_bytes()
    dialog = upload(page, "red.onnx", network)
    expect(dialog.get_by_text("The file does not say how it is used.")).to_be_visible(timeout=30_000)
    expect(dialog.get_by_test_id("stImage")).to_have_count(2, timeout=30_000)
    dialog.get_by_role("textbox", name="Finds").fill("red things")
    dialog.get_by_role("button", name="Import", exact=True).click()
    expect(dialog).to_have_count(0, timeout=30_000)
    card = page.get_by_text("ONNX network, ONNX")
    expect(card).to_be_visible()
    visit(page, app, "")
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="red", exact=True).click()
    expect(page.get_by_text("red finds red things.")).to_be_visible(timeout=30_000)


def test_a_link_opens_the_view_that_it_was_copied_from(page: Page, app: App) -> None:
    visit(page, app, "models")
    page.get_by_role("radio", name="Encoders").click()
    settle(page)
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    expect(page.get_by_role("radio", name="Encoders")).to_be_checked(timeout=30_000)
